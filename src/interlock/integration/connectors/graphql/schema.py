"""A GraphQL schema, from its definition language or from an introspection result."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from graphql import GraphQLSchema

LARGEST = 16 << 20


class SchemaInvalid(ValueError):
    """A schema or a document cannot be used; the text says why."""


def load_schema(file: Path) -> GraphQLSchema:
    """Return the schema in *file*. Raises `SchemaInvalid`."""
    return schema_of(read(file))


def read(file: Path) -> bytes:
    """Return what *file* holds. Raises `SchemaInvalid`."""
    try:
        if file.stat().st_size > LARGEST:
            raise SchemaInvalid(f"is larger than {LARGEST >> 20} MiB")
        return file.read_bytes()
    except OSError as error:
        raise SchemaInvalid(f"cannot be read: {error.strerror}") from error


def schema_of(content: bytes) -> GraphQLSchema:
    """Return the schema that *content* is: JSON of an introspection, or definitions. Raises `SchemaInvalid`."""
    from graphql import GraphQLError, build_ast_schema, parse

    if content.lstrip()[:1] == b"{":
        try:
            return introspected(orjson.loads(content))
        except orjson.JSONDecodeError as error:
            raise SchemaInvalid("is neither definitions of a schema nor JSON") from error
    try:
        # Directives of a server's own (federation, authorization) need no definition to be passed over.
        schema = build_ast_schema(parse(content.decode("utf-8-sig"), no_location=True), assume_valid_sdl=True)
    except UnicodeDecodeError as error:
        raise SchemaInvalid("is not UTF-8") from error
    except (GraphQLError, TypeError, KeyError, ValueError, RecursionError) as error:
        raise SchemaInvalid(f"is no GraphQL schema: {_first_line(error)}") from error
    return _checked(schema)


def introspected(result: Any) -> GraphQLSchema:
    """Return the schema of an introspection *result*, with or without its `data`. Raises `SchemaInvalid`."""
    from graphql import GraphQLError, build_client_schema

    data = result.get("data", result) if isinstance(result, dict) else None
    if not isinstance(data, dict) or not isinstance(data.get("__schema"), dict):
        raise SchemaInvalid("holds no `__schema`, so it is no introspection result")
    try:
        schema = build_client_schema({"__schema": data["__schema"]})
    except (GraphQLError, TypeError, KeyError, ValueError, AttributeError, RecursionError) as error:
        raise SchemaInvalid(f"is no whole introspection result: {_first_line(error)}") from error
    return _checked(schema)


def _checked(schema: GraphQLSchema) -> GraphQLSchema:
    from graphql import validate_schema

    try:
        errors = validate_schema(schema)
    except (TypeError, RecursionError) as error:
        raise SchemaInvalid(f"is no valid schema: {_first_line(error)}") from error
    if errors:
        raise SchemaInvalid(f"is no valid schema: {errors[0].message}")
    return schema


def _first_line(error: BaseException) -> str:
    return (str(getattr(error, "message", "") or error).splitlines() or [type(error).__name__])[0][:300]
