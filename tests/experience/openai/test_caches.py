"""Kept answers as clients meet them: headers, streams, who shares them with whom, and what they cost and leave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openai
import pytest

from interlock.testing.servers import answers
from tests.experience.openai.conftest import Model, Shop, called, open_shop, said, write_shop

KEPT = """
  kept:
    cache: {ttl: 10m}
    targets:
      - {provider: openai, base_url: "MODEL/v1", model: tiny-1}
  alike:
    cache: {ttl: 10m, semantic: {route: near, threshold: 0.9}}
    targets:
      - {provider: openai, base_url: "MODEL/v1", model: tiny-1}
  soon:
    latency: {live: {budget: 60s, wait: 10ms, then: [{say: In a moment}]}}
    targets:
      - {provider: openai, base_url: "MODEL/v1", model: tiny-1}
  near:
    kind: embeddings
    targets:
      - {provider: openai, base_url: "MODEL/v1", model: embed-1}
"""
PRICES = "{source: invented, date: 2026-01-31, currency: EUR, models: {'*-1*': {input: 2, output: 8}}}\n"
BUDGETS = "budgets:\n  all: {period: day, hard: {money: 1}}\n"


@pytest.fixture
async def shop(tmp_path: Path, model: Model) -> AsyncIterator[Shop]:
    """The small shop, with routes that keep answers."""
    write_shop(tmp_path, model.server.url)
    with (tmp_path / "models.yaml").open("a") as routes:
        routes.write(KEPT.replace("MODEL", model.server.url))
    (tmp_path / "prices.yaml").write_text(PRICES)
    (tmp_path / "budgets.yaml").write_text(BUDGETS)
    people = (tmp_path / "interlock.yaml").read_text()
    cleared = "clearances: {default: internal, roles: {lead: confidential}}\n"
    (tmp_path / "interlock.yaml").write_text(people + cleared)
    async with open_shop(tmp_path, model) as opened:
        yield opened


async def ask(shop: Shop, words: str, *script: Any, **more: Any) -> tuple[str, str]:
    """Ask, and return the answer's words and whether they were kept ones."""
    answer = await shop.ask(words, *script, **{"model": "kept", "tools": openai.omit, **more})
    return answer.parse().choices[0].message.content, answer.headers.get("x-interlock-cache", "")


async def test_the_same_request_is_answered_once(shop: Shop) -> None:
    assert await ask(shop, "Hello", said("Good day")) == ("Good day", "miss")
    again = await shop.ask("Hello", model="kept", tools=openai.omit)
    assert again.parse().choices[0].message.content == "Good day"
    headers = again.headers
    assert (headers["x-interlock-cache"], headers["x-interlock-target"]) == ("hit", "openai:tiny-1-0425")
    assert (headers["x-interlock-cost"], "x-interlock-attempts" in headers) == ("0.00", False)
    assert again.parse().usage.total_tokens == 0
    assert len(shop.model.asked) == 1


async def test_a_route_without_a_cache_says_nothing_of_one(shop: Shop) -> None:
    assert await ask(shop, "Hello", said("Good day"), model="desk") == ("Good day", "")
    assert await ask(shop, "Hello", said("Good evening"), model="desk") == ("Good evening", "")


async def test_a_kept_answer_is_on_record_and_charged_to_nobody(shop: Shop) -> None:
    await ask(shop, "Hello", said("Good day"))
    (before,) = await shop.installation.ledger.pots()
    await ask(shop, "Hello")
    (after,) = await shop.installation.ledger.pots()
    assert before == after
    cached, called_ = await shop.entries("model.called")
    assert (called_.body["outcome"], cached.body["outcome"], cached.body["cost"]) == ("ok", "cached", "0.00")
    assert cached.body["usage"]["output_tokens"] == 0
    assert cached.session.startswith("ses_")
    assert cached.actor == "person:ada"
    assert len(await shop.entries("model.reserved")) == 1
    metrics = shop.installation.telemetry.metrics.render()[0].decode()
    assert 'interlock_model_cache_total{result="hit",route="kept"} 1.0' in metrics
    assert 'interlock_model_cache_total{result="miss",route="kept"} 1.0' in metrics


async def test_a_kept_answer_is_streamed_to_who_wants_a_stream_and_the_other_way_round(shop: Shop) -> None:
    async def streamed() -> tuple[str, str]:
        create = shop.client("ada").chat.completions.with_raw_response.create
        messages: Any = [{"role": "user", "content": "Hello"}]
        answer = await create(model="kept", messages=messages, stream=True)
        chunks = [chunk async for chunk in answer.parse()]
        assert chunks[-1].choices[0].finish_reason == "stop"
        words = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        return words, answer.headers["x-interlock-cache"]

    shop.model.script[:] = [said("Good day")]
    assert await streamed() == ("Good day", "miss")
    assert await streamed() == ("Good day", "hit")
    assert await ask(shop, "Hello") == ("Good day", "hit")
    assert len(shop.model.asked) == 1


@pytest.mark.parametrize("who", ["zoe", "lea"], ids=["another tenant", "another clearance"])
async def test_it_is_shared_with_nobody_of_another_tenant_or_clearance(shop: Shop, who: str) -> None:
    await ask(shop, "Hello", said("Good day"))
    assert await ask(shop, "Hello", said("Somebody else's"), key=who) == ("Somebody else's", "miss")


async def test_it_is_shared_within_a_tenant_and_clearance(shop: Shop) -> None:
    await ask(shop, "Hello", said("Good day"))
    assert await ask(shop, "Hello", key="desk") == ("Good day", "hit")


