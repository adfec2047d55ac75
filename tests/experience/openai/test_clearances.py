"""Targets that may not be shown everything: who is asked in a session that has seen more, and when nobody is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from interlock.foundation.documents import ProjectInvalid
from interlock.orchestration.project import load_project
from tests.experience.openai.conftest import Shop, called, open_shop, said, scripted, write_shop

ROUTE = """
routes:
  desk:
    residency:
      at-home:
        because: Restricted data stays at home
        confidentiality: restricted
        regions: [home]
    targets:
      - {provider: openai, base_url: "MODEL/v1", model: tiny-1, name: outside, clearance: internal, region: abroad}
      - {provider: openai, base_url: "MODEL/v1", model: tiny-1, name: inside, region: REGION}
      - {provider: openai, base_url: "MODEL/v1", model: tiny-1, name: home, region: home, when: "use_case == 'x'"}
"""
LABELS = """  output: {untrusted_fields: [note], labels: {"/note": {confidentiality: restricted}}}"""


@pytest.fixture(params=["home"])
async def shop(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Shop]:
    async with scripted() as model:
        write_shop(tmp_path, model.server.url)
        text = ROUTE.replace("MODEL", model.server.url).replace("REGION", request.param)
        (tmp_path / "models.yaml").write_text(text, "utf-8")
        system = tmp_path / "systems" / "shop.yaml"
        written = system.read_text("utf-8")
        found = written.replace("  output: {untrusted_fields: [note]}", LABELS)
        assert found != written
        system.write_text(found, "utf-8")
        settings = tmp_path / "interlock.yaml"
        settings.write_text(settings.read_text("utf-8") + "clearances: {default: restricted}\n", "utf-8")
        async with open_shop(tmp_path, model) as shop:
            yield shop


async def test_before_anything_was_read_the_first_is_asked(shop: Shop) -> None:
    await shop.ask("Hello", said("Hi"))
    (call,) = await shop.entries("model.called")
    assert call.body["target"] == "outside"


async def test_after_a_restricted_value_was_read_the_next_step_goes_inside(shop: Shop) -> None:
    await shop.ask("What is in the note of order 1?", called(("shop__get_order", {"id": 1})), said("A code."))
    calls = await shop.entries("model.called")
    assert [record.body["target"] for record in calls] == ["inside", "outside"]
    attempts = calls[0].body["attempts"]
    assert [(one["target"], one["outcome"]) for one in attempts] == [("outside", "not_cleared"), ("inside", "ok")]
    assert "rule 'clearance'" in attempts[0]["why"]


@pytest.mark.parametrize("shop", ["abroad"], indirect=True)
async def test_where_nobody_may_see_it_the_call_is_refused_with_the_rule(shop: Shop) -> None:
    shop.model.script[:] = [called(("shop__get_order", {"id": 1})), said("A code.")]
    tools: list[Any] = [{"type": "function", "function": {"name": "shop__get_order", "parameters": {"type": "object"}}}]
    asked = [{"role": "user", "content": "What is in the note of order 1?"}]
    answer = await shop.post({"model": "desk", "messages": asked, "tools": tools})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "not_cleared")
    assert "rule 'at-home': Restricted data stays at home" in answer.json()["error"]["message"]
    assert len(shop.model.asked) == 1
    (unanswered,) = await shop.entries("model.unanswered")
    assert unanswered.body["outcome"] == "not_cleared"


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("residency: {r: {because: x, regions: [mars]}}", "residency/r/regions/0"),
        ("residency: {r: {because: x, categories: [personal]}}", "residency/r"),
        ("residency: {r: {regions: []}}", "residency/r"),
        ("guards: {mode: observe}", "guards/mode"),
    ],
)
def test_rules_that_mean_nothing_are_findings(tmp_path: Path, line: str, place: str) -> None:
    write_shop(tmp_path, "http://127.0.0.1:1")
    path = tmp_path / "models.yaml"
    path.write_text(path.read_text("utf-8").replace("  desk:\n", f"  desk:\n    {line}\n", 1), "utf-8")
    with pytest.raises(ProjectInvalid) as raised:
        load_project(tmp_path, environment={})
    assert any(place in finding.pointer for finding in raised.value.findings)
