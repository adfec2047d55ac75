"""What a model is shown is what its agent is cleared for; what it says is as confidential as what it was shown."""

from __future__ import annotations

import json
from asyncio import StreamWriter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from interlock.testing.servers import Received, ScriptedServer, answers
from tests.journeys.labels.test_results import holds
from tests.journeys.labels.vault import FILES, FINANCIAL, IBAN, PERSONAL, Vault, open_vault, write_vault

RESTRICTED = {"confidentiality": "restricted", "categories": ["financial", "personal"], "integrity": "trusted"}
USUAL = {"confidentiality": "internal", "categories": [], "integrity": "trusted"}
AGENTS = {
    f"agents__{name}": FILES[f"agents/{name}.yaml"] + "context: {them: \"staff.get_person(id = 'p1')\"}\n"
    for name in ("helper", "seer")
}


async def parrot(request: Received, writer: StreamWriter) -> None:
    """A model that looks somebody up, and then says all that it was told."""
    messages = request.json()["messages"]
    message: dict[str, Any] = {"role": "assistant", "content": f"It says {messages[-1]['content']}"}
    if messages[-1]["role"] != "tool":
        function = {"name": "staff__get_person", "arguments": '{"id": "p1"}'}
        message = {"role": "assistant", "tool_calls": [{"id": "c1", "type": "function", "function": function}]}
    body = {"id": "c", "object": "chat.completion", "model": "m", "choices": [{"message": message}]}
    await answers(200, body)(request, writer)


@pytest.fixture
async def model() -> AsyncIterator[ScriptedServer]:
    async with ScriptedServer(parrot) as server:
        yield server


@pytest.fixture
async def vault(tmp_path: Path, model: ScriptedServer) -> AsyncIterator[Vault]:
    route = f'routes: {{desk: {{targets: [{{provider: openai, base_url: "{model.url}/v1", model: m}}]}}}}\n'
    async with open_vault(write_vault(tmp_path, models=route, **AGENTS)) as opened:
        yield opened


async def ask(vault: Vault, who: str, agent: str, session: str = "") -> Any:
    body = {"agent": agent, "request": "Who is p1?", **({"session": session} if session else {})}
    return await vault.by(who, lambda caller: caller.post("/v1/ask", body))


async def test_a_prompt_holds_masks_for_an_agent_that_is_not_cleared(vault: Vault, model: ScriptedServer) -> None:
    turn = await ask(vault, "carla", "helper")
    prompts = [request.json()["messages"] for request in model.received]
    assert not holds(prompts)
    context = json.loads(prompts[0][1]["content"])
    assert (context["data"]["them"]["iban"], context["data"]["them"]["salary"]) == (FINANCIAL, PERSONAL)
    result = json.loads(prompts[1][-1]["content"])
    assert result["output"]["iban"] == FINANCIAL
    assert result["labels"] == {"/iban": "restricted, financial", "/salary": "restricted, personal"}
    assert FINANCIAL in turn["answer"]
    assert "label" not in turn


async def test_what_a_cleared_agent_says_is_labelled_and_hidden_from_who_is_not(
    vault: Vault, model: ScriptedServer
) -> None:
    turn = await ask(vault, "aude", "seer")
    assert IBAN in turn["answer"]
    assert turn["label"] == RESTRICTED
    hidden = await ask(vault, "carla", "seer")
    assert hidden["answer"] == "[masked: restricted, financial, personal]"
    assert hidden["steps"][0]["action"]["state"] == "succeeded", "what it did is told"
    assert not holds(hidden)


async def test_calls_of_models_and_turns_are_recorded_with_the_label_of_what_was_shown(vault: Vault) -> None:
    for agent, first, last in (("helper", USUAL, USUAL), ("seer", RESTRICTED, RESTRICTED)):
        turn = await ask(vault, "carla", agent)
        shown = (await vault.read("aude", f"/v1/journal/{turn['session']}"))["items"]
        records = [record for record in shown if record["subject"] == turn["session"]]
        calls = [record for record in records if record["kind"] == "model.called"]
        (answered,) = [record for record in records if record["kind"] == "turn.answered"]
        assert [record["body"]["label"] for record in calls] == [first, last]
        assert answered["body"]["label"] == last
        hidden = (await vault.read("lena", f"/v1/journal/{turn['session']}"))["items"]
        assert not holds(hidden)
        assert (len(holds(records)) > 0) is (agent == "seer")
        assert any(record["fields"].get("words") == "Who is p1?" for record in hidden)


async def test_an_agent_is_not_shown_a_conversation_that_is_above_it_now(vault: Vault, model: ScriptedServer) -> None:
    session = await vault.session("seer")
    await ask(vault, "carla", "seer", session)
    told = len(model.received)
    await ask(vault, "carla", "seer", session)
    assert holds([request.json()["messages"][2:5] for request in model.received[told:]]), (
        "what it may see, it remembers"
    )
    path = vault.root / "agents" / "seer.yaml"
    path.write_text(path.read_text("utf-8") + "clearance: confidential\n", "utf-8")
    await vault.installation.projects.reload()
    told = len(model.received)
    for _ in range(2):
        await ask(vault, "carla", "seer", session)
    prompts = [request.json()["messages"] for request in model.received[told:]]
    assert not holds(prompts)
    assert len(prompts[-1]) > len(prompts[1]), "from then on it remembers again"
