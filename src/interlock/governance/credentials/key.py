"""An API key: `ik_ID_SECRET`, of which only the digest is kept."""

from __future__ import annotations

import hashlib
import os
import re
from base64 import b32encode
from dataclasses import dataclass
from typing import Any

from interlock.values.principals import Kind
from interlock.values.secrets import Secret

SCOPES = ("act", "approve", "read", "admin")
"""What a credential may be used for (see `Principal.scopes`)."""

DEMO = "demo"
_FORM = re.compile(r"ik_([a-z2-7]{16}|demo[a-z2-7]{12})_[a-z2-7]{52}")


@dataclass(frozen=True, slots=True)
class KeyRequest:
    """What a new key is to be: for whom, in which tenant, for which scopes, from and until when (Unix
    seconds).

    *expires* None stands for a key that does not expire, *starts* None for one that counts at once. *note*
    says what the key is for.
    """

    kind: Kind
    principal: str
    tenant: str
    scopes: frozenset[str] = frozenset({"act"})
    expires: float | None = None
    starts: float | None = None
    note: str = ""
    demo: bool = False


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it is kept. Times are Unix seconds; *digest* is the SHA-256 of its text, in hex."""

    id: str
    digest: str
    kind: Kind
    principal: str
    tenant: str
    scopes: frozenset[str]
    note: str
    created: float
    created_by: str
    starts: float | None = None
    expires: float | None = None
    revoked: float | None = None
    successor: str = ""

    def state(self, now: float) -> str:
        """Return `revoked`, `expired`, `waiting` (it does not count yet) or `active`."""
        if self.revoked is not None:
            return "revoked"
        if self.expires is not None and now >= self.expires:
            return "expired"
        return "waiting" if self.starts is not None and now < self.starts else "active"

    def to_json(self) -> dict[str, Any]:
        """Return what may be shown of the key; its digest may not."""
        return {
            "id": self.id,
            "kind": self.kind.value,
            "principal": self.principal,
            "tenant": self.tenant,
            "scopes": sorted(self.scopes),
            "note": self.note,
            "created": self.created,
            "created_by": self.created_by,
            "starts": self.starts,
            "expires": self.expires,
            "revoked": self.revoked,
            "successor": self.successor,
        }


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A key just made, with its text, which is shown this once."""

    key: Key
    text: Secret


def new_text(*, demo: bool = False) -> tuple[str, Secret]:
    """Return a new key's id and text, of which 260 random bits are secret; a demo key's id says so."""
    id = DEMO + _random(10)[:12] if demo else _random(10)
    return id, Secret(f"ik_{id}_{_random(33)[:52]}", name=id)


def key_id(text: str) -> str | None:
    """Return the id in a key's text, or None if it is not written as one."""
    found = _FORM.fullmatch(text)
    return found[1] if found else None


def text_digest(text: str) -> str:
    """Return the digest under which a key is kept; its text is too random to need a slow one."""
    return hashlib.sha256(text.encode()).hexdigest()


def _random(size: int) -> str:
    return b32encode(os.urandom(size)).decode().rstrip("=").lower()
