"""A plan that a session carries: which operations, how often, with what arguments; fixed before anything is read."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any

import orjson

from interlock.governance.labels.schemas import property_schemas
from interlock.orchestration.sessions.errors import SessionInvalid
from interlock.values.operations import Operation

MOST_STEPS = 100
MOST_TIMES = 1000
MOST_CHOICES = 100
LARGEST_STEP = 16 << 10
"""Bytes of one step as it is stored."""

OUTSIDE = ""
"""The place of a use that no plan foresees, where one had to."""

_MEMBERS = ("operation", "times", "arguments")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,39})(?:\.[0-9]{1,40})?")


@dataclass(frozen=True, slots=True)
class PlanStep:
    """Uses that a plan foresees.

    *operation* is an id or a glob (`erp.get_*`), *times* how often (0: as often as wanted). *arguments* narrow the
    arguments that they name, each to a value, to null (it must not be given), or by `{any_of: [...]}`,
    `{at_most: n}`, `{at_least: n}`, `{like: glob}`; those that they do not name are free.
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
    """Return whether an argument's *value* fits a step's *pattern*; None stands for an argument that is not given.

    A number may stand as text and the reverse; texts are compared without regard to case. What cannot be compared
    does not fit.
    """
    if not isinstance(pattern, Mapping):
        return _same(value, pattern)
    return bool(pattern) and all(_narrowed(value, word, wanted) for word, wanted in pattern.items())


def _narrowed(value: Any, word: str, wanted: Any) -> bool:
    if word == "any_of":
        return isinstance(wanted, list) and any(_same(value, choice) for choice in wanted)
    if word == "like":
        return isinstance(value, str) and isinstance(wanted, str) and fnmatchcase(value.casefold(), wanted.casefold())
    if not _is_number(value) or not _is_number(wanted):
        return False
    if word == "at_most":
        return bool(value <= wanted)
    return word == "at_least" and bool(value >= wanted)


