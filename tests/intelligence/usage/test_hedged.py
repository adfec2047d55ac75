"""What hedged calls hold and cost: both are held for, each is charged for once, and nothing stays held."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from interlock.governance.budgets import BudgetExceeded
from interlock.intelligence.gateway import Instance, ModelFailed, ModelReply, ModelRequest, Route, RouteTarget, Usage
from interlock.intelligence.gateway.hedging import Hedge
from interlock.intelligence.usage import Prices
from interlock.intelligence.usage.worst import bounds, worst_cases
from tests.intelligence.usage.test_metering import ASKED, BUDGETS, Scripted, desk, records

WIDE = BUDGETS.replace("0.01", "1")


def hedged(found: Any, *providers: Scripted, after: float = 0.0) -> None:
    route = Route("desk", tuple(RouteTarget(one, name=one.model) for one in providers), hedge=Hedge(after))
    found.projects.current = replace(found.projects.current, routes={"desk": route})


async def ask(found: Any, *, streamed: bool) -> ModelReply:
    if not streamed:
        reply: ModelReply = await found.models.complete("desk", ASKED)
        return reply
    async with aclosing(found.models.stream("desk", ASKED)) as pieces:
        return [piece async for piece in pieces if isinstance(piece, ModelReply)][-1]


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
async def test_the_one_that_was_given_up_counts_as_all_that_it_can_have_cost(
    tmp_path: Path,
    streamed: bool,
) -> None:
    async with desk(tmp_path, budgets=WIDE) as found:
        silent, quick = Scripted(waits=asyncio.Event()), Scripted(model="small-too", says=[Usage(20, 10)])
        hedged(found, silent, quick)
        reply = await ask(found, streamed=streamed)
        assert (reply.text, reply.cost) == ("Hi", "0.00006")
        (reserved,), (pot,) = await records(found, "model.reserved"), await found.ledger.pots()
        assert pot["reserved"]["tokens"] == 0
        most = reserved["reserved"]["tokens"] // 2  # both are alike
        assert pot["spent"]["tokens"] == 30 + most
        outcomes = [record["outcome"] for record in await records(found, "model.called")]
        assert sorted(outcomes) == ["left", "ok"]
        assert [alarm["reason"] for alarm in await records(found, "usage.alarm")] == ["lost"]


async def test_one_that_answered_alone_is_charged_alone(tmp_path: Path) -> None:
    async with desk(tmp_path, budgets=WIDE) as found:
        hedged(found, Scripted(), Scripted(model="small-too"), after=30.0)
        await ask(found, streamed=False)
        (pot,) = await found.ledger.pots()
        assert (pot["spent"], pot["reserved"]["tokens"]) == ({"money": "0.0023", "tokens": 1300}, 0)


async def test_both_must_fit_before_either_is_asked(tmp_path: Path) -> None:
    async with desk(tmp_path, budgets=BUDGETS.replace("0.01", "0.004")) as found:
        providers = Scripted(), Scripted(model="small-too")
        hedged(found, *providers)
        with pytest.raises(BudgetExceeded):
            await ask(found, streamed=False)
        assert not any(provider.entered.is_set() for provider in providers)


async def test_where_both_fail_nothing_is_charged_or_held(tmp_path: Path) -> None:
    async with desk(tmp_path, budgets=WIDE) as found:
        hedged(found, Scripted(says=[ModelFailed("x")]), Scripted(model="small-too", says=[ModelFailed("x")]))
        with pytest.raises(Exception, match="models_unavailable"):
            await ask(found, streamed=False)
        (pot,) = await found.ledger.pots()
        assert (pot["spent"]["tokens"], pot["reserved"]["tokens"]) == (0, 0)


async def test_a_caller_that_goes_away_leaves_nothing_held(tmp_path: Path) -> None:
    async with desk(tmp_path, budgets=WIDE) as found:
        one, two = Scripted(waits=asyncio.Event()), Scripted(model="small-too", waits=asyncio.Event())
        hedged(found, one, two)
        asking = asyncio.create_task(ask(found, streamed=True))
        await one.entered.wait()
        await two.entered.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        (reserved,), (pot,) = await records(found, "model.reserved"), await found.ledger.pots()
        assert pot["reserved"]["tokens"] == 0
        assert pot["spent"] == reserved["reserved"]


class Stubborn(Scripted):
    """A provider that answers although it was given up."""

    async def complete(self, request: ModelRequest, *, timeout: float) -> ModelReply:
        try:
            return await super().complete(request, timeout=timeout)
        except asyncio.CancelledError:
            return ModelReply("Too", provider=self.name, model="small-2026", usage=Usage(10, 5))


async def test_a_whole_answer_that_nobody_waits_for_is_charged_as_what_it_took(tmp_path: Path) -> None:
    async with desk(tmp_path, budgets=WIDE) as found:
        hedged(found, Stubborn(waits=asyncio.Event()), Scripted(model="small-too"))
        assert (await ask(found, streamed=False)).text == "Hi"
        (pot,) = await found.ledger.pots()
        assert pot["spent"]["tokens"] == 1300 + 15
        assert sorted(record["outcome"] for record in await records(found, "model.called")) == ["ok", "unused"]


# --- what a call may come to ----------------------------------------------------------------------------------------


@dataclass
class Declared(Scripted):
    """A provider whose target declares parameters."""

    parameters: dict[str, Any] = field(default_factory=dict)


@pytest.mark.parametrize(
    ("own", "asked", "most"),
    [
        ({}, {}, 1000),
        ({"max_tokens": 50_000}, {}, 50_000),
        ({"max_tokens": 50}, {}, 50),
        ({"max_tokens": 50_000}, {"max_tokens": 7}, 7),
        ({"max_tokens": 50_000}, {"max_completion_tokens": 7}, 50_000),
        ({"n": 3}, {"max_tokens": 7}, 21),
        ({"max_tokens": True}, {"max_tokens": 0}, 1000),
    ],
    ids=["neither", "longer", "shorter", "overridden", "another word", "several", "nonsense"],
)
def test_a_targets_own_parameters_say_how_long_its_answers_may_be(
    own: dict[str, Any], asked: dict[str, Any], most: int
) -> None:
    request = replace(ASKED, parameters=asked)
    assert bounds(Declared(parameters=own), request, 1000)[1] == most


def test_what_a_target_sends_besides_is_read_as_well() -> None:
    form = {"response_format": {"type": "json_schema", "json_schema": {"schema": {"description": "x" * 5000}}}}
    assert bounds(Declared(parameters=form), ASKED, 1000)[0] > 5000 > bounds(Declared(), ASKED, 1000)[0]


def test_each_target_is_held_for_by_its_own_parameters() -> None:
    long, short = Declared(parameters={"max_tokens": 9000}), Declared(parameters={"max_tokens": 10})
    route = Route("desk", (RouteTarget(long), RouteTarget(short, instances=(Instance("a", short),))))
    first, second = worst_cases(route, replace(ASKED, parameters={}), Prices(), output=1000)
    assert first.tokens - second.tokens > 8000


async def test_an_answer_without_usage_is_charged_by_its_targets_own_limit(tmp_path: Path) -> None:
    provider = Declared(says=[Usage()], parameters={"max_tokens": 9000})
    async with desk(tmp_path, provider, budgets=WIDE) as found:
        await found.models.complete("desk", replace(ASKED, parameters={}))
        (pot,) = await found.ledger.pots()
        assert pot["spent"]["tokens"] > 9000
        assert pot["reserved"]["tokens"] == 0
