"""Answers that are asked of a model as JSON of a given shape, in OpenAI's `response_format`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from interlock.intelligence.gateway.messages import ModelRequest

RESPONSE_FORMAT = "response_format"

PLAN = "interlock_plan"
"""The name of the format of a plan: which operations a request will take, how often, and with what arguments.

A provider that knows the format by its name answers without a model; any other is shown the schema.
"""

_FENCED = re.compile(r"\s*```(?:json)?\s*\n(.*)\n\s*```\s*", re.DOTALL)
_STEP: dict[str, Any] = {
    "type": "object",
    "required": ["operation"],
    "properties": {
        "operation": {"type": "string", "description": "one of the listed operations"},
        "times": {"type": "integer", "minimum": 0, "description": "how often at most; 0: as often as wanted"},
        "arguments": {
            "type": "object",
            "description": "what its arguments are narrowed to: a value, null (not given), or an object with any_of,"
            " at_most, at_least or like",
        },
    },
    "additionalProperties": False,
}
PLAN_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["steps"],
    "properties": {
        "steps": {"type": "array", "items": _STEP},
        "notes": {"type": "array", "items": {"type": "string"}, "description": "what the request leaves open"},
    },
    "additionalProperties": False,
}


def json_format(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a request whose answer is to be JSON by *schema*."""
    return {RESPONSE_FORMAT: {"type": "json_schema", "json_schema": {"name": name, "schema": dict(schema)}}}


def json_hint(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a request whose answer is to be JSON like *schema*, and is taken as it comes.

    OpenAI's interface says so by `strict: false`.
    """
    declared = {"name": name, "schema": dict(schema), "strict": False}
    return {RESPONSE_FORMAT: {"type": "json_schema", "json_schema": declared}}


def format_of(request: ModelRequest) -> str:
    """Return the name of the format that *request* asks for; empty where it asks for none."""
    wanted = request.parameters.get(RESPONSE_FORMAT)
    declared = wanted.get("json_schema") if isinstance(wanted, Mapping) else None
    name = declared.get("name") if isinstance(declared, Mapping) else None
    return name if isinstance(name, str) else ""


def schema_of(request: ModelRequest) -> Mapping[str, Any] | None:
    """Return the schema that *request* asks the answer to fit; None for none, and for one that is only a hint."""
    wanted = request.parameters.get(RESPONSE_FORMAT)
    declared = wanted.get("json_schema") if isinstance(wanted, Mapping) else None
    if not isinstance(declared, Mapping) or declared.get("strict") is False:
        return None
    schema = declared.get("schema")
    return schema if isinstance(schema, Mapping) else None


def bare(text: str) -> str:
    """Return an answer in JSON without the fence that it may stand in."""
    fenced = _FENCED.fullmatch(text)
    return fenced[1] if fenced else text


def json_of(text: str, *, largest: int) -> Any:
    """Return the JSON value that a model's answer is, also where it stands in a fence; None for anything else.

    So is an answer of more than *largest* characters, and one that is `null`.
    """
    if len(text) > largest:
        return None
    try:
        return orjson.loads(bare(text))
    except orjson.JSONDecodeError:
        return None
