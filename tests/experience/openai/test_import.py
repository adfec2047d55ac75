"""A LiteLLM configuration is imported, and the same calls of the official client reach the same models."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.experience.cli.main import run
from interlock.foundation.documents import parse
from interlock.intelligence.imports import ConfigUnreadable, translate
from interlock.orchestration.project import load_project
from interlock.testing.servers import ScriptedServer, answers
from tests.experience.openai.conftest import Model, Shop, open_shop, said, write_shop

CONFIG = """
model_list:
  - model_name: gpt-4.1
    litellm_params:
      model: openai/gpt-4.1-mini
      api_base: MAIN/v1
      api_key: os.environ/MAIN_KEY
      weight: 3
      input_cost_per_token: 0.000001
      output_cost_per_token: 0.000004
  - model_name: gpt-4.1
    litellm_params:
      model: azure/gpt-41-mini-eu
      api_base: MAIN
      api_version: "2024-10-21"
      api_key: os.environ/MAIN_KEY
      weight: 1
      input_cost_per_token: 0.000001
      output_cost_per_token: 0.000004
  - model_name: backup/claude
    litellm_params:
      model: anthropic/claude-backup
      api_base: BACKUP/v1
      api_key: sk-literal-and-never-copied
      max_tokens: 77
      input_cost_per_token: 0.000003
      output_cost_per_token: 0.000015
  - model_name: elsewhere
    litellm_params: {model: vertex_ai/gemini-pro, vertex_project: p}
  - model_name: cloud
    litellm_params:
      model: bedrock/converse/eu.anthropic.claude-x-v1:0
      aws_region_name: eu-central-1
      aws_access_key_id: os.environ/CLOUD_KEY
      aws_secret_access_key: literal-and-never-copied
  - model_name: "openai/*"
    litellm_params: {model: "openai/*"}
router_settings:
  routing_strategy: simple-shuffle
  num_retries: 1
  retry_after: 0.001
  timeout: 20
  allowed_fails: 1
  cooldown_time: 30
  fallbacks: [{gpt-4.1: [backup/claude]}]
  model_group_alias: {smart: gpt-4.1}
litellm_settings:
  drop_params: true
  max_budget: 0.0001
  budget_duration: 1d
  success_callback: [langfuse]
general_settings:
  master_key: sk-1234-secret-master
"""


def message(text: str) -> dict[str, Any]:
    """Return an answer in words as Anthropic's interface writes it."""
    content = [{"type": "text", "text": text}]
    usage = {"input_tokens": 5, "output_tokens": 2}
    return {"type": "message", "model": "claude-backup", "content": content, "stop_reason": "end_turn", "usage": usage}


ENVIRONMENT = {"MAIN_KEY": "k-main", "ANTHROPIC_API_KEY": "k-backup"}


def config(main: str = "http://127.0.0.1:1", backup: str = "http://127.0.0.1:2") -> str:
    return (
        CONFIG.replace("MAIN/v1", f"{main}/v1").replace("api_base: MAIN", f"api_base: {main}").replace("BACKUP", backup)
    )


def imported(root: Path, text: str, *more: str) -> int:
    (root / "config.yaml").write_text(text, "utf-8")
    return run(["models", "import", str(root / "config.yaml"), "--project", str(root), "--replace", *more])


