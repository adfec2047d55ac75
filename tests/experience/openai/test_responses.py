"""OpenAI's Responses with the official client: the same path, in other shapes."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any

import openai
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from interlock.experience.api.errors import RequestInvalid
from interlock.experience.openai.dialects import DIALECTS
from interlock.experience.openai.errors import ParameterUnsupported
from interlock.testing.servers import tells
from tests.experience.openai.conftest import Shop, called, chunk, events, said


def tool(name: str, **properties: str) -> Any:
    schema = {"type": "object", "properties": {key: {"type": kind} for key, kind in properties.items()}}
    return {"type": "function", "name": name, "description": f"Use {name}", "parameters": schema, "strict": False}


TOOLS = [
    tool("web_search", query="string"),
    tool("shop__get_order", id="integer"),
    tool("fax__send", to="string"),
]


async def ask(shop: Shop, *script: Any, **more: Any) -> Any:
    shop.model.script[:] = script
    return await shop.client("ada").responses.create(**{"model": "desk", "input": "Hello", **more})


async def streamed(shop: Shop, *script: Any, **more: Any) -> list[Any]:
    return [event async for event in await ask(shop, *script, stream=True, **more)]


async def test_an_answer_in_words(shop: Shop) -> None:
    answer = await ask(
        shop,
        said("Good day"),
        instructions="Be brief.",
        max_output_tokens=50,
        temperature=0.5,
        reasoning={"effort": "low"},
        metadata={"a": "b"},
    )
    assert (answer.output_text, answer.status, answer.model) == ("Good day", "completed", "desk")
    assert (answer.usage.input_tokens, answer.usage.output_tokens, answer.usage.total_tokens) == (10, 5, 15)
    asked = shop.model.asked[-1]
    assert asked["messages"] == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}]
    assert (asked["max_completion_tokens"], asked["temperature"]) == (50, 0.5)
    assert (asked["reasoning_effort"], asked["metadata"]) == ("low", {"a": "b"})


async def test_a_stream_tells_each_step_and_the_whole_at_its_end(shop: Shop) -> None:
    told = await streamed(shop, tells(chunk({"reasoning_content": "Hm."}), *events(said("Once upon"))))
    kinds = [event.type for event in told]
    assert kinds[:2] == ["response.created", "response.in_progress"]
    assert [event.delta for event in told if event.type == "response.output_text.delta"] == ["Once ", "upon"]
    assert [event.delta for event in told if event.type == "response.reasoning_text.delta"] == ["Hm."]
    assert [event.sequence_number for event in told] == list(range(len(told)))
    whole = told[-1].response
    assert (told[-1].type, whole.status, whole.output_text) == ("response.completed", "completed", "Once upon")
    assert [item.type for item in whole.output] == ["reasoning", "message"]
    done = [event.item for event in told if event.type == "response.output_item.done"]
    assert [item.id for item in done] == [item.id for item in whole.output]
    assert whole.usage.total_tokens == 15


@pytest.mark.parametrize(("finish", "why"), [("length", "max_output_tokens"), ("content_filter", "content_filter")])
async def test_what_is_cut_short_is_incomplete(shop: Shop, finish: str, why: str) -> None:
    answer = await ask(shop, said("Once", finish=finish))
    assert (answer.status, answer.incomplete_details.reason) == ("incomplete", why)
    told = await streamed(shop, said("Once", finish=finish))
    assert (told[-1].type, told[-1].response.incomplete_details.reason) == ("response.incomplete", why)


@pytest.mark.parametrize("way", ["whole", "streamed"])
async def test_own_functions_go_round(shop: Shop, way: str) -> None:
    reply = called(("web_search", {"query": "x"}), ("web_search", {"query": "y"}), text="Let me look", ids=("c1", "c2"))
    if way == "whole":
        first = await ask(shop, reply, tools=TOOLS, tool_choice="required")
    else:
        told = await streamed(shop, reply, tools=TOOLS, tool_choice="required")
        first = told[-1].response
        done = [event for event in told if event.type == "response.function_call_arguments.done"]
        assert [json.loads(event.arguments)["query"] for event in done] == ["x", "y"]
    assert [item.type for item in first.output] == ["message", "function_call", "function_call"]
    assert [(item.call_id, json.loads(item.arguments)) for item in first.output[1:]] == [
        ("c1", {"query": "x"}),
        ("c2", {"query": "y"}),
    ]
    results = [{"type": "function_call_output", "call_id": name, "output": f"found {name}"} for name in ("c1", "c2")]
    conversation = [{"role": "user", "content": "Hello"}, *first.output, *results]
    second = await ask(shop, said("Done"), tools=TOOLS, input=conversation)
    assert second.output_text == "Done"
    _, answered, *told_back = shop.model.last
    assert [call["id"] for call in answered["tool_calls"]] == ["c1", "c2"]
    assert [(one["tool_call_id"], one["content"]) for one in told_back] == [("c1", "found c1"), ("c2", "found c2")]


async def test_operations_take_the_one_path(shop: Shop) -> None:
    answer = await ask(shop, called(("shop__get_order", {"id": 2})), said("It is for BERGS"), tools=TOOLS)
    assert [item.type for item in answer.output] == ["message"]
    assert "BERGS" in shop.model.last[-1]["content"]


async def test_an_operation_of_the_client_is_handed_out_and_its_result_taken(shop: Shop) -> None:
    first = await ask(shop, called(("fax__send", {"to": "0123"})), tools=TOOLS)
    (call,) = first.output
    assert call.call_id.startswith("act_")
    result = {"type": "function_call_output", "call_id": call.call_id, "output": '{"pages": 2}'}
    conversation = [{"role": "user", "content": "Hello"}, call, result]
    assert (await ask(shop, said("Sent"), tools=TOOLS, input=conversation)).output_text == "Sent"
    (record,) = await shop.entries("action.succeeded")
    assert record.subject == call.call_id


async def test_structured_output_is_parsed(shop: Shop) -> None:
    class Verdict(BaseModel):
        fits: bool

    shop.model.script[:] = [said('{"fits": true}')]
    answer = await shop.client().responses.parse(model="desk", input="Hello", text_format=Verdict)
    assert answer.output_parsed == Verdict(fits=True)
    wanted = shop.model.asked[-1]["response_format"]
    assert (wanted["type"], wanted["json_schema"]["strict"]) == ("json_schema", True)


async def test_pictures_are_passed_on(shop: Shop) -> None:
    content = [
        {"type": "input_text", "text": "What is this?"},
        {"type": "input_image", "image_url": "data:image/png;base64,aGk=", "detail": "low"},
    ]
    await ask(shop, said("A dot"), input=[{"role": "user", "content": content}])
    sent = shop.model.last[-1]["content"][1]
    assert sent == {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk=", "detail": "low"}}


async def test_what_breaks_off_is_failed_and_never_completed(shop: Shop) -> None:
    seen = asyncio.Event()
    stream = await ask(shop, tells(chunk({"content": "Once "}), seen, ends=False), stream=True)
    told: list[str] = []

    async def take() -> None:
        async for event in stream:
            told.append(event.type)
            seen.set()

    with pytest.raises(openai.APIError) as raised:
        await take()
    assert raised.value.code == "answer_broken_off"
    assert "response.completed" not in told
    assert told[-1] == "response.failed"


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("previous_response_id", "resp_1"),
        ("conversation", "conv_1"),
        ("background", True),
        ("tools", [{"type": "web_search"}]),
        ("prompt", {"id": "pmpt_1"}),
    ],
)
async def test_what_is_kept_or_run_at_the_provider_is_refused_by_name(shop: Shop, member: str, value: Any) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        await ask(shop, **{member: value})
    assert member in (raised.value.param or "")


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
WORDS = (
    "type",
    "role",
    "content",
    "text",
    "message",
    "function_call",
    "call_id",
    "name",
    "arguments",
    "output",
    "user",
)
items = st.dictionaries(st.sampled_from(WORDS), values | st.sampled_from(WORDS), max_size=6)
bodies = values | st.fixed_dictionaries(
    {"model": st.just("desk"), "input": st.text(max_size=5) | st.lists(items, max_size=3) | values},
    optional={
        "instructions": values,
        "tools": st.lists(items, max_size=2) | values,
        "tool_choice": values,
        "text": values | st.fixed_dictionaries({"format": values}),
        "reasoning": values,
        "metadata": values,
        "max_output_tokens": values,
    },
)


@given(bodies)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_body_is_a_request_or_a_clear_refusal(body: Any) -> None:
    with suppress(RequestInvalid, ParameterUnsupported):
        assert DIALECTS["/v1/responses"].request(body).messages
