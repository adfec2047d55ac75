"""The ledger: reserved before, settled after, never overspent, nothing lost with a process."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from interlock.foundation.store import open_database
from interlock.governance.budgets import (
    AfterCrash,
    Amount,
    Asking,
    Budget,
    BudgetExceeded,
    BudgetPlan,
    BudgetUnpriced,
    Charge,
    Ledger,
    Period,
    Reservation,
    Scope,
    Spender,
    Unpriced,
    Worst,
)
from interlock.governance.journal import Entry, Journal, Search
from interlock.testing.clock import FixedClock
from tests.governance.limits.conftest import Ground

SPENDER = Spender("acme", "agent:helper", "helper", "desk", "refunds")
DAY = Budget("day", Period.day, Amount(1000, 5000))


def asking(money: int | None = 100, tokens: int = 100, model: str = "m", spender: Spender = SPENDER) -> Asking:
    return Asking(spender, [Worst(model, tokens, money)], "ses_1", spender.caller)


async def opened(ground: Ground, *budgets: Budget, after_crash: AfterCrash = AfterCrash.settle) -> Ledger:
    ledger = Ledger(ground.database, ground.journal, clock=ground.clock)
    await ledger.open()
    ledger.use(BudgetPlan({budget.name: budget for budget in budgets}, "EUR", after_crash=after_crash))
    return ledger


async def settle(ground: Ground, ledger: Ledger, reservation: Reservation, money: int | None, tokens: int = 0) -> None:
    """Settle as a call's own record does."""
    done = ledger.settlement(reservation, [Charge(money, tokens)])
    entry = Entry("model.called", "acme", "ses_1")
    await ground.journal.record([entry], guards=done.guards, changes=done.changes, shared=done.shared)
    ledger.finished(reservation)


async def standing(ledger: Ledger) -> tuple[str, int, str, int]:
    (pot,) = await ledger.pots()
    return (pot["spent"]["money"], pot["spent"]["tokens"], pot["reserved"]["money"], pot["reserved"]["tokens"])


