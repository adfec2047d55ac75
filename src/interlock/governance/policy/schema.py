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
from interlock.values.operations import SINK, Effect, Operation, Risk
from interlock.values.principals import Kind

PRINCIPALS = tuple(kind.value.capitalize() for kind in Kind)
"""The entity types of principals."""

PERSON = Record({"id": Field(STRING), "roles": Field(STRINGS)}, "SessionPerson")
DATA = Record(
    {
        "confidentiality": Field(STRING),
        "rank": Field(LONG),
        "categories": Field(STRINGS),
        "integrity": Field(STRING),
    },
    "Data",
)
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
        "planned": Field(BOOL, default=False),
        "tainted": Field(BOOL, default=True),
        "seen": Field(DATA, required=False),
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
        "named": Field(STRING, default="nothing"),
        "carries": Field(STRINGS, default=[]),
        "invents": Field(STRINGS, default=[]),
    },
    "Origin",
)
FLOW = Record(
    {
        "target_untrusted": Field(BOOL, default=True),
        "target_unknown": Field(BOOL, default=True),
        "target_named": Field(BOOL, default=False),
        "targets_named": Field(BOOL, default=False),
        "target_matched": Field(BOOL, default=False),
        "targets_matched": Field(BOOL, default=False),
        "act_named": Field(BOOL, default=False),
        "control_untrusted": Field(BOOL, default=True),
        "control_unknown": Field(BOOL, default=True),
        "content_carries": Field(STRINGS, default=[]),
        "cleared": Field(BOOL, default=False),
        "uncleared": Field(STRINGS, default=[]),
        "seen_cleared": Field(BOOL, default=False),
        "strayed_cleared": Field(BOOL, default=False),
    },
    "Flow",
)
QUALITY = Record({"stale": Field(BOOL), "missing": Field(STRINGS), "age_seconds": Field(LONG)}, "Quality")
USAGE = Record({"session_actions": Field(LONG), "operation_calls": Field(LONG), "repeats": Field(LONG)}, "Usage")
COMMON = (PERSON, DATA, SESSION, ORIGIN, FLOW, QUALITY, USAGE)
"""The records that every operation's context shares, by name in the schema."""


def action_groups(operation: Operation) -> tuple[str, ...]:
    """Return the action groups that an operation is in: its effect, its system, its risks, and whether it is a sink."""
    risks = sorted(risk.value for risk in operation.risks)
    return (operation.effect.value, operation.system, *risks, *([SINK] if operation.sink is not None else []))


GROUPS = (*(effect.value for effect in Effect), *(risk.value for risk in Risk), SINK)
"""The action groups that every project has, whether or not an operation is in them."""


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
            "flow": Field(FLOW),
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
    groups = sorted({*GROUPS, *(operation.system for operation in operations)})
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
