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
    Weighted,
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
