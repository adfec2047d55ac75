"""Disks that fill, connections that break, writers that are in the way: an error for each who waits, and no more."""

from __future__ import annotations

import asyncio
import resource
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from interlock.foundation.store import Database, Statement, StoreUnavailable, Unit
from interlock.foundation.store.sqlite import SqliteDatabase
from interlock.governance.journal import Journal, JournalReader, JournalUnavailable
from tests.governance.journal.journals import Place, entry, opened, verified


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond *size* bytes, as a full disk would."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


class Breaking:
    """A database whose connection breaks when told to: before a commit, after it, or altogether."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.lose_answers = 0
        self.gone = False

    def __getattr__(self, name: str) -> object:
        return getattr(self._database, name)

    async def commit(self, units: Sequence[Unit]) -> list[bool]:
        if self.gone:
            raise StoreUnavailable("the server is away")
        held = await self._database.commit(units)
        if self.lose_answers:
            self.lose_answers -= 1
            raise StoreUnavailable("the connection broke while committing")
        return held


async def numbers(database: Database) -> list[int]:
    """Return the subjects' numbers that are recorded."""
    rows = await database.read("SELECT subject FROM journal WHERE kind = 'action.decided' ORDER BY seq")
    return [int(subject.removeprefix("act_")) for (subject,) in rows]


async def test_a_full_disk_fails_everyone_in_the_batch_and_nothing_later(sqlite_place: Place) -> None:
    async with opened(sqlite_place) as log:
        await log.journal.record([entry(0)])
        size = sqlite_place.file.with_name("interlock.db-wal").stat().st_size
        with largest_file(size + 4096):
            big = [entry(number, body={"padding": "x" * 20_000}) for number in range(1, 6)]
            results = await asyncio.gather(*(log.journal.record([one]) for one in big), return_exceptions=True)
        assert [type(result) for result in results] == [JournalUnavailable] * 5
        assert {result.details["recorded"] for result in results if isinstance(result, JournalUnavailable)} == {"no"}
        for number in range(6, 9):
            await log.journal.record([entry(number)])
        assert await numbers(log.database) == [0, 6, 7, 8]
    assert (await verified(sqlite_place)).ok


@pytest.mark.postgres
async def test_a_connection_lost_inside_a_transaction_fails_everyone_in_it(
    postgres_url: str, sqlite_place: Place
) -> None:
    place = Place(postgres_url, sqlite_place.state)
    lose = Statement("SELECT pg_terminate_backend(pg_backend_pid())")
    async with opened(place) as log:
        await log.journal.record([entry(0)])
        work = [log.journal.record([entry(number)], changes=[lose] if number == 3 else []) for number in range(1, 6)]
        results = await asyncio.gather(*work, return_exceptions=True)
        assert [type(result) for result in results] == [JournalUnavailable] * 5
        assert {result.details["recorded"] for result in results if isinstance(result, JournalUnavailable)} == {"no"}
        await asyncio.gather(*(log.journal.record([entry(number)]) for number in range(6, 9)))
        assert await numbers(log.database) == [0, 6, 7, 8]
    assert (await verified(place)).ok


async def test_a_commit_whose_answer_was_lost_counts_as_what_it_was(place: Place) -> None:
    database = place.database()
    await database.open()
    breaking = Breaking(database)
    journal = Journal(breaking, place.state, checkpoint_seconds=3600)  # type: ignore[arg-type]  # it delegates
    await journal.open()
    breaking.lose_answers = 1
    results = await asyncio.gather(*(journal.record([entry(number)]) for number in range(5)))
    assert [receipt.seq for (receipt,) in results] == [2, 3, 4, 5, 6]
    await journal.record([entry(5)])
    await journal.close()
    assert await numbers(database) == [0, 1, 2, 3, 4, 5]
    await database.close()
    assert (await verified(place)).ok


async def test_while_the_database_is_away_the_outcome_is_unknown_and_then_found_out(place: Place) -> None:
    database = place.database()
    await database.open()
    breaking = Breaking(database)
    journal = Journal(breaking, place.state, checkpoint_seconds=3600)  # type: ignore[arg-type]  # it delegates
    await journal.open()
    breaking.lose_answers = 2  # the commit's own, and that of the question what became of it
    with pytest.raises(JournalUnavailable) as lost:
        await journal.record([entry(0)])
    assert lost.value.details["recorded"] == "unknown"
    breaking.gone = True
    for number in (1, 2):
        with pytest.raises(JournalUnavailable):
            await journal.record([entry(number)])
    breaking.gone = False
    (receipt,) = await journal.record([entry(3)])
    assert receipt.seq == 3  # after the opening record and the one whose answer was lost
    await journal.close()
    assert await numbers(database) == [0, 3]
    await database.close()
    assert (await verified(place)).ok


async def test_a_writer_that_stays_in_the_way_is_reported_and_a_passing_one_waited_for(sqlite_place: Place) -> None:
    database = SqliteDatabase(sqlite_place.file, busy_seconds=0.02)
    await database.open()
    journal = Journal(database, sqlite_place.state, checkpoint_seconds=3600)
    await journal.open()
    other = sqlite3.connect(sqlite_place.file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(JournalUnavailable):
        await journal.record([entry(0)])
    other.execute("ROLLBACK")
    other.close()
    await journal.record([entry(1)])
    await journal.close()
    assert await numbers(database) == [1]
    await database.close()


async def test_a_unit_that_breaks_the_writer_leaves_nobody_waiting(sqlite_place: Place) -> None:
    async with opened(sqlite_place) as log:
        broken: Statement = None  # type: ignore[assignment]  # a caller's mistake
        results = await asyncio.gather(
            log.journal.record([entry(1)], guards=[broken]), log.journal.record([entry(2)]), return_exceptions=True
        )
        assert [type(result) for result in results] == [JournalUnavailable] * 2
        await log.journal.record([entry(3)])
        assert len(await JournalReader(log.database).show("act_3", tenant="acme")) == 1
