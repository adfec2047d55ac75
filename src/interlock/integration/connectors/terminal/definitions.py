"""From a declared dialogue to an operation's definition, and to what runs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from interlock.integration.connectors.declared import OperationInvalid
from interlock.integration.connectors.interface import OperationDeclaration
from interlock.integration.connectors.program.command import Command, CommandInvalid, command_of
from interlock.integration.connectors.terminal.dialogue import Dialogue, DialogueInvalid, dialogue_of
from interlock.integration.contracts import Contract, Definition, SchemaInvalid
from interlock.values.operations import Effect


@dataclass(frozen=True, slots=True)
class Job:
    """How one operation is run: a program, and what is said to it."""

    command: Command
    dialogue: Dialogue
    effect: Effect


def job_of(operation: OperationDeclaration) -> Job:
    """Return how *operation* is run. Raises `OperationInvalid`."""
    try:
        command = command_of(operation.origin)
        writes = operation.effect is not Effect.read
        return Job(command, dialogue_of(operation.settings.get("options") or {}, writes=writes), operation.effect)
    except CommandInvalid as error:
        raise OperationInvalid(str(error)) from None
    except DialogueInvalid as error:
        raise OperationInvalid(str(error), "options") from None


def define(operation: OperationDeclaration, job: Job) -> Definition:
    """Return the definition of an operation that *job* runs. Raises `OperationInvalid`."""
    written = dict(operation.settings.get("input") or {})
    schema = {"type": "object", "properties": {}, "additionalProperties": False, **written}
    try:
        Contract(schema)
    except SchemaInvalid as error:
        raise OperationInvalid(f"is no JSON Schema: {error}", "input") from None
    _all_used(job, schema["properties"])
    names = job.dialogue.names
    output = {
        "type": "object",
        "properties": {name: {"type": "string"} for name in names},
        "required": list(names),
        "additionalProperties": False,
    }
    binding = {"command": list(job.command.words), "options": operation.settings.get("options") or {}}
    return Definition(schema, output, binding, str(operation.settings.get("description", "")))


def _all_used(job: Job, properties: Mapping[str, Any]) -> None:
    """Raise `OperationInvalid` for a place without its argument, and for an argument that nothing is done with."""
    used = job.command.places | job.dialogue.places
    if unknown := used - properties.keys():
        raise OperationInvalid(f"has a place {{{min(unknown)}}}, which `input` does not declare", "options")
    if unused := properties.keys() - used:
        raise OperationInvalid(f"declares {min(unused)!r}, for which nothing has a place", "input")
