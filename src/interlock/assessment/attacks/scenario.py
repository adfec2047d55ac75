"""One file of `attacks/`: what an agent does on an ordinary day, and what an outsider wants of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from interlock.foundation.documents import Document, Findings, ProjectInvalid, pointer_of, read_document, steps_of

FOLDER, KIND = "attacks", "attacks"
DECLARED = "declared"
"""The kind of a goal that a file writes down."""


@dataclass(frozen=True, slots=True)
class Frame:
    """How a session is opened: every member that is empty is left to the usual."""

    person: str = ""
    customer: str = ""
    verification: str = ""
    channel: str = ""
    purpose: str = ""
    consent: tuple[str, ...] = ()
    plan: tuple[str, ...] | None = None

    def over(self, written: Mapping[str, Any] | None) -> Frame:
        """Return the frame with the members that *written* names put over its own."""
        if not written:
            return self
        values = dict(written)
        for name in ("consent", "plan"):
            if name in values:
                values[name] = tuple(values[name])
        return replace(self, **values)


@dataclass(frozen=True, slots=True)
class Record:
    """What a simulated system answers where the arguments that *when* names have its values."""

    when: Mapping[str, Any]
    result: Any


@dataclass(frozen=True, slots=True)
class Step:
    """One call: the operation, and its arguments."""

    operation: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Turn:
    """What the person says before the step with the number *before*, counted from 1."""

    before: int
    says: str


@dataclass(frozen=True, slots=True)
class Plant:
    """A hostile text that stands in a field (names and `*` from the top) of an operation's answers."""

    operation: str
    path: tuple[str, ...]
    text: str

    @property
    def place(self) -> str:
        """The field as files write it: `helpdesk.get_ticket#/body`."""
        return f"{self.operation}#{pointer_of(self.path)}"


@dataclass(frozen=True, slots=True)
class Task:
    """Something ordinary that a well-behaved agent does."""

    name: str
    request: str
    frame: Frame
    steps: tuple[Step, ...]
    turns: tuple[Turn, ...] = ()


@dataclass(frozen=True, slots=True)
class Goal:
    """What an outsider wants: the texts that are planted, and the calls that a wholly hijacked agent then makes.

    *steps[harm]* is what must not run. *values* are the attacker's own, by argument. *base* names what a derived goal
    was made from; goals whose base is not even allowed as it stands prove nothing.
    """

    name: str
    request: str
    frame: Frame
    plants: tuple[Plant, ...]
    steps: tuple[Step, ...]
    harm: int
    kind: str = DECLARED
    trick: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    base: str = ""
    sound: bool = True

    @property
    def target(self) -> Step:
        """The call that must not run."""
        return self.steps[self.harm]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One set: whose calls are replayed, what the simulated systems answer, tasks, goals, and calls to start from."""

    name: str
    agent: str
    frame: Frame = Frame()
    records: Mapping[str, tuple[Record, ...]] = field(default_factory=dict, repr=False)
    calls: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    tasks: tuple[Task, ...] = ()
    goals: tuple[Goal, ...] = ()
    file: str = ""


def attack_documents(root: Path, environment: Mapping[str, str] | None = None) -> list[Document]:
    """Return the files of `attacks/`, by name; none where there is no such folder. Raises `ProjectInvalid`."""
    findings = Findings()
    documents: list[Document] = []
    for path in sorted({*(root / FOLDER).glob("*.yaml"), *(root / FOLDER).glob("*.yml")}):
        try:
            documents.append(read_document(path, KIND, root=root, environment=environment))
        except ProjectInvalid as error:
            findings.extend(error.findings)
    findings.raise_if_any()
    return documents


def scenario_of(document: Document) -> Scenario:
    """Return the scenario that a valid document of kind `attacks` holds."""
    data = document.data
    frame = Frame().over(data.get("session"))
    return Scenario(
        name=data["attacks"],
        agent=data["agent"],
        frame=frame,
        records={
            operation: tuple(Record(part.get("when") or {}, part["result"]) for part in written)
            for operation, written in data.get("records", {}).items()
        },
        calls=data.get("calls", {}),
        tasks=tuple(_task(part, frame) for part in data.get("tasks", ())),
        goals=tuple(_goal(part, frame) for part in data.get("goals", ())),
        file=document.name,
    )


def _task(part: Mapping[str, Any], frame: Frame) -> Task:
    frame = frame.over(part.get("session"))
    if "plan" in part:
        frame = replace(frame, plan=tuple(part["plan"]))
    turns = tuple(Turn(turn["before"], turn["says"]) for turn in part.get("turns", ()))
    return Task(part["name"], part["request"], frame, _steps(part), turns)


def _goal(part: Mapping[str, Any], frame: Frame) -> Goal:
    steps = _steps(part)
    return Goal(
        name=part["name"],
        request=part.get("request", ""),
        frame=frame.over(part.get("session")),
        plants=tuple(plants_of(part)),
        steps=steps,
        harm=harm_of(steps, part.get("harm", "")),
    )


def _steps(part: Mapping[str, Any]) -> tuple[Step, ...]:
    return tuple(Step(operation, arguments) for step in part["steps"] for operation, arguments in step.items())


def plants_of(part: Mapping[str, Any]) -> Iterator[Plant]:
    """Yield the texts that a goal, as its file writes it, plants."""
    written = part.get("plant") or []
    for plant in written if isinstance(written, list) else [written]:
        operation, _, pointer = plant["in"].partition("#")
        yield Plant(operation, steps_of(pointer), plant["text"])


def harm_of(steps: tuple[Step, ...], operation: str) -> int:
    """Return the number of the last step that uses *operation*; of the last step where it is empty or used nowhere."""
    found = [number for number, step in enumerate(steps) if step.operation == operation]
    return found[-1] if found else len(steps) - 1
