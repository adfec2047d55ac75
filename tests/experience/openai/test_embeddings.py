"""`/v1/embeddings` with the official client: every form of input and vector, headers, records, and refusals."""

from __future__ import annotations

import struct
from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openai
import pytest

from interlock.intelligence.usage import UsageQuery
from tests.experience.openai.conftest import Model, Shop, open_shop, write_shop

EMBEDDING = """
  near:
    kind: embeddings
    retries: {times: 1, wait: 1ms}
    targets:
      - {provider: openai, base_url: "MODEL/v1", model: embed-1, parameters: {dimensions: 2}}
"""
PRICES = "{source: invented, date: 2026-01-31, currency: EUR, models: {embed-1: {input: 2, output: 0}}}\n"
BUDGETS = """
budgets:
  near: {for: {route: near}, period: day, hard: {tokens: 1000}}
"""


def vectors(*found: Any, **more: Any) -> dict[str, Any]:
    """Return a model's answer, last vector first."""
    data = [{"object": "embedding", "index": at, "embedding": one} for at, one in enumerate(found)]
    usage = {"prompt_tokens": 4, "total_tokens": 4}
    return {"object": "list", "model": "embed-1", "data": data[::-1], "usage": usage, **more}


def base64(*numbers: float) -> str:
    return b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


@pytest.fixture
async def shop(tmp_path: Path, model: Model) -> AsyncIterator[Shop]:
    """The small shop, with a route for embeddings that costs something."""
    write_shop(tmp_path, model.server.url)
    with (tmp_path / "models.yaml").open("a") as routes:
        routes.write(EMBEDDING.replace("MODEL", model.server.url))
    (tmp_path / "prices.yaml").write_text(PRICES)
    (tmp_path / "budgets.yaml").write_text(BUDGETS)
    async with open_shop(tmp_path, model) as opened:
        yield opened


async def embed(shop: Shop, given: Any, *script: Any, key: str = "ada", **more: Any) -> Any:
    shop.model.script[:] = script
    return await shop.client(key).embeddings.with_raw_response.create(model="near", input=given, **more)


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("one", ["one"]),
        (["one"], ["one"]),
        ([5, 6, 7], [[5, 6, 7]]),
        ([[5, 6]], [[5, 6]]),
    ],
    ids=["text", "texts", "tokens", "lists of tokens"],
)
async def test_every_form_of_input_is_passed_on(shop: Shop, given: Any, sent: Any) -> None:
    answer = await embed(shop, given, vectors([0.5, -1.0]))
    assert shop.model.asked[0]["input"] == sent
    assert answer.parse().data[0].embedding == [0.5, -1.0]


async def test_vectors_come_in_the_order_of_the_inputs_with_our_headers_and_the_routes_name(shop: Shop) -> None:
    more = {"system_fingerprint": "fp"}
    answer = await embed(shop, ["one", "two"], vectors([1.0, 0.0], [0.0, 1.0], **more), user="u", dimensions=2)
    reply = answer.parse()
    assert [one.embedding for one in reply.data] == [[1.0, 0.0], [0.0, 1.0]]
    assert (reply.model, reply.usage.prompt_tokens, reply.usage.total_tokens) == ("near", 4, 4)
    assert reply.model_extra == more
    asked = shop.model.asked[0]
    assert (asked["model"], asked["dimensions"], asked["user"]) == ("embed-1", 2, "u")
    assert shop.model.server.received[0].target == "/v1/embeddings"
    headers = answer.headers
    assert (headers["x-interlock-route"], headers["x-interlock-target"]) == ("near", "openai:embed-1")
    assert (headers["x-interlock-attempts"], headers["x-interlock-cost"]) == ("1", "0.000008")
    assert float(headers["x-interlock-overhead-ms"]) >= 0
    assert "x-interlock-session" not in headers


@pytest.mark.parametrize("came", [[0.5, -2.0], base64(0.5, -2.0)], ids=["numbers", "base64"])
@pytest.mark.parametrize(("wanted", "got"), [("float", [0.5, -2.0]), ("base64", base64(0.5, -2.0))])
async def test_the_client_gets_the_form_that_it_asks_for_whatever_the_server_knows(
    shop: Shop, came: Any, wanted: str, got: Any
) -> None:
    shop.model.script[:] = [vectors(came)]
    body = {"model": "near", "input": "one", "encoding_format": wanted}
    answer = await shop.post(body, path="/v1/embeddings")
    assert answer.json()["data"][0]["embedding"] == got


