"""Metering through the whole path: what a call cost, on whose behalf, and what is said when nobody knows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from interlock.experience.installation import Installation
from interlock.governance.budgets import BudgetExceeded
from interlock.governance.journal import Search
from interlock.intelligence.gateway import (
    Instance,
    ModelCutOff,
    ModelFailed,
    ModelReply,
    ModelRequest,
    ModelTimedOut,
    Route,
    RouteExhausted,
    RouteTarget,
    Streamed,
    Usage,
    in_one_piece,
)
from interlock.intelligence.gateway.pins import UNPINNED, Pin
from interlock.intelligence.usage import MeteredCall, UsageQuery, UsageQueryInvalid
from tests.orchestration.desk import running, write_project

PRICES = """
source: invented for tests
date: 2026-01-31
currency: EUR
models:
  "small*": {input: 1, output: 4, cached_input: 0.25, reasoning: 8}
  "free:*": {input: 0, output: 0}
"""
BUDGETS = """
budgets:
  desk:
    for: {route: desk}
    period: day
    hard: {money: 0.01}
reserve: {output_tokens: 1000}
"""
ABOUT = {"tenant": "acme", "actor": "agent:helper", "agent": "helper", "session": "ses_1", "use_case": "refunds"}
ASKED = ModelRequest([{"role": "user", "content": "Hello"}], metadata=ABOUT, parameters={"max_tokens": 500})
USED = Usage(1000, 300, 400, 100)


@dataclass
class Scripted:
    """A provider that answers, fails or waits as it is told."""

    model: str = "small"
    name: str = "fake"
    says: list[Any] = field(default_factory=list)
    waits: asyncio.Event | None = None
    entered: asyncio.Event = field(default_factory=asyncio.Event)

    def missing(self) -> str:
        return ""

    def stream(self, request: ModelRequest, *, timeout: float, idle: float) -> Streamed:
        return in_one_piece(self, request, timeout)

    async def complete(self, request: ModelRequest, *, timeout: float) -> ModelReply:
        self.entered.set()
        if self.waits is not None:
            await self.waits.wait()
        said = self.says.pop(0) if self.says else USED
        if isinstance(said, Exception):
            raise said
        if isinstance(said, ModelReply):
            return said
        return ModelReply("Hi", provider=self.name, model=f"{self.model}-2026", usage=said)


@asynccontextmanager
async def desk(
    tmp_path: Path, *providers: Scripted, prices: str = PRICES, budgets: str = BUDGETS, url: str = ""
) -> AsyncIterator[Installation]:
    root = write_project(tmp_path)
    for name, text in (("prices.yaml", prices), ("budgets.yaml", budgets)):
        if text:
            (root / name).write_text(text, "utf-8")
    async with running(root, url) as composed:
        projects = composed.installation.projects
        route = Route("desk", tuple(RouteTarget(provider) for provider in providers))
        projects.current = replace(projects.current, routes={"desk": route})
        yield composed.installation


async def records(found: Installation, kind: str) -> list[dict[str, Any]]:
    page = await found.journal.search(Search(kind=kind), tenant="acme", limit=500)
    return [dict(record.body) for record in page.records]


def sample(found: Installation, name: str) -> str:
    text = found.telemetry.metrics.render()[0].decode()
    return "\n".join(line for line in text.splitlines() if line.startswith(name))


async def test_a_call_is_priced_by_kind_of_token_and_its_record_says_so(tmp_path: Path) -> None:
    async with desk(tmp_path, Scripted()) as found:
        await found.models.complete("desk", ASKED)
        (called,) = await records(found, "model.called")
        # 600 at 1, 400 cached at 0.25, 200 at 4 and 100 of reasoning at 8, in millionths each
        assert (called["cost"], called["currency"]) == ("0.0023", "EUR")
        assert called["usage"]["reasoning_tokens"] == 100
        (reserved,) = await records(found, "model.reserved")
        assert reserved["reservation"] == called["reservation"]
        assert reserved["reserved"] == called["reserved"]
        (pot,) = await found.ledger.pots()
        assert pot["spent"] == {"money": "0.0023", "tokens": 1300}
        assert pot["reserved"]["money"] == "0.00"
        by = ("tenant", "caller", "agent", "route", "use_case", "model")
        (line,) = await found.usage.report(UsageQuery(by, tenant="acme"))
        assert [line[name] for name in by] == ["acme", "agent:helper", "helper", "desk", "refunds", "small-2026"]
        assert (line["calls"], line["cost"], line["cached_tokens"], line["unpriced_calls"]) == (1, "0.0023", 400, 0)
        assert 'model="small",route="desk"} 0.0023' in sample(found, "interlock_model_cost_total{")
        assert 'kind="cached",model="small",route="desk"} 400' in sample(found, "interlock_model_tokens_total{")


async def test_a_hard_limit_refuses_before_any_model_is_called(tmp_path: Path) -> None:
    provider = Scripted()
    async with desk(tmp_path, provider) as found:
        greedy = replace(ASKED, parameters={"max_completion_tokens": 100_000})
        with pytest.raises(BudgetExceeded):
            await found.models.complete("desk", greedy)
        with pytest.raises(BudgetExceeded):
            await found.models.complete("desk", replace(ASKED, parameters={"max_tokens": 500, "n": 9}))
        assert await records(found, "model.called") == []
        assert 'budget="desk"} 2' in sample(found, "interlock_budget_refusals_total{")


@pytest.mark.parametrize("usage", [Usage(), Usage(10, 5, 20)])
async def test_an_answer_without_usable_usage_is_charged_at_its_worst_and_alarmed(tmp_path: Path, usage: Usage) -> None:
    async with desk(tmp_path, Scripted(says=[usage])) as found:
        await found.models.complete("desk", ASKED)
        (called,), (alarm,) = await records(found, "model.called"), await records(found, "usage.alarm")
        (pot,) = await found.ledger.pots()
        assert pot["spent"] == called["reserved"]
        assert float(called["cost"]) > 0.004
        reason = "missing" if usage == Usage() else "contradictory"
        assert alarm["reason"] == reason
        assert alarm["reservation"] == called["reservation"]
        assert f'reason="{reason}"}} 1' in sample(found, "interlock_model_usage_alarms_total{")
        (line,) = await found.usage.report(UsageQuery())
        assert line["unmetered_calls"] == 1


async def test_a_model_without_a_price_has_an_unknown_cost_and_never_zero(tmp_path: Path) -> None:
    async with desk(tmp_path, Scripted(model="mystery"), budgets="") as found:
        await found.models.complete("desk", ASKED)
        (called,) = await records(found, "model.called")
        assert called["cost"] == "unknown"
        (line,) = await found.usage.report(UsageQuery(("model",)))
        assert line["cost"] is None
        assert line["unpriced_calls"] == 1
        assert 'reason="unpriced"} 1' in sample(found, "interlock_model_usage_alarms_total{")


async def test_a_route_whose_providers_fail_costs_nothing(tmp_path: Path) -> None:
    async with desk(tmp_path, Scripted(says=[ModelFailed("down")])) as found:
        with pytest.raises(RouteExhausted):
            await found.models.complete("desk", ASKED)
        (pot,) = await found.ledger.pots()
        assert pot["spent"]["tokens"] == 0 == pot["reserved"]["tokens"]


async def test_an_answer_that_was_lost_is_kept_at_the_reservation(tmp_path: Path) -> None:
    async with desk(tmp_path, Scripted(says=[ModelTimedOut("late")])) as found:
        with pytest.raises(RouteExhausted):
            await found.models.complete("desk", ASKED)
        (kept,), (pot,) = await records(found, "budget.kept"), await found.ledger.pots()
        assert pot["spent"] == kept["reserved"]
        assert pot["reserved"]["tokens"] == 0


async def test_what_a_lost_attempt_may_have_cost_is_covered_by_the_rest_of_the_reservation(tmp_path: Path) -> None:
    async with desk(tmp_path, Scripted(says=[ModelTimedOut("late")]), Scripted()) as found:
        await found.models.complete("desk", ASKED)
        (pot,) = await found.ledger.pots()
        (reserved,) = await records(found, "model.reserved")
        assert pot["spent"] == {"money": reserved["reserved"]["money"], "tokens": 1300}
        assert sorted(alarm["reason"] for alarm in await records(found, "usage.alarm")) == ["lost", "overrun"]


NO = ModelReply("I will not", provider="fake", model="small-2026", usage=USED, declined=True)
OTHER = ModelReply("Hi", provider="fake", model="small-2026", usage=USED, reported="small-2027")
PINNED = Pin("small-2026", "fall_back")


def falling_back(found: Installation, *providers: Scripted, pin: Pin = UNPINNED) -> None:
    """Let the route go on after a model that declines, and pin its first target."""
    first, *rest = (RouteTarget(provider) for provider in providers)
    route = Route("desk", (replace(first, pin=pin), *rest), fall_back_on=frozenset({"error", "declined"}))
    found.projects.current = replace(found.projects.current, routes={"desk": route})


@pytest.mark.parametrize(("said", "pin"), [(NO, UNPINNED), (OTHER, PINNED)], ids=["declined", "changed"])
async def test_an_answer_that_was_not_used_is_charged_beside_the_one_that_was(
    tmp_path: Path, said: ModelReply, pin: Pin
) -> None:
    async with desk(tmp_path) as found:
        falling_back(found, Scripted(says=[said]), Scripted(), pin=pin)
        await found.models.complete("desk", ASKED)
        assert [record["cost"] for record in await records(found, "model.called")] == ["0.0023"] * 2
        (pot,) = await found.ledger.pots()
        assert (pot["spent"], pot["reserved"]["tokens"]) == ({"money": "0.0046", "tokens": 2600}, 0)
        (line,) = await found.usage.report(UsageQuery())
        assert (line["calls"], line["cost"]) == (2, "0.0046")


@pytest.mark.parametrize(("said", "pin"), [(NO, UNPINNED), (OTHER, replace(PINNED, on_change="hold"))])
async def test_only_answers_that_were_not_used_are_charged_as_what_they_took(
    tmp_path: Path, said: ModelReply, pin: Pin
) -> None:
    async with desk(tmp_path) as found:
        falling_back(found, Scripted(says=[said]), Scripted(says=[ModelFailed("down")]), pin=pin)
        if pin is UNPINNED:
            assert (await found.models.complete("desk", ASKED)).declined
        else:
            with pytest.raises(RouteExhausted):
                await found.models.complete("desk", ASKED)
        (charged,), (pot,) = await records(found, "budget.charged"), await found.ledger.pots()
        assert charged["why"] in ("declined", "route_held")
        assert (pot["spent"], pot["reserved"]["tokens"]) == ({"money": "0.0023", "tokens": 1300}, 0)


@pytest.mark.parametrize("usage", [Usage(), Usage(10, 5, 20)])
async def test_an_unused_answer_that_nobody_can_count_is_charged_at_its_worst(tmp_path: Path, usage: Usage) -> None:
    async with desk(tmp_path) as found:
        falling_back(found, Scripted(says=[replace(NO, usage=usage)]), Scripted(says=[ModelFailed("down")]))
        await found.models.complete("desk", ASKED)
        (charged,), (pot,) = await records(found, "budget.charged"), await found.ledger.pots()
        assert pot["spent"]["tokens"] * 2 == charged["reserved"]["tokens"] > 1000  # held for both that may answer
        assert pot["reserved"]["tokens"] == 0


async def test_what_all_that_may_be_charged_for_come_to_is_reserved(tmp_path: Path) -> None:
    """Where a model that declines is followed by another, both together must fit."""
    async with desk(tmp_path, budgets=BUDGETS.replace("0.01", "0.008")) as found:
        providers = Scripted(says=[NO]), Scripted(says=[NO]), Scripted()
        falling_back(found, *providers)
        with pytest.raises(BudgetExceeded):
            await found.models.complete("desk", ASKED)
        assert not any(provider.entered.is_set() for provider in providers)


EACH_MODEL = """
budgets:
  each:
    each: [model]
    period: day
    hard: {tokens: 5000}