@pytest.mark.parametrize(
    "more",
    [{"temperature": 0.5}, {"user": "u-7"}, {"max_tokens": 5}, {"response_format": {"type": "json_object"}}],
    ids=lambda more: next(iter(more)),
)
async def test_other_parameters_are_another_request(shop: Shop, more: dict[str, Any]) -> None:
    await ask(shop, "Hello", said("Good day"))
    assert await ask(shop, "Hello", said("Well"), **more) == ("Well", "miss")


@pytest.mark.parametrize(("word", "then"), [("no-cache", "New"), ("no-store", "Old")])
async def test_a_client_passes_around_it(shop: Shop, word: str, then: str) -> None:
    await ask(shop, "Hello", said("Old"))
    found = await ask(shop, "Hello", said("New"), extra_headers={"Cache-Control": f"max-age=0, {word.title()}"})
    assert found[0] == "New"
    assert await ask(shop, "Hello") == (then, "hit")


@pytest.mark.parametrize(
    "reply",
    [
        said("Half a", finish="length"),
        said("", finish="content_filter"),
        called(("web_search", {"query": "x"}), text="Let me look"),
    ],
    ids=["cut short", "filtered", "a call"],
)
async def test_what_is_no_whole_answer_in_words_is_not_kept(shop: Shop, reply: dict[str, Any]) -> None:
    more: dict[str, Any] = {"tools": [{"type": "function", "function": {"name": "web_search"}}]}
    await ask(shop, "Hello", reply, **more)
    assert await ask(shop, "Hello", said("Good day"), **more) == ("Good day", "miss")


async def test_a_failure_is_not_kept(shop: Shop) -> None:
    with pytest.raises(openai.InternalServerError):
        await ask(shop, "Hello", 500)
    assert await ask(shop, "Hello", said("Good day")) == ("Good day", "miss")


async def test_the_same_requests_at_once_are_one(shop: Shop) -> None:
    arrived, go = asyncio.Event(), asyncio.Event()

    async def slow(request: Any, writer: asyncio.StreamWriter) -> None:
        arrived.set()
        await go.wait()
        await answers(200, said("Good day"))(request, writer)

    shop.model.server.behaviour = slow
    first = asyncio.create_task(ask(shop, "Hello"))
    await arrived.wait()
    others = [asyncio.create_task(ask(shop, "Hello")) for _ in range(4)]
    go.set()
    assert await first == ("Good day", "miss")
    assert await asyncio.gather(*others) == [("Good day", "hit")] * 4
    assert len(shop.model.asked) == 1


# --- like questions -------------------------------------------------------------------------------------------------


def towards(*numbers: float) -> dict[str, Any]:
    data = [{"object": "embedding", "index": 0, "embedding": list(numbers)}]
    return {"object": "list", "model": "embed-1", "data": data, "usage": {"prompt_tokens": 3, "total_tokens": 3}}


async def alike(shop: Shop, words: str, *script: Any, **more: Any) -> tuple[str, str]:
    return await ask(shop, words, *script, model="alike", **more)


async def test_a_like_question_gets_the_same_answer_and_its_vector_is_paid_for(shop: Shop) -> None:
    assert await alike(shop, "What is the time?", towards(1, 0), said("Late")) == ("Late", "miss")
    assert await alike(shop, "How late is it?", towards(1, 0.1)) == ("Late", "hit")
    assert await alike(shop, "Who are you?", towards(0, 1), said("A clerk")) == ("A clerk", "miss")
    assert await alike(shop, "What is the time?") == ("Late", "hit"), "the same words need no vector"
    cached = [record.body for record in await shop.entries("model.called") if record.body["outcome"] == "cached"]
    assert [body.get("alike") for body in cached] == [None, 0.995]
    embedded = [record.body for record in await shop.entries("model.called") if record.body["route"] == "near"]
    assert len(embedded) == 3
    assert embedded[0]["cost"] == "0.000006"


async def test_a_like_question_about_another_figure_or_with_tools_is_asked(shop: Shop) -> None:
    await alike(shop, "Where is order 17?", towards(1, 0), said("Here"))
    assert await alike(shop, "Where is order 18?", towards(1, 0), said("There")) == ("There", "miss")
    tools = [{"type": "function", "function": {"name": "web_search"}}]
    assert await alike(shop, "Where is order 17?", said("Away"), tools=tools) == ("Away", "miss")


async def test_a_like_question_of_another_tenant_is_asked(shop: Shop) -> None:
    await alike(shop, "What is the time?", towards(1, 0), said("Late"))
    assert await alike(shop, "How late is it?", towards(1, 0), said("Early"), key="zoe") == ("Early", "miss")


async def test_where_no_vector_can_be_had_the_model_is_asked(shop: Shop) -> None:
    assert await alike(shop, "What is the time?", 500, said("Late")) == ("Late", "miss")
    assert await alike(shop, "What is the time?") == ("Late", "hit")


# --- latency budgets ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_what_stands_in_for_a_slow_model_says_so(shop: Shop, stream: bool) -> None:
    async def silent(request: Any, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    shop.model.server.behaviour = silent
    body = {"model": "soon", "messages": [{"role": "user", "content": "Hello"}], "stream": stream}
    answer = await shop.post(body, **{"x-interlock-use-case": "live"})
    assert answer.headers["x-interlock-degraded"] == "prepared"
    assert (answer.headers["x-interlock-route"], answer.headers["x-interlock-target"]) == ("soon", "interlock:prepared")
    assert "In a moment" in answer.text
    (degraded,) = await shop.entries("model.degraded")
    assert (degraded.body["use_case"], degraded.body["because"]) == ("live", "route_too_slow")
    assert degraded.session == answer.headers["x-interlock-session"]
