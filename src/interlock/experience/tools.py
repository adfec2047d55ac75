"""What a caller sees of the operations: which it may use, and each as a tool with honest hints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interlock.governance.policy import permitted_operations
from interlock.integration.systems import CompiledOperation
from interlock.orchestration.actions import View
from interlock.orchestration.project import Project
from interlock.values.operations import Effect, Risk
from interlock.values.principals import Kind, Principal


def permitted(project: Project, principal: Principal) -> list[CompiledOperation]:
    """Return the operations at least one policy could allow the caller, in stable order."""
    names = permitted_operations(principal.to_json(), project.policies)
    if principal.kind is Kind.agent:
        spec = project.agents.get(principal.id)
        names = tuple(name for name in names if spec is not None and spec.may_use(name))
    return [project.catalog.operations[name] for name in sorted(names)]


def describe(compiled: CompiledOperation, view: View) -> dict[str, Any]:
    """Return an operation's contract for a caller: with what is hidden from it as text."""
    operation = compiled.operation
    shown = promised(compiled, view)
    described: dict[str, Any] = {
        "id": operation.id,
        "system": operation.system,
        "effect": operation.effect.value,
        "description": operation.description,
        "input_schema": operation.input_schema,
        "digest": compiled.digest,
        "hints": hints(compiled),
    }
    if shown is not None:
        described["output_schema"] = shown
    return described


def promised(compiled: CompiledOperation, view: View) -> Mapping[str, Any] | None:
    """Return the schema that the caller's results fit: the operation's, with what is hidden from it as text."""
    mask = view.mask(compiled.operation.id)
    return mask.schema if mask is not None else None


def hints(compiled: CompiledOperation) -> dict[str, bool]:
    """Return the tool hints of the Model Context Protocol, taken from the declaration, never from upstream."""
    operation = compiled.operation
    read = operation.effect is Effect.read
    return {
        "readOnlyHint": read,
        "destructiveHint": operation.effect is Effect.irreversible or Risk.destructive in operation.risks,
        "idempotentHint": read or operation.repeatable,
        "openWorldHint": operation.sink is not None,
    }
