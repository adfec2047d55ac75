"""A small MCP server made with the official package: over HTTP inside a test, over stdio as a program of its own."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TypedDict

from mcp.server import MCPServer


class Ticket(TypedDict):
    """What the structured tools return."""

    id: int
    text: str


def server(effects: Path, *, extra: bool = False) -> MCPServer:
    """Return a server that writes a line to *effects* for each ticket it makes."""
    made = MCPServer("helpdesk")

    @made.tool(description="Make a ticket")
    async def make_ticket(text: str) -> Ticket:
        with effects.open("a") as file:
            file.write(f"{text}\n")
        if text == "slow":
            await asyncio.sleep(30)
        if text == "die":
            os._exit(1)
        return {"id": 7, "text": text}

    @made.tool(description="Find a ticket by its number")
    async def get_ticket(id: int) -> Ticket:
        if id == 404:
            raise ValueError("Maria Anders has no ticket 404")
        return {"id": id, "text": "x" * (200_000 if id == 999 else 1)}

    @made.tool(description="Say something in plain words", structured_output=False)
    async def motd() -> str:
        return "all is well, " + os.environ.get("MOOD", "nobody knows")

    @made.tool(description="Answers otherwise than it promises", structured_output=False)
    async def lie() -> str:
        return "this is not structured"

    if extra:
        made.remove_tool("motd")
        made.remove_tool("get_ticket")

        @made.tool(name="get_ticket", description="Find a ticket, faster")
        async def get_ticket_faster(id: int, deep: bool = False) -> Ticket:
            return {"id": id, "text": str(deep)}

    return made


if __name__ == "__main__":
    sys.stdout.write("a stray line that is no message\n")
    sys.stdout.flush()
    server(Path(sys.argv[1]), extra="extra" in sys.argv[2:]).run("stdio")
