"""How a route goes from one target to the next: conditions, retries, fallback, health, pins and instances."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from interlock.governance.limits import BreakerLimits
from interlock.intelligence.gateway import (
    Gateway,
    Instance,
    ModelBusy,
    ModelChanged,
    ModelCutOff,
    ModelDenied,
    ModelFailed,
    ModelHeld,
    ModelRefused,
    ModelReply,
    ModelRequest,
    ModelUnreadable,
    Pin,
    Provider,
    Retries,
    Route,
    RouteExhausted,
    RouteHeld,
    RouteRefused,
    RouteTarget,
    Usage,
    compile_condition,
)
from interlock.testing.models import ScriptedProvider, Stage, said

ASKED = ModelRequest([{"role": "user", "content": "hello"}], metadata={"agent": "support", "tenant": "acme"})
TWICE = Retries(2, wait=1.0, longest=8.0)


class Desk:
    """One route on a stage; what was reported of its calls is kept."""

    def __init__(self, *targets: RouteTarget, stage: Stage | None = None, **route: Any) -> None:
        self.stage = stage or Stage()
        self.told: list[dict[str, Any]] = []
        self.route = Route("desk", targets, **route)
        self.gateway = Gateway({"desk": self.route}, surroundings=self.stage.surroundings)

    async def _note(self, call: dict[str, Any]) -> None:
        self.told.append(call["body"])

    async def ask(self, request: ModelRequest = ASKED) -> ModelReply:
        return await self.gateway.complete("desk", request, self._note)

    async def fails(self, request: ModelRequest = ASKED) -> RouteExhausted:
        with pytest.raises(RouteExhausted) as raised:
            await self.ask(request)
        return raised.value


def outcomes(reply: ModelReply) -> list[tuple[str, str]]:
    return [(attempt.target, attempt.outcome) for attempt in reply.attempts]


def target(name: str, *script: Any, **more: Any) -> RouteTarget:
    return RouteTarget(ScriptedProvider(name, script), name=name, **more)


def instances(*providers: Provider) -> tuple[Instance, ...]:
    return tuple(Instance(f"gpu#{at}", provider) for at, provider in enumerate(providers, 1))


# --- retries and fallback --------------------------------------------------------------------------------------------


async def test_a_failed_target_is_asked_again_after_growing_pauses_by_chance() -> None:
    desk = Desk(target("a", ModelFailed("x"), ModelFailed("x"), said("third time")), retries=TWICE)
    reply = await desk.ask()
    assert reply.text == "third time"
    assert desk.stage.pauses == [0.5, 1.0]
    assert [attempt.wait for attempt in reply.attempts] == [0, 500, 1000]
    assert [body["attempt"] for body in desk.told] == [1, 2, 3]
    assert [one["outcome"] for one in desk.told[-1]["attempts"]] == ["model_failed", "model_failed", "ok"]


async def test_when_retries_are_used_up_the_next_target_is_asked() -> None:
    desk = Desk(target("a", ModelFailed("x")), target("b"), retries=TWICE)
    assert outcomes(await desk.ask()) == [("a", "model_failed")] * 3 + [("b", "ok")]


@pytest.mark.parametrize("failure", [ModelRefused("x"), ModelDenied("x"), ModelCutOff("x"), ModelUnreadable("x")])
async def test_what_asking_again_cannot_mend_is_not_asked_again(failure: Any) -> None:
    desk = Desk(target("a", failure), target("b"), retries=TWICE)
    assert outcomes(await desk.ask()) == [("a", failure.code), ("b", "ok")]
    assert not desk.stage.pauses


async def test_a_provider_that_says_when_is_waited_for() -> None:
    desk = Desk(target("a", ModelBusy("x", retry_after=3), said("now")), retries=TWICE)
    assert (await desk.ask()).text == "now"
    assert desk.stage.pauses == [3.5]


async def test_a_provider_that_wants_too_long_a_wait_is_followed_by_the_next_and_rests() -> None:
    desk = Desk(target("a", ModelBusy("x", retry_after=60), said("back")), target("b"), retries=TWICE)
    assert outcomes(await desk.ask()) == [("a", "model_busy"), ("b", "ok")]
    assert outcomes(await desk.ask()) == [("a", "resting"), ("b", "ok")]
    assert not desk.stage.pauses
    desk.stage.clock.advance(60)
    assert (await desk.ask()).text == "back"


async def test_no_provider_rests_for_ever() -> None:
    desk = Desk(target("a", ModelBusy("x", retry_after=1e12), said("back")))
    assert (await desk.fails()).details["retry_after"] == 300
    desk.stage.clock.advance(300)
    assert (await desk.ask()).text == "back"


async def test_pauses_and_attempts_end_with_the_routes_time() -> None:
    stage = Stage()
    slow = RouteTarget(ScriptedProvider("a", [ModelFailed("x")], clock=stage.clock, takes=4), name="a")
    desk = Desk(slow, target("b"), stage=stage, timeout=8, retries=Retries(10, wait=1, longest=8))
    error = await desk.fails()
    assert [one["why"] for one in error.details["targets"]] == ["model_failed", "model_failed", "no time was left"]
    assert stage.clock.monotonic() <= 8 + 4


async def test_that_nobody_answered_is_told_with_every_attempt_and_no_word_of_what_was_said() -> None:
    desk = Desk(target("a", ModelFailed("x")), target("b", when=compile_condition('tenant == "other"')))
    await desk.fails()
    called, unanswered = desk.told
    assert called["outcome"] == "model_failed"
    assert unanswered["outcome"] == "models_unavailable"
    assert (unanswered["tenant"], unanswered["agent"]) == ("acme", "support")
    assert [(one["target"], one["outcome"]) for one in unanswered["attempts"]] == [
        ("a", "model_failed"),
        ("b", "condition"),
    ]
    assert "hello" not in str(unanswered)


async def test_a_refusal_goes_on_only_where_that_is_declared() -> None:
    refusing, other = target("a", ModelRefused("no")), target("b")
    assert (await Desk(refusing, other).ask()).target == "b"
    error = await Desk(refusing, other, fall_back_on=frozenset({"error"})).fails()
    assert isinstance(error, RouteRefused)
    assert (error.code, error.status, error.transient) == ("route_refused", 422, False)


async def test_an_error_goes_on_only_where_that_is_declared() -> None:
    desk = Desk(target("a", ModelFailed("x")), target("b"), fall_back_on=frozenset({"refusal"}))
    assert type(await desk.fails()) is RouteExhausted
    denied = Desk(target("a", ModelDenied("x")), target("b"), fall_back_on=frozenset({"error"}))
    assert (await denied.ask()).target == "b", "a key that is not accepted is no refusal of what was asked"


async def test_where_all_refuse_the_client_is_told_not_to_come_again() -> None:
    assert isinstance(await Desk(target("a", ModelRefused("x")), target("b", ModelRefused("x"))).fails(), RouteRefused)
    assert not isinstance(
        await Desk(target("a", ModelRefused("x")), target("b", ModelFailed("x"))).fails(), RouteRefused
    )


async def test_a_model_that_declines_is_followed_by_the_next_where_that_is_declared() -> None:
    no = said("I will not", declined=True)
    assert (await Desk(target("a", no), target("b")).ask()).text == "I will not"
    declared = frozenset({"error", "declined"})
    desk = Desk(target("a", no), target("b", said("I will")), fall_back_on=declared)
    reply = await desk.ask()
    assert outcomes(reply) == [("a", "declined"), ("b", "ok")]
    assert sum((attempt.usage for attempt in reply.attempts), Usage()) == Usage(10, 4), "what was not used costs too"
    alone = Desk(target("a", no), target("b", ModelFailed("x")), fall_back_on=declared)
    assert (await alone.ask()).text == "I will not", "an answer is better than none"


# --- conditions ------------------------------------------------------------------------------------------------------


async def test_targets_whose_condition_does_not_hold_are_passed_over() -> None:
    desk = Desk(
        target("tools", when=compile_condition("size(tools) > 0")),
        target("large", when=compile_condition("characters > 1000 || images > 0")),
        target("gold", when=compile_condition('metadata.tier == "gold"')),
        target("secret", when=compile_condition('label.confidentiality == "restricted"')),
        target("rest", when=compile_condition('tenant == "acme" && agent == "support" && route == "desk"')),
    )
    reply = await desk.ask()
    assert outcomes(reply) == [
        ("tools", "condition"),
        ("large", "condition"),
        ("gold", "condition_failed"),
        ("secret", "condition_failed"),
        ("rest", "ok"),
    ]
    tools = ModelRequest(ASKED.messages, [{"type": "function", "function": {"name": "f"}}])
    assert (await desk.ask(tools)).target == "tools"
    image = [{"type": "text", "text": "see"}, {"type": "image_url", "image_url": {"url": "data:x"}}]
    assert (await desk.ask(ModelRequest([{"role": "user", "content": image}]))).target == "large"
    assert (await desk.ask(ModelRequest([{"role": "user", "content": "x" * 1001}]))).target == "large"
    gold = ModelRequest(ASKED.messages, parameters={"metadata": {"tier": "gold"}})
    assert (await desk.ask(gold)).target == "gold"
    secret = ModelRequest(ASKED.messages, metadata={"label": {"confidentiality": "restricted"}})
    assert (await desk.ask(secret)).target == "secret"


# --- health ----------------------------------------------------------------------------------------------------------


async def test_a_target_that_keeps_failing_is_ejected_and_tried_again_later() -> None:
    failing = ScriptedProvider("a", [ModelFailed("x")] * 3 + [said("well again")])
    desk = Desk(RouteTarget(failing, name="a"), target("b"), health=BreakerLimits(failures=3, pause=10))
    for _ in range(3):
        assert (await desk.ask()).target == "b"
    assert outcomes(await desk.ask()) == [("a", "ejected"), ("b", "ok")]
    assert failing.asked == 3
    desk.stage.clock.advance(10)
    assert (await desk.ask()).text == "well again"
    assert outcomes(await desk.ask()) == [("a", "ok")]


async def test_refusals_eject_nobody() -> None:
    desk = Desk(target("a", ModelRefused("x")), target("b"), health=BreakerLimits(failures=1))
    for _ in range(3):
        assert outcomes(await desk.ask()) == [("a", "model_refused"), ("b", "ok")]


async def test_a_target_without_requests_left_rests_until_they_are_back() -> None:
    desk = Desk(target("a", said("last", rest=30), said("fresh")), target("b"))
    assert (await desk.ask()).text == "last"
    assert outcomes(await desk.ask()) == [("a", "resting"), ("b", "ok")]
    desk.stage.clock.advance(30)
    assert (await desk.ask()).text == "fresh"


async def test_where_only_resting_targets_are_left_the_first_is_waited_for_as_retries_allow() -> None:
    patient = Desk(target("a", said("last", rest=2), said("fresh")), retries=TWICE)
    assert (await patient.ask()).text == "last"
    reply = await patient.ask()
    assert (reply.text, outcomes(reply)) == ("fresh", [("a", "resting"), ("a", "ok")])
    assert patient.stage.pauses == [2.5]
    hurried = Desk(target("a", said("last", rest=2)))
    await hurried.ask()
    assert (await hurried.fails()).details["retry_after"] == 2


async def test_health_outlives_a_reload_for_what_has_not_changed() -> None:
    failing = ScriptedProvider("a", [ModelFailed("x")])
    same, other = Instance("a", failing, "same"), Instance("a", failing, "other")
    limits = BreakerLimits(failures=1)
    first = Desk(RouteTarget(failing, instances=(same,)), health=limits)
    await first.fails()
    kept = Route("desk", (RouteTarget(failing, instances=(Instance("a", failing, "same"),)),), health=limits)
    changed = Route("desk", (RouteTarget(failing, instances=(other,)),), health=limits)
    for route, why in ((kept, "ejected"), (changed, "model_failed")):
        with pytest.raises(RouteExhausted) as raised:
            await first.gateway.with_routes({"desk": route}).complete("desk", ASKED)
        assert [one["why"] for one in raised.value.details["targets"]] == [why]


# --- instances -------------------------------------------------------------------------------------------------------


async def test_the_least_busy_instance_is_asked() -> None:
    busy, idle = ScriptedProvider("m", [None]), ScriptedProvider("m")
    desk = Desk(RouteTarget(busy, instances=instances(busy, idle)))
    waiting = asyncio.ensure_future(desk.ask())
    await asyncio.sleep(0)
    assert busy.asked == 1
    replies = [await desk.ask() for _ in range(3)]
    assert [reply.target for reply in replies] == ["gpu#2"] * 3
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    busy.script = [said("free again")]
    assert (await desk.ask()).text == "free again"


async def test_idle_instances_take_turns() -> None:
    one, two, three = (ScriptedProvider("m") for _ in range(3))
    desk = Desk(RouteTarget(one, instances=instances(one, two, three)))
    for _ in range(9):
        await desk.ask()
    assert [provider.asked for provider in (one, two, three)] == [3, 3, 3]


async def test_another_instance_is_asked_at_once_where_one_fails() -> None:
    broken, well = ScriptedProvider("m", [ModelFailed("x")]), ScriptedProvider("m")
    desk = Desk(RouteTarget(broken, instances=instances(broken, well)), health=BreakerLimits(failures=1))
    assert outcomes(await desk.ask()) == [("gpu#1", "model_failed"), ("gpu#2", "ok")]
    assert not desk.stage.pauses
    assert outcomes(await desk.ask()) == [("gpu#2", "ok")]


async def test_what_one_instance_refuses_is_not_shown_to_its_siblings() -> None:
    one, two = ScriptedProvider("m", [ModelRefused("x")]), ScriptedProvider("m")
    await Desk(RouteTarget(one, instances=instances(one, two))).fails()
    assert (one.asked, two.asked) == (1, 0)


# --- pins ------------------------------------------------------------------------------------------------------------


def pinned(on_change: str, *reported: str) -> RouteTarget:
    return target("a", *(said("answer", reported=version) for version in reported), pin=Pin("v1", on_change))


@pytest.mark.parametrize("on_change", ["warn", "hold", "fall_back"])
async def test_the_pinned_version_answers(on_change: str) -> None:
    desk = Desk(pinned(on_change, "v1"), target("b"))
    assert (await desk.ask()).target == "a"
    assert "changed" not in desk.told[0]


async def test_a_change_is_told_where_it_is_only_to_be_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk(pinned("warn", "v2"), target("b"))
    reply = await desk.ask()
    assert (reply.target, reply.reported) == ("a", "v2")
    assert reply.attempts[0].to_json()["why"] == "pinned is v1, reported was v2"
    assert desk.told[0]["changed"] == "pinned is v1, reported was v2"
    assert "target a has changed" in caplog.text


async def test_a_changed_model_is_followed_by_the_next_and_later_tried_again() -> None:
    desk = Desk(pinned("fall_back", "v2", "v1"), target("b"), fall_back_on=frozenset())
    assert outcomes(await desk.ask()) == [("a", ModelChanged.code), ("b", "ok")]
    assert desk.told[0]["usage"]["input_tokens"] == 5, "what was not used is recorded with its cost"
    assert outcomes(await desk.ask()) == [("a", ModelChanged.code), ("b", "ok")]
    assert len(desk.told) == 3, "it is not asked while its change is known"
    desk.stage.clock.advance(300)
    assert (await desk.ask()).target == "a"


async def test_a_changed_model_can_hold_the_route() -> None:
    desk = Desk(pinned("hold", "v2"), target("b"))
    for _ in range(2):
        error = await desk.fails()
        assert isinstance(error, RouteHeld)
        assert (error.code, error.transient) == ("route_held", False)
        assert "pin" in error.fix
    assert [body["outcome"] for body in desk.told] == [ModelHeld.code, RouteHeld.code, RouteHeld.code]
    accepted = Route("desk", (RouteTarget(desk.route.targets[0].provider, pin=Pin("v2", "hold"), name="a"),))
    assert (await desk.gateway.with_routes({"desk": accepted}).complete("desk", ASKED)).reported == "v2"


async def test_a_provider_that_names_no_version_does_not_keep_a_pin() -> None:
    desk = Desk(pinned("fall_back", ""), target("b"))
    assert (await desk.ask()).target == "b"
