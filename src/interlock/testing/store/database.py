"""What every `Database` must do, as a class of tests to inherit from.

Subclass `DatabaseContract` and give a fixture `connect`: a function that returns a new, unopened `Database`
on one and the same empty storage each time it is called.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from interlock.foundation.store import (
    Append,
    Database,
    RowRefused,
    SchemaConflict,
    Statement,
    StatementRefused,
    StoreUnavailable,
    Writes,
)

E = TypeVar("E", bound=Exception)

Connect = Callable[[], Database]

STEPS = (
    "CREATE TABLE account (id {text} PRIMARY KEY, balance {bigint} CHECK (balance >= 0), photo {blob})",
    """
    CREATE TABLE transfer (id {bigint} PRIMARY KEY, note {text} DEFAULT 'a;b?'); -- two statements?
    CREATE INDEX transfer_note ON transfer (note);
    """,
)
"""Tables that the tests use."""


def deposit(account: str, amount: int) -> Statement:
    """Add *amount* to an account that exists; a guard."""
    return Statement("UPDATE account SET balance = balance + ? WHERE id = ?", (amount, account))


def opened(account: str, balance: int = 0) -> Statement:
    """Open an account."""
    return Statement("INSERT INTO account (id, balance) VALUES (?, ?)", (account, balance))


def noted(*numbers: int) -> Append:
    """Append transfers."""
    return Append("INSERT INTO transfer (id, note) VALUES (?, ?)", [(number, str(number)) for number in numbers])


@dataclass
class Asked:
    """A unit that remembers how often its statements were asked for."""

    changes: Sequence[Statement | Append]
    guards: Sequence[Statement] = ()
    times: int = 0

    def statements(self) -> Iterable[Statement | Append]:
        self.times += 1
        return self.changes


async def raised(kind: type[E], doing: Awaitable[object]) -> E:
    """Return the error of *kind* that *doing* raises; fail if it raises none."""
    try:
        await doing
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was not raised")


async def balances(database: Database) -> dict[str, int]:
    """Return each account's balance."""
    return {row[0]: row[1] for row in await database.read("SELECT id, balance FROM account")}


@asynccontextmanager
async def working(connect: Connect, *, migrated: bool = True) -> AsyncIterator[Database]:
    """Open a database for the length of a block."""
    database = connect()
    await database.open()
    try:
        if migrated:
            await database.migrate("bank", STEPS)
        yield database
    finally:
        await database.close()


