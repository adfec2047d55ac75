"""Verifying a journal: every record, every signature, every byte of a sealed file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from interlock.foundation.store import Database, Row, StatementRefused, StoreDamaged
from interlock.governance.journal import store
from interlock.governance.journal.chain import Tip
from interlock.governance.journal.checkpoint import FILE, SidecarCheck, check_sidecar, file_digest, statement_of
from interlock.governance.journal.errors import JournalDamaged
from interlock.governance.journal.keys import PUBLIC_FILE, public_key_in
from interlock.governance.journal.walk import ERASED, Damage, Gone, Walk

_PAGE = 2000


@dataclass(frozen=True, slots=True)
class Verification:
    """What verifying found. *notes* say what was not, or could not be, checked, and what is worth knowing."""

    ok: bool
    records: int
    chains: int
    first_bad: dict[str, Any] | None
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the verification as a JSON object."""
        return {
            "ok": self.ok,
            "records": self.records,
            "chains": self.chains,
            "first_bad": self.first_bad,
            "notes": list(self.notes),
        }


async def verify(database: Database, state: Path | None, *, public: str = "") -> Verification:
    """Check the whole journal and name the first thing that is wrong.

    Without *state*, the folder of the signed checkpoints, cutting off the end of everything cannot be found.
    *public* is the signing key to trust, in hex, if it is kept elsewhere than in *state*.
    """
    return await _Verifier(database, state, public).run()


async def examine(database: Database, state: Path | None, *, public: str = "") -> Verification:
    """Open *database*, which had best be read-only, verify its journal, and close it.

    One that is too damaged to be opened is a finding, not an error. Raises `StoreUnavailable`.
    """
    try:
        await database.open()
        return await verify(database, state, public=public)
    except (StoreDamaged, StatementRefused) as error:
        name = database.file.name if database.file else "database"
        bad = Damage(name, 0, f"the database is too damaged to be read: {error.why}")
        return Verification(ok=False, records=0, chains=0, first_bad=bad.to_json())
    finally:
        await database.close()


async def check_heads(database: Database) -> list[store.Head]:
    """Return every chain's head, after checking all records that no checkpoint signs. Raises `JournalDamaged`."""
    for chain, seq in await store.unlike_signed(database):
        raise _damaged(Damage(chain, seq, "it is not the record that was signed"))
    heads = await store.heads(database)
    for head in heads:
        if head.seq > head.signed:
            start = await store.hash_at(database, head.chain, head.signed) or bytes(32)
            walk = Walk(head.chain, tip=Tip(head.signed, start))
            await _walked(database, walk, head.seq)
            if walk.damage is not None:
                raise _damaged(walk.damage)
    return heads


def _damaged(damage: Damage) -> JournalDamaged:
    return JournalDamaged(
        f"record {damage.seq} of chain {damage.chain} is damaged",
        why=damage.why,
        fix="verify the journal, find out who changed it, restore a backup",
        chain=damage.chain,
        seq=damage.seq,
    )


async def _walked(database: Database, walk: Walk, end: int) -> None:
    """Check a chain up to record *end* or the first damage, page by page, off the event loop."""
    try:
        more = True
        while more and walk.tip.seq < end:
            rows: list[Row] = await store.after(database, walk.chain, walk.tip.seq, limit=_PAGE)
            more = await asyncio.to_thread(walk.check, rows)
    except StoreDamaged as error:
        walk.damage = Damage(walk.chain, walk.tip.seq + 1, f"the database file is damaged: {error.why}")


