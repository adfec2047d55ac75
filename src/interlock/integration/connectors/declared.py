"""What an operation's own declaration says of its arguments, its result and its options, where no document does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interlock.integration.connectors.interface import OperationDeclaration
from interlock.integration.contracts import Contract, SchemaInvalid


class OperationInvalid(ValueError):
    """An operation cannot be made; *key* is the part of it that is wrong."""

    def __init__(self, message: str, key: str = "from") -> None:
        super().__init__(message)
        self.key = key


def options_of(operation: OperationDeclaration, fits: Contract) -> Mapping[str, Any]:
    """Return `options`. Raises `OperationInvalid` where they break *fits*."""
    options: Mapping[str, Any] = operation.settings.get("options") or {}
    if breaches := fits.breaches(options):
        raise OperationInvalid(f"{breaches[0].pointer or 'options'} {breaches[0].reason}", "options")
    return options


def arguments_of(operation: OperationDeclaration) -> dict[str, Any]:
    """Return the schemas that `input` declares, by the name of the argument."""
    return dict((operation.settings.get("input") or {}).get("properties") or {})


def usual_values(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of arguments that were not given: the `default` of their schemas."""
    return {name: one["default"] for name, one in arguments.items() if isinstance(one, Mapping) and "default" in one}


def schemas_of(operation: OperationDeclaration) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Return the JSON Schemas of `input`, closed unless it says otherwise, and of `output_schema`.

    Raises `OperationInvalid`.
    """
    schema = dict(operation.settings.get("input") or {})
    if schema.get("type", "object") != "object":
        raise OperationInvalid("must be a JSON Schema of type object", "input")
    schema = {"additionalProperties": False, **schema, "type": "object", "properties": arguments_of(operation)}
    output = operation.settings.get("output_schema")
    for part, key in ((schema, "input"), (output, "output_schema")):
        try:
            Contract(part or {})
        except SchemaInvalid as error:
            raise OperationInvalid(f"is no JSON Schema: {error}", key) from None
    return schema, output


def closed(properties: Mapping[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the JSON Schema of an object of *properties* and no others."""
    made: dict[str, Any] = {"type": "object", "properties": dict(properties), "additionalProperties": False}
    return {**made, "required": list(required)} if required else made
