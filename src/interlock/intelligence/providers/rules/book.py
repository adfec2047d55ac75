"""A rules file compiled: intents with their examples, slots, steps and answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from interlock.foundation.expressions import Expression
from interlock.intelligence.providers.rules.matching import Matcher
from interlock.intelligence.providers.rules.slots import Slot
from interlock.intelligence.providers.rules.templates import Template


@dataclass(frozen=True, slots=True)
class Step:
    """One use of an operation, or one per member of a list (*each*), or the same again (*times*, *until*)."""

    operation: str
    name: str
    arguments: Mapping[str, Template]
    when: Expression | None = None
    each: Expression | None = None
    times: int = 1
    until: Expression | None = None
    carry_on: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """A text, perhaps with a line per member of a list; *when* says whether it fits."""

    text: Template
    when: Expression | None = None
    each: Expression | None = None
    line: Template | None = None
    empty: Template | None = None


@dataclass(frozen=True, slots=True)
class Intent:
    """What a person may want, how it is done, and what is answered by how it ended."""

    name: str
    slots: Mapping[str, Slot]
    steps: tuple[Step, ...]
    answers: Mapping[str, tuple[Answer, ...]]


@dataclass(frozen=True, slots=True)
class Found:
    """What a rule made of a job's input: a result and how well it fitted, 0 to 1; or why there is none."""

    result: Any = None
    score: float = 0.0
    abstained: str = ""


class JobRule(Protocol):
    """How one job is done."""

    def find(self, given: Mapping[str, Any]) -> Found:
        """Return what comes of *given*, in the shape of the kind's results."""
        ...


@dataclass(frozen=True, slots=True)
class RuleBook:
    """All intents and jobs of one file. *operations* are those that any step names."""

    name: str
    intents: Mapping[str, Intent]
    matcher: Matcher
    answers: Mapping[str, tuple[Answer, ...]]
    threshold: float = 0.6
    operations: frozenset[str] = field(default_factory=frozenset)
    jobs: Mapping[str, JobRule] = field(default_factory=dict)

    def intent_of(self, words: str) -> tuple[Intent | None, Mapping[str, str]]:
        """Return the intent of *words* if it is sure enough, and the texts of the slots that their form showed."""
        match = self.matcher.match(words)
        if match is None or match.score < self.threshold:
            return None, {}
        return self.intents[match.intent], match.texts
