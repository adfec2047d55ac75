"""The whole run: what each agent can do is looked at, tasks and goals are played, and what came of them is reported."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from interlock.assessment.attacks.checks import check_attacks
from interlock.assessment.attacks.errors import AttackSetUnknown, NothingToAttack
from interlock.assessment.attacks.goals import Derivation, Ground, chosen
from interlock.assessment.attacks.ground import Survey
from interlock.assessment.attacks.people import People, Verbs
from interlock.assessment.attacks.replay import Replay
from interlock.assessment.attacks.report import Report
from interlock.assessment.attacks.scenario import Frame, Goal, Scenario, Task, attack_documents, scenario_of
from interlock.assessment.attacks.undeclared import undeclared
from interlock.foundation.documents.findings import Findings
from interlock.orchestration.project import Project

MOST = 2000
AT_ONCE = 64
_NOTED = 500
_MOST_PEOPLE = 6

T = TypeVar("T")
P = TypeVar("P", Task, Goal)
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Choice:
    """What is run: at most *most* derived goals, chosen by *seed*; only the sets *names*, if any are given."""

    most: int = MOST
    seed: int = 0
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Suite:
    """Attacks one staged installation. *progress* is told, in words, how far it is."""

    verbs: Verbs
    progress: Progress

    async def run(self, scenarios: Sequence[Scenario], choice: Choice, placeholders: Iterable[str] = ()) -> Report:
        """Return what came of it. Raises `NothingToAttack`."""
        project = self.verbs.project
        replay = Replay(People(self.verbs))
        survey = Survey(project, replay)
        scripted = {scenario.agent for scenario in scenarios}
        unscripted = [] if choice.names else sorted(project.agents.keys() - scripted)
        if not scripted and not unscripted:
            raise NothingToAttack("the project has no agent", fix="declare one in agents/")
        grounds = [(scenario, await survey.ground(scenario)) for scenario in scenarios]
        grounds += [await self._unscripted(agent, survey) for agent in unscripted]
        derivation = Derivation(project.settings.clearances, choice.seed)
        derived = [(scenario, goal) for scenario, ground in grounds for goal in derivation.goals(ground)]
        taken = self._taken(derived, choice)
        declared = [(scenario, goal) for scenario in scenarios for goal in scenario.goals]
        self.progress(f"{len(declared)} declared goals, {len(taken)} of {len(derived)} derived ones")
        tasks = [(scenario, task) for scenario in scenarios for task in scenario.tasks]
        done = await self._all(replay.task, tasks, "tasks")
        tried = await self._all(replay.goal, [*declared, *taken], "goals")
        return Report(
            project=project,
            sets=[scenario.file for scenario in scenarios],
            unscripted=unscripted,
            tasks=done,
            goals=tried,
            derived=len(derived),
            remarks=list(undeclared(project)),
            placeholders=sorted(placeholders),
        )

    @staticmethod
    def _taken(derived: Sequence[tuple[Scenario, Goal]], choice: Choice) -> list[tuple[Scenario, Goal]]:
        owners = {id(goal): scenario for scenario, goal in derived}
        return [(owners[id(goal)], goal) for goal in chosen((goal for _, goal in derived), choice.most, choice.seed)]

    async def _unscripted(self, agent: str, survey: Survey) -> tuple[Scenario, Ground]:
        """Return an agent that no file is about, in the frame in which it can do most."""
        best: tuple[Scenario, Ground] | None = None
        for frame in _frames(self.verbs.project):
            scenario = Scenario(f"({agent})", agent, frame)
            ground = await survey.ground(scenario)
            if best is None or _reach(ground) > _reach(best[1]):
                best = scenario, ground
        assert best is not None
        return best

    async def _all(
        self, play: Callable[[Scenario, P], Awaitable[T]], parts: Sequence[tuple[Scenario, P]], what: str
    ) -> list[T]:
        """Play all *parts*, so many at once, in scenes of their own; results stand in their order."""
        places = asyncio.Semaphore(AT_ONCE)
        done = 0

        async def one(scenario: Scenario, part: P) -> T:
            nonlocal done
            async with places:
                result = await play(scenario, part)
            done += 1
            if done % _NOTED == 0:
                self.progress(f"{done} of {len(parts)} {what}")
            return result

        return list(await asyncio.gather(*(one(scenario, part) for scenario, part in parts)))


def _frames(project: Project) -> list[Frame]:
    """Return ways to open a session for an agent of which no file says how: for nobody, and for people of each sort."""
    settings = project.settings
    strongest = settings.verification[-1]
    frames = [Frame(verification=strongest)]
    seen: set[frozenset[str]] = set()
    for who, person in sorted(settings.people.items()):
        if person.roles not in seen and len(frames) <= _MOST_PEOPLE:
            seen.add(person.roles)
            frames.append(Frame(person=who, customer=person.attributes.get("customer", ""), verification=strongest))
    return frames


def _reach(ground: Ground) -> tuple[int, int]:
    return sum(base.sound for base in ground.bases), sum(map(len, ground.readings.values()))


def read_scenarios(root: Path, project: Project, environment: dict[str, str], names: Sequence[str]) -> list[Scenario]:
    """Return the scenarios of `attacks/` that *names* choose, all of them without names.

    Raises `ProjectInvalid` with every finding of every file, and `AttackSetUnknown` for a name that no file has.
    """
    documents = attack_documents(root, environment)
    findings = Findings()
    findings.extend(check_attacks(documents, project))
    findings.raise_if_any()
    scenarios = [scenario_of(document) for document in documents]
    missing = sorted({*names} - {scenario.name for scenario in scenarios})
    if missing:
        known = ", ".join(scenario.name for scenario in scenarios) or "none"
        raise AttackSetUnknown(f"there is no set {missing[0]!r} in attacks/", fix=f"sets of this project: {known}")
    return [scenario for scenario in scenarios if not names or scenario.name in names]