@asynccontextmanager
async def place(
    root: Path, monkeypatch: pytest.MonkeyPatch, *, budget: bool = False
) -> AsyncIterator[tuple[Shop, Model]]:
    """Open a shop whose models come from the configuration; yield it and the model that is fallen back to."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    async with AsyncExitStack() as stack:
        main, backup = (Model(ScriptedServer(answers(500))) for _ in range(2))
        for model in (main, backup):
            model.server.behaviour = model.behave
            await stack.enter_async_context(model.server)
        write_shop(root, main.server.url)
        (root / "models.yaml").unlink()
        agent = root / "agents" / "clerk.yaml"
        agent.write_text(agent.read_text("utf-8").replace("route: desk", "route: gpt-4.1"), "utf-8")
        assert imported(root, config(main.server.url, backup.server.url)) == 0
        if not budget:
            (root / "budgets.yaml").unlink()
        yield await stack.enter_async_context(open_shop(root, main)), backup


async def ask(shop: Shop, model: str) -> Any:
    messages: Any = [{"role": "user", "content": "Hello"}]
    return await shop.client("ada").chat.completions.with_raw_response.create(
        model=model, messages=messages, max_tokens=20
    )


async def test_the_same_calls_reach_the_same_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with place(tmp_path, monkeypatch) as (shop, backup):
        for name in ("gpt-4.1", "smart"):
            shop.model.script[:] = [said("Fine")]
            await ask(shop, name)
            (request,) = shop.model.server.received[-1:]
            assert request.headers["authorization"] == "Bearer k-main"
            assert request.json()["model"] in {"gpt-4.1-mini", "gpt-41-mini-eu"}
            assert request.target in {"/v1/chat/completions", "/openai/v1/chat/completions"}
        backup.script[:] = [message("From the backup")]
        answer = await ask(shop, "backup/claude")
        assert answer.parse().choices[0].message.content == "From the backup"
        assert (backup.asked[-1]["model"], backup.asked[-1]["max_tokens"]) == ("claude-backup", 20)
        assert backup.server.received[-1].headers["x-api-key"] == "k-backup"
        assert backup.server.received[-1].target == "/v1/messages"


async def test_what_fails_is_repeated_and_then_the_fallback_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with place(tmp_path, monkeypatch) as (shop, backup):
        shop.model.script[:] = [500, 500, 500, 500]
        backup.script[:] = [message("From the backup")]
        answer = await ask(shop, "gpt-4.1")
        assert answer.parse().choices[0].message.content == "From the backup"
        assert answer.headers["x-interlock-attempts"] == "5"
        assert Counter(asked["model"] for asked in shop.model.asked) == {"gpt-4.1-mini": 2, "gpt-41-mini-eu": 2}
        backup.script[:] = [message("Again")]
        assert (await ask(shop, "gpt-4.1")).headers["x-interlock-attempts"] == "1", "both rest after two failures"


async def test_the_budget_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with place(tmp_path, monkeypatch, budget=True) as (shop, _):
        shop.model.script[:] = [said("Fine")] * 9

        async def spend() -> None:
            for _ in range(9):
                await ask(shop, "gpt-4.1")

        with pytest.raises(openai.RateLimitError) as raised:
            await spend()
        assert raised.value.code == "budget_exceeded"


async def test_weights_are_kept(tmp_path: Path) -> None:
    models = translate(_yaml(config()), day="2026-01-01").documents["models.yaml"]
    targets = models["routes"]["gpt-4.1"]["targets"]
    assert [(target["model"], target["weight"]) for target in targets] == [
        ("gpt-4.1-mini", 3),
        ("gpt-41-mini-eu", 1),
        ("claude-backup", 0),
    ]
    assert models["routes"]["smart"] == models["routes"]["gpt-4.1"]
    write_shop(tmp_path, "http://127.0.0.1:1")
    assert imported(tmp_path, config()) == 0
    agent = tmp_path / "agents" / "clerk.yaml"
    agent.write_text(agent.read_text("utf-8").replace("route: desk", "route: gpt-4.1"), "utf-8")
    route = load_project(tmp_path, environment=ENVIRONMENT).routes["gpt-4.1"]
    drawn: Counter[str] = Counter()
    for step in range(400):
        first, second = (step % 20 + 0.5) / 20, (step // 20 + 0.5) / 20
        draws = iter([first, second, 0.5])
        drawn[route.strategy.order(route.targets, draws.__next__)[0].provider.model] += 1
    assert 0.72 < drawn["gpt-4.1-mini"] / 400 < 0.78
    assert drawn["claude-backup"] == 0


def test_bedrock_is_asked_in_its_own_words() -> None:
    models = translate(_yaml(config()), day="2026-01-01").documents["models.yaml"]
    (target,) = models["routes"]["cloud"]["targets"]
    assert target == {
        "provider": "bedrock",
        "aws_region": "eu-central-1",
        "model": "eu.anthropic.claude-x-v1:0",
        "access_key": "${CLOUD_KEY:-}",
        "secret_key": "${AWS_SECRET_ACCESS_KEY:-}",
    }


def _yaml(text: str) -> Any:
    return parse(text, name="config.yaml", environment={}).data


def test_everything_else_is_told_and_no_key_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_shop(tmp_path, "http://127.0.0.1:1")
    assert imported(tmp_path, config(), "--json") == 0
    told = capsys.readouterr().out
    places = {note["place"] for note in json.loads(told)["notes"]}
    assert {
        "model_list[1].litellm_params.api_version",
        "model_list[2].litellm_params.api_key",
        "model_list[3].litellm_params.model",
        "model_list[4].litellm_params.aws_secret_access_key",
        "model_list[5].model_name",
        "litellm_settings.drop_params",
        "litellm_settings.success_callback",
        "general_settings",
    } <= places
    written = told + "".join(
        (tmp_path / name).read_text("utf-8") for name in ("models.yaml", "prices.yaml", "budgets.yaml")
    )
    assert "sk-literal" not in written
    assert "sk-1234" not in written
    assert "${MAIN_KEY:-}" in written


def test_nothing_is_written_over_unless_it_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_shop(tmp_path, "http://127.0.0.1:1")
    before = (tmp_path / "models.yaml").read_text("utf-8")
    (tmp_path / "config.yaml").write_text(config(), "utf-8")
    words = ["models", "import", str(tmp_path / "config.yaml"), "--project", str(tmp_path)]
    assert run(words) != 0
    assert "would be written over" in capsys.readouterr().err
    assert run([*words, "--dry-run"]) == 0
    assert "gpt-4.1-mini" in capsys.readouterr().out
    assert (tmp_path / "models.yaml").read_text("utf-8") == before
    assert not (tmp_path / "prices.yaml").exists()


@pytest.mark.parametrize(
    "text", ["", "model_list: 1", "model_list: []", "a: [", "- 1", "model_list: [{model_name: a}]"]
)
def test_what_is_no_configuration_is_said(tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    write_shop(tmp_path, "http://127.0.0.1:1")
    assert imported(tmp_path, text) != 0
    assert "Traceback" not in capsys.readouterr().err


leaves = st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | st.text(max_size=6)
trees = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
NAMES = ("api_base", "api_key", "weight", "rpm", "timeout", "max_retries", "max_budget")
COSTS = ("input_cost_per_token", "output_cost_per_token")
params = st.fixed_dictionaries(
    {"model": st.sampled_from(["gpt", "azure/x", "ollama/y", "bedrock/z", "openai/*"]) | trees},
    optional=dict.fromkeys((*NAMES, *COSTS), trees),
)
deployments = st.fixed_dictionaries({"model_name": st.sampled_from(["a", "b"]) | trees, "litellm_params": params})
configs = trees | st.fixed_dictionaries(
    {
        "model_list": st.lists(trees | deployments, max_size=4),
    },
    optional={
        "router_settings": trees
        | st.fixed_dictionaries(
            {},
            optional={
                "fallbacks": trees | st.just([{"a": ["b"]}]),
                "num_retries": trees,
                "model_group_alias": trees | st.just({"c": "a"}),
                "allowed_fails": trees,
            },
        ),
        "litellm_settings": trees | st.fixed_dictionaries({"max_budget": trees, "budget_duration": trees}),
    },
)


@given(configs)
@settings(max_examples=300, deadline=None)
def test_any_document_is_translated_or_refused(config: Any) -> None:
    try:
        found = translate(config, day="2026-01-01")
    except ConfigUnreadable:
        return
    assert found.documents["models.yaml"]["routes"]
