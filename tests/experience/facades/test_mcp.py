"""MCP in front of a database: tools are the facade's endpoints, under its names, and nothing else."""

from __future__ import annotations

from typing import Any

import jsonschema_rs

from tests.experience.facades.conftest import Library

ACCEPT = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-11-25"}


async def message(
    library: Library, method: str, params: Any = None, *, key: str = "ada", facade: str = "library"
) -> Any:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params or {}}
    answer = await library.ask("POST", f"{facade}/mcp", body, key=key, headers=ACCEPT)
    return answer.json


async def call(library: Library, name: str, arguments: Any, **given: Any) -> Any:
    return (await message(library, "tools/call", {"name": name, "arguments": arguments}, **given))["result"]


async def tools(library: Library, key: str = "ada") -> dict[str, Any]:
    return {tool["name"]: tool for tool in (await message(library, "tools/list", key=key))["result"]["tools"]}


async def test_tools_are_its_endpoints_with_schemas_that_hold(library: Library) -> None:
    found = await tools(library)
    own = {name for name in found if not name.startswith("interlock.")}
    assert own == {"book", "books", "skipped", "stocked", "stock", "price", "empty"}
    assert {name for name in await tools(library, "gus") if "interlock" not in name} == own - {
        "stock",
        "price",
        "empty",
    }
    assert set(found["book"]["inputSchema"]["properties"]) == {"number"}
    for tool in found.values():
        for schema in (tool["inputSchema"], tool["outputSchema"]):
            jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})
    result = await call(library, "book", {"number": "isbn-003"})
    assert result["structuredContent"] == {"number": "isbn-003", "name": "Book 3", "in_stock": 13, "costs": 4.5}
    assert jsonschema_rs.is_valid(found["book"]["outputSchema"], result["structuredContent"])


async def test_what_is_hidden_fits_what_was_promised(library: Library) -> None:
    promised = (await tools(library, "gus"))["book"]["outputSchema"]
    result = await call(library, "book", {"number": "isbn-003"}, key="gus")
    assert "confidential" in result["structuredContent"]["costs"]
    assert jsonschema_rs.is_valid(promised, result["structuredContent"])


async def test_pages_go_on(library: Library) -> None:
    page = (await call(library, "stocked", {"least": 36}))["structuredContent"]
    assert [item["isbn"] for item in page["items"]] == ["isbn-026", "isbn-027", "isbn-028", "isbn-029"]
    rest = (await call(library, "stocked", {"least": 36, "cursor": page["next"]}))["structuredContent"]
    assert rest == {"items": [{"isbn": "isbn-030", "stock": 40}]}


async def test_only_its_own_names_are_tools(library: Library) -> None:
    for name in ("books.get_book", "drop", "nothing"):
        answer = await message(library, "tools/call", {"name": name, "arguments": {"isbn": "isbn-001"}})
        assert answer["error"]["code"] == -32602
    wrong = await call(library, "book", {"isbn": "isbn-001"})
    assert (wrong["isError"], wrong["structuredContent"]["code"]) == (True, "input_invalid")


async def test_what_waits_is_found_again_and_told_as_the_tool_tells_it(library: Library) -> None:
    waiting = (await call(library, "price", {"number": "isbn-001", "price": 3.5}, key="clerk"))["structuredContent"]
    assert (waiting["state"], waiting["waiting_for"]) == ("waiting", ["approval:lead"])
    done = await call(library, "book", {"number": "isbn-001"}, key="clerk")
    action = done["_meta"]["io.interlock/action"]
    status = await call(library, "interlock.action_status", {"action": action}, key="clerk")
    assert status["structuredContent"]["output"] == done["structuredContent"]


async def test_its_rate_holds_for_tools_as_well(library: Library) -> None:
    results = [await call(library, "book", {"isbn": "isbn-001"}, facade="slow") for _ in range(3)]
    assert [result["isError"] for result in results] == [False, False, True]
    assert results[2]["structuredContent"]["code"] == "rate_exceeded"


async def test_no_facade_of_that_name_has_tools(library: Library) -> None:
    answer = await library.ask("POST", "none/mcp", {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}, headers=ACCEPT)
    assert (answer.status, answer.json["code"]) == (404, "facade_unknown")
    refused = await library.ask("POST", "library/mcp", {}, key="", headers=ACCEPT)
    assert refused.status == 401
    assert refused.headers["www-authenticate"].startswith(
        'Bearer resource_metadata="http://127.0.0.1:8640/.well-known/oauth-protected-resource"'
    )