@dataclass
class _Verifier:
    database: Database
    state: Path | None
    public: str
    walks: list[Walk] = field(default_factory=list)
    signed: list[store.SignedHead] = field(default_factory=list)
    sidecar: SidecarCheck = field(default_factory=SidecarCheck)
    points: dict[str, dict[int, str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    async def run(self) -> Verification:
        first = None
        try:
            await self._read_signed()
            await self._walk()
            checks = (self._records, self._reach, self._anchors, self._payloads, self._signatures, self._file)
            for check in checks:  # records first, so that a record is named wherever it can be
                async for damage in check():
                    first = first or damage
                if first is not None:
                    break
        except StoreDamaged as error:
            first = Damage(self._file_name(), 0, f"the database file is damaged: {error.why}")
        records = sum(walk.tip.seq for walk in self.walks)
        bad = first.to_json() if first else None
        return Verification(first is None, records, len(self.walks), bad, tuple(self.notes))

    async def _read_signed(self) -> None:
        """Read what is signed, before the records: a journal that is being written meanwhile only goes beyond it."""
        self.signed = await store.signed_heads(self.database)
        if self.state is None:
            self.notes.append("the signed checkpoints were not given, so a cut-off end may not be found")
        else:
            self.public = self.public or public_key_in(self.state)
            self.sidecar = await asyncio.to_thread(check_sidecar, self.state / FILE, self.public)
        self.points = {chain: dict(points) for chain, points in self.sidecar.points.items()}
        for head in self.signed:
            self.points.setdefault(head.chain, {})[head.seq] = head.hash.hex()

    async def _walk(self) -> None:
        for head in await store.heads(self.database):
            walk = Walk(head.chain, self.points.get(head.chain, {}))
            self.walks.append(walk)
            await _walked(self.database, walk, head.seq)

    async def _records(self) -> AsyncIterator[Damage]:
        for walk in self.walks:
            if walk.damage is not None:
                yield walk.damage

    async def _reach(self) -> AsyncIterator[Damage]:
        reached = {walk.chain: walk.tip.seq for walk in self.walks}
        for chain, points in self.points.items():
            last = max(points)
            if chain not in reached:
                yield Damage(chain, 1, f"the whole chain is missing; {last} records of it were signed")
            elif reached[chain] < last:
                yield Damage(chain, reached[chain] + 1, f"the chain is cut off; {last} records were signed")
        for chain, seq in reached.items():
            unsigned = seq - max(self.points.get(chain, {}), default=0)
            if unsigned > 0:
                self.notes.append(f"{chain}: {unsigned} records after the last signed checkpoint")

    async def _anchors(self) -> AsyncIterator[Damage]:
        for walk in self.walks:
            for chain, (seq, digest) in walk.anchors.items():
                kept = await store.hash_at(self.database, chain, seq)
                if kept is None or kept.hex() != digest:
                    yield Damage(chain, seq, f"it is missing or not the one that chain {walk.chain} names")

    async def _payloads(self) -> AsyncIterator[Damage]:
        for chain, seq in await store.stray_payloads(self.database):
            yield Damage(chain, seq, "fields are left of a record that is missing")
        for walk in self.walks:
            for gone in walk.gone:
                if not await self._erasure_recorded(gone):
                    yield Damage(gone.chain, gone.seq, f"field {gone.name} is gone, but no erasure is recorded")

    async def _erasure_recorded(self, gone: Gone) -> bool:
        bodies = await store.erasures(self.database, gone.tenant, gone.subject, ERASED)
        erased = [item for body in bodies for item in orjson.loads(body)["entry"]["body"]["erased"]]
        return any(item[:2] == [gone.chain, gone.seq] and gone.name in item[2] for item in erased)

    async def _signatures(self) -> AsyncIterator[Damage]:
        if self.sidecar.damage is not None:
            yield self.sidecar.damage
        if self.signed and self.state and not self.public:
            yield Damage(PUBLIC_FILE, 0, "the public key is missing")
        elsewhere = {walk.key for walk in self.walks} - {self.public}
        for head in self.signed:
            if self._signs(self.public, head):
                reached = max(self.sidecar.points.get(head.chain, {}), default=0)
                if self.state and reached < head.seq:
                    yield Damage(FILE, self.sidecar.lines, f"it is cut off before the end of chain {head.chain}")
            elif not any(self._signs(key, head) for key in elsewhere):
                yield Damage(head.chain, head.seq, "its checkpoint was changed or is not signed with a known key")
            elif self.public:
                self.notes.append(f"{head.chain} is signed with another installation's key")

    @staticmethod
    def _signs(public: str, head: store.SignedHead) -> bool:
        statement = statement_of(head.line.encode(errors="surrogateescape"), public) or {}
        said = (statement.get("chain"), statement.get("seq"), statement.get("hash"))
        return said == (head.chain, head.seq, head.hash.hex())

    async def _file(self) -> AsyncIterator[Damage]:
        seal, file = self.sidecar.seal, self.database.file
        if seal and file is not None and file.name == seal.get("file"):
            digest, size = await asyncio.to_thread(file_digest, file)
            if (digest, size) == (seal.get("sha256"), seal.get("bytes")):
                self.notes.append(f"the file is, byte for byte, the one sealed at {seal.get('at')}")
            else:
                yield Damage(file.name, 0, f"the file is not the one sealed at {seal.get('at')}")
        if self.database.dialect == "sqlite":
            async for rows in self.database.scan("PRAGMA integrity_check(1)"):
                if rows[0][0] != "ok":
                    yield Damage(self._file_name(), 0, f"the database file is damaged: {rows[0][0]}")

    def _file_name(self) -> str:
        return self.database.file.name if self.database.file else "database"
