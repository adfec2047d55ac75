"""PostgreSQL keeps the contract of a database, and what is its own: lost connections and claims."""

from __future__ import annotations

import sys

import pytest

from interlock.foundation.store import (
    ClaimLost,
    DriverMissing,
    Statement,
    StoreBusy,
    StoreUnavailable,
    Writes,
    open_database,
)
from interlock.foundation.store.postgres import PostgresDatabase
from interlock.testing.store.database import Connect, DatabaseContract, balances, deposit, opened, working

pytestmark = pytest.mark.postgres

LOSE = Writes([Statement("SELECT pg_terminate_backend(pg_backend_pid())")])
"""A unit that ends the session it runs in, as a broken network would."""


@pytest.fixture
def connect(postgres_url: str) -> Connect:
    return lambda: open_database(postgres_url)


class TestPostgres(DatabaseContract):
    """The contract."""


async def test_after_a_lost_connection_the_claims_come_back_first(connect: Connect) -> None:
    async with working(connect) as database, working(connect) as other:
        await database.commit([Writes([opened("a")])])
        assert await database.claim("wrt_1")
        with pytest.raises(StoreUnavailable):
            await database.commit([Writes([], [deposit("a", 1)]), LOSE])
        assert await balances(database) == {"a": 0}
        assert await database.commit([Writes([], [deposit("a", 1)])]) == [True]
        assert not await other.claim("wrt_1")


async def test_a_process_that_lost_its_claim_writes_no_more(connect: Connect, postgres_url: str) -> None:
    database = PostgresDatabase(postgres_url, lock_seconds=0.1)
    async with working(lambda: database), working(connect) as rescuer:
        assert await database.claim("wrt_1")
        with pytest.raises(StoreUnavailable):
            await database.commit([LOSE])
        while not await rescuer.claim("wrt_1"):
            pass  # the server is about to notice
        for _ in range(2):
            with pytest.raises(ClaimLost):
                await database.commit([Writes([opened("a")])])
        assert await balances(database) == {}
        await rescuer.release("wrt_1")
        assert await database.commit([Writes([opened("a")])]) == [True]


async def test_locks_held_elsewhere_are_waited_for_and_then_reported(postgres_url: str) -> None:
    import asyncpg

    async with working(lambda: PostgresDatabase(postgres_url, lock_seconds=0.1)) as database:
        await database.commit([Writes([opened("a")])])
        other = await asyncpg.connect(postgres_url)
        async with other.transaction():
            await other.execute("UPDATE account SET balance = 5")
            with pytest.raises(StoreBusy):
                await database.commit([Writes([], [deposit("a", 1)])])
        await other.close()
        assert await database.commit([Writes([], [deposit("a", 1)])]) == [True]
        assert await balances(database) == {"a": 6}


async def test_a_server_that_is_not_there_is_reported() -> None:
    with pytest.raises(StoreUnavailable) as error:
        await open_database("postgresql://someone:hush@127.0.0.1:1/nothing").open()
    assert "hush" not in str(error.value)


async def test_a_missing_driver_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    with pytest.raises(DriverMissing) as error:
        await open_database("postgresql://someone@127.0.0.1/nothing").open()
    assert "interlock-control[postgres]" in str(error.value)


async def test_a_read_only_database_is_not_written(connect: Connect, postgres_url: str) -> None:
    async with working(connect):
        pass
    async with working(lambda: open_database(postgres_url, read_only=True)) as database:
        assert await balances(database) == {}
        with pytest.raises(StoreUnavailable):
            await database.commit([Writes([opened("b")])])
