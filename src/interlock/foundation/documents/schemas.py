"""The published JSON Schemas of a project's files, one per kind of file."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import jsonschema_rs

KINDS = (
    "interlock",
    "system",
    "labels",
    "facade",
    "agent",
    "team",
    "trigger",
    "job",
    "models",
    "prices",
    "budgets",
    "rules",
    "policy-tests",
    "evaluation",
    "attacks",
)
"""Every kind of project file that has a schema."""


def schema_text(kind: str) -> str:
    """Return the JSON Schema of *kind*, as published. Raises `KeyError` for none of `KINDS`."""
    if kind not in KINDS:
        raise KeyError(kind)
    return files("interlock.foundation.documents").joinpath("schemas", f"{kind}.json").read_text(encoding="utf-8")


@cache
def schema_of(kind: str) -> dict[str, Any]:
    """Return the parsed schema of *kind*; shared, not to be changed."""
    schema: dict[str, Any] = json.loads(schema_text(kind))
    return schema


@cache
def validator_of(kind: str) -> jsonschema_rs.Draft202012Validator:
    """Return the compiled validator of *kind*."""
    return compile_schema(schema_of(kind))


def compile_schema(schema: dict[str, Any]) -> jsonschema_rs.Draft202012Validator:
    """Return a validator whose messages never repeat the value that they are about."""
    import jsonschema_rs

    return jsonschema_rs.Draft202012Validator(schema, mask="the value")
