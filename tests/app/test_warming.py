"""Warming up: what is declared is made ready once, no model is asked for anything, and what fails stops nobody."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from interlock.app.warming import Warming
from interlock.intelligence.gateway import Instance, ModelFailed, Route, RouteTarget, warm
from interlock.testing.models import ScriptedProvider
from interlock.testing.servers import Received, ScriptedServer, answers
from tests.orchestration.desk import running, write_project

MODELS = """
routes:
  desk:
    targets:
      - {provider: openai, base_url: "MODEL/v1", model: m, warm: 5s}
      - {provider: openai, base_url: "MODEL/v1", model: cold}
"""


class Cold(ScriptedProvider):
    """A model that takes some time to get ready."""

    warmed = 0
    fails = False
    waits = False

    async def warm(self, *, timeout: float) -> None:
        self.warmed += 1
        if self.fails:
            raise ModelFailed("nobody there")
        if self.waits:
            await asyncio.Event().wait()


def route(name: str, *providers: ScriptedProvider, limit: float = 5.0) -> dict[str, Route]:
    targets = tuple(
        RouteTarget(one, name=one.model, warm=limit, instances=(Instance(one.model, one, one.model),))
        for one in providers
    )
    return {name: Route(name, targets)}


async def test_what_is_declared_is_warmed_up_once_and_again_when_it_comes_back() -> None:
    one, two = Cold("a"), Cold("b")
    done: set[object] = set()
    await warm(route("desk", one), done)
    await warm(route("other", one, two), done)
    assert (one.warmed, two.warmed) == (1, 1)
    await warm({}, done)
    await warm(route("desk", one), done)
    assert (one.warmed, one.asked) == (2, 0)


async def test_what_is_not_declared_not_configured_or_never_cold_is_left_alone() -> None:
    undeclared, unset, never = Cold("a"), Cold("b", missing="no key"), ScriptedProvider("c")
    await warm(route("a", undeclared, limit=0.0) | route("b", unset, never), set())
    assert (undeclared.warmed, unset.warmed, never.asked) == (0, 0, 0)


async def test_what_fails_or_takes_too_long_is_logged_and_stops_nobody(caplog: pytest.LogCaptureFixture) -> None:
    fails, slow, good = Cold("fails"), Cold("slow"), Cold("good")
    fails.fails = slow.waits = True
    with caplog.at_level(logging.INFO, "interlock.models"):
        await warm(route("a", fails, good) | route("b", slow, limit=0.01), set())
    said = sorted(record.getMessage() for record in caplog.records)
    assert said == [
        "fails is not warmed up: nobody there",
        "good is warmed up",
        "slow is not warmed up: it took too long",
    ]


@pytest.mark.parametrize(
    ("status", "word"), [(200, "is warmed"), (404, "is warmed"), (401, "not warmed"), (500, "not")]
)
async def test_a_server_is_asked_for_its_list_of_models(
    tmp_path: Path, status: int, word: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with ScriptedServer(answers(status, {})) as server:
        root = write_project(tmp_path)
        (root / "models.yaml").write_text(MODELS.replace("MODEL", server.url))
        async with running(root) as composed:
            warming = Warming(composed.installation.projects)
            with caplog.at_level(logging.INFO, "interlock.models"):
                await warming.once()
                await warming.once()
        assert [(one.method, one.target) for one in server.received] == [("GET", "/v1/models")]
        assert [word in record.getMessage() for record in caplog.records] == [True]


async def test_it_goes_on_with_a_changed_project(tmp_path: Path) -> None:
    asked = asyncio.Event()

    async def behave(request: Received, writer: asyncio.StreamWriter) -> None:
        await answers(200, {})(request, writer)
        asked.set()

    async with ScriptedServer(behave) as server:
        root = write_project(tmp_path)
        models = root / "models.yaml"
        models.write_text(MODELS.replace("MODEL", server.url))
        async with running(root) as composed:
            projects = composed.installation.projects
            task = asyncio.create_task(Warming(projects).run())
            await asked.wait()
            asked.clear()
            models.write_text(MODELS.replace("MODEL", server.url).replace("model: m", "model: n"))
            await projects.reload()
            await asked.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
