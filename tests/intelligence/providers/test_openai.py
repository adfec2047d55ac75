"""The `openai` provider against a real server of the same interface, and against servers that misbehave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from interlock.foundation.documents import ProjectInvalid, parse_document
from interlock.foundation.http import HttpClient
from interlock.foundation.secrets import SecretStore
from interlock.intelligence.gateway import (
    ModelBusy,
    ModelFailed,
    ModelRefused,
    ModelRequest,
    ModelTimedOut,
    ModelUnreadable,
    Provider,
    ProviderFailure,
    ProviderPorts,
    build_routes,
)

KEY = "sk-very-secret-0815"
ASKED = ModelRequest(
    [{"role": "user", "content": "my password is hunter2"}],
    [{"type": "function", "function": {"name": "erp__get_order", "parameters": {"type": "object"}}}],
    {"session": "ses_1"},
)
Answering = Callable[[dict[str, str], Any], Awaitable[bytes]]


def http(status: str, body: bytes, *headers: str) -> bytes:
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def completion(message: dict[str, Any], **more: Any) -> bytes:
    body = {"id": "c1", "object": "chat.completion", "model": "served-1", "choices": [{"message": message}], **more}
    return http("200 OK", orjson.dumps(body), "Content-Type: application/json")


@asynccontextmanager
async def served(answer: Answering) -> AsyncIterator[str]:
    """A small HTTP server; yields its base URL."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        fields = [line.partition(": ") for line in head[1:] if line]
        headers = {name.lower(): value for name, _, value in fields} | {":path": head[0]}
        body = await reader.readexactly(int(headers["content-length"]))
        writer.write(await answer(headers, orjson.loads(body)))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    finally:
        server.close()


def provider(http_client: HttpClient, base_url: str, key: str = "secret:model", **environment: str) -> Provider:
    text = f"""
routes:
  desk:
    targets:
      - {{provider: openai, base_url: "{base_url}", model: test-1, key: "{key}", parameters: {{temperature: 0}}}}
"""
    document = parse_document(text.encode(), "models", name="models.yaml", environment=environment)
    secrets = SecretStore.standard(environment={"INTERLOCK_SECRET_MODEL": KEY})
    (target,) = build_routes(document, ProviderPorts(Path(), http_client, secrets))["desk"].targets
    return target.provider


async def answered(raw: bytes) -> Any:
    async def answer(headers: dict[str, str], body: Any) -> bytes:
        return raw

    async with served(answer) as base_url, HttpClient() as client:
        return await provider(client, base_url).complete(ASKED, timeout=5)


async def test_a_chat_completion_with_tool_calls() -> None:
    seen: list[tuple[dict[str, str], Any]] = []

    async def answer(headers: dict[str, str], body: Any) -> bytes:
        seen.append((headers, body))
        calls = [
            {"id": "call_a", "type": "function", "function": {"name": "erp__get_order", "arguments": '{"id":1}'}},
            {"function": {"name": "erp__get_order", "arguments": {"id": 2}}},
            {"id": "call_c", "function": {"name": "erp__get_order", "arguments": '{"id":'}},
            {"id": "call_d", "function": {"name": "erp__get_order", "arguments": "[1]"}},
            {"id": "call_e", "function": {"name": "erp__list", "arguments": ""}},
        ]
        usage = {"prompt_tokens": 12, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 8}}
        return completion({"role": "assistant", "content": None, "tool_calls": calls}, usage=usage)

    async with served(answer) as base_url, HttpClient() as client:
        model = provider(client, base_url + "/")
        assert (model.name, model.model, model.missing()) == ("openai", "test-1", "")
        reply = await model.complete(ASKED, timeout=5)
    ((headers, body),) = seen
    assert headers[":path"].startswith("POST /v1/chat/completions ")
    assert headers["authorization"] == f"Bearer {KEY}"
    assert body == {
        "model": "test-1",
        "temperature": 0,
        "messages": list(ASKED.messages),
        "tools": list(ASKED.tools),
    }
    first, second, third, fourth, fifth = reply.tool_calls
    assert (first.id, first.arguments, second.arguments, fifth.arguments) == ("call_a", {"id": 1}, {"id": 2}, {})
    assert second.id
    assert third.problem == "the arguments are not valid JSON"
    assert fourth.problem == "the arguments are not a JSON object"
    assert (reply.provider, reply.model, reply.usage.to_json()) == (
        "openai",
        "served-1",
        {"input_tokens": 12, "output_tokens": 3, "cached_tokens": 8},
    )


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"content": "Hello"}, "Hello"),
        ({"content": [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}, 7]}, "Hello"),
        ({"content": None, "refusal": "I will not"}, "I will not"),
    ],
)
async def test_texts_of_several_shapes(message: dict[str, Any], text: str) -> None:
    reply = await answered(completion(message, usage={"prompt_tokens": -5, "completion_tokens": "many"}))
    assert reply.text == text
    assert reply.usage.to_json() == {"input_tokens": 0, "output_tokens": 0, "cached_tokens": 0}


