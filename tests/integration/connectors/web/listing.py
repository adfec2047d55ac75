"""A server of lists that pages in every way, on a socket, and systems that go through it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from interlock.integration.systems import Answer, Systems
from interlock.testing.servers import Received, ScriptedServer, answers
from tests.integration.conftest import Workbench

ROWS = [{"id": f"r{number}", "text": "x" * 20} for number in range(7)]
STEP = 3

Reply = Callable[[dict[str, str], str], tuple[Any, dict[str, str]]]
"""From a query, and the address called, to a body and headers."""


@dataclass
class Listing:
    """Answers each request by *reply*, and keeps the queries."""

    reply: Reply
    queries: list[dict[str, str]] = field(default_factory=list)
    breaks_at: int = 0

    async def __call__(self, request: Received, writer: asyncio.StreamWriter) -> None:
        query = {name: one[0] for name, one in parse_qs(urlsplit(request.target).query).items()}
        self.queries.append(query)
        if len(self.queries) == self.breaks_at:
            await answers(503, {})(request, writer)
            return
        body, headers = self.reply(query, request.target)
        await answers(200, body, headers=headers)(request, writer)


def cut(start: int) -> list[dict[str, str]]:
    return ROWS[start : start + STEP]


def by_cursor(query: dict[str, str], _target: str) -> tuple[Any, dict[str, str]]:
    start = int(query.get("after", "at-0").removeprefix("at-"))
    following = f"at-{start + STEP}" if start + STEP < len(ROWS) else None
    return {"data": cut(start), "meta": {"next": following}}, {}


def by_last(query: dict[str, str], _target: str) -> tuple[Any, dict[str, str]]:
    known = [row["id"] for row in ROWS]
    start = known.index(query["after"]) + 1 if "after" in query else 0
    return {"data": cut(start), "has_more": start + STEP < len(ROWS)}, {}


def by_page(query: dict[str, str], _target: str) -> tuple[Any, dict[str, str]]:
    return {"data": cut((int(query["page"]) - 1) * STEP), "total": len(ROWS), "pages": 3}, {}


def by_offset(query: dict[str, str], _target: str) -> tuple[Any, dict[str, str]]:
    return {"data": cut(int(query["offset"])), "total": len(ROWS)}, {}


def by_link(query: dict[str, str], _target: str) -> tuple[Any, dict[str, str]]:
    page = int(query.get("page", "1"))
    links = ['<?page=1>; rel="first"', f'</v1/rows?page={page + 1}&state=open>; title="a, b"; rel="last next"']
    return cut((page - 1) * STEP), {"Link": ", ".join(links[: 2 if page * STEP < len(ROWS) else 1])}


def operation(pages: dict[str, Any], *names: str, **more: Any) -> dict[str, Any]:
    known = {name: {"type": ["string", "integer"]} for name in (*names, "state")}
    return {
        "from": "GET /rows",
        "effect": "read",
        "input": {"type": "object", "properties": known},
        "output_schema": {"type": "array", "items": {"type": "object", "required": ["id"]}},
        "options": {"pages": pages, "query": {name: f"{{{name}}}" for name in known}},
    } | more


@asynccontextmanager
async def listing(
    bench: Workbench, reply: Reply, declared: dict[str, Any], **more: Any
) -> AsyncIterator[tuple[Listing, Systems]]:
    """Serve *reply* on a socket as the system `desk` with the one operation `rows`."""
    behaviour = Listing(reply)
    async with ScriptedServer(behaviour) as server:
        system = {
            "system": "desk",
            "connector": "http",
            "connection": {"base_url": f"{server.url}/v1"},
            "limits": {"retries": 0},
            "operations": {"rows": declared},
        } | more
        yield behaviour, await bench.serve(system)


async def rows(systems: Systems, **arguments: Any) -> Answer:
    return await systems.call("desk.rows", arguments)


async def walked(systems: Systems, **arguments: Any) -> tuple[list[Any], int]:
    """Return all items, page after page, and how many calls it took."""
    found: list[Any] = []
    cursor: dict[str, str] = {}
    for number in range(1, 50):
        answer = await rows(systems, **arguments, **cursor)
        assert answer.succeeded, answer.problem
        found += answer.output["items"]
        if answer.output["next"] is None:
            return found, number
        cursor = {"cursor": answer.output["next"]}
    raise AssertionError("the list does not end")
