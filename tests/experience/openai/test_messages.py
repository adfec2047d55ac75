"""Anthropic's Messages with the official client: the same path, in other shapes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import anthropic
import httpx2
import pytest
from anthropic import AsyncAnthropic
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interlock.experience.api.errors import RequestInvalid
from interlock.experience.openai.dialects import DIALECTS
from interlock.experience.openai.errors import ParameterUnsupported
from interlock.testing.servers import answers, tells
from interlock.values.actions import ActionState
from tests.experience.openai.conftest import Shop, called, chunk, events, open_shop, said, scripted, write_shop

HELLO: Any = [{"role": "user", "content": "Hello"}]


def tool(name: str, **properties: str) -> Any:
    schema = {"type": "object", "properties": {key: {"type": kind} for key, kind in properties.items()}}
    return {"name": name, "description": f"Use {name}", "input_schema": schema}


TOOLS = [
    tool("web_search", query="string"),
    tool("shop__get_order", id="integer"),
    tool("fax__send", to="string"),
    tool("shop__drop_order", id="integer"),
]


@asynccontextmanager
async def client_of(shop: Shop, key: str = "ada", **more: Any) -> AsyncIterator[AsyncAnthropic]:
    async with AsyncAnthropic(base_url=shop.url, api_key=shop.keys.get(key, key), max_retries=0, **more) as client:
        yield client


async def ask(shop: Shop, *script: Any, key: str = "ada", **more: Any) -> Any:
    """Return the answer to one request, while the model follows *script*."""
    shop.model.script[:] = script
    async with client_of(shop, key) as client:
        return await client.messages.create(**{"model": "desk", "max_tokens": 500, "messages": HELLO, **more})


async def streamed(shop: Shop, *script: Any, **more: Any) -> tuple[list[str], Any]:
    """Return the pieces of text and the final message of one streamed answer."""
    shop.model.script[:] = script
    async with client_of(shop) as client:
        wanted = {"model": "desk", "max_tokens": 500, "messages": HELLO, **more}
        async with client.messages.stream(**wanted) as stream:
            texts = [text async for text in stream.text_stream]
            return texts, await stream.get_final_message()


async def test_an_answer_in_words(shop: Shop) -> None:
    answer = await ask(
        shop,
        said("Good day"),
        system=[{"type": "text", "text": "Be brief."}],
        extra_body={"temperature": 0.5},
        stop_sequences=["END"],
        metadata={"user_id": "u-7"},
    )
    assert [(block.type, block.text) for block in answer.content] == [("text", "Good day")]
    assert (answer.model, answer.role, answer.stop_reason) == ("desk", "assistant", "end_turn")
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (10, 5)
    asked = shop.model.asked[-1]
    assert asked["messages"] == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}]
    assert (asked["max_tokens"], asked["temperature"], asked["stop"], asked["user"]) == (500, 0.5, ["END"], "u-7")


async def test_a_stream_comes_word_by_word_and_ends_with_usage(shop: Shop) -> None:
    texts, message = await streamed(shop, said("Once upon a time"))
    assert texts == ["Once ", "upon ", "a ", "time"]
    assert (message.content[0].text, message.stop_reason) == ("Once upon a time", "end_turn")
    assert (message.usage.input_tokens, message.usage.output_tokens) == (10, 5)


async def test_why_the_model_stopped_is_said_in_the_words_of_the_interface(shop: Shop) -> None:
    assert (await ask(shop, said("Once", finish="length"))).stop_reason == "max_tokens"
    assert (await ask(shop, said("", finish="content_filter"))).stop_reason == "refusal"


@pytest.mark.parametrize("way", ["whole", "streamed"])
async def test_own_tools_go_round(shop: Shop, way: str) -> None:
    reply = called(("web_search", {"query": "x"}), ("web_search", {"query": "y"}), text="Let me look", ids=("c1", "c2"))
    if way == "whole":
        first = await ask(shop, reply, tools=TOOLS, tool_choice={"type": "any"})
    else:
        _, first = await streamed(shop, reply, tools=TOOLS, tool_choice={"type": "any"})
    assert first.stop_reason == "tool_use"
    assert [block.type for block in first.content] == ["text", "tool_use", "tool_use"]
    assert [(block.id, block.input) for block in first.content[1:]] == [("c1", {"query": "x"}), ("c2", {"query": "y"})]
    assert shop.model.asked[-1]["tool_choice"] == "required"
    results = [
        {"type": "tool_result", "tool_use_id": "c1", "content": "found x"},
        {"type": "tool_result", "tool_use_id": "c2", "content": [{"type": "text", "text": "gone"}], "is_error": True},
        {"type": "text", "text": "Go on"},
    ]
    messages = [*HELLO, {"role": "assistant", "content": first.content}, {"role": "user", "content": results}]
    second = await ask(shop, said("Done"), tools=TOOLS, messages=messages)
    assert second.content[0].text == "Done"
    _, answered, *told, words = shop.model.last
    assert [call["id"] for call in answered["tool_calls"]] == ["c1", "c2"]
    assert [(one["role"], one["tool_call_id"], one["content"]) for one in told] == [
        ("tool", "c1", "found x"),
        ("tool", "c2", '{"error":"gone"}'),
    ]
    assert words == {"role": "user", "content": "Go on"}


async def test_operations_take_the_one_path(shop: Shop) -> None:
    answer = await ask(shop, called(("shop__get_order", {"id": 2})), said("It is for BERGS"), tools=TOOLS)
    assert [block.text for block in answer.content] == ["It is for BERGS"]
    assert "BERGS" in shop.model.last[-1]["content"]
    denied = await ask(shop, called(("shop__drop_order", {"id": 2})), said("Not allowed"), tools=TOOLS)
    assert denied.content[0].text == "Not allowed"
    assert shop.order(2) is not None


async def test_an_operation_of_the_client_is_handed_out_and_its_result_taken(shop: Shop) -> None:
    first = await ask(shop, called(("fax__send", {"to": "0123"})), tools=TOOLS)
    (use,) = first.content
    assert (use.name, use.input) == ("fax__send", {"to": "0123"})
    assert use.id.startswith("act_")
    result = {"type": "tool_result", "tool_use_id": use.id, "content": '{"pages": 2}'}
    messages = [*HELLO, {"role": "assistant", "content": first.content}, {"role": "user", "content": [result]}]
    assert (await ask(shop, said("Sent"), tools=TOOLS, messages=messages)).content[0].text == "Sent"
    (record,) = await shop.entries("action.succeeded")
    assert record.subject == use.id
    assert ActionState.succeeded.value in record.kind


async def test_pictures_are_passed_on(shop: Shop) -> None:
    source = {"type": "base64", "media_type": "image/png", "data": "aGk="}
    blocks = [
        {"type": "text", "text": "What is this?"},
        {"type": "image", "source": source},
        {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}},
    ]
    await ask(shop, said("A dot"), messages=[{"role": "user", "content": blocks}])
    sent = shop.model.last[-1]["content"]
    assert [part["type"] for part in sent] == ["text", "image_url", "image_url"]
    assert sent[1]["image_url"]["url"] == "data:image/png;base64,aGk="


@pytest.mark.parametrize("way", ["whole", "streamed"])
async def test_what_a_model_says_to_itself_is_a_block_of_its_own(shop: Shop, way: str) -> None:
    if way == "whole":
        reply = said("Yes")
        reply["choices"][0]["message"]["reasoning_content"] = "Hm. "
        answer = await ask(shop, reply, thinking={"type": "enabled", "budget_tokens": 1024})
    else:
        _, answer = await streamed(shop, tells(chunk({"reasoning_content": "Hm. "}), *events(said("Yes"))))
    assert [block.type for block in answer.content] == ["thinking", "text"]
    assert answer.content[0].thinking == "Hm. "
    again = [*HELLO, {"role": "assistant", "content": answer.content}, {"role": "user", "content": "Sure?"}]
    assert (await ask(shop, said("Sure"), messages=again)).content[0].text == "Sure"
    assert shop.model.last[1] == {"role": "assistant", "content": "Yes"}


async def test_a_format_is_asked_for_in_the_models_own_words(shop: Shop) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    config = {"format": {"type": "json_schema", "schema": schema}}
    await ask(shop, said('{"a": 1}'), extra_body={"output_config": config})
    wanted = shop.model.asked[-1]["response_format"]
    assert (wanted["type"], wanted["json_schema"]["schema"]) == ("json_schema", schema)


async def test_what_breaks_off_is_an_error_and_no_message(shop: Shop) -> None:
    shop.model.script[:] = [tells(chunk({"content": "Once "}), ends=False)]
    body = {"model": "desk", "max_tokens": 5, "messages": HELLO, "stream": True}
    seen = asyncio.Event()
    shop.model.script[:] = [tells(chunk({"content": "Once "}), seen, ends=False)]
    headers = {"x-api-key": shop.keys["ada"], "content-type": "application/json"}
    async with (
        httpx2.AsyncClient() as client,
        client.stream("POST", f"{shop.url}/v1/messages", headers=headers, content=json.dumps(body)) as answer,
    ):
        told = ""
        async for part in answer.aiter_text():
            told += part
            seen.set()
    assert "event: error" in told
    assert "message_stop" not in told
    error = json.loads(told.rpartition("data: ")[2])
    assert error["error"] == {**error["error"], "type": "api_error", "code": "answer_broken_off"}
    go_on = asyncio.Event()
    go_on.set()
    with pytest.raises(anthropic.APIStatusError):
        await streamed(shop, tells(chunk({"content": "Once "}), b": wait\n\n" * 2, go_on, b"data: {\n\n"))


async def test_errors_have_the_interfaces_shape(shop: Shop) -> None:
    with pytest.raises(anthropic.AuthenticationError) as wrong:
        await ask(shop, key="nobody's")
    assert wrong.value.body["error"]["type"] == "authentication_error"  # type: ignore[index]  # the parsed body
    with pytest.raises(anthropic.NotFoundError) as unknown:
        await ask(shop, model="deks")
    assert "did you mean 'desk'?" in str(unknown.value)
    with pytest.raises(anthropic.UnprocessableEntityError):
        await ask(shop, messages=[])
    with pytest.raises(anthropic.APIStatusError) as busy:
        await ask(shop, answers(429, {}, headers={"retry-after": "7"}))
    assert (busy.value.status_code, busy.value.response.headers["retry-after"]) == (503, "7")
    with pytest.raises(anthropic.BadRequestError) as search:
        await ask(shop, tools=[{"type": "web_search_20250305", "name": "web_search"}])
    assert "tools[0]" in str(search.value) or "provider" in str(search.value)


async def test_models_are_listed_for_clients_of_this_interface(shop: Shop) -> None:
    async with client_of(shop) as client:
        listed = [model.id async for model in await client.models.list()]
        assert listed == ["desk", "rules"]
        assert (await client.models.retrieve("desk")).display_name == "desk"


async def test_headers_tell_what_was_done(shop: Shop) -> None:
    shop.model.script[:] = [said("Hi")]
    async with client_of(shop) as client:
        raw = await client.messages.with_raw_response.create(model="desk", max_tokens=5, messages=HELLO)
    assert raw.headers["x-interlock-target"] == "openai:tiny-1-0425"
    assert raw.headers["x-interlock-attempts"] == "1"


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
WORDS = ("role", "content", "type", "text", "id", "name", "input", "tool_use_id", "source", "tool_use", "tool_result")
blocks = st.dictionaries(st.sampled_from(WORDS), values | st.sampled_from(WORDS), max_size=6)
bodies = values | st.fixed_dictionaries(
    {"model": st.just("desk"), "max_tokens": st.integers(1, 9) | values},
    optional={
        "messages": st.lists(
            st.fixed_dictionaries(
                {"role": st.sampled_from(["user", "assistant"]), "content": st.text(max_size=5) | st.lists(blocks)}
            ),
            max_size=3,
        ),
        "system": values | st.lists(blocks, max_size=2),
        "tools": st.lists(blocks, max_size=2),
        "tool_choice": values | st.sampled_from([{"type": "tool"}, {"type": "any"}]),
        "thinking": values,
        "output_config": values,
        "output_format": values,
        "metadata": values,
    },
)


@given(bodies)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_body_is_a_request_or_a_clear_refusal(body: Any) -> None:
    with suppress(RequestInvalid, ParameterUnsupported):
        assert DIALECTS["/v1/messages"].request(body).messages


async def test_a_repeated_request_is_not_done_twice(tmp_path: Path) -> None:
    async with scripted() as model:
        write_shop(tmp_path, model.server.url)
        async with open_shop(tmp_path, model) as shop:
            add = tool("shop__add_one", id="integer")
            for _ in range(2):
                await ask(shop, called(("shop__add_one", {"id": 2})), said("Done"), tools=[add])
            order = shop.order(2)
            assert order is not None
            assert order["count"] == 1
