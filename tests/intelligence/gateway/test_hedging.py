"""Hedging: whoever begins first answers, nobody else does, and each that was asked is accounted for once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.foundation.documents import parse_document
from interlock.foundation.http import HttpClient
from interlock.foundation.secrets import SecretStore
from interlock.foundation.telemetry.overhead import begin_meter
from interlock.intelligence.gateway import (
    Answering,
    Delta,
    Gateway,
    Instance,
    ModelBusy,
    ModelCutOff,
    ModelFailed,
    ModelHeld,
    ModelRefused,
    ModelReply,
    ModelRequest,
    ProviderPorts,
    Retries,
    Route,
    RouteBroken,
    RouteExhausted,
    RouteTarget,
    Streamed,
    build_routes,
)
from interlock.intelligence.gateway.hedging import Hedge, apart
from interlock.testing.models import Breaks, ScriptedProvider, Stage, Turn, said
from interlock.testing.servers import ScriptedServer, talks_until_left, tells

ASKED = ModelRequest([{"role": "user", "content": "hello"}])
HEDGE = Hedge(0.8)


class Slow(ScriptedProvider):
    """A scripted model that takes so many turns of the event loop before it says anything."""

    def __init__(self, model: str, script: Sequence[Turn], turns: int = 0) -> None:
        super().__init__(model, script)
        self.turns = turns
        self.entered = 0
        self.given_up = 0

    async def complete(self, request: ModelRequest, *, timeout: float) -> ModelReply:
        self.entered += 1
        try:
            for _ in range(self.turns):
                await asyncio.sleep(0)
            return await super().complete(request, timeout=timeout)
        except asyncio.CancelledError:
            self.given_up += 1
            raise

    def stream(self, request: ModelRequest, *, timeout: float, idle: float) -> Streamed:
        return self._later(request)

    async def _later(self, request: ModelRequest) -> Streamed:
        self.entered += 1
        try:
            for _ in range(self.turns):
                await asyncio.sleep(0)
            async with aclosing(self._streamed(request)) as pieces:
                async for piece in pieces:
                    yield piece
        except (asyncio.CancelledError, GeneratorExit):
            self.given_up += 1
            raise


class Desk:
    """One hedged route; a pause takes no time, so the second is asked as soon as the first has been."""

    def __init__(self, *targets: RouteTarget, **route: Any) -> None:
        self.told: list[dict[str, Any]] = []
        self.stage = Stage()
        routes = {"desk": Route("desk", targets, **{"hedge": HEDGE, **route})}
        self.gateway = Gateway(routes, surroundings=self.stage.surroundings)

    async def note(self, call: dict[str, Any]) -> None:
        self.told.append(call)
        await asyncio.sleep(0)  # a record takes time, too

    async def ask(self, *, streamed: bool) -> ModelReply:
        if not streamed:
            return await self.gateway.complete("desk", ASKED, self.note)
        pieces: list[Any] = []
        async with aclosing(self.gateway.stream("desk", ASKED, self.note)) as coming:
            async for piece in coming:
                pieces.append(piece)  # noqa: PERF401 - a comprehension would hide which piece came last
        assert [piece for piece in pieces if isinstance(piece, Answering)] == pieces[:1]
        assert [piece for piece in pieces if isinstance(piece, ModelReply)] == pieces[-1:]
        words = "".join(delta.text for piece in pieces if isinstance(piece, list) for delta in piece)
        assert words == pieces[-1].text
        reply: ModelReply = pieces[-1]
        return reply

    def outcomes(self) -> list[tuple[str, str]]:
        return [(call["body"].get("target", ""), call["body"]["outcome"]) for call in self.told]


def target(provider: ScriptedProvider, **more: Any) -> RouteTarget:
    return RouteTarget(provider, name=provider.model, **more)


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
async def test_one_that_is_silent_is_given_up_for_one_that_begins(streamed: bool) -> None:
    silent, quick = Slow("a", [None]), Slow("b", [said("Fine")])
    desk = Desk(target(silent), target(quick))
    reply = await desk.ask(streamed=streamed)
    assert (reply.text, reply.target, reply.asked) == ("Fine", "b", 2)
    assert desk.outcomes() == [("a", "left"), ("b", "ok")]
    assert desk.stage.pauses == [0.8]
    assert (silent.given_up, quick.given_up) == (1, 0)


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
async def test_one_that_begins_in_time_is_the_only_one_asked(streamed: bool) -> None:
    first, second = Slow("a", [said("Fine")]), Slow("b", [said("Too")])
    desk = Desk(target(first), target(second))

    async def never(seconds: float) -> None:
        await asyncio.Event().wait()

    desk.stage._pause = never  # type: ignore[method-assign]  # time stands still
    desk.gateway = Gateway(desk.gateway.routes, surroundings=desk.stage.surroundings)
    assert (await desk.ask(streamed=streamed)).text == "Fine"
    assert (second.asked, desk.outcomes()) == (0, [("a", "ok")])


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
async def test_the_first_wins_where_it_begins_first_after_all(streamed: bool) -> None:
    late, later = Slow("a", [said("Fine")], turns=20), Slow("b", [None])
    desk = Desk(target(late), target(later))
    assert (await desk.ask(streamed=streamed)).target == "a"
    assert desk.outcomes() == [("b", "left"), ("a", "ok")]


async def test_another_instance_of_the_same_target_is_asked_before_the_next_target() -> None:
    silent, sibling, next_ = Slow("a", [None]), Slow("a", [said("Fine")]), Slow("b", [said("No")])
    instances = (Instance("a#1", silent), Instance("a#2", sibling))
    desk = Desk(target(silent, instances=instances), target(next_))
    assert (await desk.ask(streamed=True)).target == "a#2"
    assert desk.outcomes() == [("a#1", "left"), ("a#2", "ok")]
    assert next_.asked == 0


async def test_no_instance_is_asked_by_both_at_once() -> None:
    fails, silent = Slow("a", [ModelFailed("x")], turns=20), Slow("a", [None])
    instances = (Instance("a#1", fails), Instance("a#2", silent))
    desk = Desk(target(fails, instances=instances), target(Slow("b", [said("Fine")])))
    assert (await desk.ask(streamed=False)).target == "b"
    assert silent.asked == 1


async def test_where_the_second_fails_the_first_is_still_waited_for() -> None:
    desk = Desk(target(Slow("a", [said("Fine")], turns=30)), target(Slow("b", [ModelFailed("x")])))
    assert (await desk.ask(streamed=False)).target == "a"
    assert desk.outcomes() == [("b", "model_failed"), ("a", "ok")]


async def test_where_both_fail_the_route_has_failed() -> None:
    desk = Desk(target(Slow("a", [ModelFailed("x")], turns=5)), target(Slow("b", [ModelFailed("x")])))
    with pytest.raises(RouteExhausted):
        await desk.ask(streamed=True)
    assert sorted(desk.outcomes()[:2]) == [("a", "model_failed"), ("b", "model_failed")]


async def test_what_ends_the_route_ends_the_other_as_well() -> None:
    silent, refusing = Slow("a", [None]), Slow("b", [ModelHeld("x")])
    desk = Desk(target(silent), target(refusing))
    with pytest.raises(RouteExhausted) as raised:
        await desk.ask(streamed=True)
    assert raised.value.code == "route_held"
    assert silent.given_up == 1
    assert desk.outcomes()[:2] == [("b", "model_held"), ("a", "left")]


async def test_an_answer_that_breaks_off_after_it_won_is_broken_and_nobody_else_answers() -> None:
    silent, breaks = Slow("a", [None]), Slow("b", [Breaks("Fi", ModelCutOff("gone"))])
    desk = Desk(target(silent), target(breaks))
    with pytest.raises(RouteBroken):
        await desk.ask(streamed=True)
    assert desk.outcomes() == [("a", "left"), ("b", "model_cut_off"), ("", "answer_broken_off")]


async def test_time_that_two_wait_at_once_counts_once() -> None:
    meter = begin_meter()
    began = asyncio.get_running_loop().time()
    await Desk(target(Slow("a", [None])), target(Slow("b", [said("Fine")], turns=200))).ask(streamed=False)
    assert 0 < meter.waited <= (asyncio.get_running_loop().time() - began) * 1000 + 1


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
async def test_a_caller_that_goes_away_leaves_both(streamed: bool) -> None:
    one, two = Slow("a", [None]), Slow("b", [None])
    desk = Desk(target(one), target(two))
    asking = asyncio.create_task(desk.ask(streamed=streamed))
    for _ in range(20):
        await asyncio.sleep(0)
    assert (one.asked, two.asked) == (1, 1)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert (one.given_up, two.given_up) == (1, 1)
    assert sorted(desk.outcomes()) == [("a", "left"), ("b", "left")]


TURNS: st.SearchStrategy[Turn] = st.sampled_from(
    [
        said("Fine"),
        said("Fine words come slowly"),
        said("No", declined=True),
        ModelFailed("x"),
        ModelBusy("x", retry_after=1),
        ModelRefused("x"),
        Breaks("Fi", ModelCutOff("gone")),
        None,
    ]
)
SLOW = st.tuples(TURNS, st.integers(0, 6))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.lists(SLOW, min_size=1, max_size=2), min_size=1, max_size=3),
    st.booleans(),
    st.integers(0, 60),
    st.sampled_from([frozenset({"error", "refusal"}), frozenset({"error", "declined"})]),
    st.integers(0, 1),
)
def test_there_is_one_answer_at_most_and_each_call_is_told_once_whatever_happens(
    scripts: list[list[tuple[Turn, int]]], streamed: bool, leaves: int, goes_on: frozenset[str], times: int
) -> None:
    """*leaves* is after how many turns of the loop the caller goes away."""
    providers = [[Slow(f"t{at}", [turn], turns) for turn, turns in one] for at, one in enumerate(scripts)]
    targets = [
        target(group[0], instances=tuple(Instance(f"t{at}#{n}", each) for n, each in enumerate(group)))
        for at, group in enumerate(providers)
    ]

    async def run() -> tuple[Desk, ModelReply | None]:
        desk = Desk(*targets, fall_back_on=goes_on, retries=Retries(times, 0.1, 1.0))
        asking = asyncio.create_task(desk.ask(streamed=streamed))
        for _ in range(leaves):
            await asyncio.sleep(0)
        if leaves < 60 or any(turn is None for one in scripts for turn, _ in one):
            asking.cancel()
        reply: ModelReply | None = None
        with suppress(RouteExhausted, asyncio.CancelledError):
            reply = await asking
        for health in desk.gateway._healths._known.values():
            assert health.in_flight == 0, "a visit was not left"
        assert len(asyncio.all_tasks()) == 1, "a task was left behind"
        return desk, reply

    desk, reply = asyncio.run(run())
    calls = [call["body"] for call in desk.told if "target" in call["body"]]
    begun = Counter(call["outcome"] for call in calls)
    assert begun["ok"] <= 1
    if reply is not None:
        assert begun["ok"] == 1 or reply.declined
        assert len([attempt for attempt in reply.attempts if attempt.outcome == "ok"]) == begun["ok"]
    entered = sum(provider.entered for group in providers for provider in group)
    about_to = 2 if streamed else 0  # a stream begins in a task of its own, which the end may come before
    assert entered <= len(calls) <= entered + about_to, "each that was asked is told once"


# --- streams that change hands ----------------------------------------------------------------------------------------


async def test_a_stream_apart_stays_in_one_task_whoever_takes_it() -> None:
    seen: list[Any] = []

    async def words() -> Streamed:
        try:
            for word in ("one", "two", "three"):
                seen.append(asyncio.current_task())
                yield [Delta(word)]
        finally:
            seen.append(asyncio.current_task())

    stream = apart(words())
    first = await asyncio.ensure_future(anext(stream))
    rest = [piece async for piece in stream]
    assert [first, *rest] == [[Delta("one")], [Delta("two")], [Delta("three")]]
    assert len(set(seen)) == 1


async def test_a_stream_apart_is_not_read_far_ahead_and_is_closed_with_who_takes_it() -> None:
    taken = 0
    closed = asyncio.Event()

    async def words() -> Streamed:
        nonlocal taken
        try:
            while True:
                taken += 1
                yield [Delta("word")]
        finally:
            closed.set()

    async with aclosing(apart(words())) as stream:
        await anext(stream)
        for _ in range(100):
            await asyncio.sleep(0)
        assert taken < 25
    assert closed.is_set()


async def test_a_stream_apart_fails_as_what_it_is_made_of() -> None:
    async def words() -> Streamed:
        yield [Delta("word")]
        raise ModelCutOff("gone")

    stream = apart(words())
    assert await anext(stream) == [Delta("word")]
    with pytest.raises(ModelCutOff):
        await anext(stream)


# --- over the wire ---------------------------------------------------------------------------------------------------

ROUTES = """
routes:
  desk:
    hedge: {{after: 20ms}}
    targets:
      - {{provider: openai, name: one, base_url: "{one}/v1", model: m}}
      - {{provider: openai, name: two, base_url: "{two}/v1", model: m}}
"""


def chunk(text: str, finish: str | None = None) -> dict[str, Any]:
    return {"model": "m", "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}]}


async def test_the_server_that_is_given_up_sees_the_connection_go() -> None:
    left = asyncio.Event()
    silent, quick = tells(talks_until_left(left)), tells(chunk("Fi"), chunk("ne", "stop"), "[DONE]")
    async with ScriptedServer(silent) as one, ScriptedServer(quick) as two, HttpClient() as http:
        text = ROUTES.format(one=one.url, two=two.url).encode()
        document = parse_document(text, "models", name="models.yaml", environment={})
        gateway = Gateway(build_routes(document, ProviderPorts(Path(), http, SecretStore([]))))
        async with aclosing(gateway.stream("desk", ASKED)) as pieces:
            whole = [piece async for piece in pieces][-1]
        assert isinstance(whole, ModelReply)
        assert (whole.text, whole.target, whole.asked) == ("Fine", "two", 2)
        await left.wait()
