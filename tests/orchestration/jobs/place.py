"""Jobs of the desk, asked of models that say what they are told to."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from interlock.app.composition import Running
from interlock.intelligence.gateway import Extras, ModelReply, ModelRequest
from interlock.orchestration.escalations import JobAnswers, JobDesk, Source
from interlock.orchestration.jobs import Jobs
from tests.orchestration.desk import person, write_project

RULES = """
rules: desk
jobs:
  sort: {classify: {pay: [please pay this invoice], ask: [when was it paid]}}
"""
MODELS = """
routes:
  desk: {targets: [{provider: rules, file: rules/desk.yaml}]}
  other: {targets: [{provider: rules, file: rules/desk.yaml}]}
  third: {targets: [{provider: rules, file: rules/desk.yaml}]}
"""
SORT = "job: sort\nkind: classify\nroute: desk\nclasses: {pay: Money is wanted., ask: Something is asked.}\n"

CLERK = person("carla", "clerk", scopes="act")
READER = person("rosa", "clerk", scopes="act read admin")


def with_jobs(root: Path, **files: str) -> Path:
    """Write the desk with `jobs/NAME.yaml` for each of *files*; a name with a slash is a path of its own."""
    write_project(root)
    written = {"models.yaml": MODELS, "rules/desk.yaml": RULES}
    written |= {f"jobs/{name}.yaml": text for name, text in files.items() if "/" not in name}
    written |= {name: text for name, text in files.items() if "/" in name}
    for name, text in written.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return root


Said = ModelReply | Exception


class Models:
    """A `Models` that says what each route is told to, the last of it for ever; `asked` holds what was asked."""

    def __init__(self, **said: Said | Sequence[Said]) -> None:
        self._said = {
            route: [turns] if isinstance(turns, (ModelReply, Exception)) else list(turns)
            for route, turns in said.items()
        }
        self.asked: list[tuple[str, ModelRequest]] = []

    async def complete(self, route: str, request: ModelRequest) -> ModelReply:
        self.asked.append((route, request))
        turns = self._said[route]
        turn = turns.pop(0) if len(turns) > 1 else turns[0]
        if isinstance(turn, Exception):
            raise turn
        return turn


def jobs_of(composed: Running, models: Models) -> Jobs:
    """Return the jobs of a composed installation, asked of *models*."""
    installation = composed.installation
    jobs = Jobs(
        models,
        lambda: installation.projects.current.jobs,
        installation.sessions,
        JobDesk(installation.escalations),
        composed.database,
        composed.writer,
        installation.clock,
    )
    installation.escalations.waiting[Source.job] = JobAnswers(jobs)
    return jobs


def result(value: Mapping[str, Any] | None, *, abstained: str | None = None, sure: float | None = None) -> ModelReply:
    """Return a model's answer: a result or why there is none, and how sure it is."""
    text = orjson.dumps({"result": value, "abstained": abstained}).decode()
    extras = Extras()
    if sure is not None:
        extras = Extras(choice={"logprobs": {"content": [{"token": text, "logprob": math.log(sure)}]}})
    return ModelReply(text, provider="scripted", model="scripted-1", extras=extras)
