"""The Cedar types of JSON Schemas, and the schema generated from operations."""

from __future__ import annotations

from typing import Any

import cedarpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.governance.policy import OperationShape, compile_policies
from interlock.governance.policy.types import field_of
from interlock.values.operations import Effect, Operation
from tests.governance.policy.trading import SHAPES, WORLD, compiled

ROOT = {
    "$defs": {"money": {"type": "number"}, "loop": {"$ref": "#/$defs/loop"}},
    "components": {"schemas": {"Line": {"type": "object", "properties": {"n": {"type": "integer"}}}}},
}


@pytest.mark.parametrize(
    ("schema", "cedar"),
    [
        ({"type": "string"}, "String"),
        ({"type": "string", "format": "date-time"}, "String"),
        ({"type": "integer"}, "Long"),
        ({"type": "number"}, "decimal"),
        ({"type": "boolean"}, "Bool"),
        ({"enum": ["a", "b"]}, "String"),
        ({"const": "a"}, "String"),
        ({"type": "array", "items": {"type": "integer"}}, "Set<Long>"),
        ({"$ref": "#/$defs/money"}, "decimal"),
        ({"$ref": "#/components/schemas/Line"}, '{"n"?: Long}'),
        ({"allOf": [{"$ref": "#/$defs/money"}]}, "decimal"),
        (
            {"allOf": [{"properties": {"a": {"type": "string"}}, "required": ["a"]},
                       {"type": "object", "properties": {"b": {"type": "integer"}}}]},
            '{"a": String, "b"?: Long}',
        ),
        ({"type": ["string", "null"]}, "String?"),
        ({"type": "string", "nullable": True}, "String?"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "Long?"),
        ({"type": "object", "properties": {"a b": {"type": "string"}, "x": {}}, "required": ["a b"]},
         '{"a b": String}'),
        ({"type": ["string", "integer"]}, None),
        ({"oneOf": [{"type": "string"}, {"type": "integer"}]}, None),
        ({"type": "array"}, None),
        ({"type": "array", "items": {"type": ["string", "null"]}}, None),
        ({"type": "object"}, None),
        ({"type": "object", "properties": {"__entity": {"type": "string"}, 'q"': {"type": "string"}}}, None),
        ({"enum": ["a", 1]}, None),
        ({"$ref": "#/$defs/loop"}, None),
        ({"$ref": "#/$defs/nothing"}, None),
        ({"$ref": "https://elsewhere.example/x"}, None),
        ({}, None),
    ],
)  # fmt: skip
def test_the_type_of_a_schema(schema: dict[str, Any], cedar: str | None) -> None:
    found = field_of(schema, ROOT, required=True)
    assert (found.type.cedar() + ("" if found.required else "?") if found else None) == cedar


def test_the_schema_is_one_that_cedar_reads_and_says_the_groups() -> None:
    policies = compiled()
    cedarpy.Schema.from_str(policies.schema)
    assert 'action "billing.issue_refund" in [Action::"write", Action::"billing"]' in policies.schema
    assert '"region"?: String' in policies.schema
    assert "either" not in policies.schema.split('"input"')[1].split('"facts"')[0]
    assert compile_policies({}, SHAPES[::-1], WORLD).schema == policies.schema


names = st.text(min_size=1, max_size=12)
schemas = st.recursive(
    st.sampled_from([{"type": "string"}, {"type": "number"}, {"type": ["integer", "null"]}, {"type": "boolean"}, {}]),
    lambda inner: (
        inner.map(lambda items: {"type": "array", "items": items})
        | st.dictionaries(names, inner, max_size=4).map(
            lambda fields: {"type": "object", "properties": fields, "required": list(fields)[:2]}
        )
    ),
    max_leaves=8,
)


@given(st.dictionaries(names, schemas, max_size=4), st.dictionaries(names, schemas, max_size=3))
def test_any_operation_has_a_schema(properties: dict[str, Any], facts: dict[str, Any]) -> None:
    operation = Operation(
        "crm", "put", Effect.write, input_schema={"type": "object", "properties": properties, "required": []}
    )
    policies = compile_policies({}, [OperationShape(operation, facts)], WORLD)
    cedarpy.Schema.from_str(policies.schema)
