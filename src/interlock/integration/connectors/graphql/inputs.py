"""An operation's variables as a JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from interlock.integration.connectors.graphql.schema import SchemaInvalid

if TYPE_CHECKING:
    from graphql import GraphQLInputObjectType, GraphQLSchema, OperationDefinitionNode

DESCRIPTION_LENGTH = 500
_BUILT_IN: dict[str, dict[str, Any]] = {
    "Int": {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1},
    "Float": {"type": "number"},
    "String": {"type": "string"},
    "Boolean": {"type": "boolean"},
    "ID": {"type": "string"},
}


def scalar(name: str, custom: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a scalar; one of the system's own that nobody described may be any JSON."""
    return dict(custom.get(name) or _BUILT_IN.get(name, {}))


def nullable(schema: dict[str, Any]) -> dict[str, Any]:
    """Return *schema*, or null."""
    if not schema:
        return schema
    if isinstance(schema.get("type"), str) and not {"enum", "const"} & schema.keys():
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


class Inputs:
    """Turns types of variables into schemas; input objects, which may hold themselves, become `$defs`."""

    def __init__(self, schema: GraphQLSchema, scalars: Mapping[str, Any]) -> None:
        self._schema = schema
        self._scalars = scalars
        self._defs: dict[str, dict[str, Any]] = {}

    def arguments(self, operation: OperationDefinitionNode) -> dict[str, Any]:
        """Return the input schema of *operation*. Raises `SchemaInvalid`."""
        from graphql import is_non_null_type, type_from_ast

        properties: dict[str, Any] = {}
        required = []
        for variable in operation.variable_definitions or ():
            name = variable.variable.name.value
            kind = type_from_ast(self._schema, variable.type)
            properties[name] = self._of(kind)
            if is_non_null_type(kind) and variable.default_value is None:
                required.append(name)
        schema: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
        schema |= {"required": sorted(required)} if required else {}
        return schema | ({"$defs": self._defs} if self._defs else {})

    def _of(self, kind: Any) -> dict[str, Any]:
        from graphql import is_enum_type, is_input_object_type, is_list_type, is_non_null_type, is_scalar_type

        if is_non_null_type(kind):
            return self._present(kind.of_type)
        if not any(check(kind) for check in (is_enum_type, is_input_object_type, is_list_type, is_scalar_type)):
            raise SchemaInvalid("has a variable of a type that is no input")
        return nullable(self._present(kind))

    def _present(self, kind: Any) -> dict[str, Any]:
        from graphql import is_enum_type, is_input_object_type, is_list_type

        if is_list_type(kind):
            return {"type": "array", "items": self._of(kind.of_type)}
        if is_enum_type(kind):
            return {"type": "string", "enum": sorted(kind.values)}
        if is_input_object_type(kind):
            self._define(kind)
            return {"$ref": f"#/$defs/{kind.name}"}
        return scalar(kind.name, self._scalars)

    def _define(self, kind: GraphQLInputObjectType) -> None:
        from graphql import is_required_input_field

        if kind.name in self._defs:
            return
        found: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}
        self._defs[kind.name] = found  # before its fields, which may refer to it
        for name, one in kind.fields.items():
            member = self._of(one.type)
            if one.description:
                member = {**member, "description": one.description[:DESCRIPTION_LENGTH]}
            found["properties"][name] = member
        required = sorted(name for name, one in kind.fields.items() if is_required_input_field(one))
        if required:
            found["required"] = required
        if getattr(kind, "is_one_of", False):
            found |= {"minProperties": 1, "maxProperties": 1}
