"""The cost of large OpenAPI documents in processor time: reading one, and picking operations of it.

Beside reading, in the same run, parsing of the same bytes as JSON. `python -m benchmarks.documents` prints a table.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import orjson

from interlock.integration.connectors.openapi.document import document_of
from interlock.integration.connectors.openapi.flattening import define

OPERATIONS, SCHEMAS, PICKED = 10_000, 600, 40
WORDS = "A member of the record, as the system keeps it; see the handbook for what it may hold."


def document(operations: int = OPERATIONS, schemas: int = SCHEMAS) -> dict[str, Any]:
    """Return a document like those of large vendors: every record refers to others, by id or in full, and so to all."""
    return {
        "openapi": "3.0.3",
        "info": {"title": "Large", "version": "1"},
        "servers": [{"url": "https://large.example"}],
        "paths": {f"/records_{number}/{{id}}": _item(number, schemas) for number in range(operations)},
        "components": {"schemas": {f"record_{number}": _record(number, schemas) for number in range(schemas)}},
    }


def _item(number: int, schemas: int) -> dict[str, Any]:
    text = {"type": "string"}
    queries = [{"name": f"narrow_{k}", "in": "query", "schema": text, "description": WORDS} for k in range(4)]
    record = {"$ref": f"#/components/schemas/record_{number % schemas}"}
    return {
        "get": {
            "operationId": f"get_record_{number}",
            "summary": "Retrieve one record.",
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": text}, *queries],
            "responses": {"200": {"description": "ok", "content": {"application/json": {"schema": record}}}},
        }
    }


def _record(number: int, schemas: int) -> dict[str, Any]:
    members: dict[str, Any] = {f"field_{k}": {"type": "string", "description": WORDS} for k in range(12)}
    for k in range(1, 5):
        reference = {"$ref": f"#/components/schemas/record_{(number * 7 + k * 13) % schemas}"}
        members[f"link_{k}"] = {"anyOf": [{"type": "string"}, reference]}
    return {"type": "object", "properties": members, "required": ["field_0"]}


def _seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.process_time()
    made = work()
    return time.process_time() - began, made


def main() -> None:
    """Print how long each part takes, and in what ratio."""
    content = orjson.dumps(document())
    size = len(content) / 1e6
    parsing, _ = _seconds(lambda: orjson.loads(content))
    reading, known = _seconds(lambda: document_of(content, "large.json"))
    origins = [f"GET /records_{number}/{{id}}" for number in range(0, OPERATIONS, OPERATIONS // PICKED)]

    def pick() -> list[Any]:
        return [define(known, known.find(origin), ours=frozenset()) for origin in origins]

    first, _ = _seconds(pick)
    again, _ = _seconds(pick)
    print(f"document of {size:.1f} MB, {OPERATIONS} operations, {SCHEMAS} schemas")
    print(f"reading              {reading / size:8.4f} s/MB   {reading / parsing:6.1f} x parsing as JSON")
    print(f"picking, of {len(origins)}       {first / len(origins):8.4f} s each")
    print(f"picking them again   {again / len(origins):8.4f} s each  {first / again:6.1f} x less than at first")
    print(f"reading and picking  {(reading + first) / size:8.4f} s/MB")


if __name__ == "__main__":
    main()
