"""Answers that must fit a schema: what clients of each interface get, and what is recorded and charged."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from interlock.foundation.documents import ProjectInvalid
from interlock.orchestration.project import load_project
from tests.experience.openai.conftest import Shop, called, open_shop, said, scripted, write_shop

GUARDS = """    guards:
      schema: {type: object, required: [total], properties: {total: {type: integer}}, additionalProperties: false}
"""
GOOD, BAD = '{"total": 3}', '{"total": "three"}'
PRICES = "source: invented\ndate: 2026-01-31\ncurrency: EUR\nmodels: {'*': {input: 1, output: 4}}\n"


class Total(BaseModel):
    total: int


def declared(root: Path, guards: str = GUARDS) -> None:
    path = root / "models.yaml"
    text = path.read_text("utf-8").replace("  desk:\n", f"  desk:\n{guards}", 1)
    path.write_text(text, "utf-8")
    (root / "prices.yaml").write_text(PRICES, "utf-8")


@pytest.fixture(params=[GUARDS], ids=["declared"])
async def shop(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Shop]:
    async with scripted() as model:
        write_shop(tmp_path, model.server.url)
        declared(tmp_path, request.param)
        async with open_shop(tmp_path, model) as shop:
            yield shop


BODIES: dict[str, tuple[str, dict[str, Any]]] = {
    "chat": ("/v1/chat/completions", {"messages": [{"role": "user", "content": "How much?"}]}),
    "responses": ("/v1/responses", {"input": "How much?"}),
    "messages": ("/v1/messages", {"max_tokens": 50, "messages": [{"role": "user", "content": "How much?"}]}),
}
EACH = pytest.mark.parametrize(("path", "body"), BODIES.values(), ids=BODIES.keys())


@EACH
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_what_fits_at_the_second_attempt_is_all_that_a_client_sees(
    shop: Shop, path: str, body: dict[str, Any], stream: bool
) -> None:
    shop.model.script[:] = [said(BAD), said(GOOD)]
    answer = await shop.post({"model": "desk", "stream": stream, **body}, path=path)
    assert answer.status_code == 200
    assert "three" not in answer.text
    assert "total" in answer.text
    first, second = shop.model.asked
    assert first["response_format"]["json_schema"]["name"] == "answer"
    assert len(second["messages"]) == len(first["messages"]) + 2
    outcomes = [record.body["outcome"] for record in await shop.entries("model.called")]
    assert outcomes == ["ok", "model_unfit"]
    (page,) = await shop.entries("model.guarded")
    assert page.body["findings"] == [{"guard": "schema", "kind": "declared", "count": 1, "done": "refused"}]
    if not stream:
        assert answer.headers["x-interlock-attempts"] == "2"


@EACH
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_what_never_fits_is_an_error_in_the_words_of_the_interface(
    shop: Shop, path: str, body: dict[str, Any], stream: bool
) -> None:
    shop.model.script[:] = [said(BAD), said(BAD)]
    answer = await shop.post({"model": "desk", "stream": stream, **body}, path=path)
    assert answer.status_code == 502
    assert answer.json()["error"]["code"] == "answer_unfit"
    assert "/total must be of type integer" in answer.json()["error"]["message"]
    assert "three" not in answer.text


async def test_each_attempt_is_charged_for(shop: Shop) -> None:
    shop.model.script[:] = [said(BAD), said(GOOD)]
    await shop.post({"model": "desk", **BODIES["chat"][1]})
    calls = await shop.entries("model.called")
    assert [record.body["cost"] for record in calls] == ["0.00003", "0.00003"]


async def test_a_client_that_parses_gets_its_object(shop: Shop) -> None:
    shop.model.script[:] = [said("Three."), said(f"```json\n{GOOD}\n```")]
    client = shop.client("ada").chat.completions
    wanted: Any = [{"role": "user", "content": "How much?"}]
    answer = await client.parse(model="desk", messages=wanted, response_format=Total)
    assert answer.choices[0].message.parsed == Total(total=3)


@pytest.mark.parametrize("shop", [""], indirect=True, ids=["undeclared"])
async def test_what_a_client_asks_for_is_held_on_a_route_that_declares_nothing(shop: Shop) -> None:
    shop.model.script[:] = [said(BAD), said(GOOD)]
    client = shop.client("ada").chat.completions
    wanted: Any = [{"role": "user", "content": "How much?"}]
    answer = await client.parse(model="desk", messages=wanted, response_format=Total)
    assert answer.choices[0].message.parsed == Total(total=3)
    shop.model.script[:] = [said(BAD), said(BAD)]
    with pytest.raises(openai.APIStatusError) as raised:
        await client.parse(model="desk", messages=wanted, response_format=Total)
    assert (raised.value.status_code, raised.value.code) == (502, "answer_unfit")


@pytest.mark.parametrize("shop", [""], indirect=True, ids=["undeclared"])
async def test_a_stream_that_turns_out_not_to_fit_does_not_end_as_if_it_did(shop: Shop) -> None:
    shop.model.script[:] = [said(BAD)]
    form = {"type": "json_schema", "json_schema": {"name": "t", "schema": Total.model_json_schema()}}
    told = (await shop.post({"model": "desk", "stream": True, "response_format": form, **BODIES["chat"][1]})).text
    assert "answer_unfit" in told
    assert "[DONE]" not in told


async def test_a_schema_that_is_none_is_refused(shop: Shop) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "t", "schema": {"type": "whatever"}}}
    answer = await shop.post({"model": "desk", "response_format": form, **BODIES["chat"][1]})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "format_invalid")
    assert shop.model.asked == []


async def test_calls_of_tools_pass_before_the_answer_does(shop: Shop) -> None:
    answer = await shop.ask("How much?", called(("web_search", {"query": "prices"})), stream=False)
    assert answer.parse().choices[0].message.tool_calls[0].function.name == "web_search"


CITING = "    guards: {citations: required}\n"


@pytest.mark.parametrize("shop", [CITING], indirect=True, ids=["citing"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_an_answer_must_cite_what_it_was_given(shop: Shop, stream: bool) -> None:
    asked = [
        {"role": "system", "content": "[doc:terms] Refunds take 14 days. [/doc] Answer from that."},
        {"role": "user", "content": "How long do refunds take?"},
    ]
    right = '"Refunds take 14 days" [doc:terms].'
    shop.model.script[:] = [said("Ten days [doc:hearsay]."), said(right)]
    answer = await shop.post({"model": "desk", "stream": stream, "messages": asked})
    assert answer.status_code == 200
    assert "hearsay" not in answer.text
    assert "14 days" in answer.text
    assert "no passage [doc:hearsay]" in shop.model.last[-1]["content"]
    shop.model.script[:] = [said("Ten days."), said('"Refunds take 10 days" [doc:terms]')]
    refused = await shop.post({"model": "desk", "stream": stream, "messages": asked})
    assert (refused.status_code, refused.json()["error"]["code"]) == (502, "answer_ungrounded")
    outcomes = [record.body["outcome"] for record in await shop.entries("model.called")]
    assert outcomes == ["model_ungrounded", "model_ungrounded", "ok", "model_ungrounded"]
    assert "10 days" not in refused.text


CACHED = GUARDS + "    cache: {ttl: 1h}\n"


@pytest.mark.parametrize("shop", [CACHED], indirect=True, ids=["cached"])
async def test_an_answer_that_was_asked_for_twice_is_kept_as_any_other(shop: Shop) -> None:
    shop.model.script[:] = [said(BAD), said(GOOD)]
    body = {"model": "desk", **BODIES["chat"][1]}
    kept = [json.loads((await shop.post(body)).text)["choices"][0]["message"]["content"] for _ in range(2)]
    assert kept == [GOOD, GOOD]
    assert len(shop.model.asked) == 2


@pytest.mark.parametrize(
    ("guards", "place"),
    [("{schema: {type: integral}}", "guards/schema"), ('{schema: {$ref: "https://a.example/b"}}', "guards/schema")],
    ids=["no type", "elsewhere"],
)
def test_a_declared_schema_that_is_none_is_a_finding(tmp_path: Path, guards: str, place: str) -> None:
    write_shop(tmp_path, "http://127.0.0.1:1")
    declared(tmp_path, f"    guards: {guards}\n")
    with pytest.raises(ProjectInvalid) as raised:
        load_project(tmp_path, environment={})
    assert any(place in finding.pointer for finding in raised.value.findings)
