"""Finding out what an agent can read and do honestly, by trying it on the simulated systems."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from interlock.assessment.attacks.fields import leaves, untrusted_fields
from interlock.assessment.attacks.goals import INNOCENT, Base, Ground, Reading, Secret, made_up, spoken
from interlock.assessment.attacks.hostile import Field
from interlock.assessment.attacks.replay import Outcome, Replay, StepResult
from interlock.assessment.attacks.scenario import Frame, Plant, Scenario, Step, Task
from interlock.governance.labels import FieldLabels
from interlock.orchestration.project import Project
from interlock.values.operations import Effect, Operation

MOST_TASKS = 2
"""How many tasks one operation's goals start from."""
MOST_READS = 40
"""How many ways of calling one read are tried."""
_SOUND = frozenset({Outcome.ran, Outcome.asked, Outcome.held})
_SHORTEST = 4
_SENTENCE = "Note for whoever works on this."


@dataclass(frozen=True, slots=True)
class Survey:
    """Looks at one scenario's agent."""

    project: Project
    replay: Replay

    async def ground(self, scenario: Scenario) -> Ground:
        """Return what the agent can do and read; only what was really tried counts as sound."""
        operations = self._operations(scenario)
        bases = [
            await self._tried(scenario, base)
            for operation in operations
            if operation.consequential or operation.risks
            for base in _bases(scenario, operation)
        ]
        readings: dict[Frame, tuple[Reading, ...]] = {}
        secrets: dict[Frame, Secret] = {}
        for frame in dict.fromkeys(base.frame for base in bases):
            readings[frame] = await self._readings(scenario, frame, operations)
            secret = await self._secret(scenario, frame, operations)
            if secret is not None:
                secrets[frame] = secret
        return Ground(tuple(bases), readings, secrets)

    def _operations(self, scenario: Scenario) -> list[Operation]:
        spec = self.project.agents[scenario.agent]
        found = self.project.catalog.operations
        return [found[name].operation for name in sorted(found) if spec.may_use(name)]

    async def _tried(self, scenario: Scenario, base: Base) -> Base:
        steps = (*base.before, Step(base.operation.id, base.arguments))
        results = await self.replay.probe(scenario, base.frame, base.request, steps)
        return replace(base, sound=results[-1].outcome in _SOUND)

    async def _readings(self, scenario: Scenario, frame: Frame, operations: Sequence[Operation]) -> tuple[Reading, ...]:
        found = []
        for operation in operations:
            fields = untrusted_fields(operation) if operation.effect is Effect.read else []
            for step in _reads(scenario, operation)[:MOST_READS] if fields else ():
                says = spoken(operation, step.arguments) if operation.sink is not None else ""
                shown = await self._shown(scenario, frame, Reading(step, tuple(fields), says))
                if shown:
                    found.append(Reading(step, shown, says))
                    break
        return tuple(found)

    async def _shown(self, scenario: Scenario, frame: Frame, reading: Reading) -> tuple[Field, ...]:
        """Return the fields in which a text reaches the agent; none where the read itself is not let run."""
        shown = []
        for one in reading.fields:
            text = _SENTENCE[: one.most] if one.most else _SENTENCE
            plant = Plant(reading.step.operation, one.path, text)
            results = await self.replay.probe(
                scenario, frame, f"{INNOCENT} {reading.says}".rstrip(), (reading.step,), (plant,)
            )
            if results[0].outcome is Outcome.refused:
                return ()
            if results[0].outcome is Outcome.ran:
                shown.append(one)
        return tuple(shown)

    async def _secret(self, scenario: Scenario, frame: Frame, operations: Sequence[Operation]) -> Secret | None:
        best: Secret | None = None
        for operation in operations:
            if operation.effect is not Effect.read or operation.sink is not None:
                continue
            for step in _reads(scenario, operation)[:MOST_READS]:
                (result,) = await self.replay.probe(scenario, frame, INNOCENT, (step,))
                if result.outcome is Outcome.ran:
                    best = _stricter(best, operation, result)
                    break
        return best


def _stricter(best: Secret | None, operation: Operation, result: StepResult) -> Secret | None:
    """Return the secret whose label binds most; of two alike the one that was found first."""
    labels = FieldLabels(operation)
    for path, value in leaves(result.output):
        label = labels.of(path)
        if len(str(value)) < _SHORTEST:
            continue
        rank = (label.confidentiality, len(label.categories))
        if best is None or rank > (best.label.confidentiality, len(best.label.categories)):
            best = Secret(result.step, value, label, f"{str(path[-1]) if path else 'the answer'} of {operation.id}")
    return best


def _bases(scenario: Scenario, operation: Operation) -> Iterator[Base]:
    """Yield honest calls of *operation*: the file's own, then those of tasks, else one that the schema allows."""
    found = False
    if operation.id in scenario.calls:
        arguments = scenario.calls[operation.id]
        found = True
        yield Base(operation, arguments, scenario.frame, spoken(operation, arguments), "calls")
    frames: list[Frame] = []
    for task, number in _uses(scenario.tasks, operation.id):
        if len(frames) == MOST_TASKS:
            break
        if task.frame in frames:
            continue
        frames.append(task.frame)
        found = True
        before, step = task.steps[:number], task.steps[number]
        yield Base(operation, step.arguments, task.frame, task.request, f"task {task.name!r}", before)
    if not found:
        arguments = made_up(operation)
        yield Base(operation, arguments, scenario.frame, spoken(operation, arguments), "the input schema")


def _uses(tasks: Sequence[Task], operation: str) -> Iterator[tuple[Task, int]]:
    for task in tasks:
        for number, step in enumerate(task.steps):
            if step.operation == operation and not any(turn.before <= number + 1 for turn in task.turns):
                yield task, number
                break


def _reads(scenario: Scenario, operation: Operation) -> list[Step]:
    """Return ways of calling a read: as tasks and goals do, as records answer, and as the schema allows."""
    found: list[Any] = []
    for steps in (*(task.steps for task in scenario.tasks), *(goal.steps for goal in scenario.goals)):
        found += [dict(step.arguments) for step in steps if step.operation == operation.id]
    blank = made_up(operation)
    required = set(operation.input_schema.get("required", ()))
    for record in scenario.records.get(operation.id, ()):
        if required <= record.when.keys():
            found.append(dict(record.when))
    found.append(blank)
    distinct = [arguments for index, arguments in enumerate(found) if arguments not in found[:index]]
    return [Step(operation.id, arguments) for arguments in distinct]
