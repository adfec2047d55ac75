"""Patterns from the lightest to the heaviest, each with what it cannot do; the lightest that can do it is advised.

Every further model in a loop adds time, cost and ways to fail that nobody foresaw, so a heavier pattern has to be
needed: it is advised only where each lighter one lacks something that the use case asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

DAY = 86_400.0
ATTENTION = 10.0
"""Seconds for which a person keeps their mind on one answer (Miller, 1968; Nielsen, 1993)."""
AT_ONCE = 8.0
"""Runs at the same time, on average, from which on a queue is better than a caller that waits."""


class Knowledge(StrEnum):
    """What has to be known."""

    given = "given"  # all of it stands in the request
    documents = "documents"  # it has to be found in texts
    systems = "systems"  # it has to be read from business systems


class Steps(StrEnum):
    """How the work goes on."""

    one = "one"  # one answer to one input
    known = "known"  # several steps, known beforehand
    open = "open"  # what comes next depends on what was found


class Relation(StrEnum):
    """How several bodies of instruction or authority work together."""

    none = "none"  # there is only one
    in_order = "in_order"  # always the same one after the other
    depends = "depends"  # which is needed shows only on the way
    independent = "independent"  # each looks by itself
    contested = "contested"  # they have to hear and weigh each other


class Risk(StrEnum):
    """What a wrong answer or action costs."""

    low = "low"
    medium = "medium"
    high = "high"


@dataclass(frozen=True, slots=True)
class Answers:
    """What is asked of a use case.

    *declared* says that inputs and outcomes can be written down as rules. *acts* says that something is changed in a
    system. *skills* counts the bodies of instruction or authority that must not be mixed, and *relation* how they work
    together. *wait* is how many seconds whoever asks can wait; *volume* how many requests come in a day.
    """

    declared: bool = False
    knowledge: Knowledge = Knowledge.given
    acts: bool = False
    steps: Steps = Steps.one
    skills: int = 1
    relation: Relation = Relation.none
    wait: float = 60.0
    volume: int = 100
    risk: Risk = Risk.low


Objections = Callable[[Answers], Iterator[str]]


@dataclass(frozen=True, slots=True)
class Pattern:
    """One pattern. *seconds* is how long one run usually takes, of one skill; *build* says what it is made with."""

    name: str
    what: str
    build: str
    seconds: float
    objections: Objections
    grows: bool = False

    def takes(self, answers: Answers) -> float:
        """Return the seconds that one run usually takes."""
        return self.seconds * answers.skills if self.grows else self.seconds


def _one_skill(answers: Answers) -> Iterator[str]:
    if answers.skills > 1:
        yield f"it has one set of instructions and rights, and {answers.skills} must not be mixed"


def _rules(answers: Answers) -> Iterator[str]:
    if not answers.declared:
        yield "inputs and outcomes cannot all be written down"
    if answers.steps is Steps.open:
        yield "rules do not find out by themselves what comes next"
    yield from _one_skill(answers)


def _job(answers: Answers) -> Iterator[str]:
    if answers.acts:
        yield "a job changes nothing in any system"
    if answers.steps is not Steps.one:
        yield "it is one answer to one input"
    if answers.knowledge is not Knowledge.given:
        yield f"what it needs to know stands in {answers.knowledge.value}, and not in the request"
    yield from _one_skill(answers)


def _retrieval(answers: Answers) -> Iterator[str]:
    if answers.knowledge is Knowledge.systems:
        yield "what it needs to know stands in systems, and not in texts"
    yield from (one for one in _job(answers) if "not in the request" not in one)


def _team(relation: Relation, lacks: str) -> Objections:
    def objections(answers: Answers) -> Iterator[str]:
        if answers.skills < 2:
            yield "one agent is enough"
        elif answers.relation is not relation:
            yield lacks

    return objections


PATTERNS = (
    Pattern("rules", "declared rules, without a model", "a rules file", 0.05, _rules),
    Pattern("job", "one model call with a typed result", "jobs/*.yaml", 2.0, _job),
    Pattern("retrieval", "one model call with passages, and citations", "jobs/*.yaml of kind answer", 3.0, _retrieval),
    Pattern("agent", "one agent with operations", "agents/*.yaml", 10.0, _one_skill),
    Pattern(
        "sequential",
        "agents one after the other",
        "teams/*.yaml, pattern sequential",
        10.0,
        _team(Relation.in_order, "the order is not always the same"),
        grows=True,
    ),
    Pattern(
        "hand-off",
        "an agent that passes the request on to another",
        "hand_offs in agents/*.yaml",
        10.0,
        _team(Relation.depends, "who is needed is known beforehand"),
        grows=True,
    ),
    Pattern(
        "concurrent",
        "agents at the same time, and their answers merged",
        "teams/*.yaml, pattern concurrent",
        12.0,
        _team(Relation.independent, "the agents need what the others have found"),
    ),
    Pattern(
        "discussion",
        "agents that hear each other, and a moderator",
        "teams/*.yaml, pattern discussion",
        20.0,
        _team(Relation.contested, "there is nothing that has to be weighed between them"),
        grows=True,
    ),
)
"""From the lightest to the heaviest."""


@dataclass(frozen=True, slots=True)
class Advice:
    """What is advised. *pattern* is None where none fits in the time there is; *passed_over* says why lighter ones do
    not.

    *asynchronous* says that nobody should wait for it at the other end of a connection. *cautions* are what must come
    with it.
    """

    pattern: Pattern | None
    asynchronous: bool
    passed_over: tuple[tuple[str, str], ...]
    cautions: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the advice as a JSON object."""
        pattern = self.pattern
        return {
            "pattern": pattern.name if pattern else None,
            "what": pattern.what if pattern else None,
            "build": pattern.build if pattern else None,
            "asynchronous": self.asynchronous,
            "passed_over": [{"pattern": name, "because": because} for name, because in self.passed_over],
            "cautions": list(self.cautions),
        }


def advise(answers: Answers) -> Advice:
    """Return the lightest pattern that fits."""
    passed_over: list[tuple[str, str]] = []
    for pattern in PATTERNS:
        objection = next(pattern.objections(answers), "")
        takes = pattern.takes(answers)
        if not objection and takes > answers.wait:
            objection = f"it usually takes {takes:g} s, and nobody waits longer than {answers.wait:g} s"
        if objection:
            passed_over.append((pattern.name, objection))
            continue
        busy = answers.volume * takes / DAY
        slow = takes > ATTENTION or busy > AT_ONCE
        return Advice(pattern, slow, tuple(passed_over), tuple(_cautions(pattern, answers)))
    why = (
        "Nothing that can do this is that fast. Let it be asked for and fetched later, prepare answers beforehand, or "
        "split off the part that needs no model."
    )
    return Advice(None, True, tuple(passed_over), (why,))


def _cautions(pattern: Pattern, answers: Answers) -> Iterator[str]:
    if answers.acts and answers.risk is Risk.high:
        yield "Begin in the mode `draft`, and let people approve each action: `@require` in policies."
    elif answers.acts and answers.risk is Risk.medium:
        yield "Begin in the mode `approval`, and let small, reversible actions run by themselves first."
    if not answers.acts and answers.risk is Risk.high and pattern.name != "rules":
        yield "Give it a confidence threshold, and `person` below it."
    if pattern.name in ("agent", "hand-off", "sequential", "concurrent", "discussion"):
        yield "Say in `escalate` who is asked where it cannot go on."
    if answers.knowledge is not Knowledge.given and answers.risk is not Risk.low:
        yield "Declare who writes each field, so that outsiders' text steers nothing."
