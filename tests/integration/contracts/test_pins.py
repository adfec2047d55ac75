"""Pinned definitions: first sight counts, a change is held back, and only what is held can be accepted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from interlock.foundation.store import Database, open_database
from interlock.governance.journal import Journal, JournalReader
from interlock.integration.contracts import Definition, NotQuarantined, Pins
from interlock.values.principals import Kind, Principal

ADA = Principal(Kind.person, "ada", "acme", present=True)
BEFORE = {"crm.find": Definition({"type": "object", "properties": {"id": {"type": "string"}}})}
AFTER = {"crm.find": Definition({"type": "object", "properties": {"id": {"type": "integer"}}})}


class Installed:
    """A journal and a database, and pins as each process has its own."""

    def __init__(self, database: Database, journal: Journal, state: Path) -> None:
        self._database, self._journal = database, journal
        self.reader = JournalReader(database, state)

    async def pins(self) -> Pins:
        pins = Pins(self._database, self._journal, tenant="acme")
        await pins.open()
        return pins


@pytest.fixture
async def installed(tmp_path: Path) -> AsyncIterator[Installed]:
    database = open_database(f"sqlite:///{tmp_path}/interlock.db")
    await database.open()
    journal = Journal(database, tmp_path)
    await journal.open()
    yield Installed(database, journal, tmp_path)
    await journal.close()
    await database.close()


async def test_a_changed_definition_is_held_back_until_someone_accepts_it(installed: Installed) -> None:
    pins = await installed.pins()
    await pins.apply(BEFORE)
    assert await pins.guard("crm.find") is None
    await pins.apply(AFTER)
    guard = await pins.guard("crm.find")
    assert guard is not None
    assert guard["outcome"] == "deny"
    (held,) = pins.quarantined()
    assert [difference.pointer for difference in held.differences] == ["/input/properties/id/type"]
    await pins.accept("crm.find", by=ADA)
    assert await pins.guard("crm.find") is None
    kinds = [record.kind for record in await installed.reader.show("crm.find", tenant="acme")]
    assert kinds == ["definition.pinned", "definition.quarantined", "definition.accepted"]


async def test_only_what_is_held_back_can_be_accepted(installed: Installed) -> None:
    pins = await installed.pins()
    await pins.apply(BEFORE)
    with pytest.raises(NotQuarantined):
        await pins.accept("crm.find", by=ADA)


async def test_another_process_learns_of_the_acceptance_and_cannot_repeat_it(installed: Installed) -> None:
    first, second = await installed.pins(), await installed.pins()
    await first.apply(BEFORE)
    await first.apply(AFTER)
    await second.apply(AFTER)
    await first.accept("crm.find", by=ADA)
    with pytest.raises(NotQuarantined):
        await second.accept("crm.find", by=ADA)
    assert await second.guard("crm.find") is None
