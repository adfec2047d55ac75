"""Reading the journal: everything about a subject, searching, exporting, verifying.

Every reading names the tenant it is for; `tenant=None` reads all of them and is for administrators only.
"""

from __future__ import annotations

import base64
import binascii
import heapq
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from interlock.foundation.clock import parse_rfc3339, rfc3339
from interlock.foundation.store import Database, Row
from interlock.governance.journal import store
from interlock.governance.journal.covering import cover, cover_all, label_of
from interlock.governance.journal.errors import JournalSearchInvalid
from interlock.governance.journal.verify import Verification, verify
from interlock.values.clearances import EVERYTHING, Clearance

LARGEST_PAGE = 500
_ORDER = "j.at, j.chain, j.seq"
_NEWEST_FIRST = "j.at DESC, j.chain DESC, j.seq DESC"
_WITH_PAYLOAD = f"{store.SELECT}, p.payload"


@dataclass(frozen=True, slots=True)
class Record:
    """One record. *fields* holds the values stored apart, where they were asked for; *erased* names those gone."""

    chain: str
    seq: int
    at: str
    kind: str
    tenant: str
    subject: str
    session: str
    actor: str
    body: dict[str, Any]
    hash: str
    fields: dict[str, Any] = field(default_factory=dict)
    erased: tuple[str, ...] = ()

    def seen_by(self, clearance: Clearance) -> Record:
        """Return the record as the holder of *clearance* may see it, going by the record's own label alone."""
        return replace(self, fields=cover_all(self.fields, self.body, clearance)) if self.fields else self

    def to_json(self) -> dict[str, Any]:
        """Return the record as a JSON object."""
        return {
            "chain": self.chain,
            "seq": self.seq,
            "at": self.at,
            "kind": self.kind,
            "tenant": self.tenant,
            "subject": self.subject,
            "session": self.session,
            "actor": self.actor,
            "body": self.body,
            "fields": self.fields,
            "erased": list(self.erased),
            "hash": self.hash,
        }


@dataclass(frozen=True, slots=True)
class Search:
    """What to look for; what is left empty does not matter.

    *kind* may end in `*`. *since* (inclusive) and *until* (exclusive) are RFC 3339 moments. *text* is looked
    for in the hashed part of records, never in the fields stored apart; case matters for letters beyond ASCII.
    """

    kind: str = ""
    actor: str = ""
    subject: str = ""
    session: str = ""
    since: str = ""
    until: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Records, newest first, and the cursor of the next page; an empty cursor on the last page."""

    records: list[Record]
    cursor: str


class JournalReader:
    """Reads one journal. *state* is the folder of the signed checkpoints, which only verifying needs."""

    def __init__(self, database: Database, state: Path | None = None) -> None:
        self._database = database
        self._state = state

    async def show(self, subject: str, *, tenant: str | None) -> list[Record]:
        """Return all records about *subject*, of a session all that happened in it, as they were written, with fields.

        Raises what the store raises.
        """
        # A partial index counts only for a query that says its condition in the same words; and the tenant, as an
        # expression, is in none, so that not all that the tenant ever did is gone through for one subject.
        where, params = ["(j.subject = ? OR (j.session = ? AND j.session <> ''))"], [subject, subject]
        if tenant is not None:
            where, params = [*where, "j.tenant || '' = ?"], [*params, tenant]
        query = store.select(where, order=_ORDER, columns=_WITH_PAYLOAD, joins=store.WITH_PAYLOAD)
        return [_record(row) for row in await self._database.read(query, *params)]

    async def search(
        self, search: Search, *, tenant: str | None, limit: int = 50, cursor: str = "", fields: bool = False
    ) -> Page:
        """Return a page of the records that match, newest first. Raises `JournalSearchInvalid`.

        *limit* is cut to 500. Pages do not shift while records are added.
        """
        limit = max(1, min(limit, LARGEST_PAGE))
        where, params = _conditions(search)
        if cursor:
            where, params = [*where, "(j.at, j.chain, j.seq) < (?, ?, ?)"], [*params, *_position(cursor)]
        names = await store.tenants(self._database) if tenant is None else [tenant]
        columns, joins = (_WITH_PAYLOAD, store.WITH_PAYLOAD) if fields else (store.SELECT, "")
        query = store.select(["j.tenant = ?", *where], order=_NEWEST_FIRST, columns=columns, joins=joins) + " LIMIT ?"
        found: list[Row] = []
        for name in names:  # the index serves one tenant at a time
            found += [row async for rows in self._database.scan(query, name, *params, limit + 1) for row in rows]
        newest = heapq.nlargest(limit + 1, found, key=_place)
        rows = newest[:limit]
        return Page([_record(row) for row in rows], _cursor(rows[-1]) if len(newest) > limit else "")

    async def export(
        self,
        *,
        tenant: str | None,
        search: Search | None = None,
        fields: bool = False,
        clearance: Clearance = EVERYTHING,
    ) -> AsyncIterator[bytes]:
        """Return the matching records as JSON lines, some lines at a time, oldest first.

        In a line, `record` is what was hashed, as canonical JSON: `hash` is SHA-256 of the bytes of `previous`
        and of `record`. `fields` is added where asked for: per field its salt and value, null if erased; of values
        that *clearance* does not admit, the empty text for the salt and the words that stand for the value.
        """
        where, params = _conditions(search or Search())
        if tenant is not None:
            where, params = ["j.tenant = ?", *where], [tenant, *params]
        joins = f"{store.WITH_PREVIOUS} {store.WITH_PAYLOAD}"
        query = store.select(where, order=_ORDER, columns="j.body, j.hash, b.hash, p.payload", joins=joins)
        async for rows in self._database.scan(query, *params):
            yield b"".join(_line(row, clearance if fields else None) for row in rows)

    async def verify(self, *, public: str = "") -> Verification:
        """Check the whole journal, of all tenants; see `interlock.governance.journal.verify`."""
        return await verify(self._database, self._state, public=public)


def _record(row: Row) -> Record:
    chain, seq, at, kind, tenant, subject, session, actor, body, digest, *payload = row
    kept = orjson.loads(payload[0]) if payload and payload[0] else {}
    return Record(
        chain,
        seq,
        at,
        kind,
        tenant,
        subject,
        session,
        actor,
        orjson.loads(body)["entry"]["body"],
        digest.hex(),
        {name: pair[1] for name, pair in kept.items() if pair is not None},
        tuple(name for name, pair in kept.items() if pair is None),
    )


def _line(row: Row, clearance: Clearance | None) -> bytes:
    body, digest, previous, payload = row
    document: dict[str, Any] = {
        "hash": digest.hex(),
        "previous": (previous or bytes(32)).hex(),
        "record": orjson.Fragment(body),
    }
    if clearance is not None:
        document["fields"] = orjson.Fragment(_payload(body, payload, clearance) if payload else "{}")
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def _payload(body: str, payload: str, clearance: Clearance) -> str:
    """Return a record's payload; a hidden value goes without its salt, from which it could be guessed."""
    label = label_of(orjson.loads(body)["entry"]["body"]) if clearance != EVERYTHING else None
    if label is None or clearance.admits(label):
        return payload
    kept = orjson.loads(payload)
    for name, pair in kept.items():
        shown = pair if pair is None else cover(name, pair, label, clearance)
        kept[name] = shown if shown is pair else ["", shown]
    return orjson.dumps(kept).decode()


