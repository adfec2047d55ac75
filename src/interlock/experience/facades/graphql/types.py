"""GraphQL types (specification of October 2021) made from JSON Schemas.

What GraphQL has no type for is of the scalar `JSON`. Integers are `Int` where the schema keeps them within 32 bits,
else `Long`. Results are all nullable: what is hidden from a caller, or missing, is null and has an error beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from interlock.experience.facades.errors import InterfaceMissing
from interlock.governance.labels import is_masked
from interlock.integration.facades import ITEMS, Endpoint, Facade, resolved

if TYPE_CHECKING:
    from graphql import GraphQLField, GraphQLInputType, GraphQLOutputType, GraphQLScalarType, GraphQLSchema

Schema = Mapping[str, Any]
HIDDEN = "hidden"
EMPTY = "_facade"
_NAME = re.compile(r"(?!__)[_A-Za-z][_0-9A-Za-z]*")
_SMALLEST, _LARGEST = -(1 << 31), (1 << 31) - 1
_UNKNOWN: dict[str, Any] = {}


def require() -> None:
    """Raise `InterfaceMissing` where the package for GraphQL is not installed."""
    if find_spec("graphql") is None:
        raise InterfaceMissing(
            "this facade has no GraphQL here",
            why="the package graphql-core is not installed",
            fix="pip install 'interlock-control[graphql]'",
        )


def sdl(facade: Facade, endpoints: Iterable[Endpoint]) -> str:
    """Return the schema in GraphQL's own language. Raises `InterfaceMissing`."""
    require()
    from graphql import print_schema

    return print_schema(schema_of(facade, endpoints))


def schema_of(facade: Facade, endpoints: Iterable[Endpoint]) -> GraphQLSchema:
    """Return the executable schema: what reads is a query, what changes something a mutation."""
    from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema, GraphQLString

    types = _Types()
    queries: dict[str, GraphQLField] = {}
    mutations: dict[str, GraphQLField] = {}
    for endpoint in endpoints:
        (queries if endpoint.reads else mutations)[endpoint.name] = types.field(endpoint)
    if not queries:
        queries[EMPTY] = GraphQLField(GraphQLString, resolve=lambda *_: facade.name, description="The facade's name.")
    return GraphQLSchema(
        query=GraphQLObjectType("Query", queries),
        mutation=GraphQLObjectType("Mutation", mutations) if mutations else None,
        description=facade.description or facade.title,
    )


