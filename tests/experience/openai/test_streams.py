"""Streams as the official client sees them, and what comes of servers, networks and clients that break them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx2
import openai
import pytest

from interlock.experience.openai.running import to_its_end
from interlock.testing.servers import (
    Behaviour,
    announces,
    answers,
    hangs,
    resets,
    says,
    talks_until_left,
    tells,
)
from tests.experience.openai.conftest import TOOLS, Shop, called, chunk, events, open_shop, said, scripted, write_shop

HELLO = [{"role": "user", "content": "Hello"}]


async def stream(shop: Shop, *script: Any, key: str = "ada", **more: Any) -> Any:
    """Return the client's stream of one answer, while the model follows *script*."""
    shop.model.script[:] = script
    wanted = {"model": "desk", "messages": HELLO, "stream": True, **more}
    return await shop.client(key).chat.completions.create(**wanted)


def text(chunks: list[Any]) -> str:
    return "".join(choice.delta.content or "" for one in chunks for choice in one.choices)


def finish(chunks: list[Any]) -> list[str]:
    return [choice.finish_reason for one in chunks for choice in one.choices if choice.finish_reason]


async def test_the_first_word_comes_while_the_model_still_speaks(shop: Shop) -> None:
    go_on = asyncio.Event()
    answer = await stream(shop, tells(chunk({"content": "Once "}), go_on, *events(said("upon a time"))))
    chunks = [await anext(answer), await anext(answer)]
    assert text(chunks) == "Once "
    go_on.set()
    chunks += [one async for one in answer]
    assert (text(chunks), finish(chunks)) == ("Once upon a time", ["stop"])


async def test_usage_is_counted_though_the_client_does_not_ask(shop: Shop) -> None:
    chunks = [one async for one in await stream(shop, said("Good day"))]
    assert all(one.usage is None for one in chunks)
    assert shop.model.asked[-1]["stream_options"] == {"include_usage": True}
    (call,) = await shop.entries("model.called")
    assert call.body["usage"] == {"input_tokens": 10, "output_tokens": 5, "cached_tokens": 0}
    assert call.fields["reply"]["text"] == "Good day"


async def test_headers_come_with_the_first_word(shop: Shop) -> None:
    shop.model.script[:] = [500, said("Good day")]
    shop.model.script[:] = [said("Good day")]
    answer = await shop.client().chat.completions.with_raw_response.create(
        model="desk", messages=[{"role": "user", "content": "Hello"}], stream=True
    )
    assert answer.headers["x-interlock-route"] == "desk"
    assert answer.headers["x-interlock-target"] == "openai:tiny-1"
    assert answer.headers["x-interlock-attempts"] == "1"
    assert float(answer.headers["x-interlock-overhead-ms"]) >= 0
    assert [one async for one in answer.parse()]


async def test_members_that_interlock_does_not_know_pass_both_ways(shop: Shop) -> None:
    odd = chunk({"content": "Hi", "annotations": [{"type": "url"}]}, system_fingerprint="fp_1")
    odd["choices"][0]["logprobs"] = {"content": [{"token": "Hi", "logprob": -0.1}]}
    last = {**chunk({}, "stop"), "service_tier": "flex"}
    chunks = [one async for one in await stream(shop, tells(odd, last, "[DONE]"), logit_bias={"5": 1})]
    assert shop.model.asked[-1]["logit_bias"] == {"5": 1}
    spoken = next(one for one in chunks if one.choices[0].delta.content)
    assert spoken.choices[0].delta.annotations == [{"type": "url"}]
    assert spoken.choices[0].logprobs.content[0].token == "Hi"
    assert (chunks[-1].system_fingerprint, chunks[-1].service_tier) == ("fp_1", "flex")


async def test_what_a_model_says_to_itself_is_passed_on_apart(shop: Shop) -> None:
    told = tells(chunk({"reasoning_content": "Hm. "}), *events(said("Yes")))
    chunks = [one async for one in await stream(shop, told)]
    assert text(chunks) == "Yes"
    assert [one.choices[0].delta.reasoning_content for one in chunks if one.choices[0].delta.model_extra] == ["Hm. "]


async def test_calls_of_the_clients_own_functions_come_in_parts(shop: Shop) -> None:
    reply = called(("web_search", {"query": "x"}), ("web_search", {"query": "y"}), ids=("c1", "c2"))
    chunks = [one async for one in await stream(shop, reply, tools=TOOLS)]
    parts = [part for one in chunks for choice in one.choices for part in choice.delta.tool_calls or ()]
    assert len(parts) == 4
    assert [(part.index, part.id) for part in parts if part.id] == [(0, "c1"), (1, "c2")]
    arguments = ["".join(part.function.arguments for part in parts if part.index == at) for at in (0, 1)]
    assert [json.loads(one) for one in arguments] == [{"query": "x"}, {"query": "y"}]
    assert finish(chunks) == ["tool_calls"]


