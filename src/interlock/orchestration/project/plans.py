"""Compiled uses of one operation by another: its undo, and the read that tells what a lost call did."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from interlock.foundation.expressions import Expression, ExpressionInvalid, compile_expression
from interlock.values.operations import Call, Effect, Operation

Report = Callable[[str, str, str], None]
"""Takes what is wrong with a system's file: the system, a JSON pointer into its file, the message."""

_PAST = frozenset({"input", "output", "facts", "key"})
_ASKED = frozenset({"input", "key"})
"""What is known of an action whose answer is lost."""
_RESULT = frozenset({"result", "input", "key"})


@dataclass(frozen=True, slots=True)
class CallPlan:
    """Arguments for *operation*, computed from what an action was asked for and returned."""

    operation: str
    arguments: Mapping[str, Expression]

    def build(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments. Raises `ExpressionFailed` where the action has no such value."""
        return {name: expression.evaluate(dict(variables)) for name, expression in self.arguments.items()}


@dataclass(frozen=True, slots=True)
class ReadBackPlan:
    """A read, whether its result shows the effect, and what the lost answer would have been."""

    call: CallPlan
    found: Expression
    output: Expression


def _short(call: Call, target: Operation, source: Operation, known: frozenset[str]) -> Call:
    """Fill in the arguments of a call written as a bare name: of the same name from output, if that is *known*, then
    from input.
    """
    if call.arguments:
        return call
    given = set((source.output_schema or {}).get("properties", {})) if "output" in known else set()
    names = (target.input_schema or {}).get("properties", {})
    required = set((target.input_schema or {}).get("required", ()))
    own = set((source.input_schema or {}).get("properties", {}))
    return Call(
        call.operation,
        {
            name: f"output.{name}" if name in given else f"input.{name}"
            for name in names
            if name in given or (name in own and name in required)
        },
    )


def compile_call(
    call: Call, source: Operation, operations: Mapping[str, Operation], known: frozenset[str] = _PAST
) -> CallPlan:
    """Return the plan of *call*, of what is *known* of an action. Raises `ValueError` saying what is wrong with it."""
    name = call.operation if "." in call.operation else f"{source.system}.{call.operation}"
    target = operations.get(name)
    if target is None:
        raise ValueError(f"names {name!r}, which no system declares")
    full = _short(Call(name, call.arguments), target, source, known)
    missing = set((target.input_schema or {}).get("required", ())) - set(full.arguments)
    if missing:
        raise ValueError(f"does not say where {name} takes {', '.join(sorted(missing))} from")
    try:
        return CallPlan(name, {key: compile_expression(text, variables=known) for key, text in full.arguments.items()})
    except ExpressionInvalid as error:
        raise ValueError(error.what) from error


def compile_plans(
    operations: Mapping[str, Operation], report: Report
) -> tuple[dict[str, CallPlan], dict[str, ReadBackPlan]]:
    """Return the undo and read-back plans of all operations; what is wrong goes to *report*."""
    undos: dict[str, CallPlan] = {}
    read_backs: dict[str, ReadBackPlan] = {}
    for operation in operations.values():
        try:
            if operation.undo is not None:
                undos[operation.id] = compile_call(operation.undo, operation, operations)
        except ValueError as error:
            report(operation.system, f"/operations/{operation.name}/undo", f"undo {error}")
        try:
            if operation.read_back is not None:
                read_backs[operation.id] = _read_back(operation, operations)
        except ValueError as error:
            report(operation.system, f"/operations/{operation.name}/read_back", f"read_back {error}")
    return undos, read_backs


def _read_back(operation: Operation, operations: Mapping[str, Operation]) -> ReadBackPlan:
    declared = operation.read_back
    assert declared is not None
    call = compile_call(declared.call, operation, operations, _ASKED)
    if operations[call.operation].effect is not Effect.read:
        raise ValueError(f"{call.operation} is not declared with effect: read")
    try:
        found = compile_expression(declared.found, variables=_RESULT)
        output = compile_expression(declared.output, variables=_RESULT)
    except ExpressionInvalid as error:
        raise ValueError(error.what) from error
    return ReadBackPlan(call, found, output)
