"""The hash chain: each record's hash is that of the record before it and of its own bytes.

A record's bytes are the canonical JSON `{"at":...,"chain":...,"entry":{...},"seq":...}`, which holds every
column's value once more. Its hash is SHA-256 of the 32 bytes of the previous hash (zeros before the first
record) followed by these bytes.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any, NamedTuple

from interlock.governance.journal.entry import Encoded, Receipt


class Tip(NamedTuple):
    """The last record of a chain: its number and its hash; number 0 for an empty chain."""

    seq: int
    hash: bytes


START = Tip(0, bytes(32))


def follow(previous: bytes, body: bytes) -> bytes:
    """Return the hash of a record with these bytes after one with the hash *previous*."""
    return sha256(previous + body).digest()


class Chain:
    """One writer's chain, with a draft of what the running commit adds to it."""

    __slots__ = ("_at", "_opening", "draft", "name", "tip")

    def __init__(self, name: str) -> None:
        self.name = name
        self.tip = START
        self.draft = START
        self._at = ""
        self._opening = b""

    def begin(self, at: str) -> None:
        """Start a draft at the tip; its records carry the moment *at*, or the last one if that was later."""
        self.draft = self.tip
        self._at = max(at, self._at)
        self._opening = b'{"at":"%b","chain":"%b","entry":' % (self._at.encode(), self.name.encode())

    def link(self, encoded: Encoded) -> tuple[tuple[Any, ...], Receipt]:
        """Add *encoded* to the draft; return its row of the journal table and its receipt."""
        kind, tenant, subject, session, actor, text, _ = encoded
        seq = self.draft.seq + 1
        body = b'%b%b,"seq":%d}' % (self._opening, text, seq)
        digest = sha256(self.draft.hash + body).digest()
        self.draft = Tip(seq, digest)
        row = (self.name, seq, self._at, kind, tenant, subject, session, actor, body.decode(), digest)
        return row, Receipt(self.name, seq, self._at, digest.hex())

    def settle(self) -> None:
        """Make the draft the tip: it is durable."""
        self.tip = self.draft
