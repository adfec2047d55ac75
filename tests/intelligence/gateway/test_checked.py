"""Answers that are held against a schema or may not be said: asked for once more, then by the next, then refused."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.governance.guards import Canary, Shape
from interlock.intelligence.gateway import (
    AnswerForbidden,
    Answering,
    AnswerUnfit,
    Delta,
    FormatInvalid,
    Gateway,
    Instance,
    ModelBusy,
    ModelReply,
    ModelRequest,
    Retries,
    Route,
    RouteExhausted,
    RouteTarget,
    Streamed,
    ToolCall,
    json_format,
    json_hint,
)
from interlock.intelligence.gateway.guards import Guards
from interlock.intelligence.gateway.hedging import Hedge
from interlock.testing.models import ScriptedProvider, Stage, said

SCHEMA = {
    "type": "object",
    "required": ["total"],
    "properties": {"total": {"type": "integer"}},
    "additionalProperties": False,
}
GOOD, BAD, WORSE = '{"total": 3}', '{"total": "pay maria@alfki.example"}', "It is three."
TOTAL = Guards(shape=Shape(SCHEMA))
MOTTO = Guards(forbid=(("motto", "the secret motto"),))
BOTH = Guards(forbid=(("motto", "the secret motto"),), shape=Shape(SCHEMA))
HELLO = [{"role": "user", "content": "How much is it?"}]
PLAIN = ModelRequest(HELLO, metadata={"tenant": "acme"})
WANTED = ModelRequest(HELLO, parameters=json_format("total", SCHEMA))


class Desk:
    """A route of scripted models under guards, and what is told of its calls."""

    def __init__(self, *scripts: list[Any], guards: Guards = TOTAL, **route: Any) -> None:
        self.models = [ScriptedProvider(f"m{at}", script) for at, script in enumerate(scripts, 1)]
        self.told: list[dict[str, Any]] = []
        targets = tuple(RouteTarget(model, name=model.model) for model in self.models)
        self.route = Route("desk", targets, guards=guards, **route)
        self.gateway = Gateway({"desk": self.route}, surroundings=Stage().surroundings)

    async def _note(self, call: dict[str, Any]) -> None:
        self.told.append(call)

    async def ask(self, request: ModelRequest = PLAIN, *, streamed: bool = False) -> ModelReply:
        if not streamed:
            return await self.gateway.complete("desk", request, self._note)
        *_, reply = await self.pieces(request)
        assert isinstance(reply, ModelReply)
        return reply

    async def pieces(self, request: ModelRequest = PLAIN) -> list[Any]:
        seen: list[Any] = []
        await self.see(seen, request)
        return seen

    async def see(self, seen: list[Any], request: ModelRequest = PLAIN) -> None:
        async with aclosing(self.gateway.stream("desk", request, self._note)) as pieces:
            async for piece in pieces:
                seen.append(piece)  # noqa: PERF401 - what was seen before it breaks is what counts

    async def until_refused(self, kind: type[RouteExhausted], request: ModelRequest = PLAIN) -> tuple[str, str]:
        """Return what was seen of a stream before it was refused, and the words of the error."""
        seen: list[Any] = []
        with pytest.raises(kind) as raised:
            await self.see(seen, request)
        assert not any(isinstance(piece, ModelReply) for piece in seen)
        return words(seen), str(raised.value)

    @property
    def outcomes(self) -> list[str]:
        return [call["body"]["outcome"] for call in self.told if "kind" not in call]

    @property
    def findings(self) -> list[Any]:
        return [
            found for call in self.told if call.get("kind") == "model.guarded" for found in call["body"]["findings"]
        ]


def words(pieces: list[Any]) -> str:
    return "".join(delta.text for piece in pieces if isinstance(piece, list) for delta in piece)


EITHER = pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])

# --- held against a schema -------------------------------------------------------------------------------------------


@EITHER
async def test_what_does_not_fit_is_asked_for_once_more_with_what_is_wrong(streamed: bool) -> None:
    desk = Desk([said(BAD), said(GOOD)])
    reply = await desk.ask(streamed=streamed)
    assert reply.text == GOOD
    assert [attempt.outcome for attempt in reply.attempts] == desk.outcomes == ["model_unfit", "ok"]
    first, second = desk.models[0].requests
    assert first.parameters["response_format"]["json_schema"]["schema"] == SCHEMA
    assert second.messages[:2] == [*HELLO, {"role": "assistant", "content": BAD}]
    assert "/total must be of type integer" in second.messages[-1]["content"]
    assert len(second.messages) == 3
    assert desk.findings == [{"guard": "schema", "kind": "declared", "count": 1, "done": "refused"}]
    assert [len(call["fields"]["messages"]) for call in desk.told if "kind" not in call] == [1, 3]


@EITHER
async def test_asked_again_in_vain_it_is_refused_without_a_word_of_it(streamed: bool) -> None:
    desk = Desk([said(BAD), said(WORSE), said(GOOD)])
    with pytest.raises(AnswerUnfit) as raised:
        await desk.ask(streamed=streamed)
    assert desk.models[0].asked == 2
    assert desk.outcomes == ["model_unfit", "model_unfit"]
    assert (raised.value.status, raised.value.code) == (502, "answer_unfit")
    assert "/total must be of type integer" in raised.value.why
    assert "maria" not in str(raised.value) + str(raised.value.details)
    assert "maria" not in json.dumps([call["body"] for call in desk.told])


@EITHER
async def test_then_the_next_target_is_asked_and_that_once_more_as_well(streamed: bool) -> None:
    desk = Desk([said(BAD)], [said(WORSE), said(GOOD)])
    reply = await desk.ask(streamed=streamed)
    assert (reply.text, reply.target) == (GOOD, "m2")
    assert desk.outcomes == ["model_unfit", "model_unfit", "model_unfit", "ok"]
    assert desk.models[1].requests[0].messages == HELLO


@EITHER
async def test_no_other_is_asked_where_the_route_does_not_go_on_after_a_refusal(streamed: bool) -> None:
    desk = Desk([said(BAD)], [said(GOOD)], fall_back_on=frozenset({"error"}))
    with pytest.raises(AnswerUnfit):
        await desk.ask(streamed=streamed)
    assert desk.models[1].asked == 0


async def test_a_failure_while_it_is_asked_again_is_no_reason_to_ask_from_the_beginning() -> None:
    desk = Desk([said(BAD), ModelBusy("x"), said(GOOD)], retries=Retries(3, wait=0.0, longest=1.0))
    with pytest.raises(AnswerUnfit):
        await desk.ask()
    assert desk.outcomes == ["model_unfit", "model_busy"]


async def test_where_others_only_failed_the_error_says_that_asking_later_may_help() -> None:
    desk = Desk([said(BAD)], [ModelBusy("x")])
    with pytest.raises(RouteExhausted) as raised:
        await desk.ask()
    assert raised.value.code == "models_unavailable"


async def test_only_one_of_several_instances_is_asked_again() -> None:
    desk = Desk([said("unused")])
    one, two = ScriptedProvider("m", [said(BAD)]), ScriptedProvider("m", [said(BAD)])
    target = RouteTarget(one, name="m", instances=(Instance("m#1", one), Instance("m#2", two)))
    desk.gateway = Gateway({"desk": Route("desk", (target,), guards=TOTAL)}, surroundings=Stage().surroundings)
    with pytest.raises(AnswerUnfit):
        await desk.ask()
    assert sorted([one.asked, two.asked]) == [0, 2]


@EITHER
async def test_what_a_request_asks_for_is_held_on_every_route(streamed: bool) -> None:
    desk = Desk([said(GOOD)], guards=Guards())
    assert (await desk.ask(WANTED, streamed=streamed)).text == GOOD
    assert desk.findings == []
    desk = Desk([said(BAD), said(GOOD)], guards=Guards())
    if streamed:  # which is passed on as it comes where nothing guards the route, and does not end as if all were well
        seen, _ = await desk.until_refused(AnswerUnfit, WANTED)
        assert seen == BAD
        assert desk.outcomes == ["model_unfit"]
    else:
        assert (await desk.ask(WANTED)).text == GOOD
        assert desk.outcomes == ["model_unfit", "ok"]
    assert desk.findings[0]["kind"] == "requested"


async def test_a_format_that_is_only_a_hint_is_not_held() -> None:
    desk = Desk([said(WORSE)], guards=Guards())
    reply = await desk.ask(ModelRequest(HELLO, parameters=json_hint("total", SCHEMA)))
    assert reply.text == WORSE
    reply = await desk.ask(ModelRequest(HELLO, parameters={"response_format": {"type": "json_object"}}))
    assert reply.text == WORSE


@pytest.mark.parametrize(
    "schema",
    [{"type": "nothing"}, {"$ref": "https://schemas.example/total.json"}, {"pattern": "("}, {"type": object()}],
    ids=["no type", "elsewhere", "no pattern", "no json"],
)
async def test_a_request_for_what_cannot_be_checked_is_refused_before_a_model_is_asked(schema: Any) -> None:
    desk = Desk([said(GOOD)], guards=Guards())
    with pytest.raises(FormatInvalid):
        await desk.ask(ModelRequest(HELLO, parameters=json_format("total", schema)))
    assert desk.models[0].asked == 0


async def test_both_schemas_hold_where_route_and_request_have_one() -> None:
    wanted = ModelRequest(HELLO, parameters=json_format("more", {"required": ["tax"]}))
    desk = Desk([said(GOOD), said('{"total": 1, "tax": 2}')])
    with pytest.raises(AnswerUnfit):
        await desk.ask(wanted)
    assert {found["kind"] for found in desk.findings} == {"declared", "requested"}
    assert desk.models[0].requests[0].parameters == wanted.parameters


@EITHER
async def test_a_fence_around_the_json_is_taken_off(streamed: bool) -> None:
    desk = Desk([said(f"```json\n{GOOD}\n```")])
    assert (await desk.ask(streamed=streamed)).text.strip() == GOOD
    assert desk.outcomes == ["ok"]


@EITHER
async def test_calls_of_tools_are_no_answer_yet_and_one_that_declines_gave_none(streamed: bool) -> None:
    call = ModelReply("I look.", (ToolCall("c", "get", {"id": 1}),))
    assert (await Desk([call]).ask(streamed=streamed)).tool_calls
    declining = Desk([ModelReply("I would rather not.", declined=True)])
    assert (await declining.ask(streamed=streamed)).declined


@EITHER
async def test_observing_lets_it_through_and_tells(streamed: bool) -> None:
    guards = Guards(forbid=(("motto", "secret"),), shape=Shape(SCHEMA), mode="observe")
    desk = Desk([said("It is secret")], [said(GOOD)], guards=guards)
    reply = await desk.ask(streamed=streamed)
    assert reply.text == "It is secret"
    assert desk.models[0].requests == [PLAIN]
    assert [(found["guard"], found["done"]) for found in desk.findings] == [
        ("forbid", "observed"),
        ("schema", "observed"),
    ]


async def test_observing_tells_nothing_of_a_fence_and_leaves_it() -> None:
    desk = Desk([said(f"```json\n{GOOD}\n```")], guards=Guards(shape=Shape(SCHEMA), mode="observe"))
    assert (await desk.ask()).text.startswith("```json")
    assert desk.findings == []


async def test_hidden_values_come_back_as_json_and_fit() -> None:
    key = '-----BEGIN PRIVATE KEY-----\nM"x\n-----END PRIVATE KEY-----'
    schema = {"type": "object", "properties": {"key": {"type": "string", "pattern": "^-----BEGIN"}}}
    desk = Desk([], guards=Guards(redact=("key",), shape=Shape(schema)))

    class Echo(ScriptedProvider):
        def _turn(self, request: ModelRequest) -> ModelReply:
            return said(json.dumps({"key": request.messages[-1]["content"]}))

    desk.gateway = Gateway({"desk": Route("desk", (RouteTarget(Echo()),), guards=desk.route.guards)})
    reply = await desk.ask(ModelRequest([{"role": "user", "content": key}]))
    assert json.loads(reply.text) == {"key": key}


async def test_hedged_answers_are_checked_as_well() -> None:
    desk = Desk([said(BAD), said(GOOD)], [said(GOOD)], hedge=Hedge(30.0))
    assert (await desk.ask(streamed=True)).text == GOOD


async def test_two_instances_that_are_asked_at_the_same_time_are_asked_again_once_between_them() -> None:
    told = asyncio.Event()

    class Slow(ScriptedProvider):
        async def complete(self, request: ModelRequest, *, timeout: float) -> ModelReply:
            await told.wait()
            return await super().complete(request, timeout=timeout)

    class Quick(ScriptedProvider):
        async def complete(self, request: ModelRequest, *, timeout: float) -> ModelReply:
            if self.asked == 1:
                told.set()
            return await super().complete(request, timeout=timeout)

    slow, quick = Slow("m", [said(BAD)]), Quick("m", [said(BAD)])
    target = RouteTarget(slow, name="m", instances=(Instance("m#1", slow), Instance("m#2", quick)))
    desk = Desk([said("unused")])
    route = Route("desk", (target,), guards=TOTAL, hedge=Hedge(0.0))
    desk.gateway = Gateway({"desk": route}, surroundings=Stage().surroundings)
    with pytest.raises(AnswerUnfit):
        await desk.ask()
    assert (slow.asked, quick.asked) == (1, 2)


# --- what may not be said --------------------------------------------------------------------------------------------


@EITHER
async def test_after_what_may_not_be_said_the_next_target_is_asked(streamed: bool) -> None:
    desk = Desk([said("The secret motto is it")], [said("I cannot tell")], guards=MOTTO)
    reply = await desk.ask(streamed=streamed)
    assert (reply.text, reply.target) == ("I cannot tell", "m2")
    assert desk.outcomes == ["model_forbidden", "ok"]
    assert desk.models[0].asked == 1
    assert desk.findings == [{"guard": "forbid", "kind": "motto", "count": 1, "done": "refused"}]


@EITHER
async def test_the_last_one_that_says_it_is_refused(streamed: bool) -> None:
    desk = Desk([said("the secret motto")], [said("THE SECRET MOTTO")], guards=MOTTO)
    with pytest.raises(AnswerForbidden) as raised:
        await desk.ask(streamed=streamed)
    assert desk.outcomes == ["model_forbidden", "model_forbidden"]
    assert "secret" not in str(raised.value)
    assert "'motto'" in raised.value.why


async def test_once_a_part_was_passed_on_nobody_else_is_asked() -> None:
    desk = Desk([said("Well, after all these years it is the secret motto")], [said("No")], guards=MOTTO)
    seen, error = await desk.until_refused(AnswerForbidden)
    assert seen.startswith("Well, after")
    assert "the secret" not in seen
    assert "'motto'" in error
    assert desk.models[1].asked == 0


async def test_calls_that_say_it_lead_to_the_next_target_where_nothing_was_passed_on() -> None:
    call = ModelReply("", (ToolCall("c", "post", {"text": ["the secret motto"]}),))
    desk = Desk([call], [said("No")], guards=MOTTO)
    assert (await desk.ask(streamed=True)).text == "No"
    assert desk.outcomes == ["model_forbidden", "ok"]


@EITHER
@pytest.mark.parametrize(
    "call",
    [
        ToolCall("c", "post", {"the secret motto": 1}),
        ToolCall("c", "post", {}, "is no JSON", '{"text": "the secret motto'),
        ToolCall("c", "the secret motto", {}),
    ],
    ids=["a key", "unreadable", "a name"],
)
async def test_nothing_of_a_call_may_say_it(call: ToolCall, streamed: bool) -> None:
    desk = Desk([ModelReply("Well, then, here it goes.", (call,))], guards=MOTTO)
    with pytest.raises(AnswerForbidden):
        await desk.ask(streamed=streamed)


# --- streams, however they are cut -----------------------------------------------------------------------------------


class Cut(ScriptedProvider):
    """A model whose answer comes in given pieces."""

    def __init__(self, parts: list[str]) -> None:
        super().__init__("cut")
        self.parts = parts

    async def _streamed(self, request: ModelRequest) -> Streamed:
        self.requests.append(request)
        for part in self.parts:
            yield [Delta(part)]
        yield self._signed(said("".join(self.parts)))


def cut(text: str, places: list[int]) -> list[str]:
    ends = sorted({place % (len(text) + 1) for place in places} | {0, len(text)})
    return [text[start:end] for start, end in pairwise(ends)] or [text]


CUTS = st.lists(st.integers(0, 500), max_size=12)
ANSWERS = st.one_of(
    st.sampled_from([GOOD, BAD, WORSE, '{"total": 1}', "", "[]", '{"total": 1, "x": "the secret motto"}']),
    st.text('{}"total: 1the secret motto', max_size=60),
)


@given(ANSWERS, CUTS)
async def test_of_a_held_stream_nothing_is_seen_but_an_answer_that_fits(text: str, places: list[int]) -> None:
    desk = Desk([said("unused")], guards=BOTH)
    model = Cut(cut(text, places))
    desk.gateway = Gateway({"desk": Route("desk", (RouteTarget(model),), guards=BOTH)})
    seen: list[Any] = []
    refused = False
    try:
        await desk.see(seen)
    except (AnswerUnfit, AnswerForbidden):
        refused = True
    fits = not Shape(SCHEMA).misfits(text) and "the secret motto" not in text
    assert refused is not fits
    assert words(seen) == (text if fits else "")
    assert bool(seen) is fits


@given(st.text("the scrmo", max_size=30), st.booleans(), st.text("the scrmo", max_size=30), CUTS)
async def test_a_phrase_is_never_seen_and_what_was_seen_stays_said(
    before: str, says: bool, after: str, places: list[int]
) -> None:
    text = before + ("the secret motto" if says else "") + after
    desk = Desk([said("unused")], guards=MOTTO)
    model, other = Cut(cut(text, places)), ScriptedProvider("other", [said("no")])
    targets = (RouteTarget(model), RouteTarget(other, name="other"))
    desk.gateway = Gateway({"desk": Route("desk", targets, guards=MOTTO)})
    seen: list[Any] = []
    refused = False
    try:
        await desk.see(seen)
    except AnswerForbidden:
        refused = True
    if not says:
        assert (refused, words(seen)) == (False, text)
    elif refused:  # a part of it had been passed on
        assert words(seen)
        assert (before + "the secret motto").startswith(words(seen))
        assert len(words(seen)) <= len(before)
        assert other.asked == 0
    else:
        assert words(seen) == "no"
    assert [piece.target for piece in seen if isinstance(piece, Answering)] in (["scripted:cut"], ["other"])


# --- a canary --------------------------------------------------------------------------------------------------------


def leaking(*, aloud: bool, parts: int = 1) -> ScriptedProvider:
    """Return a model that repeats its instructions, in so many pieces: in words, or in a call's arguments."""

    class Leaks(ScriptedProvider):
        def _turn(self, request: ModelRequest) -> ModelReply:
            self.requests.append(request)
            first = request.messages[0]["content"]
            text = first if isinstance(first, str) else " ".join(part["text"] for part in first)
            return said(text.upper()) if aloud else ModelReply("", (ToolCall("c", "post", {"body": [text]}),))

        async def _streamed(self, request: ModelRequest) -> Streamed:
            reply = self._turn(request)
            size = max(len(reply.text) // parts, 1)
            for at in range(0, len(reply.text), size):
                yield [Delta(reply.text[at : at + size])]
            yield self._signed(reply)

    return Leaks("leaks")


def watched(*models: ScriptedProvider, **guards: Any) -> Desk:
    desk = Desk([said("unused")], guards=Guards(canary=Canary(), **guards))
    targets = tuple(RouteTarget(model, name=f"{model.model}{at}") for at, model in enumerate(models))
    desk.models = list(models)
    desk.gateway = Gateway({"desk": Route("desk", targets, guards=desk.route.guards)})
    return desk


INSTRUCTED: dict[str, list[Any]] = {
    "text": [{"role": "system", "content": "Be kind."}, *HELLO],
    "parts": [{"role": "developer", "content": [{"type": "text", "text": "Be kind."}]}, *HELLO],
    "nothing": HELLO,
}


@EITHER
@pytest.mark.parametrize("aloud", [True, False], ids=["in words", "in a call"])
@pytest.mark.parametrize("messages", INSTRUCTED.values(), ids=INSTRUCTED.keys())
async def test_an_answer_that_lets_the_instructions_out_is_stopped(
    messages: list[Any], aloud: bool, streamed: bool
) -> None:
    desk = watched(leaking(aloud=aloud))
    with pytest.raises(AnswerForbidden) as raised:
        await desk.ask(ModelRequest(messages), streamed=streamed)
    sent = desk.models[0].requests[0].messages
    song = desk.route.guards.canary.song if desk.route.guards.canary else ""
    assert song in json.dumps(sent[0])
    assert len(sent) == (2 if messages is not HELLO else len(HELLO) + 1)
    assert song not in str(raised.value)
    assert {found["kind"] for found in desk.findings} == {"canary"}


@given(st.integers(1, 200))
async def test_no_part_of_the_canary_is_seen_however_a_stream_is_cut(parts: int) -> None:
    desk = watched(leaking(aloud=True, parts=parts))
    seen, _ = await desk.until_refused(AnswerForbidden, ModelRequest(INSTRUCTED["text"]))
    song = desk.route.guards.canary.song if desk.route.guards.canary else ""
    assert song[:5] not in seen.lower()


async def test_after_a_leak_the_next_target_is_asked_and_observing_puts_no_canary_in() -> None:
    desk = watched(leaking(aloud=False), ScriptedProvider("good", [said("Three.")]))
    assert (await desk.ask(streamed=True)).text == "Three."
    desk = watched(leaking(aloud=True), mode="observe")
    assert (await desk.ask()).text == HELLO[0]["content"].upper()


def test_a_canary_tells_no_routes_apart_and_does_not_show_itself() -> None:
    one, other = Canary(), Canary()
    assert one.song != other.song
    assert (one, hash(one)) == (other, hash(other))
    assert one.song not in repr(Guards(canary=one))
