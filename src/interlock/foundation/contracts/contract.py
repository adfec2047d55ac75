"""A JSON Schema compiled once, whose complaints name places and rules but never repeat a value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import jsonschema_rs

from interlock.foundation.documents import pointer_of

MOST_BREACHES = 20
BACKTRACKS = 50_000  # a pattern that needs more counts as not matched
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
_PHRASES = {
    "minimum": "must be at least {limit}",
    "maximum": "must be at most {limit}",
    "exclusiveMinimum": "must be more than {limit}",
    "exclusiveMaximum": "must be less than {limit}",
    "multipleOf": "must be a multiple of {multiple_of}",
    "minLength": "must have at least {limit} characters",
    "maxLength": "must have at most {limit} characters",
    "minItems": "must have at least {limit} members",
    "maxItems": "must have at most {limit} members",
    "minProperties": "must have at least {limit} members",
    "maxProperties": "must have at most {limit} members",
    "uniqueItems": "must not repeat a member",
    "format": "must be written as {format}",
    "pattern": "must match the pattern {pattern}",
    "required": "lacks {property!r}",
    "anyOf": "fits none of the allowed forms",
    "oneOf": "fits none, or more than one, of the allowed forms",
    "not": "has a form that is not allowed",
    "falseSchema": "is not allowed",
    "contains": "lacks a member of the form that is asked for",
}


class SchemaInvalid(ValueError):
    """A schema is not valid, or refers to something outside itself; the text says where, for a finding."""


@dataclass(frozen=True, slots=True)
class Breach:
    """One broken rule: *pointer* (RFC 6901) names the place in the value, *reason* the rule."""

    pointer: str
    reason: str

    def to_json(self) -> dict[str, str]:
        """Return the breach as a JSON object."""
        return {"pointer": self.pointer, "reason": self.reason}


class Contract:
    """A compiled schema (2020-12, formats asserted, nothing fetched). Raises `SchemaInvalid` when made.

    `holds(value)` is the quick test, a bound function of the compiled schema.
    """

    __slots__ = ("_validator", "holds")

    def __init__(self, schema: Mapping[str, Any]) -> None:
        try:
            self._validator = _validator(dict(schema))
        except jsonschema_rs.ValidationError as error:
            raise SchemaInvalid(_about_schema(error)) from error
        except jsonschema_rs.ReferencingError as error:
            raise SchemaInvalid("a reference leads nowhere") from error
        self.holds = self._validator.is_valid

    def breaches(self, value: Any) -> list[Breach]:
        """Return the broken rules, at most `MOST_BREACHES`; empty where the contract holds."""
        return [_breach(error) for error in islice(self._validator.iter_errors(value), MOST_BREACHES)]


def _validator(schema: dict[str, Any]) -> Any:
    """Return *schema* compiled: with patterns that take linear time where all can be had so, else with bounded ones.

    A look-ahead or a back-reference needs the latter, and real documents have them.
    """
    try:
        return _compiled(schema, jsonschema_rs.RegexOptions())
    except jsonschema_rs.ValidationError:
        return _compiled(schema, jsonschema_rs.FancyRegexOptions(backtrack_limit=BACKTRACKS))


def _compiled(schema: dict[str, Any], patterns: Any) -> Any:
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True, offline=True, pattern_options=patterns)


def _breach(error: jsonschema_rs.ValidationError) -> Breach:
    pointer = pointer_of(error.instance_path)
    name = str(error.kind.name)
    parts: dict[str, Any] = error.kind.as_dict()
    if name == "type":
        types = sorted(parts["types"], key=lambda word: (word == "null", word))
        return Breach(pointer, f"must be of type {' or '.join(types)}")
    if name == "falseSchema" and error.schema_path[-1:] == ["additionalProperties"]:
        return Breach(pointer, "must have no members")
    if name in {"additionalProperties", "unevaluatedProperties"}:
        return Breach(pointer, f"has unknown members: {', '.join(_named(key) for key in parts['unexpected'][:5])}")
    if name in {"enum", "const"}:
        return Breach(pointer, "is not one of the allowed values")
    if name == "pattern" and "pattern" not in parts:
        return Breach(pointer, "takes too many steps to be compared with its pattern")
    phrase = _PHRASES.get(name)
    try:
        return Breach(pointer, phrase.format(**parts) if phrase else f"breaks the rule {name}")
    except KeyError:
        return Breach(pointer, f"breaks the rule {name}")


def _named(key: str) -> str:
    return key if _PLAIN_NAME.fullmatch(key) else "(a name that is no plain word)"


def _about_schema(error: jsonschema_rs.ValidationError) -> str:
    place = "/".join(str(part) for part in error.instance_path)
    text = str(error.message).partition("\n")[0][:200]
    return f"{place}: {text}" if place else text
