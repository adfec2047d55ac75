"""What a caller sees of the operations: which it may use, and each as a tool with honest hints."""

from __future__ import annotations

from typing import Any

from interlock.governance.policy import permitted_operations
from interlock.integration.systems import CompiledOperation
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


def describe(compiled: CompiledOperation) -> dict[str, Any]:
    """Return an operation's contract for a caller."""
    operation = compiled.operation
    described: dict[str, Any] = {
        "id": operation.id,
        "system": operation.system,
        "effect": operation.effect.value,
        "description": operation.description,
        "input_schema": operation.input_schema,
        "digest": compiled.digest,
        "hints": hints(compiled),
    }
    if operation.output_schema is not None:
        described["output_schema"] = operation.output_schema
    return described


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
