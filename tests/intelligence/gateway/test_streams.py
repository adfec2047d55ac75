"""Answers that are passed on while they come: what is seen when, who is asked, and what is said of how they ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest

from interlock.intelligence.gateway import (
    Answering,
    Delta,
    Gateway,
    Instance,
    ModelBusy,
    ModelFailed,
    ModelReply,
    ModelRequest,
    ModelUnreadable,
    Pin,
    Retries,
    Route,
    RouteBroken,
    RouteExhausted,
    RouteTarget,
    RouteUnknown,
    ToolCall,
)
from interlock.testing.models import Breaks, ScriptedProvider, Stage, said

ASKED = ModelRequest([{"role": "user", "content": "hello"}], metadata={"session": "ses_1", "secret": "not recorded"})


class Desk:
    """One route of scripted targets, and what the gateway tells of its calls."""

    def __init__(self, *targets: RouteTarget, **route: Any) -> None:
        self.told: list[dict[str, Any]] = []
        self.stage = Stage()
        self.gateway = Gateway({"desk": Route("desk", targets, **route)}, surroundings=self.stage.surroundings)

    async def note(self, call: dict[str, Any]) -> None:
        self.told.append(call)

    @asynccontextmanager
    async def asking(self) -> AsyncIterator[Any]:
        async with aclosing(self.gateway.stream("desk", ASKED, self.note)) as pieces:
            yield pieces

    async def all(self) -> list[Any]:
        async with self.asking() as pieces:
            return [piece async for piece in pieces]

    async def until_it_breaks(self) -> tuple[list[Any], RouteExhausted]:
        seen: list[Any] = []

        async def see() -> None:
            async with self.asking() as pieces:
                async for piece in pieces:
                    seen.append(piece)  # noqa: PERF401 - what was seen before it breaks is what counts

        with pytest.raises(RouteExhausted) as raised:
            await see()
        return seen, raised.value

    @property
    def outcomes(self) -> list[str]:
        return [call["body"]["outcome"] for call in self.told]


def words(pieces: list[Any]) -> str:
    return "".join(delta.text for piece in pieces if isinstance(piece, list) for delta in piece)


async def test_what_comes_is_passed_on_and_the_whole_comes_last() -> None:
    calls = (ToolCall("c1", "erp__get", {"id": 1}),)
    one = ScriptedProvider(script=[ModelReply("One two three", calls, reported="v1")])
    pieces = await (desk := Desk(RouteTarget(one))).all()
    assert pieces[0] == Answering("scripted:scripted-1", "scripted", "scripted-1", 1)
    assert words(pieces) == "One two three"
    assert len([piece for piece in pieces if isinstance(piece, list)]) == 4
    (whole,) = [piece for piece in pieces if isinstance(piece, ModelReply)]
    assert pieces[-1] is whole
    assert (whole.text, whole.tool_calls, whole.asked) == ("One two three", calls, 1)
    assert desk.outcomes == ["ok"]
    assert desk.told[0]["fields"]["reply"]["text"] == "One two three"
    assert "secret" not in desk.told[0]["body"]


async def test_the_first_word_is_seen_while_the_model_still_speaks() -> None:
    provider = ScriptedProvider(script=[Breaks("Once ")])
    desk = Desk(RouteTarget(provider))
    async with desk.asking() as pieces:
        assert isinstance(await anext(pieces), Answering)
        assert await anext(pieces) == [Delta("Once ")]
        assert not desk.told


async def test_the_next_target_is_asked_only_before_anything_was_passed_on() -> None:
    broken, good = ScriptedProvider("a", [ModelFailed("down")]), ScriptedProvider("b", [said("Fine")])
    pieces = await (desk := Desk(RouteTarget(broken), RouteTarget(good))).all()
    assert (words(pieces), pieces[0].target, pieces[0].attempts) == ("Fine", "scripted:b", 2)
    assert desk.outcomes == ["model_failed", "ok"]


async def test_what_breaks_off_is_no_answer_and_nobody_else_is_asked() -> None:
    broken, good = ScriptedProvider("a", [Breaks("Fi", ModelUnreadable("half"))]), ScriptedProvider("b")
    desk = Desk(RouteTarget(broken), RouteTarget(good))
    seen, error = await desk.until_it_breaks()
    assert isinstance(error, RouteBroken)
    assert (error.code, error.status, error.transient) == ("answer_broken_off", 502, True)
    assert words(seen) == "Fi"
    assert not any(isinstance(piece, ModelReply) for piece in seen)
    assert good.asked == 0
    assert desk.outcomes == ["model_cut_off", "answer_broken_off"]
    assert desk.told[0]["fields"]["reply"] == {"text": "Fi", "tool_calls": []}


async def test_a_stream_that_stops_without_an_end_is_broken_off() -> None:
    class Short(ScriptedProvider):
        def stream(self, request: ModelRequest, *, timeout: float, idle: float) -> Any:
            async def some() -> AsyncIterator[Any]:
                yield [Delta("Fi")]

            return some()

    _, error = await (desk := Desk(RouteTarget(Short()))).until_it_breaks()
    assert isinstance(error, RouteBroken)
    assert desk.outcomes[0] == "model_cut_off"


async def test_one_that_is_left_is_closed_at_the_provider_and_recorded_with_what_was_said() -> None:
    provider = ScriptedProvider(script=[Breaks("Once upon")])
    desk = Desk(RouteTarget(provider))
    async with desk.asking() as pieces:
        await anext(pieces)
        await anext(pieces)
    assert provider.closed == 1
    assert desk.outcomes == ["left"]
    assert desk.told[0]["fields"]["reply"]["text"] == "Once upon"


async def test_a_cancelled_caller_leaves_nothing_behind() -> None:
    provider = ScriptedProvider(script=[Breaks("Once upon"), said("Fine")])
    desk = Desk(RouteTarget(provider, instances=(Instance("one", provider),)))
    asking = asyncio.create_task(desk.all())
    for _ in range(5):
        await asyncio.sleep(0)
    assert provider.asked
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert (provider.closed, desk.outcomes) == (1, ["left"])
    assert words(await desk.all()) == "Fine"


async def test_one_that_does_not_begin_in_time_gives_way_to_the_next() -> None:
    silent, good = ScriptedProvider("a", [None]), ScriptedProvider("b", [said("Fine")])
    desk = Desk(RouteTarget(silent, first=0.01), RouteTarget(good))
    assert words(await desk.all()) == "Fine"
    assert desk.outcomes == ["model_timed_out", "ok"]


async def test_a_busy_one_is_asked_again() -> None:
    provider = ScriptedProvider(script=[ModelBusy("later", retry_after=1), said("Fine")])
    desk = Desk(RouteTarget(provider), retries=Retries(2, 1.0))
    assert words(await desk.all()) == "Fine"
    assert desk.outcomes == ["model_busy", "ok"]


@pytest.mark.parametrize(
    ("on_change", "seen", "outcomes"),
    [
        ("warn", "New words", ["ok"]),
        ("fall_back", "Fine", ["model_changed", "ok"]),
    ],
)
async def test_a_changed_version_is_seen_before_its_words_are_passed_on(
    on_change: str, seen: str, outcomes: list[str]
) -> None:
    changed = ScriptedProvider("a", [said("New words", reported="v2")])
    good = ScriptedProvider("b", [said("Fine")])
    desk = Desk(RouteTarget(changed, pin=Pin("v1", on_change)), RouteTarget(good))
    assert words(await desk.all()) == seen
    assert desk.outcomes == outcomes
    assert desk.told[0]["body"]["changed"]


async def test_a_held_version_closes_the_route() -> None:
    changed = ScriptedProvider("a", [said("New words", reported="v2")])
    seen, error = await Desk(RouteTarget(changed, pin=Pin("v1", "hold"))).until_it_breaks()
    assert (seen, error.code) == ([], "route_held")


async def test_one_that_declines_in_silence_gives_way_where_the_route_says_so() -> None:
    declines, good = ScriptedProvider("a", [said("", declined=True)]), ScriptedProvider("b", [said("Fine")])
    desk = Desk(RouteTarget(declines), RouteTarget(good), fall_back_on=frozenset({"error", "declined"}))
    assert words(await desk.all()) == "Fine"
    assert desk.outcomes == ["declined", "ok"]


async def test_breaking_off_counts_against_the_health_of_a_target() -> None:
    broken, good = ScriptedProvider("a", [Breaks("Fi", ModelFailed("down"))]), ScriptedProvider("b", [said("Fine")])
    desk = Desk(RouteTarget(broken), RouteTarget(good))
    for _ in range(5):
        await desk.until_it_breaks()
    assert words(await desk.all()) == "Fine"


async def test_an_unknown_route_is_said_at_once() -> None:
    with pytest.raises(RouteUnknown):
        Desk(RouteTarget(ScriptedProvider())).gateway.stream("dusk", ASKED)