reserve: {output_tokens: 1000}
"""


@pytest.mark.parametrize(
    "first", [NO, ModelTimedOut("late"), ModelCutOff("gone")], ids=lambda said: type(said).__name__
)
async def test_each_models_budget_is_charged_for_its_own_attempt(tmp_path: Path, first: Any) -> None:
    async with desk(tmp_path, budgets=EACH_MODEL) as found:
        falling_back(found, Scripted(says=[first]), Scripted(model="small-too"))
        await found.models.complete("desk", ASKED)
        spent = {pot["pot"]: pot["spent"]["tokens"] for pot in await found.ledger.pots()}
        assert spent["model=small-too"] == 1300
        assert spent["model=small"] == 1300 if first is NO else spent["model=small"] > 500


async def test_an_answer_that_broke_off_may_have_been_charged_for(tmp_path: Path) -> None:
    async with desk(tmp_path, Scripted(says=[ModelCutOff("gone")])) as found:
        with pytest.raises(RouteExhausted):
            await found.models.complete("desk", ASKED)
        (kept,), (pot,) = await records(found, "budget.kept"), await found.ledger.pots()
        assert pot["spent"] == kept["reserved"]


async def test_a_caller_that_goes_away_after_an_unused_answer_is_charged_for_both(tmp_path: Path) -> None:
    waiting = Scripted(waits=asyncio.Event())
    async with desk(tmp_path, budgets=EACH_MODEL) as found:
        falling_back(found, Scripted(says=[replace(NO, usage=Usage(4000, 3000))]), waiting)
        task = asyncio.create_task(found.models.complete("desk", ASKED))
        await waiting.entered.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        (pot,) = await found.ledger.pots()
        assert (pot["spent"]["tokens"], pot["reserved"]["tokens"]) == (7000, 0)  # more than was held, and never less


async def test_a_call_under_way_ends_on_the_routes_that_it_was_reserved_for(tmp_path: Path) -> None:
    """The project may change between the reservation and the call."""
    old, new = Scripted(), Scripted(model="small-and-new")
    async with desk(tmp_path, old) as found:
        begin = found.models.metering.begin

        async def reload(route: Route, request: ModelRequest) -> MeteredCall:
            call = await begin(route, request)
            found.models.metering.begin = begin  # type: ignore[method-assign]  # only the first call is interrupted
            projects = found.projects
            projects.current = replace(projects.current, routes={"desk": Route("desk", (RouteTarget(new),))})
            await found.models.complete("desk", ASKED)
            return call

        found.models.metering.begin = reload  # type: ignore[method-assign]  # what may happen at that moment
        assert (await found.models.complete("desk", ASKED)).model == "small-2026"
        assert [record["model"] for record in await records(found, "model.called")] == [
            "small-2026",
            "small-and-new-2026",
        ]


async def test_every_instance_that_may_answer_is_reserved_for(tmp_path: Path) -> None:
    """An instance may be of another model, whose price is its own."""
    cheap, dear = Scripted(), Scripted(model="dear")
    prices = PRICES + '  "dear": {input: 1000, output: 1000}\n'
    async with desk(tmp_path, prices=prices) as found:
        target = RouteTarget(cheap, instances=(Instance("a", cheap), Instance("b", dear)))
        found.projects.current = replace(found.projects.current, routes={"desk": Route("desk", (target,))})
        with pytest.raises(BudgetExceeded):
            await found.models.complete("desk", ASKED)


async def test_a_caller_that_goes_away_is_charged_for_what_was_begun(tmp_path: Path) -> None:
    provider = Scripted(waits=asyncio.Event())
    async with desk(tmp_path, provider) as found:
        task = asyncio.create_task(found.models.complete("desk", ASKED))
        await provider.entered.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        (pot,) = await found.ledger.pots()
        assert pot["spent"]["tokens"] > 0 == pot["reserved"]["tokens"]


async def test_rules_are_no_model_and_cost_nothing(tmp_path: Path) -> None:
    async with desk(tmp_path, Scripted(name="rules", says=[Usage()])) as found:
        await found.models.complete("desk", ASKED)
        (called,) = await records(found, "model.called")
        assert called["cost"] == "0.00"
        assert await records(found, "usage.alarm") == []


async def test_usage_is_asked_for_by_what_it_is_counted_by(tmp_path: Path) -> None:
    async with desk(tmp_path, Scripted()) as found:
        for query in (UsageQuery(("colour",)), UsageQuery(("agent", "agent")), UsageQuery(since=2.0, until=1.0)):
            with pytest.raises(UsageQueryInvalid):
                await found.usage.report(query)
        assert await found.usage.report(UsageQuery(since=1.0, until=2.0)) == []


async def streamed(found: Installation) -> ModelReply:
    """Take in a whole answer as it comes."""
    pieces = [piece async for piece in found.models.stream("desk", ASKED)]
    assert isinstance(pieces[-1], ModelReply)
    return pieces[-1]


async def test_a_stream_is_settled_with_what_it_took_and_says_what_it_cost(tmp_path: Path) -> None:
    async with desk(tmp_path, Scripted(says=[Usage(600, 200)])) as found:
        reply = await streamed(found)
        (called,) = await records(found, "model.called")
        assert reply.cost == called["cost"] != ""
        assert called["usage"]["input_tokens"] == 600


async def test_a_stream_that_is_left_is_settled_at_the_reservation_with_an_alarm(tmp_path: Path) -> None:
    async with desk(tmp_path, Scripted(says=[Usage(600, 200)])) as found:
        async with aclosing(found.models.stream("desk", ASKED)) as pieces:
            await anext(pieces)
        (called,) = await records(found, "model.called")
        assert called["outcome"] == "left"
        (alarm,) = await records(found, "usage.alarm")
        assert alarm["reason"] == "lost"
        assert await records(found, "budget.kept")


@pytest.mark.parametrize("way", ["whole", "streamed"])
@pytest.mark.parametrize("where", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def test_two_hundred_calls_priced_at_their_end_hold_a_budget_exactly(
    tmp_path: Path, where: str, way: str, request: pytest.FixtureRequest
) -> None:
    url = str(request.getfixturevalue("postgres_url")) if where == "postgres" else ""
    used = [Usage(1 + number % 50, 1 + number % 40) for number in range(200)]
    async with desk(tmp_path, Scripted(says=list(used)), url=url, budgets=BUDGETS.replace("0.01", "0.03")) as found:
        calls = (streamed(found) if way == "streamed" else found.models.complete("desk", ASKED) for _ in used)
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(result) for result in results} <= {ModelReply, BudgetExceeded}
        answered = [result.usage for result in results if isinstance(result, ModelReply)]
        cost = sum(usage.input_tokens + 4 * usage.output_tokens for usage in answered)
        (pot,) = await found.ledger.pots()
        assert float(pot["spent"]["money"]) * 1e6 == pytest.approx(cost)
        assert cost <= 30_000
        assert pot["reserved"] == {"money": "0.00", "tokens": 0}
        (line,) = await found.usage.report(UsageQuery())
        assert (line["calls"], line["cost"]) == (len(answered), pot["spent"]["money"])
        assert 0 < len(answered) < 200
