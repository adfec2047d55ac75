"""A real database with a real journal, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest

from interlock.foundation.store import Database, open_database
from interlock.governance.journal import Journal, JournalReader
from interlock.testing.clock import FixedClock


class Ground(NamedTuple):
    """What switches stand on."""

    url: str
    database: Database
    journal: Journal
    reader: JournalReader
    clock: FixedClock


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def ground(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Ground]:
    postgres = request.param == "postgres"
    url = str(request.getfixturevalue("postgres_url")) if postgres else f"sqlite:///{tmp_path}/i.db"
    database = open_database(url)
    await database.open()
    clock = FixedClock()
    journal = Journal(database, tmp_path / "state", clock=clock)
    await journal.open()
    yield Ground(url, database, journal, JournalReader(database), clock)
    await journal.close()
    await database.close()
