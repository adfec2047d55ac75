"""What holds of routes whatever happens: shares follow weights, and every call is bounded in tries and in time."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.intelligence.gateway import (
    Gateway,
    Instance,
    ModelBusy,
    ModelCutOff,
    ModelDenied,
    ModelFailed,
    ModelRefused,
    ModelReply,
    ModelRequest,
    Ordered,
    Retries,
    Route,
    RouteExhausted,
    RouteTarget,
    Streamed,
    Weighted,
    in_one_piece,
)
from interlock.testing.models import ScriptedProvider, Stage, Turn, said

ASKED = ModelRequest([{"role": "user", "content": "hello"}])


@dataclass(frozen=True)
class Weight:
    name: int
    weight: float


WEIGHTS = st.lists(st.one_of(st.just(0.0), st.floats(0.01, 1000)), min_size=1, max_size=8).map(
    lambda weights: [Weight(at, weight) for at, weight in enumerate(weights)]
)


@given(WEIGHTS, st.integers())
def test_every_order_holds_each_target_once_and_those_without_weight_last(targets: list[Weight], seed: int) -> None:
    order = Weighted().order(targets, random.Random(seed).random)
    assert sorted(order, key=lambda one: one.name) == targets
    weighing = [target.weight > 0 for target in order]
    assert weighing == sorted(weighing, reverse=True)
    idle = [target.name for target in order if not target.weight]
    assert idle == sorted(idle)
    assert Ordered().order(targets, random.Random(seed).random) == targets


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=2, max_size=4), st.integers())
def test_shares_follow_weights(weights: list[int], seed: int) -> None:
    targets = [Weight(at, weight) for at, weight in enumerate(weights)]
    chance, calls = random.Random(seed).random, 4000
    first = Counter(Weighted().order(targets, chance)[0].name for _ in range(calls))
    for target in targets:
        share = target.weight / sum(weights)
        deviation = (share * (1 - share) / calls) ** 0.5
        assert abs(first[target.name] / calls - share) < 6 * deviation


@given(
    st.builds(Retries, st.integers(0, 10), st.floats(0, 60), st.floats(0, 60)),
    st.integers(0, 12),
    st.floats(0, 100),
    st.floats(-1, 100),
    st.floats(0, 1, exclude_max=True),
)
def test_a_pause_is_bounded_and_covers_the_rest_that_was_asked_for(
    retries: Retries, retried: int, rest: float, left: float, chance: float
) -> None:
    pause = retries.pause(retried, rest=rest, left=left, chance=lambda: chance)
    if pause is None:
        assert retried >= retries.times or rest > retries.longest or left <= max(rest, retries.longest)
    else:
        assert retried < retries.times
        assert rest <= pause <= retries.longest
        assert pause < left


TURNS: st.SearchStrategy[Turn] = st.sampled_from(
    [
        said("fine"),
        said("last", rest=3),
        ModelFailed("x"),
        ModelFailed("x"),
        ModelBusy("x"),
        ModelBusy("x", retry_after=2),
        ModelBusy("x", retry_after=1000),
        ModelCutOff("x"),
        ModelRefused("x"),
        ModelDenied("x"),
    ]
)
SCRIPTS = st.lists(st.lists(TURNS, min_size=1, max_size=5), min_size=1, max_size=3)  # of the instances of one target


@settings(max_examples=150, deadline=None)
@given(
    st.lists(SCRIPTS, min_size=1, max_size=3),
    st.builds(Retries, st.integers(0, 3), st.floats(0.1, 2), st.floats(2, 8)),
    st.floats(1, 30),
    st.integers(),
)
def test_every_call_ends_within_its_time_and_tries(
    scripts: list[list[list[Turn]]], retries: Retries, timeout: float, seed: int
) -> None:
    stage = Stage(chance=random.Random(seed).random)
    took = 0.5
    groups = [
        [ScriptedProvider(f"m{at}", turns, clock=stage.clock, takes=took) for turns in group]
        for at, group in enumerate(scripts)
    ]
    targets = tuple(
        RouteTarget(
            group[0],
            name=f"t{at}",
            instances=tuple(Instance(f"t{at}#{number}", provider) for number, provider in enumerate(group)),
        )
        for at, group in enumerate(groups)
    )
    gateway = Gateway({"desk": Route("desk", targets, timeout, retries=retries)}, surroundings=stage.surroundings)

    async def several() -> None:
        for _ in range(3):
            began, before = stage.clock.monotonic(), [[one.asked for one in group] for group in groups]
            reply = await _answer(gateway)
            assert stage.clock.monotonic() - began < timeout + took
            for group, counts in zip(groups, before, strict=True):
                for provider, count in zip(group, counts, strict=True):
                    assert provider.asked - count <= 2 * retries.times + 1
            asked = sum(provider.asked for group in groups for provider in group) - sum(map(sum, before))
            if reply is not None:
                assert sum(attempt.asked for attempt in reply.attempts) == asked
                assert reply.attempts[-1].outcome == "ok"
            assert all(
                gateway._healths.of(one.identity, gateway.routes["desk"].health).in_flight == 0
                for target in targets
                for one in target.instances
            )

    asyncio.run(several())
    assert all(pause <= retries.longest for pause in stage.pauses)


async def _answer(gateway: Gateway) -> ModelReply | None:
    try:
        return await gateway.complete("desk", ASKED)
    except RouteExhausted:
        return None


class Held:
    """A model whose calls end when they are let go."""

    name = "held"
    model = "m"

    def __init__(self) -> None:
        self.calls: list[asyncio.Future[None]] = []

    def missing(self) -> str:
        return ""

    def stream(self, request: ModelRequest, *, timeout: float, idle: float) -> Streamed:
        return in_one_piece(self, request, timeout)

    async def complete(self, request: ModelRequest, *, timeout: float) -> ModelReply:
        del request, timeout
        call: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.calls.append(call)
        try:
            await call
        finally:
            self.calls.remove(call)
        return said("done")


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 4), st.lists(st.one_of(st.none(), st.integers(0, 99)), min_size=1, max_size=40))
def test_calls_always_go_to_an_instance_that_is_least_busy(size: int, steps: list[int | None]) -> None:
    """A step without a number begins a call; with one, it ends a call of the instance of that number."""
    pool = [Held() for _ in range(size)]
    instances = tuple(Instance(f"#{at}", provider) for at, provider in enumerate(pool))
    gateway = Gateway({"desk": Route("desk", (RouteTarget(pool[0], instances=instances),))})

    async def play() -> None:
        under_way: list[asyncio.Task[ModelReply]] = []
        for step in steps:
            before = [len(provider.calls) for provider in pool]
            if step is None:
                under_way.append(asyncio.ensure_future(gateway.complete("desk", ASKED)))
                await asyncio.sleep(0)
                (chosen,) = [at for at, provider in enumerate(pool) if len(provider.calls) > before[at]]
                assert before[chosen] == min(before)
            elif pool[step % size].calls:
                ended = pool[step % size].calls[0]
                ended.set_result(None)
                while ended in pool[step % size].calls:  # noqa: ASYNC110 - one turn of the loop is enough
                    await asyncio.sleep(0)
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        assert (await asyncio.gather(*(_ended(gateway, pool) for _ in range(size))))[0].text == "done"

    asyncio.run(play())


async def _ended(gateway: Gateway, pool: list[Held]) -> ModelReply:
    task = asyncio.ensure_future(gateway.complete("desk", ASKED))
    await asyncio.sleep(0)
    for provider in pool:
        for call in provider.calls:
            if not call.done():
                call.set_result(None)
    return await task