def _same(one: Any, other: Any) -> bool:
    """Return whether two JSON values are the same; a truth value is no number, and what is no number is nothing."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_same(value, other[name]) for name, value in one.items())
    if one is None or other is None or isinstance(one, bool) or isinstance(other, bool):
        return one is other
    left, right = _plain(one), _plain(other)
    return left is not None and type(left) is type(right) and left == right


def _plain(value: Any) -> Decimal | str | None:
    """Return a number or a text in the one form that it is compared in; nothing where it is neither."""
    if _is_number(value):
        return Decimal(value) if isinstance(value, int) else Decimal(repr(value))
    if not isinstance(value, str):
        return None
    text = value.strip().casefold()
    return Decimal(text) if _NUMBER.fullmatch(text) else text


def _is_number(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


# --- places ---------------------------------------------------------------------------------------------------------


def place_of(plan: Plan, taken: Collection[str], operation: str, arguments: Mapping[str, Any], *, turn: int = 0) -> str:
    """Return the place of one more use in *plan*, of which *taken* are held; `OUTSIDE` where the plan foresees none.

    `3.1` is one of the counted uses of the third step, `3` any use of one that is not counted. The first step that
    covers the use and has a place left takes it. *turn* differs between uses that are placed at the same moment, so
    that they seldom want the same one.
    """
    for number, step in enumerate(plan, start=1):
        if not step.covers(operation, arguments):
            continue
        if not step.times:
            return str(number)
        free = [place for use in range(1, step.times + 1) if (place := f"{number}.{use}") not in taken]
        if free:
            return free[turn % len(free)]
    return OUTSIDE


def counted(place: str | None) -> bool:
    """Return whether *place* is one that a single use holds."""
    return bool(place) and "." in str(place)


def keeps(plan: Plan, place: str, operation: str, arguments: Mapping[str, Any]) -> bool:
    """Return whether the step of *place* covers the use with other *arguments* too."""
    number = int(place.partition(".")[0] or 0)
    return 0 < number <= len(plan) and plan[number - 1].covers(operation, arguments)


# --- reading and checking -------------------------------------------------------------------------------------------


def plan_of(written: Sequence[Any]) -> Plan:
    """Return the plan that a request or a stored session writes. Raises `SessionInvalid` for what is none."""
    if isinstance(written, (str, bytes)) or not isinstance(written, Sequence):
        raise SessionInvalid("a plan is a list of steps")
    if len(written) > MOST_STEPS:
        raise SessionInvalid(f"a plan has at most {MOST_STEPS} steps, and this one has {len(written)}")
    return tuple(_step(part, number) for number, part in enumerate(written, start=1))


def _step(part: Any, number: int) -> PlanStep:
    if isinstance(part, PlanStep):
        part = {"operation": part.operation, "times": part.times, "arguments": part.arguments}
    if isinstance(part, str):
        part = {"operation": part}
    if not isinstance(part, Mapping) or not isinstance(part.get("operation"), str) or not part["operation"]:
        raise _no_step(number)
    for member in part:
        if member not in _MEMBERS:
            raise SessionInvalid(
                f"step {number} of the plan has a member {str(member)[:60]!r}",
                why="a step has operation, times and arguments",
                fix=_nearest(str(member), _MEMBERS) or "leave it out",
            )
    times, arguments = part.get("times", 0), part.get("arguments", {})
    if isinstance(times, bool) or not isinstance(times, int) or not 0 <= times <= MOST_TIMES:
        raise SessionInvalid(f"step {number} of the plan counts no number of times from 0 to {MOST_TIMES}")
    if not isinstance(arguments, Mapping):
        raise _no_step(number)
    for name, pattern in arguments.items():
        if not isinstance(name, str) or not _is_pattern(pattern):
            raise _no_pattern(number, name, pattern)
    step = PlanStep(part["operation"], times, dict(arguments))
    if not _storable(step):
        raise SessionInvalid(f"step {number} of the plan is too large, or holds what JSON cannot write")
    return step


def _is_pattern(pattern: Any) -> bool:
    if not isinstance(pattern, Mapping):
        return _is_value(pattern)
    return bool(pattern) and all(_is_word(word, wanted) for word, wanted in pattern.items())


def _is_word(word: Any, wanted: Any) -> bool:
    if word == "any_of":
        return isinstance(wanted, list) and 0 < len(wanted) <= MOST_CHOICES and all(map(_is_value, wanted))
    if word == "like":
        return isinstance(wanted, str) and bool(wanted)
    return word in ("at_most", "at_least") and _is_number(wanted)


def _is_value(value: Any) -> bool:
    """Return whether *value* is a single value or a list of such; an object would be read as a pattern."""
    if isinstance(value, list):
        return all(_is_value(member) and not isinstance(member, list) for member in value)
    return value is None or isinstance(value, (str, bool)) or _is_number(value)


def _storable(step: PlanStep) -> bool:
    try:
        return len(orjson.dumps(step.to_json())) <= LARGEST_STEP
    except TypeError:
        return False


def _no_step(number: int) -> SessionInvalid:
    return SessionInvalid(
        f"step {number} of the plan is neither an operation nor {{operation, times, arguments}}",
        fix='write "system.operation", or {"operation": "system.operation", "times": 1, "arguments": {...}}',
    )


def _no_pattern(number: int, name: Any, pattern: Any) -> SessionInvalid:
    by = "a value that is none"
    if isinstance(pattern, Mapping):
        by = ", ".join(str(word) for word, wanted in pattern.items() if not _is_word(word, wanted))[:60]
    return SessionInvalid(
        f"step {number} of the plan narrows the argument {str(name)[:60]!r} by {by or 'nothing'}",
        why="that is no pattern",
        fix="narrow it to a value, to null (not given), or by any_of, at_most, at_least or like",
    )


def check_plan(plan: Plan, operations: Mapping[str, Operation]) -> None:
    """Hold *plan* against the operations that there are.

    Raises `SessionInvalid` for a step that fits no operation, and for an argument that none of its operations has.
    """
    for number, step in enumerate(plan, start=1):
        fitting = [operation for name, operation in operations.items() if fnmatchcase(name, step.operation)]
        if not fitting:
            raise SessionInvalid(
                f"step {number} of the plan names {step.operation[:120]!r}, which no system declares",
                fix=_nearest(step.operation, sorted(operations)) or "list them: GET /v1/operations",
            )
        for name in step.arguments:
            if not any(takes(operation, name) for operation in fitting):
                known = sorted({one for operation in fitting for one in property_schemas(operation.input_schema)})
                raise SessionInvalid(
                    f"step {number} of the plan narrows {name[:60]!r}, which {step.operation[:120]} does not take",
                    fix=_nearest(name, known) or "it takes " + (", ".join(known[:20]) or "no arguments"),
                )


def takes(operation: Operation, name: str) -> bool:
    """Return whether *operation* may be given an argument *name*, as far as its schema says."""
    schema = operation.input_schema
    known = property_schemas(schema)
    if name in known or schema.get("patternProperties"):
        return True
    further = schema.get("additionalProperties")
    return bool(further) or (further is None and not known)


def _nearest(name: str, known: Sequence[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else ""
