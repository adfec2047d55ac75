"""What tools promise to answer holds for what they do answer, nested or not."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest

from interlock.experience.mcp.shapes import input_schema, output_schema, wrapped

STANDS = {"action": "act_1", "state": "waiting", "reasons": [{"rule": "r", "text": "t"}], "waiting_for": ["confirm"]}
ORDER = {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}, "additionalProperties": False}


def fits(schema: dict[str, Any] | None, value: Any) -> bool:
    assert schema is not None
    assert schema["type"] == "object"
    return bool(jsonschema_rs.Draft202012Validator(schema).is_valid(value))


def test_an_object_is_answered_as_it_is() -> None:
    shown = output_schema(ORDER)
    assert fits(shown, {"id": 1})
    assert not fits(shown, {"id": "x"})


def test_a_call_that_waits_fits_the_same_promise() -> None:
    assert fits(output_schema(ORDER), STANDS)


@pytest.mark.parametrize("schema", [{"type": "array", "items": ORDER}, {"type": ["object", "null"]}, {"enum": [1]}])
def test_what_need_not_be_an_object_is_wrapped(schema: dict[str, Any]) -> None:
    assert wrapped(schema)
    assert fits(output_schema({"type": "array", "items": ORDER}), {"result": [{"id": 1}]})


def test_references_into_the_definitions_still_lead_there() -> None:
    shown = output_schema({"type": "array", "items": {"$ref": "#/$defs/order"}, "$defs": {"order": ORDER}})
    assert fits(shown, {"result": [{"id": 1}]})
    assert not fits(shown, {"result": [{"id": "x"}]})


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"next": {"$ref": "#"}}},
        {"type": "object", "properties": {"a": {"type": "string"}, "b": {"$ref": "#/properties/a"}}},
        {"type": "object", "$id": "urn:own"},
        {"type": "object", "$schema": "http://json-schema.org/draft-07/schema#"},
        None,
    ],
)
def test_a_promise_that_would_change_its_meaning_is_not_made(schema: dict[str, Any] | None) -> None:
    assert output_schema(schema) is None


def test_no_argument_is_asked_for_in_a_header() -> None:
    own = {"properties": {"id": {"type": "string", "x-mcp-header": "Id"}, "x-mcp-header": {"type": "string"}}}
    shown = input_schema(own)
    assert shown["type"] == "object"
    assert "x-mcp-header" not in shown["properties"]["id"]
    assert "x-mcp-header" in shown["properties"]
