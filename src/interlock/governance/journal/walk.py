"""Walking along one chain and checking every record: its place, hash, columns, payload and signed hash."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from interlock.foundation.store import Row
from interlock.governance.journal.chain import START, Tip, follow
from interlock.values.digests import canonical

OPENED = "journal.opened"
CLOSED = "journal.closed"
ERASED = "journal.erased"


@dataclass(frozen=True, slots=True)
class Damage:
    """The first thing that is wrong: in record *seq* of *chain*, or in line *seq* of the file *chain*."""

    chain: str
    seq: int
    why: str

    def to_json(self) -> dict[str, Any]:
        """Return the damage as a JSON object."""
        return {"chain": self.chain, "seq": self.seq, "why": self.why}


@dataclass(frozen=True, slots=True)
class Gone:
    """A field whose value was erased."""

    chain: str
    seq: int
    tenant: str
    subject: str
    name: str


@dataclass
class Walk:
    """One chain being checked from *tip* on. *points* are the hashes that checkpoints signed, by number."""

    chain: str
    points: Mapping[int, str] = field(default_factory=dict)
    tip: Tip = START
    damage: Damage | None = None
    anchors: dict[str, tuple[int, str]] = field(default_factory=dict)
    gone: list[Gone] = field(default_factory=list)
    key: str = ""
    _closed: bool = False

    def check(self, rows: Sequence[Row]) -> bool:
        """Check the next records, each row followed by its payload; return whether to go on."""
        for row in rows:
            try:
                why = self._wrong(row)
            except (KeyError, TypeError, ValueError, AttributeError, IndexError):
                why = "its content is not that of a record"
            if why:
                self.damage = Damage(self.chain, self.tip.seq + 1, why)
                return False
            self.tip = Tip(row[1], row[9])
        return bool(rows)

    def _wrong(self, row: Row) -> str:
        seq, text, stored, payload = row[1], row[8], row[9], row[10]
        if seq != self.tip.seq + 1:
            return "the record is missing"
        if self._closed:
            return "it was added after the chain was closed"
        if not isinstance(text, str) or not isinstance(stored, bytes):
            return "a column has another type"
        body = text.encode(errors="surrogateescape")
        if follow(self.tip.hash, body) != stored:
            return "its hash does not follow from the record before it and its content"
        if self.points.get(seq, stored.hex()) != stored.hex():
            return "it is not the record that was signed: it or one before it was written anew"
        document = orjson.loads(body)
        entry = document["entry"]
        inside = (document["chain"], document["seq"], document["at"], entry["kind"], entry["tenant"])
        if (*inside, entry["subject"], entry["session"], entry["actor"]) != row[:8]:
            return "a column differs from what was hashed"
        self._closed = entry["kind"] == CLOSED and entry["subject"] == self.chain
        if entry["kind"] == OPENED and seq == 1:
            self.key = entry["body"]["key"]
            self.anchors = {chain: (head[0], head[1]) for chain, head in entry["body"]["anchors"].items()}
        return self._payload_wrong(entry, seq, payload)

    def _payload_wrong(self, entry: Mapping[str, Any], seq: int, payload: object) -> str:
        digests: dict[str, str] = entry["fields"]
        if payload is None or not digests:
            return "its fields are missing" if digests else ("it has fields it should not have" if payload else "")
        values = _parsed(payload)
        if values is None or values.keys() != digests.keys() or written(values) != payload:
            return "its fields were changed"
        for name, kept in values.items():
            if kept is None:
                self.gone.append(Gone(self.chain, seq, entry["tenant"], entry["subject"], name))
            elif _digest(kept) != digests[name]:
                return f"its field {name} or that field's salt was changed"
        return ""


def written(values: Mapping[str, Any]) -> str:
    """Return a payload's text: `{name: [salt in hex, value]}`, with null for an erased field."""
    parts = [
        b"%b:null" % orjson.dumps(name)
        if kept is None
        else b'%b:["%b",%b]' % (orjson.dumps(name), kept[0].encode(), canonical(kept[1]))
        for name, kept in values.items()
    ]
    return (b"{" + b",".join(parts) + b"}").decode()


def _parsed(payload: object) -> dict[str, Any] | None:
    """Return a payload's fields, or None if it is not written as one."""
    if not isinstance(payload, str):
        return None
    try:
        values = orjson.loads(payload.encode(errors="surrogateescape"))
    except orjson.JSONDecodeError:
        return None
    if not isinstance(values, dict):
        return None
    for kept in values.values():
        pair = isinstance(kept, list) and len(kept) == 2 and isinstance(kept[0], str)
        if kept is not None and not (pair and _is_hex(kept[0])):
            return None
    return values


def _is_hex(text: str) -> bool:
    try:
        return bytes.fromhex(text).hex() == text
    except ValueError:
        return False


def _digest(kept: Sequence[Any]) -> str:
    return "sha256:" + hashlib.sha256(bytes.fromhex(kept[0]) + canonical(kept[1])).hexdigest()
