"""The Cedar schema of a project: entity types, and one action per operation with its context typed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from interlock.governance.policy.types import (
    BOOL,
    DATETIME,
    LONG,
    STRING,
    STRINGS,
    Field,
    Record,
    field_of,
    record_of,
    sayable,
)
from interlock.governance.policy.world import OperationShape, World
from interlock.values.operations import Effect, Operation
from interlock.values.principals import Kind

PRINCIPALS = tuple(kind.value.capitalize() for kind in Kind)
"""The entity types of principals."""

PERSON = Record({"id": Field(STRING), "roles": Field(STRINGS)}, "SessionPerson")
SESSION = Record(
    {
        "id": Field(STRING),
        "channel": Field(STRING, default=""),
        "customer": Field(STRING, default=""),
        "verification": Field(STRING, default=""),
        "verified": Field(LONG),
        "purpose": Field(STRING, default=""),
        "consent": Field(STRINGS),
        "done": Field(STRINGS),
        "person": Field(PERSON, required=False),
        "requested": Field(BOOL),
        "in_plan": Field(BOOL),
    },
    "Session",
)
ORIGIN = Record(
    {
        "untrusted": Field(BOOL),
        "unknown": Field(BOOL),
        "person": Field(BOOL),
        "sources": Field(STRINGS),
        "where": Field(STRINGS),
    },
    "Origin",
)
DATA = Record(
    {
        "confidentiality": Field(STRING),
        "rank": Field(LONG),
        "categories": Field(STRINGS),
        "integrity": Field(STRING),
    },
    "Data",
)
QUALITY = Record({"stale": Field(BOOL), "missing": Field(STRINGS), "age_seconds": Field(LONG)}, "Quality")
USAGE = Record({"session_actions": Field(LONG), "operation_calls": Field(LONG), "repeats": Field(LONG)}, "Usage")
COMMON = (PERSON, SESSION, ORIGIN, DATA, QUALITY, USAGE)
"""The records that every operation's context shares, by name in the schema."""


def action_groups(operation: Operation) -> tuple[str, str]:
    """Return the action groups that an operation is in: its effect and its system."""
    return (operation.effect.value, operation.system)


def context_type(shape: OperationShape) -> Record:
    """Return the type of `context` for one operation."""
    schema = shape.operation.input_schema
    facts: dict[str, Field] = {}
    for name, fact in shape.facts.items():
        attribute = field_of(fact, fact, required=True) if sayable(name) else None
        if attribute is not None:
            facts[name] = attribute
    arguments = [name for name in (schema.get("properties") or {}) if sayable(name)]
    return Record(
        {
            "input": Field(record_of(schema, schema)),
            "facts": Field(Record(facts)),
            "session": Field(SESSION),
            "origins": Field(Record({name: Field(ORIGIN) for name in arguments})),
            "data": Field(DATA),
            "quality": Field(QUALITY),
            "usage": Field(USAGE),
            "now": Field(DATETIME),
        }
    )


def principal_type(world: World) -> Record:
    """Return the type of a principal's attributes."""
    declared = {name: Field(STRING, required=False) for name in sorted(world.attributes) if sayable(name)}
    return Record({"tenant": Field(STRING), "roles": Field(STRINGS), "attributes": Field(Record(declared))})


def generate_schema(shapes: Iterable[OperationShape], contexts: Mapping[str, Record], world: World) -> str:
    """Return the schema in Cedar's own syntax; equal projects give equal text."""
    lines = ["// Generated from the project's operations.", ""]
    lines += [f"type {record.name} = {record.definition()};" for record in COMMON]
    attributes = principal_type(world).definition()
    lines += ["", "entity Role;"]
    lines += [f"entity {kind} in [Role] = {attributes};" for kind in PRINCIPALS]
    lines += ['entity System = {"kind": String};', ""]
    operations = sorted((shape.operation for shape in shapes), key=lambda operation: operation.id)
    groups = sorted({effect.value for effect in Effect} | {operation.system for operation in operations})
    lines += [f'action "{group}";' for group in groups]
    principals = ", ".join(PRINCIPALS)
    for operation in operations:
        parents = ", ".join(f'Action::"{group}"' for group in action_groups(operation))
        context = contexts[operation.id].cedar()
        lines += [
            "",
            f'action "{operation.id}" in [{parents}] appliesTo {{',
            f"  principal: [{principals}], resource: [System],",
            f"  context: {context}",
            "};",
        ]
    return "\n".join(lines) + "\n"