SECRET_PAGE = f"<html>{KEY} hunter2</html>".encode()


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (http("500 Oops", SECRET_PAGE), ModelFailed),
        (http("503 Busy", b""), ModelFailed),
        (http("429 Too Many Requests", SECRET_PAGE, "Retry-After: 7"), ModelBusy),
        (http("401 Unauthorized", SECRET_PAGE), ModelRefused),
        (http("404 Not Found", SECRET_PAGE), ModelRefused),
        (http("400 Bad Request", SECRET_PAGE), ModelRefused),
        (http("302 Found", b"", "Location: http://127.0.0.1:1/"), ModelRefused),
        (http("200 OK", SECRET_PAGE, "Content-Type: text/html"), ModelUnreadable),
        (http("200 OK", b'{"choices": [{"message": {"content": "hunter2'), ModelUnreadable),
        (http("200 OK", b"null"), ModelUnreadable),
        (http("200 OK", b'{"choices": []}'), ModelUnreadable),
        (http("200 OK", b'{"choices": [{"message": {"content": ""}}]}'), ModelUnreadable),
        (completion({"tool_calls": "all"}), ModelUnreadable),
        (completion({"tool_calls": [{"function": {"name": ""}}]}), ModelUnreadable),
        (completion({"tool_calls": [7] * 100}), ModelUnreadable),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{", ModelFailed),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", ModelUnreadable),
        (b"\x00\x01 this is not HTTP\r\n\r\n", ModelUnreadable),
        (b"", ModelFailed),
    ],
)
async def test_faults_become_errors_that_repeat_no_secret(raw: bytes, error: type[ProviderFailure]) -> None:
    with pytest.raises(error) as raised:
        await answered(raw)
    told = f"{raised.value} {raised.value.problem()}"
    assert KEY not in told
    assert "hunter2" not in told
    if error is ModelBusy:
        assert raised.value.details["retry_after"] == 7


async def test_parameters_of_a_request_override_those_of_the_target_and_nothing_else() -> None:
    seen: list[Any] = []

    async def answer(headers: dict[str, str], body: Any) -> bytes:
        seen.append(body)
        choice = {"message": {"content": "Once"}, "finish_reason": "length"}
        return http("200 OK", orjson.dumps({"choices": [choice]}), "Content-Type: application/json")

    parameters = {"temperature": 0.7, "max_tokens": 1, "stream": True, "model": "other", "messages": [], "tools": []}
    async with served(answer) as base_url, HttpClient() as client:
        asked = ModelRequest(ASKED.messages, parameters=parameters)
        reply = await provider(client, base_url).complete(asked, timeout=5)
    body = {"model": "test-1", "messages": list(ASKED.messages), "temperature": 0.7, "max_tokens": 1}
    assert seen == [body]
    assert reply.finish == "length"


async def test_the_text_of_a_calls_arguments_is_kept_for_who_passes_it_on() -> None:
    given = ['{"id":  1}', "{oops", {"id": 2}]
    calls = [{"id": f"c{at}", "function": {"name": "look", "arguments": text}} for at, text in enumerate(given)]
    reply = await answered(completion({"tool_calls": calls}))
    assert [call.raw for call in reply.tool_calls] == ['{"id":  1}', "{oops", ""]


async def test_a_server_that_does_not_answer_in_time() -> None:
    done = asyncio.Event()

    async def answer(headers: dict[str, str], body: Any) -> bytes:
        await done.wait()
        return b""

    async with served(answer) as base_url, HttpClient() as client:
        with pytest.raises(ModelTimedOut):
            await provider(client, base_url).complete(ASKED, timeout=0.05)
        done.set()


async def test_a_server_that_is_not_there() -> None:
    async with HttpClient() as client:
        with pytest.raises(ModelFailed, match="cannot be reached"):
            await provider(client, "http://127.0.0.1:1/v1").complete(ASKED, timeout=5)


@pytest.mark.parametrize(
    ("base_url", "key", "environment", "missing"),
    [
        ("${URL:-}", "${KEY:-}", {}, "base_url is empty"),
        ("${URL:-}", "${KEY:-}", {"URL": "http://x/v1"}, "the key is not set"),
        ("${URL:-}", "${KEY:-}", {"URL": "http://x/v1", "KEY": KEY}, ""),
        ("http://x/v1", "secret:model", {}, ""),
        ("http://x/v1", "secret:another", {}, "the key is not set"),
    ],
)
def test_what_is_not_configured_is_said(base_url: str, key: str, environment: dict[str, str], missing: str) -> None:
    assert provider(HttpClient(), base_url, key, **environment).missing() == missing


@pytest.mark.parametrize("key", [KEY, "x"])
def test_a_key_written_into_the_file_is_refused_and_not_repeated(key: str) -> None:
    with pytest.raises(ProjectInvalid) as raised:
        provider(HttpClient(), "http://x/v1", key)
    (finding,) = raised.value.findings
    assert finding.pointer == "/routes/desk/targets/0/key"
    assert KEY not in str(raised.value)
