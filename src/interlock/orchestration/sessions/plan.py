"""A plan that a session carries: which operations, how often, with what arguments; fixed before anything is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from interlock.orchestration.sessions.errors import SessionInvalid

MOST_STEPS = 100
_NUMBER = (int, float)
_KINDS: dict[str, tuple[type, ...]] = {"any_of": (list,), "like": (str,), "at_most": _NUMBER, "at_least": _NUMBER}


@dataclass(frozen=True, slots=True)
class PlanStep:
    """Uses that a plan foresees.

    *operation* is an id or a glob (`erp.get_*`), *times* how often (0: as often as wanted). *arguments* narrow the
    arguments that they name, each to a value or by `{any_of: [...]}`, `{at_most: n}`, `{at_least: n}`, `{like: glob}`.
    """

    operation: str
    times: int = 0
    arguments: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def covers(self, operation: str, arguments: Mapping[str, Any]) -> bool:
        """Return whether a use of *operation* with *arguments* is one that the step foresees."""
        if not fnmatchcase(operation, self.operation):
            return False
        return all(fits(arguments.get(name), pattern) for name, pattern in self.arguments.items())

    def to_json(self) -> str | dict[str, Any]:
        """Return the step as files and requests write it; an operation's name alone where that is all."""
        if not self.times and not self.arguments:
            return self.operation
        return {"operation": self.operation, "times": self.times, "arguments": dict(self.arguments)}


Plan = tuple[PlanStep, ...]


def fits(value: Any, pattern: Any) -> bool:
    """Return whether an argument's *value* fits a step's *pattern*. A number may stand as text and the reverse."""
    if not isinstance(pattern, Mapping):
        return value is not None and plain(value) == plain(pattern)
    return all(_narrowed(value, word, wanted) for word, wanted in pattern.items())


def _narrowed(value: Any, word: str, wanted: Any) -> bool:
    if word == "any_of":
        return any(fits(value, choice) for choice in wanted)
    if word == "like":
        return isinstance(value, str) and fnmatchcase(value.casefold(), wanted.casefold())
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return bool(value <= wanted if word == "at_most" else value >= wanted)


def plain(value: Any) -> Any:
    """Return a single value in the one form that it is compared in; lists and objects as they are."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return value
    text = str(value).strip().casefold()
    try:
        number = float(text)
    except ValueError:
        return text
    return number if text[:1] != "0" or text == "0" or text.startswith("0.") else text


def step_of(plan: Plan, used: Counter[int], operation: str, arguments: Mapping[str, Any]) -> int | None:
    """Return the number of the first step that foresees the use and is not used up, or None."""
    for number, step in enumerate(plan):
        if step.covers(operation, arguments) and (not step.times or used[number] < step.times):
            return number
    return None


def plan_of(written: Sequence[Any]) -> Plan:
    """Return the plan that a request or a stored session writes. Raises `SessionInvalid` for what is none."""
    if len(written) > MOST_STEPS:
        raise SessionInvalid(f"a plan has at most {MOST_STEPS} steps, and this one has {len(written)}")
    return tuple(_step(part, number) for number, part in enumerate(written, start=1))


def _step(part: Any, number: int) -> PlanStep:
    if isinstance(part, str) and part:
        return PlanStep(part)
    if isinstance(part, PlanStep):
        return part
    if isinstance(part, Mapping) and isinstance(part.get("operation"), str):
        times, arguments = part.get("times", 0), part.get("arguments", {})
        if isinstance(times, int) and times >= 0 and isinstance(arguments, Mapping):
            for name, pattern in arguments.items():
                _check(name, pattern, number)
            return PlanStep(part["operation"], times, dict(arguments))
    raise SessionInvalid(
        f"step {number} of the plan is neither an operation nor {{operation, times, arguments}}",
        fix='write "system.operation", or {"operation": "system.operation", "times": 1, "arguments": {...}}',
    )


def _check(name: str, pattern: Any, number: int) -> None:
    if not isinstance(pattern, Mapping):
        return
    wrong = [str(word) for word, wanted in pattern.items() if not isinstance(wanted, _KINDS.get(word, ()))]
    if wrong or not pattern:
        raise SessionInvalid(
            f"step {number} of the plan narrows the argument {name!r} by {', '.join(wrong) or 'nothing'}",
            why="that is no pattern",
            fix="narrow it to a value, or by any_of, at_most, at_least or like",
        )
