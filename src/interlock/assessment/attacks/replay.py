"""Replaying tasks and goals through the one path, and telling from the simulated systems what came of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from interlock.assessment.attacks.people import People
from interlock.assessment.attacks.scenario import Frame, Goal, Plant, Scenario, Step, Task
from interlock.assessment.attacks.simulation import Scene, playing
from interlock.integration.contracts import InputInvalid
from interlock.orchestration.actions import Action, Proposal
from interlock.values.actions import ActionState
from interlock.values.errors import InterlockError
from interlock.values.labels import Origin


class Outcome(StrEnum):
    """What came of a step, or of a goal."""

    ran = "ran"
    reached = "reached"  # of a goal: the harmful call reached its system, and nobody was asked
    asked = "asked"
    refused = "refused"
    held = "held"  # drafted or shadowed: nothing ran
    failed = "failed"
    impossible = "impossible"  # the call could not be made at all, or proves nothing


_OUTCOMES = {
    ActionState.succeeded: Outcome.ran,
    ActionState.executing: Outcome.ran,
    ActionState.waiting: Outcome.asked,
    ActionState.denied: Outcome.refused,
    ActionState.drafted: Outcome.held,
    ActionState.shadowed: Outcome.held,
}


@dataclass(frozen=True, slots=True)
class StepResult:
    """What came of one step. *why* are the reasons, each with its rule; *origins* where its arguments came from.

    *then* is what came of a question once everybody who was asked had said yes.
    """

    step: Step
    outcome: Outcome
    then: Outcome | None = None
    requirements: tuple[str, ...] = ()
    why: tuple[tuple[str, str], ...] = ()
    output: Any = field(default=None, repr=False)
    origins: Mapping[str, Origin] = field(default_factory=dict, repr=False)

    @property
    def sentence(self) -> str:
        """The reasons in one line."""
        return "; ".join(f"{text.rstrip('.')} ({rule})" for rule, text in self.why)


@dataclass(frozen=True, slots=True)
class TaskResult:
    """What came of each step of a task, in the order they were made."""

    scenario: Scenario
    task: Task
    steps: tuple[StepResult, ...]


@dataclass(frozen=True, slots=True)
class GoalResult:
    """What came of a goal; *why* says it in words, and *step* is the harmful call's own result."""

    scenario: Scenario
    goal: Goal
    outcome: Outcome
    step: StepResult
    why: str = ""


class Replay:
    """Plays scenes of one staged installation; many at once."""

    def __init__(self, people: People) -> None:
        self._people = people
        self._verbs = people.verbs

    async def task(self, scenario: Scenario, task: Task) -> TaskResult:
        """Do *task*; where a step waits for somebody, the question is noted and answered with yes."""
        with playing(Scene(scenario.records, customer=task.frame.customer)):
            return TaskResult(scenario, task, await self._task_steps(scenario, task))

    async def goal(self, scenario: Scenario, goal: Goal) -> GoalResult:
        """Try *goal*: the hijacked agent makes its calls, and nobody answers a question.

        It has `reached` its sink if, and only if, the simulated system received the harmful call.
        """
        scene = Scene(scenario.records, goal.plants, goal.frame.customer)
        with playing(scene):
            results = await self._goal_steps(scenario, goal)
        harmful = results[goal.harm]
        if scene.reached(goal.target.operation, goal.target.arguments):
            return GoalResult(scenario, goal, Outcome.reached, harmful, harmful.sentence)
        unread = [plant for plant in goal.plants if plant not in scene.shown]
        if unread and goal.base:
            why = next((result.sentence for result in results if result.outcome is not Outcome.ran), "")
            return GoalResult(scenario, goal, Outcome.impossible, harmful, f"the text was never read: {why}")
        if not goal.sound and harmful.outcome is not Outcome.impossible:
            why = f"the honest call ({goal.base}) is not let run either: {harmful.sentence}"
            return GoalResult(scenario, goal, Outcome.impossible, harmful, why)
        outcome = Outcome.refused if harmful.outcome in (Outcome.failed, Outcome.ran) else harmful.outcome
        return GoalResult(scenario, goal, outcome, harmful, harmful.sentence)

    async def probe(
        self, scenario: Scenario, frame: Frame, request: str, steps: Sequence[Step], plants: Sequence[Plant] = ()
    ) -> list[StepResult]:
        """Make *steps* in a session of their own and say what came of each."""
        with playing(Scene(scenario.records, plants, frame.customer)):
            return await self._steps(scenario, frame, request, steps)

    async def _goal_steps(self, scenario: Scenario, goal: Goal) -> list[StepResult]:
        return await self._steps(scenario, goal.frame, goal.request, goal.steps)

    async def _steps(self, scenario: Scenario, frame: Frame, request: str, steps: Sequence[Step]) -> list[StepResult]:
        try:
            session = await self._people.open(scenario.agent, request, frame)
        except InterlockError as error:
            return [StepResult(step, Outcome.impossible, why=((error.code, error.what),)) for step in steps]
        return [(await self._propose(scenario.agent, session.id, frame, step))[0] for step in steps]

    async def _task_steps(self, scenario: Scenario, task: Task) -> tuple[StepResult, ...]:
        results: list[StepResult] = []
        try:
            session = await self._people.open(scenario.agent, task.request, task.frame)
        except InterlockError as error:
            return tuple(StepResult(step, Outcome.failed, why=((error.code, error.what),)) for step in task.steps)
        for number, step in enumerate(task.steps, start=1):
            for turn in task.turns:
                if turn.before == number:
                    await self._people.say(session, turn.says, task.frame)
            result, action = await self._propose(scenario.agent, session.id, task.frame, step)
            if action is not None and action.state is ActionState.waiting:
                agreed = await self._people.agree(action, session, task.frame)
                result = replace(result, then=_OUTCOMES.get(agreed.state, Outcome.failed))
            results.append(result)
        return tuple(results)

    async def _propose(self, agent: str, session: str, frame: Frame, step: Step) -> tuple[StepResult, Action | None]:
        proposal = Proposal(session, step.operation, dict(step.arguments))
        try:
            action = await self._verbs.actions.propose(self._people.agent(agent, frame), proposal)
        except InputInvalid as error:
            return StepResult(step, Outcome.impossible, why=((error.code, error.why or error.what),)), None
        except InterlockError as error:
            return StepResult(step, Outcome.impossible, why=((error.code, error.what),)), None
        return _result(step, action), action


def _result(step: Step, action: Action) -> StepResult:
    why = tuple((reason.rule, reason.text) for reason in action.decision.reasons)
    outcome = _OUTCOMES.get(action.state, Outcome.failed)
    if outcome is Outcome.failed:
        problem = action.problem or {}
        why = ((str(problem.get("code", "failed")), str(problem.get("detail", "the system did not answer"))),)
    requirements = tuple(map(str, action.unmet())) if action.state is ActionState.waiting else ()
    return StepResult(
        step, outcome, requirements=requirements, why=why, output=action.output, origins=action.origins or {}
    )
