"""Routes of a running project: every attempt is in the journal, and a reload neither disturbs nor forgets."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from interlock.experience.installation import Installation
from interlock.governance.journal.reader import Search
from interlock.intelligence.gateway import ModelRequest, RouteExhausted
from interlock.testing.servers import Received, ScriptedServer, answers, resets

RULES = "rules: fixed\nintents:\n  hi: {examples: [hello there], steps: [{call: ledger.list_payments}]}\n"
ASKED = ModelRequest([{"role": "user", "content": "private words"}], metadata={"tenant": "acme", "agent": "helper"})
REPLY = {"model": "m-1", "choices": [{"message": {"role": "assistant", "content": "done"}}]}


def write(root: Path, upstream: str, *, rules: bool = True, more: str = "") -> None:
    fallback = "      - {provider: rules, file: rules.yaml}\n" if rules else ""
    (root / "rules.yaml").write_text(RULES)
    (root / "models.yaml").write_text(f"""routes:
  desk:
    health: {{failures: 1, pause: 1h}}
    targets:
      - {{provider: openai, name: far, base_url: "{upstream}", model: m{more}}}
{fallback}""")


async def records(desk: Installation, kind: str) -> list[dict[str, Any]]:
    page = await desk.journal.search(Search(kind=kind), tenant="acme")
    return [dict(record.body) for record in page.records]


async def test_each_attempt_of_a_call_is_in_the_journal(root: Path, desk: Installation) -> None:
    async with ScriptedServer(resets()) as upstream:
        write(root, upstream.url)
        await desk.projects.reload()
        reply = await desk.models.complete("desk", ASKED)
    assert [(attempt.target, attempt.outcome) for attempt in reply.attempts] == [
        ("far", "model_failed"),
        ("rules:fixed", "ok"),
    ]
    told = await records(desk, "model.called")
    assert {body["outcome"]: len(body["attempts"]) for body in told} == {"model_failed": 1, "ok": 2}
    assert "private" not in str(told)


async def test_a_reload_keeps_the_health_of_what_it_does_not_change(root: Path, desk: Installation) -> None:
    async with ScriptedServer(resets()) as upstream:
        write(root, upstream.url, rules=False)
        await desk.projects.reload()
        with pytest.raises(RouteExhausted):
            await desk.models.complete("desk", ASKED)
        (root / "agents/helper.yaml").write_text((root / "agents/helper.yaml").read_text() + "# changed\n")
        await desk.projects.reload()
        with pytest.raises(RouteExhausted, match="ejected"):
            await desk.models.complete("desk", ASKED)
        assert len(upstream.received) == 1
        upstream.behaviour = answers(200, REPLY)
        write(root, upstream.url, rules=False, more=", parameters: {temperature: 0}")
        await desk.projects.reload()
        assert (await desk.models.complete("desk", ASKED)).text == "done"
    outcomes = [body["attempts"][-1]["outcome"] for body in await records(desk, "model.unanswered")]
    assert sorted(outcomes) == ["ejected", "model_failed"]


async def test_a_call_ends_on_the_route_that_it_began_with(root: Path, desk: Installation) -> None:
    began, may_end = asyncio.Event(), asyncio.Event()

    async def slow(request: Received, writer: asyncio.StreamWriter) -> None:
        began.set()
        await may_end.wait()
        await answers(200, REPLY)(request, writer)

    async with ScriptedServer(slow) as old, ScriptedServer(answers(200, REPLY)) as new:
        write(root, old.url)
        await desk.projects.reload()
        under_way = asyncio.ensure_future(desk.models.complete("desk", ASKED))
        await began.wait()
        write(root, new.url)
        await desk.projects.reload()
        assert (await desk.models.complete("desk", ASKED)).target == "far"
        may_end.set()
        assert (await under_way).text == "done"
        assert (len(old.received), len(new.received)) == (1, 1)
    assert [body["outcome"] for body in await records(desk, "model.called")] == ["ok", "ok"]