class DatabaseContract:
    """The tests; see the module's docstring."""

    async def test_values_come_back_as_they_were_given(self, connect: Connect) -> None:
        async with working(connect) as database:
            text = "O'Neill ? $1 \u00e9\U0001f600\n"
            row = (text, 2**62, bytes(range(256)))
            await database.commit(
                [Writes([Statement("INSERT INTO account (id, balance, photo) VALUES (?, ?, ?)", row)])]
            )
            assert await database.read("SELECT id, balance, photo, NULL FROM account WHERE id = ?", text) == [
                (*row, None)
            ]

    async def test_what_was_committed_is_seen_after_opening_again(self, connect: Connect) -> None:
        async with working(connect) as database:
            assert await database.commit([Writes([opened("a", 5)])]) == [True]
        async with working(connect, migrated=False) as database:
            assert await balances(database) == {"a": 5}

    async def test_a_unit_whose_guard_fails_is_undone_alone(self, connect: Connect) -> None:
        async with working(connect) as database:
            first = Asked([opened("a", 10), noted(1)])
            refused = Asked([opened("c"), noted(2)], [deposit("a", 5), deposit("nobody", 5)])
            last = Asked([opened("b"), noted(3)], [deposit("a", 1)])
            assert await database.commit([first, refused, last]) == [True, False, True]
            assert await balances(database) == {"a": 11, "b": 0}
            assert await database.read("SELECT id FROM transfer ORDER BY id") == [(1,), (3,)]
            assert (first.times, refused.times, last.times) == (1, 0, 1)

    async def test_units_see_what_earlier_units_of_the_commit_did(self, connect: Connect) -> None:
        async with working(connect) as database:
            take = Statement("UPDATE account SET balance = 0 WHERE id = ? AND balance = ?", ("a", 7))
            units = [Writes([opened("a", 7)]), Writes([], [take]), Writes([], [take])]
            assert await database.commit(units) == [True, True, False]

    async def test_a_refused_row_undoes_everything_and_names_its_unit(self, connect: Connect) -> None:
        async with working(connect) as database:
            await database.commit([Writes([opened("a", 1)])])
            units = [Writes([opened("b")]), Writes([opened("a")]), Writes([opened("c")])]
            error = await raised(RowRefused, database.commit(units))
            assert error.index == 1
            assert await balances(database) == {"a": 1}
            overdrawn = Writes([], [deposit("a", -2)])
            assert (await raised(RowRefused, database.commit([overdrawn]))).index == 0
            assert await database.commit([Writes([opened("b")])]) == [True]

    async def test_a_wrong_statement_undoes_everything(self, connect: Connect) -> None:
        async with working(connect) as database:
            for wrong in (
                Statement("INSERT INTO nowhere VALUES (1)"),
                Statement("INSERT INTO account (id, balance) VALUES (?, ?)", ("x",)),
                opened("x", 2**70),
            ):
                error = await raised(StatementRefused, database.commit([Writes([opened("b")]), Writes([wrong])]))
                assert error.index == 1
                assert await balances(database) == {}
            await raised(StatementRefused, database.commit([Writes([noted(4)]), Writes([noted(4)])]))
            assert await database.read("SELECT id FROM transfer") == []

    async def test_errors_do_not_repeat_values(self, connect: Connect) -> None:
        async with working(connect) as database:
            await database.commit([Writes([opened("jane.doe@example.org")])])
            refusals = [
                await raised(RowRefused, database.commit([Writes([opened("jane.doe@example.org")])])),
                await raised(StatementRefused, database.commit([Writes([opened("jane.doe", 2**70)])])),
            ]
            assert not [refusal for refusal in refusals if "jane" in str(refusal)]

    async def test_a_guard_that_touches_several_rows_does_not_hold(self, connect: Connect) -> None:
        async with working(connect) as database:
            await database.commit([Writes([opened("a"), opened("b")])])
            everyone = Statement("UPDATE account SET balance = balance + 1")
            await raised(StatementRefused, database.commit([Writes([], [everyone])]))
            assert await database.commit([Writes([], [deposit("a", 1), everyone])]) == [False]
            assert await balances(database) == {"a": 0, "b": 0}

    async def test_nothing_can_be_changed_by_reading(self, connect: Connect) -> None:
        async with working(connect) as database:
            await raised(Exception, database.read("INSERT INTO account (id, balance) VALUES ('x', 1) RETURNING id"))
            assert await balances(database) == {}

    async def test_a_scan_returns_all_rows_in_chunks(self, connect: Connect) -> None:
        async with working(connect) as database:
            await database.commit([Writes([noted(*range(1700))])])
            query = "SELECT id, note FROM transfer WHERE id >= ? ORDER BY id"
            chunks = [chunk async for chunk in database.scan(query, 100)]
            assert [row for chunk in chunks for row in chunk] == [(n, str(n)) for n in range(100, 1700)]
            assert len(chunks) > 1
            async for chunk in database.scan(query, 0):
                assert chunk[0] == (0, "0")
                break
            await raised(StatementRefused, anext(aiter(database.scan("SELECT nothing FROM nowhere"))))

    async def test_migrations_run_once_and_must_stay_as_they_were(self, connect: Connect) -> None:
        async with working(connect, migrated=False) as database:
            await database.migrate("bank", STEPS[:1])
            await database.commit([Writes([opened("a", 3)])])
            await database.migrate("bank", STEPS)
            await database.migrate("bank", STEPS)
            await database.commit([Writes([noted(1)])])
            assert await balances(database) == {"a": 3}
            await raised(SchemaConflict, database.migrate("bank", [STEPS[0] + " ", STEPS[1]]))
            await raised(SchemaConflict, database.migrate("bank", STEPS[:1]))
            await database.migrate("other", ["CREATE TABLE other (id {bigint})"])

    async def test_a_migration_that_fails_leaves_nothing(self, connect: Connect) -> None:
        async with working(connect) as database:
            broken = [*STEPS, "CREATE TABLE third (id {bigint}); CREATE TABLE third (id {bigint})"]
            await raised(StatementRefused, database.migrate("bank", broken))
            await database.migrate("bank", [*STEPS, "CREATE TABLE third (id {bigint})"])

    async def test_two_open_databases_migrate_and_write_at_once(self, connect: Connect) -> None:
        async with AsyncExitStack() as stack:
            pair = [await stack.enter_async_context(working(connect, migrated=False)) for _ in range(2)]
            await asyncio.gather(*(database.migrate("bank", STEPS) for database in pair))
            await pair[0].commit([Writes([opened("a")])])
            work = [database.commit([Writes([], [deposit("a", 1)])]) for database in pair for _ in range(20)]
            assert await asyncio.gather(*work) == [[True]] * 40
            assert await balances(pair[0]) == await balances(pair[1]) == {"a": 40}

    async def test_a_claim_is_held_by_one(self, connect: Connect) -> None:
        async with working(connect) as first, working(connect) as second:
            assert await first.claim("wrt_1")
            assert await first.claim("wrt_1")
            assert not await second.claim("wrt_1")
            assert await second.claim("wrt_2")
            await first.release("wrt_1")
            assert await second.claim("wrt_1")
            await second.release("never held")
            await second.close()
            assert await first.claim("wrt_1")
            assert await first.claim("wrt_2")

    async def test_cancelling_a_caller_does_not_tear_a_commit(self, connect: Connect) -> None:
        async with working(connect) as database:
            caller = asyncio.ensure_future(database.commit([Writes([opened("a"), noted(1)])]))
            await asyncio.sleep(0)
            caller.cancel()
            await asyncio.gather(caller, return_exceptions=True)
            await database.commit([])
            notes = await database.read("SELECT id FROM transfer")
            assert (await balances(database), notes) == ({"a": 0}, [(1,)])

    async def test_a_closed_database_says_so(self, connect: Connect) -> None:
        database = connect()
        await raised(StoreUnavailable, database.read("SELECT 1"))
        await database.open()
        await database.close()
        await database.close()
        for use in (database.read("SELECT 1"), database.commit([]), anext(aiter(database.scan("SELECT 1")))):
            await raised(StoreUnavailable, use)