def _conditions(search: Search) -> tuple[list[str], list[Any]]:
    where: list[str] = []
    params: list[Any] = []
    for column in ("actor", "subject", "session"):
        if value := getattr(search, column):
            where.append(f"j.{column} = ?")
            params.append(value)
    if search.session:
        where.append("j.session <> ''")  # lets the partial index serve
    if search.kind.endswith("*"):
        where.append("substr(j.kind, 1, ?) = ?")
        params += [len(search.kind) - 1, search.kind[:-1]]
    elif search.kind:
        where.append("j.kind = ?")
        params.append(search.kind)
    for moment, comparison in ((search.since, ">="), (search.until, "<")):
        if moment:
            where.append(f"j.at {comparison} ?")
            params.append(_moment(moment))
    if search.text:
        where.append("lower(j.body) LIKE lower(?) ESCAPE '!'")
        params.append(f"%{_literal(search.text)}%")
    return where, params


def _literal(text: str) -> str:
    """Return *text* as it stands in JSON, with what `LIKE` treats specially escaped."""
    written = orjson.dumps(text).decode()[1:-1]
    return written.replace("!", "!!").replace("%", "!%").replace("_", "!_")


def _moment(text: str) -> str:
    try:
        return rfc3339(parse_rfc3339(text))
    except (ValueError, OverflowError):
        raise JournalSearchInvalid("a moment is not RFC 3339", fix="write it as 2026-01-31T09:30:00Z") from None


def _place(row: Sequence[Any]) -> tuple[str, str, int]:
    return row[2], row[0], row[1]


def _cursor(row: Row) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(_place(row))).decode().rstrip("=")


def _position(cursor: str) -> tuple[str, str, int]:
    try:
        at, chain, seq = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, TypeError, binascii.Error):
        at, chain, seq = None, None, None
    if not (isinstance(at, str) and isinstance(chain, str) and type(seq) is int and abs(seq) < 2**63):
        raise JournalSearchInvalid("the cursor is not one that a page returned", fix="start without a cursor")
    return at, chain, seq
