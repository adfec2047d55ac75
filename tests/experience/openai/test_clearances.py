"""Targets that may not be shown everything: who is asked in a session that has seen more, and when nobody is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

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

QUESTION = "What is in the note of order 1?"
BEFORE = [{"role": "user", "content": QUESTION}, {"role": "assistant", "content": "A code."}]


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


async def test_of_what_this_request_read_a_target_is_shown_the_fields_that_it_may_see(shop: Shop) -> None:
    look = called(("shop__get_order", {"id": 1}))
    await shop.ask(QUESTION, look, look, said("Nothing that I may see."))
    calls = await shop.entries("model.called")
    assert [record.body["target"] for record in calls] == ["outside", "outside", "outside"]
    results = [message["content"] for message in shop.model.last if message["role"] == "tool"]
    assert [("[masked: restricted]" in text, "ALFKI" in text, "AB-99" in text) for text in results] == [
        (True, True, False),
        (True, True, False),
    ]
    (one, other) = await shop.entries("model.guarded")
    assert one.body["findings"] == [{"guard": "clearance", "kind": "clearance", "count": 1, "done": "replaced"}]
    assert other.body == one.body


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_what_comes_back_in_the_session_goes_inside_as_a_client_may_repeat_it(shop: Shop, stream: bool) -> None:
    await shop.ask(QUESTION, called(("shop__get_order", {"id": 1})), said("A code."))
    shop.model.script[:] = [said("AB-99-XYZ")]
    asked = [*BEFORE, {"role": "user", "content": "It says AB-99-XYZ, does it not?"}]
    answer = await shop.post({"model": "desk", "messages": asked, "stream": stream})
    assert answer.status_code == 200
    call = (await shop.entries("model.called"))[0]
    attempts = call.body["attempts"]
    assert [(one["target"], one["outcome"]) for one in attempts] == [("outside", "not_cleared"), ("inside", "ok")]
    assert "rule 'clearance'" in attempts[0]["why"]


@pytest.mark.parametrize("shop", ["abroad"], indirect=True)
async def test_where_nobody_may_see_it_the_call_is_refused_with_the_rule(shop: Shop) -> None:
    await shop.ask(QUESTION, called(("shop__get_order", {"id": 1})), said("A code."))
    shop.model.script[:] = [said("AB-99-XYZ")]
    asked = [*BEFORE, {"role": "user", "content": "And what else?"}]
    answer = await shop.post({"model": "desk", "messages": asked})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "not_cleared")
    assert "rule 'at-home': Restricted data stays at home" in answer.json()["error"]["message"]
    assert len(shop.model.asked) == 2
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