async def test_a_call_is_reserved_at_its_worst_and_settled_to_what_it_took(ground: Ground) -> None:
    ledger = await opened(ground, DAY)
    held = await ledger.reserve(asking(700_000 // 1000, 3000))
    assert await standing(ledger) == ("0.00", 0, "0.0007", 3000)
    await settle(ground, ledger, held, 120, 450)
    assert await standing(ledger) == ("0.00012", 450, "0.00", 0)


async def test_a_call_that_no_budget_counts_writes_nothing(ground: Ground) -> None:
    ledger = await opened(ground, replace(DAY, counts={Scope.agent: ("other",)}))
    held = await ledger.reserve(asking())
    assert held.holds == ()
    assert await ledger.pots() == []
    await ledger.release(held, why="nothing")


async def test_what_is_released_was_never_spent(ground: Ground) -> None:
    ledger = await opened(ground, DAY)
    await ledger.release(await ledger.reserve(asking()), why="models_unavailable")
    assert await standing(ledger) == ("0.00", 0, "0.00", 0)


async def test_a_hard_limit_refuses_with_its_name_and_when_to_try_again(ground: Ground) -> None:
    ledger = await opened(ground, DAY)
    ground.clock.set(1_000_000.0)
    await settle(ground, ledger, await ledger.reserve(asking(950)), 950, 100)
    with pytest.raises(BudgetExceeded) as error:
        await ledger.reserve(asking(100))
    details = error.value.details
    assert (error.value.status, details["budget"], details["limits"]) == (429, "day", "money")
    assert (details["spent"], details["limit"]) == ("0.00095 EUR", "0.001 EUR")
    assert details["retry_after"] == pytest.approx(86_400 - 1_000_000 % 86_400)
    page = await ground.reader.search(Search(kind="model.refused"), tenant="acme")
    assert page.records[0].body["budget"] == "day"


async def test_room_that_others_only_hold_is_worth_a_second_try(ground: Ground) -> None:
    ledger = await opened(ground, DAY)
    first = await ledger.reserve(asking(950))
    with pytest.raises(BudgetExceeded) as error:
        await ledger.reserve(asking(100))
    assert error.value.details["retry_after"] == 1.0
    await settle(ground, ledger, first, 10)
    assert (await ledger.reserve(asking(100))).holds


async def test_a_call_larger_than_the_whole_budget_is_told_to_ask_for_less(ground: Ground) -> None:
    ledger = await opened(ground, replace(DAY, period=Period.total))
    with pytest.raises(BudgetExceeded) as error:
        await ledger.reserve(asking(10, 6000))
    assert error.value.details["limits"] == "tokens"
    assert "max_tokens" in error.value.fix
    assert "retry_after" not in error.value.details


async def test_a_call_fits_into_every_budget_or_holds_nothing(ground: Ground) -> None:
    small = Budget("agent", Period.hour, Amount(tokens=50), each=(Scope.agent,))
    ledger = await opened(ground, DAY, small)
    with pytest.raises(BudgetExceeded) as error:
        await ledger.reserve(asking())
    assert error.value.details["budget"] == "agent"
    assert all(pot["reserved"]["tokens"] == 0 for pot in await ledger.pots())


async def test_a_new_period_begins_with_nothing_spent(ground: Ground) -> None:
    ledger = await opened(ground, DAY)
    await settle(ground, ledger, await ledger.reserve(asking(1000)), 1000)
    ground.clock.advance(86_400)
    assert (await ledger.reserve(asking(1000))).money == 1000


async def test_each_spender_has_the_whole_amount_and_models_are_counted_apart(ground: Ground) -> None:
    each = Budget("each", Period.day, Amount(tokens=100), each=(Scope.tenant, Scope.caller, Scope.model))
    ledger = await opened(ground, each)
    await ledger.reserve(asking())
    await ledger.reserve(asking(spender=replace(SPENDER, caller="person:x,model=m")))
    both = Asking(SPENDER, [Worst("m", 100, 1), Worst("n", 100, 1)])
    with pytest.raises(BudgetExceeded):
        await ledger.reserve(both)
    other = await ledger.reserve(asking(model="n"))
    assert [hold.key.pot for hold in other.holds] == ["tenant=acme,caller=agent:helper,model=n"]


async def test_only_the_pot_of_the_model_that_answered_is_charged(ground: Ground) -> None:
    ledger = await opened(ground, Budget("models", Period.day, Amount(tokens=1000), each=(Scope.model,)))
    held = await ledger.reserve(Asking(SPENDER, [Worst("m", 100, 1), Worst("n", 200, 1)]))
    done = ledger.settlement(held, [Charge(0, 70, "n")])
    await ground.journal.record(
        [Entry("model.called", "acme", "s")], guards=done.guards, changes=done.changes, shared=done.shared
    )
    spent = {pot["pot"]: (pot["spent"]["tokens"], pot["reserved"]["tokens"]) for pot in await ledger.pots()}
    assert spent == {"model=m": (0, 0), "model=n": (70, 0)}


async def test_money_cannot_be_limited_where_a_price_is_unknown(ground: Ground) -> None:
    ledger = await opened(ground, DAY)
    with pytest.raises(BudgetUnpriced) as error:
        await ledger.reserve(asking(None, model="mystery"))
    assert "mystery" in error.value.why
    assert "prices.yaml" in error.value.fix
    ledger.use(BudgetPlan({"day": replace(DAY, unpriced=Unpriced.allow)}, "EUR"))
    await settle(ground, ledger, await ledger.reserve(asking(None, model="mystery")), None, 10)
    (pot,) = await ledger.pots()
    assert pot["unpriced_calls"] == 1
    assert pot["spent"]["tokens"] == 10


async def test_a_reservation_is_closed_once_whoever_does_it(ground: Ground) -> None:
    ledger = await opened(ground, DAY)
    held = await ledger.reserve(asking(100))
    await ledger.keep(held, why="cancelled")
    await ledger.release(held, why="late")
    assert await standing(ledger) == ("0.0001", 100, "0.00", 0)


async def test_a_soft_limit_warns_once_in_each_period(ground: Ground) -> None:
    soft = Budget("soft", Period.day, soft_money=(100, 200), soft_tokens=(1000,))
    ledger = await opened(ground, soft)
    other = await opened(ground, soft)
    for one in (ledger, other):
        await settle(ground, one, await one.reserve(asking(90)), 90, 10)
    assert [await one.warn() for one in (ledger, other, ledger)] == [1, 0, 0]
    await settle(ground, ledger, await ledger.reserve(asking(90)), 90, 10)
    assert await ledger.warn() == 1
    page = await ground.reader.search(Search(kind="budget.warned", subject="budget:soft"), tenant="")
    assert [record.body["soft"] for record in page.records] == ["0.0002", "0.0001"]


@pytest.mark.parametrize("after_crash", list(AfterCrash))
async def test_what_a_dead_process_held_is_closed_as_declared(
    ground: Ground, tmp_path: Path, after_crash: AfterCrash
) -> None:
    ledger = await opened(ground, DAY, after_crash=after_crash)
    database = open_database(ground.url)
    await database.open()
    journal = Journal(database, tmp_path / "state", clock=FixedClock())
    await journal.open()
    dying = await opened(Ground(ground.url, database, journal, ground.reader, ground.clock), DAY)
    await dying.reserve(asking(300))
    own = await ledger.reserve(asking(100))
    assert await ledger.recover() == 0, "both processes live"
    await database.close()
    assert await ledger.recover() == 1
    spent = "0.0003" if after_crash is AfterCrash.settle else "0.00"
    assert (await standing(ledger))[0] == spent
    await ledger.release(own, why="models_unavailable")
    assert (await standing(ledger))[2] == "0.00"


async def test_a_caller_that_goes_away_while_reserving_leaves_nothing_held(ground: Ground) -> None:
    ledger = await opened(ground, DAY)
    task = asyncio.create_task(ledger.reserve(asking()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await ground.journal.close()
    await ground.journal.open()
    await ledger.recover()
    assert all(pot["reserved"]["tokens"] == 0 == pot["spent"]["tokens"] for pot in await ledger.pots())


async def test_two_hundred_calls_at_once_spend_exactly_what_they_took(ground: Ground) -> None:
    """Each is reserved at 100 and takes 37 or less, known only at its end; the limit stops the rest."""
    ledger = await opened(ground, replace(DAY, hard=Amount(3000, None)), Budget("all", Period.total, Amount(2500)))
    took: list[int] = []

    async def call(number: int) -> None:
        held = await ledger.reserve(asking(100))
        for _ in range(number % 7):
            await asyncio.sleep(0)
        cost = number % 38
        took.append(cost)
        await settle(ground, ledger, held, cost)

    results = await asyncio.gather(*(call(number) for number in range(200)), return_exceptions=True)
    assert {type(result) for result in results} <= {type(None), BudgetExceeded}
    assert len(took) >= 25
    pots = {pot["budget"]: pot for pot in await ledger.pots()}
    assert pots["all"]["spent"]["money"] == pots["day"]["spent"]["money"] == f"{sum(took) / 1e6:.6f}".rstrip("0")
    assert pots["all"]["reserved"]["money"] == "0.00"
