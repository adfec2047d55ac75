"""What a derived plan may foresee: a use that changes anything, only on what the person named.

A plan loosens policies (`context.session.planned`), so one that a model made must not be wider than the request.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from interlock.governance.labels import Memory
from interlock.governance.labels.schemas import property_schemas
from interlock.orchestration.sessions import PlanStep
from interlock.values.operations import Effect, Operation, Role


def narrowed(step: PlanStep, operation: Operation, memory: Memory) -> PlanStep | str:
    """Return *step* with what it leaves open closed, or why it cannot be; plain reads stay as they are.

    Each argument that says on what the operation works (of one that spends, destroys, decides or cannot be undone:
    also how much and how) is narrowed to values that the person wrote or the session knows; an optional one that
    nobody named is not to be given at all. The use happens once unless the step says how often.
    """
    if not operation.consequential:
        return step
    required = operation.input_schema.get("required") or ()
    arguments = dict(step.arguments)
    for name in _deciding(operation):
        if name in arguments:
            if not _named(operation, name, arguments[name], memory):
                return f"neither the person nor the session names its {name}"
        elif name in required:
            return f"nothing says yet what its {name} is"
        else:
            arguments[name] = None
    return replace(step, times=step.times or 1, arguments=arguments)


def _deciding(operation: Operation) -> list[str]:
    """Return the arguments that decide what a use of *operation* comes to."""
    grave = operation.effect is Effect.irreversible or bool(operation.risks)
    roles = {Role.target, Role.control} if grave else {Role.target}
    names = dict.fromkeys([*property_schemas(operation.input_schema), *operation.arguments])
    return [name for name in names if operation.arguments.get(name, Role.control) in roles]


def _named(operation: Operation, name: str, pattern: Any, memory: Memory) -> bool:
    if not isinstance(pattern, Mapping):
        return pattern is None or _seen(operation, name, pattern, memory)
    bounds = [*pattern.get("any_of", ()), *([pattern["at_most"]] if "at_most" in pattern else ())]
    return bool(bounds) and all(bound is None or _seen(operation, name, bound, memory) for bound in bounds)


def _seen(operation: Operation, name: str, value: Any, memory: Memory) -> bool:
    origin = memory.origins(operation, {name: value})[name]
    return not origin.unknown and not origin.untrusted
