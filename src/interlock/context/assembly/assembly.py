"""An agent's declared context, compiled and gathered."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from interlock.foundation.expressions import Expression, ExpressionFailed, compile_expression, parse_call
from interlock.values.errors import InterlockError

VARIABLES = frozenset({"session", "words"})
"""What the arguments of a context call may name: the session's facts, and what the person wrote."""


class Reader(Protocol):
    """The way to read for an agent; behind it is the one path that every action takes."""

    async def __call__(self, operation: str, arguments: dict[str, Any]) -> Mapping[str, Any]:
        """Return the view of the action that read: at least `state`, `output`, `problem`, `decision`."""
        ...


@dataclass(frozen=True, slots=True)
class ContextPart:
    """One named read: the operation and the expressions of its arguments."""

    name: str
    operation: str
    arguments: Mapping[str, Expression]


@dataclass(frozen=True, slots=True)
class Assembled:
    """What was gathered. *missing* says for each part that is not there why, in words without data."""

    values: Mapping[str, Any] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)

    @property
    def partial(self) -> bool:
        """Whether any declared part is missing."""
        return bool(self.missing)


def compile_context(declared: Mapping[str, str]) -> tuple[ContextPart, ...]:
    """Return the parts that an agent file declares, `name: system.operation(argument = expression)`.

    Raises `ExpressionInvalid`.
    """
    parts: list[ContextPart] = []
    for name, text in declared.items():
        call = parse_call(text)
        arguments = {key: compile_expression(value, variables=VARIABLES) for key, value in call.arguments.items()}
        parts.append(ContextPart(name, call.operation, arguments))
    return tuple(parts)


async def assemble(
    parts: Sequence[ContextPart], variables: Mapping[str, Any], read: Reader, *, budget: float
) -> Assembled:
    """Read all *parts* at once and return what came within *budget* seconds.

    A part whose arguments have no value, that is refused, fails or is late is missing and stops no other one;
    reads that are late are cancelled.
    """
    values: dict[str, Any] = {}
    missing: dict[str, str] = {}
    tasks: dict[str, asyncio.Task[Mapping[str, Any]]] = {}
    for part in parts:
        try:
            arguments = {name: each.evaluate(variables) for name, each in part.arguments.items()}
        except ExpressionFailed as error:
            missing[part.name] = error.why or "an argument has no value"
            continue
        tasks[part.name] = asyncio.ensure_future(_view(read, part.operation, arguments))
    if tasks:
        await _within(list(tasks.values()), budget)
    for name, task in tasks.items():
        if task.cancelled():
            missing[name] = f"took longer than {budget:g} s"
            continue
        view = task.result()
        if view.get("state") == "succeeded":
            values[name] = view.get("output")
        else:
            missing[name] = _why(view)
    return Assembled(values, missing)


async def _view(read: Reader, operation: str, arguments: dict[str, Any]) -> Mapping[str, Any]:
    try:
        return await read(operation, arguments)
    except InterlockError as error:
        return {"state": "failed", "problem": error.problem()}


async def _within(tasks: list[asyncio.Task[Mapping[str, Any]]], budget: float) -> None:
    """Wait for *tasks* no longer than *budget* and leave none running, also when the waiter is cancelled."""
    try:
        await asyncio.wait(tasks, timeout=budget)
    finally:
        late = [task for task in tasks if not task.done()]
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)


def _why(view: Mapping[str, Any]) -> str:
    problem = view.get("problem") or {}
    reasons = (view.get("decision") or {}).get("reasons") or ()
    told = [str(reason.get("text")) for reason in reasons if reason.get("text")]
    return "; ".join(told) or str(problem.get("title") or problem.get("code") or view.get("state"))