async def test_a_governed_call_is_never_seen_by_the_client_and_the_answer_goes_on(shop: Shop) -> None:
    script = [called(("shop__get_order", {"id": 2}), text="One moment"), said("It is for BERGS")]
    chunks = [one async for one in await stream(shop, *script, tools=TOOLS)]
    assert text(chunks) == "One moment\n\nIt is for BERGS"
    assert not [choice for one in chunks for choice in one.choices if choice.delta.tool_calls]
    assert finish(chunks) == ["stop"]


async def test_a_call_for_the_client_comes_once_it_is_decided_and_beside_its_own(shop: Shop) -> None:
    reply = called(("web_search", {"query": "x"}), ("fax__send", {"to": "0123"}), ids=("c1", "c2"))
    chunks = [one async for one in await stream(shop, reply, tools=TOOLS)]
    parts = [part for one in chunks for choice in one.choices for part in choice.delta.tool_calls or ()]
    assert [(part.index, part.function.name) for part in parts if part.id] == [(0, "web_search"), (1, "fax__send")]
    assert parts[-1].id.startswith("act_")


async def test_a_denied_call_is_not_handed_out_in_a_stream(shop: Shop) -> None:
    script = [called(("fax__send", {"to": "09001"})), said("That is not allowed")]
    chunks = [one async for one in await stream(shop, *script, tools=TOOLS)]
    assert text(chunks) == "That is not allowed"
    assert not [choice for one in chunks for choice in one.choices if choice.delta.tool_calls]


