"""What the journal's tests share: a place for a journal, opening it, changing it from outside."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interlock.foundation.store import Database, Statement, Writes, open_database
from interlock.governance.journal import Entry, Journal, JournalReader, Verification, examine


@dataclass(frozen=True)
class Place:
    """Where a journal is: the database's URL and the folder of key and checkpoints."""

    url: str
    state: Path

    @property
    def file(self) -> Path:
        """The SQLite file."""
        return Path(self.url.removeprefix("sqlite:///"))

    def database(self, *, read_only: bool = False) -> Database:
        return open_database(self.url, read_only=read_only)


@dataclass(frozen=True)
class Open:
    """A journal that is open."""

    journal: Journal
    reader: JournalReader
    database: Database


@asynccontextmanager
async def opened(place: Place, *, checkpoint_seconds: float = 3600.0) -> AsyncIterator[Open]:
    """Open the journal for the length of a block, then close and seal it."""
    database = place.database()
    await database.open()
    journal = Journal(database, place.state, checkpoint_seconds=checkpoint_seconds)
    try:
        await journal.open()
        yield Open(journal, JournalReader(database, place.state), database)
        await journal.close()
    finally:
        await database.close()
    journal.seal()


async def verified(place: Place) -> Verification:
    """Verify the closed journal."""
    return await examine(place.database(read_only=True), place.state)


async def tamper(place: Place, sql: str, *params: Any) -> None:
    """Change the closed journal's tables from outside."""
    database = place.database()
    await database.open()
    await database.commit([Writes([Statement(sql, params)])])
    await database.close()


def entry(number: int = 0, **changes: Any) -> Entry:
    """Return an entry like those of real life."""
    values: dict[str, Any] = {
        "kind": "action.decided",
        "tenant": "acme",
        "subject": f"act_{number}",
        "session": "ses_1",
        "actor": "agent:support",
        "body": {"outcome": "allow", "number": number},
    }
    return Entry(**{**values, **changes})


async def filled(place: Place, count: int = 12) -> str:
    """Write, close and seal a journal with *count* records after its opening one; return its chain's name."""
    async with opened(place) as log:
        for number in range(count):
            fields = {"input": {"name": f"Ana {number}"}, "note": "hello"} if number % 2 else {}
            await log.journal.record([entry(number, fields=fields)])
        return log.journal.writer
