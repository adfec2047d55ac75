"""However calls overlap, a hard limit is never exceeded, and what is settled is exactly what was spent."""

from __future__ import annotations

import asyncio
import random
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Self

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.foundation.store import open_database
from interlock.governance.budgets import (
    Amount,
    Asking,
    Budget,
    BudgetExceeded,
    BudgetPlan,
    Charge,
    Ledger,
    Period,
    Reservation,
    Scope,
    Spender,
    Worst,
)
from interlock.governance.journal import Entry, Journal
from interlock.testing.clock import FixedClock

MONEY, TOKENS = 400, 700

Call = tuple[int, int, int, int, str, str]
"""Most money, most tokens, percent of the money and of the tokens that it takes, how it ends, and its agent."""

CALLS = st.lists(
    st.tuples(
        st.integers(0, 150),
        st.integers(0, 200),
        st.integers(0, 100),
        st.integers(0, 100),
        st.sampled_from(["settle", "settle", "release", "keep", "settle twice"]),
        st.sampled_from(["a", "b"]),
    ),
    min_size=1,
    max_size=25,
)
PLAN = BudgetPlan(
    {
        "all": Budget("all", Period.day, Amount(MONEY, TOKENS)),
        "agents": Budget("agents", Period.total, Amount(MONEY // 2), each=(Scope.agent,)),
    },
    "EUR",
)


class Process:
    """A ledger with a connection and a journal of its own."""

    def __init__(self, url: str, state: Path) -> None:
        self._database = open_database(url)
        self.journal = Journal(self._database, state, clock=FixedClock())
        self.ledger = Ledger(self._database, self.journal, clock=FixedClock())

    async def __aenter__(self) -> Self:
        await self._database.open()
        await self.journal.open()
        await self.ledger.open()
        self.ledger.use(PLAN)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.journal.close()
        await self._database.close()

    async def call(self, call: Call, pauses: int) -> tuple[int, int]:
        """Make one call; return what it spent."""
        money, tokens, part, share, end, agent = call
        asking = Asking(Spender("acme", "service:x", agent, "desk"), [Worst("m", tokens, money)])
        try:
            held = await self.ledger.reserve(asking)
        except BudgetExceeded:
            return 0, 0
        for _ in range(pauses):
            await asyncio.sleep(0)
        if end == "release":
            await self.ledger.release(held, why="models_unavailable")
            return 0, 0
        if end == "keep":
            await self.ledger.keep(held, why="cancelled")
            return money, tokens
        spent = money * part // 100, tokens * share // 100
        await self._settle(held, *spent)
        if end == "settle twice":
            await self.ledger.keep(held, why="late")
        return spent

    async def _settle(self, held: Reservation, money: int, tokens: int) -> None:
        done = self.ledger.settlement(held, [Charge(money, tokens)])
        entry = Entry("model.called", "acme", held.id)
        await self.journal.record([entry], guards=done.guards, changes=done.changes, shared=done.shared)
        self.ledger.finished(held)

    async def watch(self, stop: asyncio.Event) -> None:
        """Look again and again that no limit is exceeded, not even by what is only held."""
        while not stop.is_set():
            for pot in await self.ledger.pots():
                held = {
                    what: _micro(pot["spent"][what]) + _micro(pot["reserved"][what]) for what in ("money", "tokens")
                }
                assert held["money"] <= (MONEY if pot["budget"] == "all" else MONEY // 2)
                assert pot["budget"] != "all" or held["tokens"] <= TOKENS
            await asyncio.sleep(0)


def _micro(value: str | int) -> int:
    return value if isinstance(value, int) else round(float(value) * 1e6)


async def overlapping(url: str, state: Path, calls: list[Call], seed: int, *, processes: int) -> None:
    """Make *calls*, spread over *processes*, and hold what the pots say against what the calls say."""
    chance, stop = random.Random(seed), asyncio.Event()
    async with AsyncExitStack() as stack:
        several = [await stack.enter_async_context(Process(url, state)) for _ in range(processes)]
        watching = asyncio.create_task(several[0].watch(stop))
        made = [chance.choice(several).call(call, chance.randrange(6)) for call in calls]
        spent = await asyncio.gather(*made)
        stop.set()
        await watching
        pots = {(pot["budget"], pot["pot"]): pot for pot in await several[-1].ledger.pots()}
        total = (sum(money for money, _ in spent), sum(tokens for _, tokens in spent))
        assert (_micro(pots["all", ""]["spent"]["money"]), pots["all", ""]["spent"]["tokens"]) == total
        assert all(pot["reserved"] == {"money": "0.00", "tokens": 0} for pot in pots.values())
        assert await several[0].ledger.recover() == 0


@given(calls=CALLS, seed=st.integers(0, 10_000))
@settings(max_examples=25)
def test_no_interleaving_overspends(calls: list[Call], seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        asyncio.run(overlapping(f"sqlite:///{root}/i.db", root / "state", calls, seed, processes=1))


@given(calls=CALLS, seed=st.integers(0, 10_000))
@settings(max_examples=10)
def test_no_interleaving_of_two_processes_overspends(calls: list[Call], seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        asyncio.run(overlapping(f"sqlite:///{root}/i.db", root / "state", calls, seed, processes=2))


@pytest.mark.postgres
async def test_three_processes_on_one_server_neither_overspend_nor_wait_in_a_circle(
    postgres_url: str, tmp_path: Path
) -> None:
    chance = random.Random(7)
    calls: list[Call] = [
        (chance.randrange(20), chance.randrange(30), 50, 50, chance.choice(["settle", "keep", "release"]), agent)
        for agent in "ab" * 100
    ]
    await overlapping(postgres_url, tmp_path / "state", calls, 7, processes=3)
