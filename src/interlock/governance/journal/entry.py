"""What is recorded: an entry as it is given, its bytes as they are hashed, and the receipt."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from interlock.governance.journal.errors import EntryInvalid
from interlock.values.digests import canonical

SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened.

    *kind* is what (`action.decided`), *subject* the id of what it is about, *actor* the name of the principal.
    *body* is hashed into the chain for ever: ids, states, rule ids, digests, counts, never personal data or
    secrets. *fields* are personal or confidential values (input, output, words); they are stored apart, only
    their salted digests are hashed, so each can be erased later. Both hold JSON values.
    """

    kind: str
    tenant: str
    subject: str
    session: str = ""
    actor: str = ""
    body: Mapping[str, Any] = field(default_factory=dict)
    fields: Mapping[str, Any] = field(default_factory=dict)


class Receipt(NamedTuple):
    """Where an entry stands: its chain, its number in it from 1, the moment (RFC 3339), its hash in hex."""

    chain: str
    seq: int
    at: str
    hash: str


class Encoded(NamedTuple):
    """An entry ready to be put at the end of a chain: its columns, its canonical JSON, its payload."""

    kind: str
    tenant: str
    subject: str
    session: str
    actor: str
    text: bytes
    payload: str | None


class Salts:
    """Random bytes, asked of the operating system many at a time."""

    __slots__ = ("_at", "_pool")

    def __init__(self) -> None:
        self._pool = b""
        self._at = 0

    def __call__(self) -> bytes:
        """Return salt that was never returned before."""
        at = self._at
        if at >= len(self._pool):
            self._pool = os.urandom(SALT_BYTES * 256)
            at = 0
        self._at = at + SALT_BYTES
        return self._pool[at : self._at]


def encode(entry: Entry, salt: Callable[[], bytes]) -> Encoded:
    """Return *entry* as it will be hashed and stored. Raises `EntryInvalid`."""
    kind, tenant, subject, session, actor = entry.kind, entry.tenant, entry.subject, entry.session, entry.actor
    body = entry.body
    try:
        digests, payload = _apart(entry.fields, salt) if entry.fields else (None, None)
        text = orjson.dumps(
            {
                "actor": actor,
                "body": body if type(body) is dict else dict(body),
                "fields": digests or {},
                "kind": kind,
                "session": session,
                "subject": subject,
                "tenant": tenant,
            },
            option=orjson.OPT_SORT_KEYS,
        )
    except TypeError as error:  # names types, never values
        raise EntryInvalid(
            f"an entry of kind {kind} cannot be written as JSON", why=str(error), fix="give it JSON values only"
        ) from None
    return Encoded(kind, tenant, subject, session, actor, text, payload)


def _apart(fields: Mapping[str, Any], salt: Callable[[], bytes]) -> tuple[dict[str, str], str]:
    """Return the salted digest of each field, and the payload: `{name: [salt in hex, value]}`.

    The digest is that of `interlock.values.digests.salted_digest`; the bytes are made once for both.
    """
    digests, parts = {}, []
    for name, value in fields.items():
        text, grain = canonical(value), salt()
        digests[name] = "sha256:" + hashlib.sha256(grain + text).hexdigest()
        parts.append(b'%b:["%b",%b]' % (orjson.dumps(name), grain.hex().encode(), text))
    return digests, (b"{" + b",".join(parts) + b"}").decode()
