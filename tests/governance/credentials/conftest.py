"""A real database with a real journal, a directory of people, and an issuer of tokens that really listens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest

from interlock.foundation.store import Database, open_database
from interlock.governance.credentials import Directory, Keys, Member
from interlock.governance.journal import Journal, JournalReader
from interlock.testing.clock import FixedClock
from tests.governance.credentials.issuer import LocalIssuer

DIRECTORY = Directory(
    people={
        "anna": Member(frozenset({"support"}), "north", {"region": "eu"}),
        "bo": Member(frozenset({"billing-lead"}), "south"),
    },
    services={"batch": Member(frozenset({"nightly"}), "north")},
    agents={"support": Member(frozenset({"support"}))},
    tenants=("north", "south"),
    roles=frozenset({"support", "billing-lead", "nightly"}),
)


class Ground(NamedTuple):
    """What credentials stand on."""

    url: str
    database: Database
    journal: Journal
    reader: JournalReader
    clock: FixedClock
    keys: Keys


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def ground(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Ground]:
    postgres = request.param == "postgres"
    url = str(request.getfixturevalue("postgres_url")) if postgres else f"sqlite:///{tmp_path}/i.db"
    database = open_database(url)
    await database.open()
    clock = FixedClock()
    journal = Journal(database, tmp_path / "state", clock=clock)
    await journal.open()
    keys = Keys(database, journal, clock=clock)
    await keys.open()
    yield Ground(url, database, journal, JournalReader(database), clock, keys)
    await journal.close()
    await database.close()


@pytest.fixture
async def issuer() -> AsyncIterator[LocalIssuer]:
    async with LocalIssuer() as running:
        yield running
