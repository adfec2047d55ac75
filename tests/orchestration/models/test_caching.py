"""Kept answers as agents meet them, and what calls that wait for each other come to."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from interlock.intelligence.gateway import ModelFailed, ModelReply, ModelRequest, Route, RouteExhausted, RouteTarget
from interlock.intelligence.gateway.caching import CachePlan
from interlock.intelligence.gateway.latency import Latencies, Latency, PreparedAnswer
from interlock.orchestration.sessions import Opening
from interlock.testing.models import ScriptedProvider, said
from tests.intelligence.usage.test_metering import desk, records
from tests.orchestration.desk import CARLA

ABOUT: dict[str, Any] = {"tenant": "acme", "actor": "agent:a", "clearance": {}, "label": {}}
ASKED = ModelRequest([{"role": "user", "content": "Hello"}], metadata=ABOUT)


class Gated(ScriptedProvider):
    """A model that answers when it is let."""

    def __init__(self, *script: Any) -> None:
        super().__init__("small-own", script)
        self.entered, self.go = asyncio.Event(), asyncio.Event()

    async def complete(self, request: ModelRequest, *, timeout: float) -> ModelReply:
        self.entered.set()
        await self.go.wait()
        return await super().complete(request, timeout=timeout)


def use(found: Any, provider: ScriptedProvider, **route: Any) -> None:
    routes = {"desk": Route("desk", (RouteTarget(provider),), **{"cache": CachePlan(60.0), **route})}
    found.projects.current = replace(found.projects.current, routes=routes)


async def test_an_agent_is_shown_its_session_so_it_gets_no_answer_of_another(tmp_path: Path) -> None:
    provider = ScriptedProvider("small-own", [said("Good day"), said("Again")])
    async with desk(tmp_path, budgets="") as found:
        use(found, provider)
        answers = []
        for _ in range(2):
            session = await found.sessions.open(CARLA, Opening(agent="helper", request="Hello"))
            answers.append((await found.turns.ask("helper", session, "Hello")).answer)
        asked = provider.requests[0].metadata
        assert (asked["tenant"], asked["clearance"]["confidentiality"]) == ("acme", "confidential")
        assert [record["outcome"] for record in await records(found, "model.called")] == ["ok", "ok"]
        assert answers == ["Good day", "Again"]


async def test_who_waits_for_an_answer_that_fails_asks_alone_and_at_once(tmp_path: Path) -> None:
    provider = Gated(ModelFailed("down"), said("Good day"))
    async with desk(tmp_path, budgets="") as found:
        use(found, provider)
        first = asyncio.create_task(found.models.complete("desk", ASKED))
        await provider.entered.wait()
        others = [asyncio.create_task(found.models.complete("desk", ASKED)) for _ in range(3)]
        for _ in range(10):
            await asyncio.sleep(0)
        provider.go.set()
        with pytest.raises(RouteExhausted):
            await first
        assert {(await other).text for other in others} == {"Good day"}
        assert provider.asked == 4


async def test_who_waits_is_not_hurt_by_one_that_goes_away(tmp_path: Path) -> None:
    provider = Gated(said("Good day"))
    async with desk(tmp_path, budgets="") as found:
        use(found, provider)
        first = asyncio.create_task(found.models.complete("desk", ASKED))
        await provider.entered.wait()
        other = asyncio.create_task(found.models.complete("desk", ASKED))
        for _ in range(10):
            await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        provider.go.set()
        assert (await other).text == "Good day"


async def test_waiting_for_the_same_request_counts_in_a_latency_budget(tmp_path: Path) -> None:
    provider = Gated(said("Good day"))
    async with desk(tmp_path, budgets="") as found:
        words = PreparedAnswer("In a moment")
        use(found, provider, latency=Latencies({"live": Latency(60.0, (words,), 0.01)}))
        first = asyncio.create_task(found.models.complete("desk", ASKED))
        await provider.entered.wait()
        live = replace(ASKED, metadata={**ABOUT, "use_case": "live"})
        assert (await found.models.complete("desk", live)).degraded == "prepared"
        provider.go.set()
        assert (await first).text == "Good day"
        assert provider.asked == 1