class _Types:
    """The types of one schema, each name given once."""

    def __init__(self) -> None:
        from graphql import GraphQLScalarType

        self._taken = {"Query", "Mutation", "JSON", "Long", "Int", "Float", "String", "Boolean", "ID"}
        self._json = GraphQLScalarType("JSON", description="Any JSON value.")
        self._long = _long()
        self._shared: dict[tuple[str, str], Any] = {}

    def field(self, endpoint: Endpoint) -> GraphQLField:
        """Return the field for an endpoint; who executes says how it is resolved."""
        from graphql import GraphQLArgument, GraphQLField, GraphQLNonNull

        name = _pascal(endpoint.name)
        given = endpoint.input_schema
        required = given.get("required", ())
        arguments = {}
        for argument, schema in given["properties"].items():
            own: Any = self._input(schema, given, f"{name}{_pascal(argument)}Input")
            described = str(schema.get("description", "")) or None
            kind = GraphQLNonNull(own) if argument in required else own
            arguments[argument] = GraphQLArgument(kind, description=described)
        promised = endpoint.output_schema(endpoint.compiled.operation.output_schema) or _UNKNOWN
        output = self._output(promised, promised, f"{name}Result", endpoint.name)
        return GraphQLField(output, args=arguments, description=endpoint.description.strip() or None)

    def _output(self, schema: Schema, root: Schema, name: str, endpoint: str) -> GraphQLOutputType:
        from graphql import GraphQLList

        reference = schema.get("$ref")
        if isinstance(reference, str):
            key = (endpoint, reference)
            if key not in self._shared:
                self._shared[key] = self._json  # what holds itself without an object between is of no type
                whole = resolved(schema, root)
                self._shared[key] = self._output_object(whole, root, f"{name}Item", endpoint, key) or self._output(
                    whole, root, name, endpoint
                )
            found: GraphQLOutputType = self._shared[key]
            return found
        schema = _plain(schema)
        made = self._output_object(schema, root, name, endpoint)
        if made is not None:
            return made
        if schema.get("type") == "array" and isinstance(schema.get("items"), Mapping):
            return GraphQLList(self._output(schema["items"], root, f"{name}Item", endpoint))
        return self._scalar(schema)

    def _output_object(
        self, schema: Schema, root: Schema, name: str, endpoint: str, key: tuple[str, str] | None = None
    ) -> GraphQLOutputType | None:
        from graphql import GraphQLObjectType

        properties = _members(schema)
        if properties is None:
            return None
        made: Any = GraphQLObjectType(
            self._name(name),
            lambda: {
                member: self._member(member, one, self._output(one, root, _inner(name, member), endpoint))
                for member, one in properties.items()
            },
            description=schema.get("description"),
        )
        if key is not None:
            self._shared[key] = made
        _ = made.fields  # made now, in one order, so that names come out the same each time
        return made  # type: ignore[no-any-return]  # the class is only known where it was imported

    def _member(self, member: str, schema: Schema, kind: GraphQLOutputType) -> GraphQLField:
        from graphql import GraphQLError, GraphQLField, GraphQLString

        def resolve(source: Any, _info: Any) -> Any:
            value = source.get(member) if isinstance(source, Mapping) else None
            if is_masked(value) and kind is not GraphQLString:
                raise GraphQLError(str(value), extensions={"code": HIDDEN})
            return value

        return GraphQLField(kind, resolve=resolve, description=str(schema.get("description", "")) or None)

    def _input(self, schema: Schema, root: Schema, name: str, depth: int = 0) -> GraphQLInputType:
        from graphql import GraphQLInputField, GraphQLInputObjectType, GraphQLList, GraphQLNonNull

        schema = _plain(resolved(schema, root))
        properties = _members(schema)
        if depth > _DEEPEST:
            return self._json
        if properties is not None:
            fields: dict[str, GraphQLInputField] = {}
            for member, one in properties.items():
                own: Any = self._input(one, root, f"{name}{_pascal(member)}", depth + 1)
                kind = GraphQLNonNull(own) if member in schema.get("required", ()) else own
                fields[member] = GraphQLInputField(kind, description=str(one.get("description", "")) or None)
            return GraphQLInputObjectType(self._name(name), fields)
        if schema.get("type") == "array" and isinstance(schema.get("items"), Mapping):
            inner: Any = self._input(schema["items"], root, f"{name}Item", depth + 1)
            return GraphQLList(GraphQLNonNull(inner))
        return self._scalar(schema)

    def _scalar(self, schema: Schema) -> GraphQLScalarType:
        from graphql import GraphQLBoolean, GraphQLFloat, GraphQLInt, GraphQLString

        kind = schema.get("type")
        if kind == "integer":
            small = (
                schema.get("minimum", _SMALLEST - 1) >= _SMALLEST and schema.get("maximum", _LARGEST + 1) <= _LARGEST
            )
            return GraphQLInt if small else self._long
        known = {"string": GraphQLString, "number": GraphQLFloat, "boolean": GraphQLBoolean}
        return known.get(str(kind), self._json)

    def _name(self, wanted: str) -> str:
        name, number = wanted, 2
        while name in self._taken:
            name, number = f"{wanted}{number}", number + 1
        self._taken.add(name)
        return name


_DEEPEST = 8
"""Levels of objects in an argument; what lies deeper is of the scalar `JSON`."""


def _long() -> GraphQLScalarType:
    from graphql import GraphQLError, GraphQLScalarType, IntValueNode

    def whole(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise GraphQLError("this is no whole number")
        return value

    def literal(node: Any, _variables: Any = None) -> int:
        if not isinstance(node, IntValueNode):
            raise GraphQLError("this is no whole number", node)
        return int(node.value)

    description = "A whole number of any size."
    return GraphQLScalarType("Long", serialize=whole, parse_value=whole, parse_literal=literal, description=description)


def _plain(schema: Schema) -> Schema:
    """Return a schema that allows null beside one other form as that form."""
    kinds = schema.get("type")
    if isinstance(kinds, list):
        rest = [kind for kind in kinds if kind != "null"]
        return {**schema, "type": rest[0]} if len(rest) == 1 else {k: v for k, v in schema.items() if k != "type"}
    for word in ("anyOf", "oneOf"):
        members = schema.get(word)
        if isinstance(members, list):
            rest = [one for one in members if not (isinstance(one, Mapping) and one.get("type") == "null")]
            if len(rest) == 1 and isinstance(rest[0], Mapping) and "$ref" not in rest[0]:
                return _plain(rest[0])
            return _UNKNOWN
    return schema


def _members(schema: Schema) -> Mapping[str, Schema] | None:
    """Return the members of an object that GraphQL can have as a type; None for all else."""
    properties = schema.get("properties")
    if schema.get("type", "object") != "object" or not isinstance(properties, Mapping) or not properties:
        return None
    if {"allOf", "anyOf", "oneOf"} & schema.keys() or schema.get("additionalProperties") not in (None, False):
        return None
    if not all(_NAME.fullmatch(name) and isinstance(one, Mapping) for name, one in properties.items()):
        return None
    return properties


def _inner(name: str, member: str) -> str:
    """Return the name of a member's type; items of a list are called after what is asked, and not after the list."""
    return name.removesuffix("Result") if member == ITEMS else f"{name}{_pascal(member)}"


def _pascal(name: str) -> str:
    return "".join(word[:1].upper() + word[1:] for word in name.split("_")) or "_"
