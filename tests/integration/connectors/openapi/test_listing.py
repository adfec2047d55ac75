"""Pages of operations of a document: called by its parameters, and proposed where names and schemas are clear."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from interlock.foundation.documents import ProjectInvalid
from interlock.integration.connectors.openapi.survey import survey
from interlock.integration.connectors.surveys import Source
from interlock.testing.servers import ScriptedServer
from tests.integration.conftest import Workbench
from tests.integration.connectors.web.listing import ROWS, Listing, by_cursor, by_last, walked

TEXT, COUNT = {"type": "string"}, {"type": "integer"}
ROW = {"type": "object", "properties": {"id": TEXT, "text": TEXT}, "required": ["id"]}
ROW_LIST = {"type": "array", "items": {"$ref": "#/components/schemas/Row"}}
URI = {"type": "string", "format": "uri", "nullable": True}


def document(body: Any, *queries: str, headers: Any = None) -> dict[str, Any]:
    response = {"description": "ok", "content": {"application/json": {"schema": body}}, "headers": headers or {}}
    parameters = [{"name": name, "in": "query", "schema": TEXT} for name in queries]
    return {
        "openapi": "3.0.3",
        "info": {"title": "Desk", "version": "1"},
        "paths": {"/rows": {"get": {"parameters": parameters, "responses": {"200": response}}}},
        "components": {"schemas": {"Row": ROW}},
    }


def whole(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


LINK = {"Link": {"description": 'The pages: rel="next" and rel="prev".', "schema": TEXT}}
PROPOSED: list[tuple[dict[str, Any], dict[str, Any] | None]] = [
    (
        document(whole(data=ROW_LIST, meta=whole(next_cursor=TEXT)), "cursor", "state"),
        {"items": "/data", "cursor": {"parameter": "cursor", "next": "/meta/next_cursor"}},
    ),
    (
        document(whole(data=ROW_LIST, has_more={"type": "boolean"}), "starting_after", "ending_before", "limit"),
        {"items": "/data", "cursor": {"parameter": "starting_after", "last": "/id"}, "end": {"more": "/has_more"}},
    ),
    (
        document(whole(rows=ROW_LIST, total=COUNT, total_pages=COUNT), "page"),
        {"items": "/rows", "page": {"parameter": "page"}, "end": {"pages": "/total_pages"}},
    ),
    (
        document(whole(rows=ROW_LIST, total=COUNT), "offset", "limit"),
        {"items": "/rows", "offset": {"parameter": "offset"}, "end": {"total": "/total"}},
    ),
    (
        document(whole(results=ROW_LIST, count=COUNT, next=URI), "offset", "limit"),
        {"items": "/results", "link": {"parameters": ["offset"], "next": "/next", "ignored": ["limit"]}},
    ),
    (document(ROW_LIST, "page", headers=LINK), {"link": {"parameters": ["page"]}}),
    (document(ROW_LIST, "page"), None),
    (document(whole(a=ROW_LIST, b=ROW_LIST, next_cursor=TEXT), "cursor"), None),
    (document(whole(data=ROW_LIST, next_cursor=TEXT), "cursor", "page_token"), None),
    (document(whole(data=ROW_LIST, total=COUNT), "page", "offset"), None),
    (document(whole(data=ROW_LIST, next=URI), "limit"), None),
    (document({"$ref": "#/components/schemas/Gone"}, "page"), None),
]


@pytest.mark.parametrize(("written", "pages"), PROPOSED)
def test_pages_are_proposed_where_they_are_clear(written: dict[str, Any], pages: Any) -> None:
    (offer,) = survey(Source("desk.json", orjson.dumps(written))).offers
    assert (offer.settings.get("options") or {}).get("pages") == pages


@pytest.mark.parametrize(
    ("reply", "written", "pages"),
    [
        (
            by_cursor,
            document(whole(data=ROW_LIST, meta=whole(next={**TEXT, "nullable": True})), "after"),
            {"items": "/data", "cursor": {"parameter": "after", "next": "/meta/next"}},
        ),
        (
            by_last,
            document(whole(data=ROW_LIST, has_more={"type": "boolean"}), "after"),
            {"items": "/data", "cursor": {"parameter": "after", "last": "/id"}, "end": {"more": "/has_more"}},
        ),
    ],
)
async def test_an_operation_of_a_document_is_gone_through(
    bench: Workbench, reply: Any, written: dict[str, Any], pages: dict[str, Any]
) -> None:
    bench.write("desk.json", written)
    async with ScriptedServer(Listing(reply)) as server:
        rows = {"from": "GET /rows", "effect": "read", "options": {"pages": pages}}
        connection = {"spec": "desk.json", "base_url": server.url}
        system = {"system": "desk", "connector": "openapi", "connection": connection, "operations": {"rows": rows}}
        operation = bench.catalog(system).operations["desk.rows"].operation
        assert set(operation.input_schema["properties"]) == {"cursor"}
        assert (operation.output_schema or {})["properties"]["items"]["items"] == ROW
        assert await walked(await bench.serve(system)) == (ROWS, 3)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"pages": {"page": {"parameter": "gone"}}}, "no argument 'gone'"),
        ({"page": {"parameter": "gone"}}, "page"),
    ],
)
def test_options_that_do_not_fit_are_found(bench: Workbench, options: dict[str, Any], words: str) -> None:
    bench.write("desk.json", document(ROW_LIST, "page"))
    rows = {"from": "GET /rows", "effect": "read", "options": options}
    connection = {"spec": "desk.json", "base_url": "http://127.0.0.1:1"}
    with pytest.raises(ProjectInvalid, match=words):
        bench.catalog(
            {"system": "desk", "connector": "openapi", "connection": connection, "operations": {"rows": rows}}
        )
