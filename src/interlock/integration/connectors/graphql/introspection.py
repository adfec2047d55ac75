"""Asking a live system for its schema."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

import orjson

from interlock.foundation.http import HttpClient, HttpFailure, HttpRequest
from interlock.integration.connectors.errors import SystemUnreachable
from interlock.integration.connectors.graphql.schema import LARGEST, SchemaInvalid, introspected

if TYPE_CHECKING:
    from graphql import GraphQLSchema

_PATIENCE = 30.0


async def introspect(http: HttpClient, url: str, headers: Mapping[str, str]) -> tuple[bytes, GraphQLSchema] | None:
    """Return the schema as the system at *url* tells it, also as it came; None where it tells none.

    Raises `SystemUnreachable`.
    """
    from graphql import get_introspection_query

    # Older servers do not know deprecated arguments; newer ones leave them out unless asked.
    for deprecated in (True, False):
        query = get_introspection_query(specified_by_url=False, input_value_deprecation=deprecated)
        body = orjson.dumps({"query": query, "operationName": "IntrospectionQuery"})
        try:
            response = await http.send(HttpRequest("POST", url, headers, body, _PATIENCE, LARGEST))
        except HttpFailure as failure:
            raise SystemUnreachable("the system cannot be asked for its schema", why=failure.what) from failure
        if response.status >= 500 or response.status == 429:
            raise SystemUnreachable(f"the system answered status {response.status} when asked for its schema")
        try:
            found = orjson.loads(response.body)
            return response.body, await asyncio.to_thread(introspected, found)
        except (orjson.JSONDecodeError, SchemaInvalid):
            continue
    return None
