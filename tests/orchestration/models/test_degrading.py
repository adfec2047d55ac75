"""Latency budgets: what stands in for a route that has not begun in time, in which order, and who is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from interlock.experience.installation import Installation
from interlock.intelligence.gateway import (
    Answering,
    ModelBusy,
    ModelCutOff,
    ModelFailed,
    ModelHeld,
    ModelRefused,
    ModelReply,
    ModelRequest,
    Pin,
    Route,
    RouteBroken,
    RouteExhausted,
    RouteHeld,
    RouteRefused,
    RouteSlow,
    RouteTarget,
)
from interlock.intelligence.gateway.caching import CachePlan
from interlock.intelligence.gateway.latency import (
    AnotherRoute,
    KeptAnswer,
    Latencies,
    Latency,
    PreparedAnswer,
    Resort,
)
from interlock.testing.models import Breaks, ScriptedProvider, Turn, said
from tests.intelligence.usage.test_metering import BUDGETS, desk, records, sample

ABOUT: dict[str, Any] = {"tenant": "acme", "actor": "agent:a", "session": "ses_1", "clearance": {}, "label": {}}
ASKED = ModelRequest([{"role": "user", "content": "Hello"}], metadata={**ABOUT, "use_case": "chat"})
LONG, SHORT = 60.0, 0.01
QUICK, WORDS = AnotherRoute("quick"), PreparedAnswer("One moment, please.")


@pytest.fixture(params=[False, True], ids=["whole", "streamed"])
def streamed(request: pytest.FixtureRequest) -> bool:
    """Whether the answer is wanted while it comes."""
    return bool(request.param)


@asynccontextmanager
async def installed(
    tmp_path: Path, own: ScriptedProvider, *then: Resort, quick: Turn = None, wait: float = SHORT, **route: Any
) -> AsyncIterator[Installation]:
    latency = Latencies({"chat": Latency(LONG, then, wait)})
    routes = {
        "desk": Route("desk", (RouteTarget(own, name="own"),), latency=latency, **route),
        "quick": Route("quick", (RouteTarget(ScriptedProvider("small", [quick]), name="small"),)),
    }
    async with desk(tmp_path, budgets=BUDGETS.replace("0.01", "1")) as found:
        found.projects.current = replace(found.projects.current, routes=routes)
        yield found


async def ask(found: Installation, *, streamed: bool, request: ModelRequest = ASKED) -> ModelReply:
    if not streamed:
        return await found.models.complete("desk", request)
    async with aclosing(found.models.stream("desk", request)) as coming:
        pieces = [piece async for piece in coming]
    first, last = pieces[0], pieces[-1]
    assert isinstance(first, Answering)
    assert isinstance(last, ModelReply)
    assert (first.degraded, first.cache) == (last.degraded, last.cache)
    assert "".join(delta.text for piece in pieces if isinstance(piece, list) for delta in piece) == last.text
    return last


async def test_one_that_begins_in_time_answers_itself(tmp_path: Path, streamed: bool) -> None:
    async with installed(tmp_path, ScriptedProvider("small-own", [said("Hi")]), WORDS, wait=LONG) as found:
        reply = await ask(found, streamed=streamed)
        assert (reply.text, reply.degraded) == ("Hi", "")
        assert await records(found, "model.degraded") == []


async def test_another_route_stands_in_and_it_is_said(tmp_path: Path, streamed: bool) -> None:
    silent = ScriptedProvider("small-own", [None])
    async with installed(tmp_path, silent, QUICK, WORDS, quick=said("Quick")) as found:
        reply = await ask(found, streamed=streamed)
        assert (reply.text, reply.degraded, reply.target) == ("Quick", "route:quick", "small")
        (degraded,) = await records(found, "model.degraded")
        assert (degraded["route"], degraded["by"], degraded["because"]) == ("desk", "route:quick", "route_too_slow")
        assert (degraded["use_case"], degraded["budget_ms"]) == ("chat", LONG * 1000)
        called = {record["route"]: record["outcome"] for record in await records(found, "model.called")}
        assert called == {"desk": "left", "quick": "ok"}
        (unanswered,) = await records(found, "model.unanswered")
        assert unanswered["outcome"] == "route_too_slow"
        assert 'by="route:quick",route="desk"} 1' in sample(found, "interlock_model_degraded_total")
        (pot,) = await found.ledger.pots()
        assert pot["reserved"]["tokens"] == 0


async def test_words_stand_in_where_nobody_else_can(tmp_path: Path, streamed: bool) -> None:
    silent = ScriptedProvider("small-own", [None])
    async with installed(tmp_path, silent, QUICK, WORDS, quick=ModelFailed("down")) as found:
        reply = await ask(found, streamed=streamed)
        assert (reply.text, reply.degraded, reply.cost) == (WORDS.text, "prepared", "0.00")
        assert reply.provider == "interlock"


async def test_a_route_that_has_failed_cannot_begin_in_time_either(tmp_path: Path) -> None:
    async with installed(tmp_path, ScriptedProvider("small-own", [ModelBusy("x")]), WORDS, wait=LONG) as found:
        assert (await ask(found, streamed=True)).degraded == "prepared"


async def test_where_nothing_will_do_the_first_reason_is_told(tmp_path: Path, streamed: bool) -> None:
    async with installed(tmp_path, ScriptedProvider("small-own", [None]), QUICK, quick=ModelFailed("x")) as found:
        with pytest.raises(RouteSlow) as raised:
            await ask(found, streamed=streamed)
        assert (raised.value.code, raised.value.status, raised.value.transient) == ("route_too_slow", 504, True)


@pytest.mark.parametrize(
    ("turn", "kind", "route"),
    [
        (ModelRefused("x"), RouteRefused, {}),
        (ModelHeld("x"), RouteHeld, {}),
    ],
    ids=["refused", "held"],
)
async def test_nobody_stands_in_for_a_refusal_or_a_hold(
    tmp_path: Path, turn: Any, kind: type[RouteExhausted], route: dict[str, Any]
) -> None:
    async with installed(tmp_path, ScriptedProvider("small-own", [turn]), WORDS, wait=LONG, **route) as found:
        with pytest.raises(kind):
            await ask(found, streamed=False)


async def test_nobody_stands_in_for_an_answer_that_has_begun(tmp_path: Path) -> None:
    breaks = ScriptedProvider("small-own", [Breaks("Fi", ModelCutOff("gone"))])
    async with installed(tmp_path, breaks, WORDS, wait=LONG) as found:
        with pytest.raises(RouteBroken):
            await ask(found, streamed=True)
        assert await records(found, "model.degraded") == []


async def test_an_answer_that_has_begun_may_take_its_time(tmp_path: Path) -> None:
    """The budget is for the first word."""
    slow = ScriptedProvider("small-own", [Breaks("Once ")])
    async with installed(tmp_path, slow, WORDS, wait=0.2) as found:
        async with aclosing(found.models.stream("desk", ASKED)) as pieces:
            assert isinstance(await anext(pieces), Answering)
            await anext(pieces)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.5):
                    await anext(pieces)
        assert await records(found, "model.degraded") == []


async def test_other_use_cases_have_no_budget_unless_it_is_for_all(tmp_path: Path) -> None:
    other = replace(ASKED, metadata={**ABOUT, "use_case": "reports"})
    async with installed(tmp_path, ScriptedProvider("small-own", [ModelFailed("x")]), WORDS) as found:
        with pytest.raises(RouteExhausted):
            await ask(found, streamed=False, request=other)
        route = found.projects.current.routes["desk"]
        everywhere = replace(route, latency=Latencies({"*": Latency(LONG, (WORDS,), SHORT)}))
        found.projects.current = replace(found.projects.current, routes={"desk": everywhere})
        assert (await ask(found, streamed=False, request=other)).degraded == "prepared"


async def test_an_old_answer_stands_in_where_one_is_kept(tmp_path: Path, streamed: bool) -> None:
    own = ScriptedProvider("small-own", [said("Old"), None])
    plan = CachePlan(ttl=0.0, stale=3600.0)
    async with installed(tmp_path, own, KeptAnswer(), WORDS, cache=plan, wait=LONG) as found:
        assert (await ask(found, streamed=streamed)).cache == "miss"
        route = found.projects.current.routes["desk"]
        soon = replace(route, latency=Latencies({"chat": Latency(LONG, (KeptAnswer(), WORDS), SHORT)}))
        found.projects.current = replace(found.projects.current, routes={"desk": soon})
        reply = await ask(found, streamed=streamed)
        assert (reply.text, reply.degraded, reply.cache, reply.cost) == ("Old", "cached", "hit", "0.00")
        stranger = replace(ASKED, metadata={**ASKED.metadata, "tenant": "other"})
        assert (await ask(found, streamed=streamed, request=stranger)).degraded == "prepared"


async def test_what_stands_in_is_not_kept_as_the_routes_own(tmp_path: Path) -> None:
    own = ScriptedProvider("small-own", [ModelFailed("x"), said("Own")])
    async with installed(tmp_path, own, WORDS, cache=CachePlan(60.0), wait=LONG) as found:
        assert (await ask(found, streamed=False)).degraded == "prepared"
        reply = await ask(found, streamed=False)
        assert (reply.text, reply.cache) == ("Own", "miss")


async def test_routes_share_what_is_left_of_the_budget(tmp_path: Path) -> None:
    """Two silent routes and then words: the words come within the budget, whatever it is."""
    then = (QUICK, AnotherRoute("quick"), WORDS)
    async with installed(tmp_path, ScriptedProvider("small-own", [None]), *then) as found:
        route = found.projects.current.routes["desk"]
        short = replace(route, latency=Latencies({"chat": Latency(0.06, then, 0.02)}))
        routes = {**found.projects.current.routes, "desk": short}
        found.projects.current = replace(found.projects.current, routes=routes)
        assert (await ask(found, streamed=False)).degraded == "prepared"


async def test_a_pinned_version_is_a_hold_in_streams_too(tmp_path: Path) -> None:
    changed = ScriptedProvider("small-own", [said("New", reported="v2")])
    async with installed(tmp_path, changed, WORDS, wait=LONG) as found:
        route = found.projects.current.routes["desk"]
        pinned = replace(route, targets=(replace(route.targets[0], pin=Pin("v1", "hold")),))
        found.projects.current = replace(found.projects.current, routes={"desk": pinned})
        with pytest.raises(RouteHeld):
            await ask(found, streamed=True)
