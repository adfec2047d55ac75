"""The official client, unchanged: chat, models, streams, governed calls, calls of its own, and what comes back."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest

from interlock.values.actions import ActionState
from tests.experience.openai.conftest import TOOLS, Shop, called, said


def names(messages: list[dict[str, Any]]) -> list[str]:
    return [message["role"] for message in messages]


async def test_plain_chat_is_answered_by_the_route(shop: Shop) -> None:
    answer = await shop.ask("Hello", said("Good day"), tools=openai.omit, temperature=0.5)
    reply = answer.parse()
    assert reply.choices[0].message.content == "Good day"
    assert (reply.choices[0].finish_reason, reply.model) == ("stop", "desk")
    assert (reply.usage.prompt_tokens, reply.usage.total_tokens) == (10, 15)
    asked = shop.model.asked[0]
    assert (asked["model"], asked["temperature"], asked["seed"]) == ("tiny-1", 0.5, 7)
    assert "tools" not in asked
    assert answer.headers["x-interlock-route"] == "desk"
    assert answer.headers["x-interlock-target"] == "openai:tiny-1-0425"
    assert answer.headers["x-interlock-session"].startswith("ses_")
    assert float(answer.headers["x-interlock-overhead-ms"]) >= 0
    assert "x-interlock-actions" not in answer.headers
    (entry,) = await shop.entries("model.called")
    assert entry.session == answer.headers["x-interlock-session"]


async def test_routes_are_models(shop: Shop) -> None:
    client = shop.client()
    assert [model.id async for model in await client.models.list()] == ["desk", "rules"]
    assert (await client.models.retrieve("desk")).owned_by == "interlock"
    with pytest.raises(openai.NotFoundError) as error:
        await client.models.retrieve("dusk")
    assert "did you mean 'desk'?" in str(error.value)


async def test_an_unknown_model_is_404_with_the_nearest(shop: Shop) -> None:
    with pytest.raises(openai.NotFoundError) as error:
        await shop.ask("Hello", model="deks")
    assert error.value.code == "route_unknown"
    assert "did you mean 'desk'?" in error.value.message


async def test_why_the_model_stopped_is_passed_on(shop: Shop) -> None:
    answer = await shop.ask("Hello", said("Once upon a", finish="length"))
    assert answer.parse().choices[0].finish_reason == "length"


async def test_a_stream_is_made_from_the_whole_reply(shop: Shop) -> None:
    shop.model.script[:] = [said("Good day")]
    stream = await shop.client().chat.completions.create(
        model="desk",
        messages=[{"role": "user", "content": "Hello"}],
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = [chunk async for chunk in stream]
    assert {chunk.object for chunk in chunks} == {"chat.completion.chunk"}
    assert len({chunk.id for chunk in chunks}) == 1
    assert chunks[0].choices[0].delta.role == "assistant"
    text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    assert text == "Good day"
    assert [choice.finish_reason for chunk in chunks for choice in chunk.choices][-1] == "stop"
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == 15


async def test_a_stream_ends_with_done_and_carries_tool_calls(shop: Shop) -> None:
    shop.model.script[:] = [called(("web_search", {"query": "x"}))]
    messages = [{"role": "user", "content": "Look"}]
    answer = await shop.post({"model": "desk", "messages": messages, "tools": TOOLS, "stream": True})
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    events = answer.text.split("\n\n")
    assert events[-2:] == ["data: [DONE]", ""]
    deltas = [json.loads(event.removeprefix("data: "))["choices"][0] for event in events[:-2]]
    first, rest = [delta["delta"]["tool_calls"][0] for delta in deltas if "tool_calls" in delta["delta"]]
    assert (first["index"], first["function"]["name"], rest["index"]) == (0, "web_search", 0)
    assert json.loads(first["function"]["arguments"] + rest["function"]["arguments"]) == {"query": "x"}
    assert deltas[-1]["finish_reason"] == "tool_calls"


async def test_a_governed_call_is_executed_and_the_model_goes_on(shop: Shop) -> None:
    script = [called(("shop__get_order", {"id": 2}), text="One moment"), said("It is for BERGS")]
    answer = await shop.ask("Whose is order 2?", *script, tool_choice="required")
    reply = answer.parse()
    assert reply.choices[0].message.content == "It is for BERGS"
    assert reply.choices[0].message.tool_calls is None
    assert reply.usage.total_tokens == 30
    (action,) = await shop.actions(answer)
    assert (action.operation, action.state) == ("shop.get_order", ActionState.succeeded)
    assert names(shop.model.last) == ["user", "assistant", "tool"]
    told = json.loads(shop.model.last[-1]["content"])
    assert told["output"]["customer"] == "BERGS"
    assert told["trust"]["untrusted_fields"] == ["/note"]
    assert shop.model.asked[0]["tool_choice"] == "required"
    assert "tool_choice" not in shop.model.asked[1], "a choice that was obeyed would force calls for ever"


async def test_a_denied_call_is_told_to_the_model_with_its_reasons(shop: Shop) -> None:
    answer = await shop.ask("Drop order 1", called(("shop__drop_order", {"id": 1})), said("I may not"))
    (action,) = await shop.actions(answer)
    assert action.state is ActionState.denied
    told = json.loads(shop.model.last[-1]["content"])
    assert (told["state"], told["note"]) == ("denied", "Refused: nothing was done.")
    assert told["decision"]["reasons"]
    assert shop.order(1) is not None


async def test_a_waiting_call_is_told_with_its_handle(shop: Shop) -> None:
    answer = await shop.ask("Close 1", called(("shop.close_order", {"id": 1})), said("A lead has to agree"))
    (action,) = await shop.actions(answer)
    told = json.loads(shop.model.last[-1]["content"])
    assert (told["action"], told["state"]) == (action.id, "waiting")
    assert "approval by one person in the role lead" in told["note"]
    assert answer.parse().choices[0].message.content == "A lead has to agree"


async def test_calls_that_are_no_proposals_are_told_too(shop: Shop) -> None:
    script = [
        called(("shop__get_order", {"number": 2}), ("shop__get_order", "{oops"), ids=["a", "b"]),
        said("Sorry"),
    ]
    answer = await shop.ask("Whose is order 2?", *script, tools=TOOLS[:1])
    assert answer.parse().choices[0].message.content == "Sorry"
    codes = [
        json.loads(message["content"])["problem"]["code"] for message in shop.model.last if message["role"] == "tool"
    ]
    assert codes == ["input_invalid", "arguments-unreadable"]


async def test_an_operation_that_was_not_offered_is_not_run(shop: Shop) -> None:
    script = [called(("shop__add_one", {"id": 1})), said("There is no such tool")]
    answer = await shop.ask("Add one", *script, tools=TOOLS[:1])
    assert "x-interlock-actions" not in answer.headers
    assert json.loads(shop.model.last[-1]["content"])["problem"]["code"] == "not-offered"
    order = shop.order(1)
    assert order is not None
    assert order["count"] == 0


async def test_a_model_that_never_stops_calling_is_stopped(shop: Shop) -> None:
    script = [called(("shop__get_order", {"id": 2})) for _ in range(9)]
    answer = await shop.ask("Look for ever", *script, key="clerk")
    choice = answer.parse().choices[0]
    assert choice.finish_reason == "length"
    assert "limit of steps" in choice.message.content
    assert len(shop.model.asked) == 5, "the agent's own limit"


async def test_an_external_operation_makes_its_round_trip_through_the_client(shop: Shop) -> None:
    asked: list[Any] = [{"role": "user", "content": "Fax order 2 to 555"}]
    both = called(("shop__add_one", {"id": 2}), ("fax__send", {"to": "555"}))
    answer = await shop.ask(asked, both)
    choice = answer.parse().choices[0]
    assert choice.finish_reason == "tool_calls"
    (call,) = choice.message.tool_calls
    counted, sent = await shop.actions(answer)
    assert (call.id, call.function.name, json.loads(call.function.arguments)) == (sent.id, "fax__send", {"to": "555"})
    assert (counted.state, sent.state) == (ActionState.succeeded, ActionState.executing)
    asked += [choice.message.model_dump(), {"role": "tool", "tool_call_id": call.id, "content": '{"pages": 3}'}]
    answer = await shop.ask(asked, said("Sent, 3 pages"))
    assert answer.headers["x-interlock-actions"] == sent.id
    (sent,) = await shop.actions(answer)
    assert (sent.state, sent.output) == (ActionState.succeeded, {"pages": 3})
    assert names(shop.model.last) == ["user", "assistant", "tool", "assistant", "tool"], "our own step is back in place"
    assert [message.get("tool_call_id") for message in shop.model.last if message["role"] == "tool"] == [
        counted.id,
        sent.id,
    ]
    asked += [answer.parse().choices[0].message.model_dump(), {"role": "user", "content": "Thanks"}]
    answer = await shop.ask(asked, said("Welcome"))
    assert "x-interlock-actions" not in answer.headers, "the result is reported once"
    assert names(shop.model.last) == ["user", "assistant", "tool", "assistant", "tool", "assistant", "user"]
    assert len(await shop.entries("action.succeeded")) == 2


async def test_external_calls_that_may_not_run_are_not_handed_out(shop: Shop) -> None:
    script = [called(("fax__send", {"to": "0900123"}), ("fax__dial", {"to": "1"}), ids=["a", "b"]), said("No")]
    answer = await shop.ask("Fax and call", *script)
    assert answer.parse().choices[0].message.tool_calls is None
    denied, waiting = await shop.actions(answer)
    assert (denied.state, waiting.state) == (ActionState.denied, ActionState.waiting)
    assert [json.loads(message["content"])["state"] for message in shop.model.last[2:]] == ["denied", "waiting"]


async def test_a_result_that_breaks_the_contract_is_in_doubt_and_the_model_hears_it(shop: Shop) -> None:
    asked: list[Any] = [{"role": "user", "content": "Fax to 555"}]
    answer = await shop.ask(asked, called(("fax__send", {"to": "555"})))
    message = answer.parse().choices[0].message
    result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "Error: line busy"}
    answer = await shop.ask([*asked, message.model_dump(), result], said("I cannot tell"))
    (action,) = await shop.actions(answer)
    assert action.state is ActionState.in_doubt
    told = json.loads(shop.model.last[-1]["content"])
    assert (told["state"], told["reported"]) == ("in_doubt", "Error: line busy")


async def test_the_clients_own_functions_pass_through_untouched(shop: Shop) -> None:
    asked: list[Any] = [{"role": "user", "content": "Search"}]
    answer = await shop.ask(asked, called(("web_search", '{"query":  "jars"}'), text="Let me see", ids=["call_X9"]))
    message = answer.parse().choices[0].message
    assert message.content == "Let me see"
    (call,) = message.tool_calls
    assert (call.id, call.function.name, call.function.arguments) == ("call_X9", "web_search", '{"query":  "jars"}')
    assert "x-interlock-actions" not in answer.headers
    asked += [message.model_dump(), {"role": "tool", "tool_call_id": "call_X9", "content": "Ask for QX-7781-Z"}]
    await shop.ask(asked, said("Found"))
    assert shop.model.last == json.loads(json.dumps(asked))
    assert shop.model.asked[0]["tools"] == TOOLS


async def test_a_mixed_reply_answers_every_call_once(shop: Shop) -> None:
    asked: list[Any] = [{"role": "user", "content": "Look and search"}]
    mixed = called(
        ("shop__get_order", {"id": 2}), ("web_search", {"query": "x"}), ("fax__send", {"to": "1"}), ids="abc"
    )
    answer = await shop.ask(asked, mixed)
    message = answer.parse().choices[0].message
    read, sent = await shop.actions(answer)
    assert [call.id for call in message.tool_calls] == ["b", sent.id]
    asked += [
        message.model_dump(),
        {"role": "tool", "tool_call_id": sent.id, "content": '{"pages": 1}'},
        {"role": "tool", "tool_call_id": "b", "content": "nothing"},
    ]
    answer = await shop.ask(asked, said("Done"))
    assert names(shop.model.last) == ["user", "assistant", "tool", "assistant", "tool", "tool"]
    made = [call["id"] for message in shop.model.last for call in message.get("tool_calls") or ()]
    given = [message["tool_call_id"] for message in shop.model.last if message["role"] == "tool"]
    assert sorted(made) == sorted(given) == sorted([read.id, "b", sent.id])