LINE = 5 << 20
ONCE = chunk({"content": "Once "})
BROKEN: dict[str, Callable[[asyncio.Event], Behaviour]] = {
    "closes": lambda seen: tells(ONCE, seen, ends=False),
    "ends without its last word": lambda seen: tells(ONCE, seen),
    "resets": lambda seen: tells(ONCE, seen, resets()),
    "sends half a JSON": lambda seen: tells(ONCE, seen, '{"choices": [{"index"', "[DONE]"),
    "sends an error": lambda seen: tells(ONCE, seen, {"error": {"message": "overloaded"}}, "[DONE]"),
    "sends a line of 5 MB": lambda seen: tells(ONCE, seen, chunk({"content": "x" * LINE}), "[DONE]"),
    "sends a page": lambda seen: tells(ONCE, seen, "<html>", "[DONE]"),
    "has no whole event": lambda seen: tells(ONCE, seen, b"data: {"),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
async def test_what_breaks_off_ends_in_an_error_and_never_as_if_it_were_complete(
    shop: Shop, broken: Callable[[asyncio.Event], Behaviour]
) -> None:
    seen = asyncio.Event()
    answer = await stream(shop, broken(seen))
    chunks = [await anext(answer), await anext(answer)]
    seen.set()
    with pytest.raises(openai.APIError) as raised:
        await anext(answer)
    assert text(chunks) == "Once "
    assert raised.value.code == "answer_broken_off"
    (call,) = await shop.entries("model.called")
    assert call.body["outcome"] == "model_cut_off"
    assert call.fields["reply"]["text"] == "Once "
    assert len(shop.model.asked) == 1


async def test_the_event_of_an_error_is_the_last_and_no_done_follows(shop: Shop) -> None:
    seen = asyncio.Event()
    seen.set()
    shop.model.script[:] = [BROKEN["closes"](seen)]
    answer = await shop.post({"model": "desk", "messages": HELLO, "stream": True})
    *_, last, nothing = answer.text.split("\n\n")
    assert nothing == ""
    error = json.loads(last.removeprefix("data: "))["error"]
    assert (error["code"], error["type"]) == ("answer_broken_off", "server_error")
    assert "[DONE]" not in answer.text


BEFORE: dict[str, Behaviour] = {
    "a page": answers(200, b"<html>busy</html>", media_type="text/html"),
    "half a JSON": answers(200, b'{"choices": ['),
    "nothing": tells(),
    "a reset": resets(),
    "no HTTP": says(b"SSH-2.0\r\n\r\n"),
    "an error event": tells({"error": {"message": "no"}}),
    "50 MB": announces(50 << 20),
    "a line of 5 MB": tells(chunk({"content": "x" * LINE})),
}


@pytest.mark.parametrize("behaviour", BEFORE.values(), ids=BEFORE.keys())
@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
async def test_what_fails_before_the_first_word_is_a_plain_error(
    shop: Shop, behaviour: Behaviour, streamed: bool
) -> None:
    shop.model.script[:] = [behaviour]
    answer = await shop.post({"model": "desk", "messages": HELLO, "stream": streamed})
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["error"]["code"] == "models_unavailable"


@pytest.mark.parametrize("status", [429, 503, 400, 401])
async def test_statuses_of_the_model_server_are_plain_errors_of_a_stream_too(shop: Shop, status: int) -> None:
    shop.model.script[:] = [answers(status, {"error": {}}, headers={"retry-after": "7"} if status == 429 else {})]
    answer = await shop.post({"model": "desk", "messages": HELLO, "stream": True})
    assert answer.status_code == (422 if status == 400 else 503)
    assert answer.headers.get("retry-after") == ("7" if status == 429 else None)


async def test_a_client_that_goes_away_ends_the_request_at_the_provider(shop: Shop) -> None:
    left = asyncio.Event()
    shop.model.script[:] = [tells(chunk({"content": "Once "}), talks_until_left(left))]
    headers = {"authorization": f"Bearer {shop.keys['ada']}", "content-type": "application/json"}
    async with httpx2.AsyncClient() as client:
        asked = client.build_request(
            "POST",
            shop.url + "/v1/chat/completions",
            headers=headers,
            content=json.dumps({"model": "desk", "messages": HELLO, "stream": True}),
        )
        answer = await client.send(asked, stream=True)
        assert b"Once" in await anext(answer.aiter_bytes())
        await answer.aclose()
    await asyncio.wait_for(left.wait(), 20)
    call = await eventually(shop, "model.called")
    assert (call.body["outcome"], call.fields["reply"]["text"]) == ("left", "Once ")


async def test_what_a_system_is_asked_to_do_is_not_cut_off_when_the_client_goes_away() -> None:
    begun, go_on, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        await go_on.wait()
        done.set()

    asked = asyncio.create_task(to_its_end(work()))
    await begun.wait()
    asked.cancel()
    await asyncio.sleep(0)
    assert not asked.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert done.is_set()


async def eventually(shop: Shop, kind: str) -> Any:
    """Return the newest record of *kind*, once there is one."""
    async with asyncio.timeout(20):
        while not (found := await shop.entries(kind)):  # noqa: ASYNC110 - it happens in the server
            await asyncio.sleep(0.02)
    return found[0]


async def test_a_silent_model_server_times_out_after_the_first_word(tmp_path: Any) -> None:
    async with scripted() as model:
        write_shop(tmp_path, model.server.url)
        path = tmp_path / "models.yaml"
        path.write_text(path.read_text("utf-8").replace("model: tiny-1,", "model: tiny-1, idle: 200ms,"), "utf-8")
        async with open_shop(tmp_path, model) as shop:
            answer = await stream(shop, tells(chunk({"content": "Once "}), hangs()))
            with pytest.raises(openai.APIError) as raised:
                async for _ in answer:
                    pass
            assert raised.value.code == "answer_broken_off"


async def test_a_route_that_changes_while_it_streams_ends_on_what_it_began_with(shop: Shop) -> None:
    go_on = asyncio.Event()
    answer = await stream(shop, tells(chunk({"content": "Once "}), go_on, *events(said("upon a time"))))
    chunks = [await anext(answer)]
    path = shop.root / "models.yaml"
    path.write_text(path.read_text("utf-8").replace("tiny-1", "tiny-2"), "utf-8")
    await shop.installation.projects.reload()
    assert shop.installation.projects.current.routes["desk"].targets[0].provider.model == "tiny-2"
    go_on.set()
    chunks += [one async for one in answer]
    assert text(chunks) == "Once upon a time"
    assert text([one async for one in await stream(shop, said("Fine"))]) == "Fine"
    assert shop.model.asked[-1]["model"] == "tiny-2"


async def test_a_revoked_provider_key_is_said_and_a_stream_that_runs_goes_on(shop: Shop) -> None:
    go_on = asyncio.Event()
    running = await stream(shop, tells(chunk({"content": "Once "}), go_on, *events(said("upon a time"))))
    chunks = [await anext(running)]
    shop.model.script[:] = [answers(401, {"error": {"message": "key revoked"}})]
    refused = await shop.post({"model": "desk", "messages": HELLO, "stream": True})
    assert refused.status_code == 503
    go_on.set()
    chunks += [one async for one in running]
    assert text(chunks) == "Once upon a time"


async def test_many_streams_at_once_each_get_their_own(shop: Shop) -> None:
    async def reply(request: Any, writer: Any) -> None:
        word = request.json()["messages"][-1]["content"]
        await tells(*events(said(f"You said {word}")))(request, writer)

    shop.model.script[:] = [reply] * 500
    client = shop.client(timeout=240)  # five hundred connections are made at once, on however slow a machine

    async def ask(number: int) -> tuple[int, str, list[str]]:
        messages: Any = [{"role": "user", "content": f"word{number}"}]
        answer = await client.chat.completions.create(model="desk", messages=messages, stream=True)
        chunks = [one async for one in answer]
        return number, text(chunks), finish(chunks)

    told = await asyncio.gather(*(ask(number) for number in range(500)))
    assert told == [(number, f"You said word{number}", ["stop"]) for number in range(500)]


async def test_a_retried_stream_is_asked_again_before_its_first_word(tmp_path: Any) -> None:
    async with scripted() as model:
        write_shop(tmp_path, model.server.url)
        path = tmp_path / "models.yaml"
        path.write_text(path.read_text("utf-8").replace("  desk:\n", "  desk:\n    retries: {times: 1, wait: 1ms}\n"))
        async with open_shop(tmp_path, model) as shop:
            chunks = [one async for one in await stream(shop, answers(503, {}), said("Good day"))]
            assert text(chunks) == "Good day"
            assert len(model.asked) == 2