async def test_what_was_counted_is_recorded_and_neither_texts_nor_vectors(shop: Shop) -> None:
    await embed(shop, ["a private word", "another"], vectors([1.0, 0.0], [0.0, 1.0]))
    (called,) = await shop.entries("model.called")
    body = called.body
    assert (body["route"], body["inputs"], body["vectors"], body["usage"]["input_tokens"]) == ("near", 2, 2, 4)
    assert (body["outcome"], body["cost"]) == ("ok", "0.000008")
    assert "private" not in str(called)
    (pot,) = await shop.installation.ledger.pots()
    assert (pot["spent"]["tokens"], pot["reserved"]["tokens"]) == (4, 0)
    (line,) = await shop.installation.usage.report(UsageQuery(("route",)))
    assert (line["route"], line["input_tokens"], line["cost"]) == ("near", 4, "0.000008")


async def test_a_server_that_fails_once_is_asked_again(shop: Shop) -> None:
    answer = await embed(shop, "one", 503, vectors([1.0, 0.0]))
    assert answer.headers["x-interlock-attempts"] == "2"


async def test_a_named_session_is_worked_in_and_a_strangers_is_not(shop: Shop) -> None:
    shop.model.script[:] = [{"choices": []}]
    opened = await shop.ask("Hello", 500, key="ada", tools=openai.omit, model="rules")
    session = opened.headers["x-interlock-session"]
    answer = await embed(shop, "one", vectors([1.0, 0.0]), extra_headers={"Interlock-Session": session})
    assert answer.headers["x-interlock-session"] == session
    with pytest.raises(openai.NotFoundError):
        await embed(shop, "one", vectors([1.0, 0.0]), key="zoe", extra_headers={"Interlock-Session": session})


async def test_a_budget_refuses_before_the_model_is_asked(shop: Shop) -> None:
    with pytest.raises(openai.RateLimitError) as error:
        await embed(shop, "long " * 400, vectors([1.0, 0.0]))
    assert error.value.code == "budget_exceeded"
    assert shop.model.asked == []


async def test_a_route_of_the_other_kind_is_a_clear_error(shop: Shop) -> None:
    with pytest.raises(openai.BadRequestError) as error:
        await shop.client("ada").embeddings.create(model="desk", input="one")
    assert error.value.code == "route_unfit"
    assert "for embeddings it has near" in str(error.value)
    with pytest.raises(openai.BadRequestError) as error:
        await shop.ask("Hello", model="near")
    assert error.value.code == "route_unfit"
    with pytest.raises(openai.NotFoundError) as unknown:
        await shop.client("ada").embeddings.create(model="neat", input="one")
    assert "did you mean 'near'?" in str(unknown.value)
    assert shop.model.asked == []


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"data": "none"},
        {"data": []},
        vectors([1.0, 0.0], [1.0, 0.0]),
        vectors([]),
        vectors("%%%"),
        vectors(["a"]),
        {"data": [{"index": 1, "embedding": [1.0]}]},
        vectors(base64(float("nan"))),
    ],
    ids=["nothing", "no list", "none", "too many", "empty", "no base64", "no numbers", "no place", "not a number"],
)
async def test_what_is_no_answer_is_never_passed_on(shop: Shop, answer: Any) -> None:
    with pytest.raises(openai.InternalServerError):
        await embed(shop, "one", answer, encoding_format="float")


@pytest.mark.parametrize(
    "given",
    ["", [], [""], [[]], ["a", 1], [-1], [1.5], None, {"a": 1}, ["a"] * 2049],
    ids=["empty", "none", "empty text", "no tokens", "mixed", "negative", "fraction", "null", "object", "too many"],
)
async def test_what_is_no_input_is_refused_by_name(shop: Shop, given: Any) -> None:
    answer = await shop.post({"model": "near", "input": given}, path="/v1/embeddings")
    assert answer.status_code == 422
    assert answer.json()["error"]["param"].startswith("input")
    assert shop.model.asked == []
