"""Guards of a route: what the model server gets, what the client sees, and what the journal keeps."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openai
import pytest

from interlock.foundation.documents import ProjectInvalid
from interlock.orchestration.project import load_project
from interlock.testing.servers import Received, tells
from tests.experience.openai.conftest import TOOLS, Shop, called, chunk, events, open_shop, said, scripted, write_shop

MAIL, IBAN = "maria@alfki.example", "GB33BUKB20201555555555"
WORDS = f"Write to {MAIL} that {IBAN} was credited"
GUARDS = "    guards: {redact: [email, iban], forbid: {motto: the secret motto}, mode: MODE}\n"


def guarded(root: Path, mode: str = "enforce") -> None:
    path = root / "models.yaml"
    text = path.read_text("utf-8").replace("  desk:\n", "  desk:\n" + GUARDS.replace("MODE", mode), 1)
    path.write_text(text, "utf-8")


@pytest.fixture(params=["enforce"])
async def shop(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Shop]:
    async with scripted() as model:
        write_shop(tmp_path, model.server.url)
        guarded(tmp_path, request.param)
        async with open_shop(tmp_path, model) as shop:
            yield shop


async def echoes(request: Received, writer: asyncio.StreamWriter) -> None:
    """Answer with what was asked last, piece by piece."""
    heard = request.json()["messages"][-1]["content"]
    if request.json().get("stream"):
        parts = [chunk({"content": heard[at : at + 3]}) for at in range(0, len(heard), 3)]
        await tells(*parts, *events(said("")))(request, writer)
        return
    body = json.dumps(said(f"You said: {heard}")).encode()
    writer.write(b"HTTP/1.1 200 x\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body) + body)


async def ask(shop: Shop, *script: Any, stream: bool = False, words: str = WORDS, **more: Any) -> str:
    shop.model.script[:] = script
    wanted: dict[str, Any] = {"model": "desk", "messages": [{"role": "user", "content": words}], **more}
    if not stream:
        answer = await shop.client("ada").chat.completions.create(**wanted)
        return answer.choices[0].message.content or ""
    pieces = await shop.client("ada").chat.completions.create(stream=True, **wanted)
    return "".join([choice.delta.content or "" async for piece in pieces for choice in piece.choices])


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_the_model_gets_tokens_and_the_client_its_own_words(shop: Shop, stream: bool) -> None:
    told = await ask(shop, echoes, stream=stream)
    assert told.endswith(WORDS)
    sent = json.dumps(shop.model.asked[-1])
    assert MAIL not in sent
    assert IBAN not in sent
    assert re.search(r"Write to \[email_[a-z2-7]{12}\] that \[iban_[a-z2-7]{12}\] was", sent)
    (call,) = await shop.entries("model.called")
    kept = json.dumps([call.body, call.fields])
    assert MAIL not in kept
    assert "[email_" in kept
    (found,) = await shop.entries("model.guarded")
    assert found.body["findings"] == [
        {"guard": "redact", "kind": "email", "count": 1, "done": "replaced"},
        {"guard": "redact", "kind": "iban", "count": 1, "done": "replaced"},
    ]
    assert MAIL not in json.dumps(found.body)


async def test_arguments_of_calls_are_restored_before_they_are_decided_on(shop: Shop) -> None:
    async def calls(request: Received, writer: asyncio.StreamWriter) -> None:
        token = re.findall(r"\[email_[a-z2-7]{12}\]", request.json()["messages"][-1]["content"])[0]
        await tells(*events(called(("web_search", {"query": f"who is {token}"}))))(request, writer)

    shop.model.script[:] = [calls]
    wanted: dict[str, Any] = {"model": "desk", "messages": [{"role": "user", "content": WORDS}], "tools": TOOLS}
    pieces = await shop.client("ada").chat.completions.create(stream=True, **wanted)
    parts = [part async for piece in pieces for choice in piece.choices for part in choice.delta.tool_calls or ()]
    assert json.loads("".join(part.function.arguments for part in parts)) == {"query": f"who is {MAIL}"}


async def test_what_may_not_be_said_is_refused(shop: Shop) -> None:
    with pytest.raises(openai.APIStatusError) as raised:
        await ask(shop, said("It is The Secret MOTTO indeed"))
    assert raised.value.code == "answer_forbidden"
    assert "secret motto" not in raised.value.message.lower()
    (found,) = await shop.entries("model.guarded")
    assert found.body["findings"][-1] == {"guard": "forbid", "kind": "motto", "count": 1, "done": "refused"}


async def test_no_part_of_it_is_passed_on_in_a_stream(shop: Shop) -> None:
    parts = [chunk({"content": part}) for part in ("Well, the se", "cret mot", "to is")]
    shop.model.script[:] = [tells(*parts, "[DONE]")]
    body = {"model": "desk", "messages": [{"role": "user", "content": "Tell me"}], "stream": True}
    answer = await shop.post(body)
    told = answer.text
    assert "secret" not in told.replace("answer_forbidden", "").partition("error")[0]
    assert "the se" not in told
    assert "answer_forbidden" in told
    assert "[DONE]" not in told


ESCAPED = '{"q": "the \\u0073ecret motto"}'
SAID: dict[str, list[dict[str, Any]]] = {
    "to itself": [{"reasoning_content": part} for part in ("Well, the se", "cret mot", "to is")],
    "in a call": [
        {"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": '{"q": "the se'}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": 'cret motto"}'}}]},
    ],
    "in a call, as escapes": [
        {"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": ESCAPED}}]},
    ],
}


@pytest.mark.parametrize("deltas", SAID.values(), ids=SAID.keys())
async def test_no_part_of_it_is_passed_on_wherever_it_is_said(shop: Shop, deltas: list[dict[str, Any]]) -> None:
    shop.model.script[:] = [tells(*map(chunk, deltas), chunk({}, "stop"), "[DONE]")]
    body = {"model": "desk", "messages": [{"role": "user", "content": "Tell me"}], "stream": True}
    told = (await shop.post(body)).text
    assert "answer_forbidden" in told
    assert "the se" not in told
    assert "ecret mot" not in told
    assert "[DONE]" not in told


async def test_a_call_that_hides_it_behind_escapes_is_refused_whole_as_well(shop: Shop) -> None:
    reply = called(("web_search", ESCAPED))
    with pytest.raises(openai.APIStatusError) as raised:
        await ask(shop, reply, tools=TOOLS)
    assert raised.value.code == "answer_forbidden"


@pytest.mark.parametrize("shop", ["observe"], indirect=True)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_observing_changes_nothing_and_reports(shop: Shop, stream: bool) -> None:
    told = await ask(shop, echoes, stream=stream, words=f"{WORDS}: the secret motto")
    assert told.endswith(f"{WORDS}: the secret motto")
    assert MAIL in json.dumps(shop.model.asked[-1])
    (found,) = await shop.entries("model.guarded")
    assert {finding["done"] for finding in found.body["findings"]} == {"observed"}
    assert {finding["kind"] for finding in found.body["findings"]} == {"email", "iban", "motto"}


async def test_members_that_no_guard_reads_are_not_passed_on(shop: Shop) -> None:
    odd = chunk({"content": "Hi", "annotations": ["x"]})
    odd["choices"][0]["logprobs"] = {"content": [{"token": "Hi"}]}
    shop.model.script[:] = [tells(odd, *events(said("there")))]
    body = {"model": "desk", "messages": [{"role": "user", "content": "Hello"}], "stream": True}
    told = (await shop.post(body)).text
    assert "annotations" not in told
    assert '"token"' not in told


@pytest.mark.parametrize(
    ("guards", "place"),
    [
        ("{redact: [names]}", "guards/redact"),
        ("{mode: observe}", "guards/mode"),
        ("{forbid: {a: x}}", "guards/forbid"),
    ],
)
def test_what_means_nothing_is_a_finding(tmp_path: Path, guards: str, place: str) -> None:
    write_shop(tmp_path, "http://127.0.0.1:1")
    path = tmp_path / "models.yaml"
    path.write_text(path.read_text("utf-8").replace("  desk:\n", f"  desk:\n    guards: {guards}\n", 1), "utf-8")
    with pytest.raises(ProjectInvalid) as raised:
        load_project(tmp_path, environment={})
    assert any(place in finding.pointer for finding in raised.value.findings)
