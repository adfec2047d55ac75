"""`interlock connect`: what a live system publishes, written as the file that a project pins."""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path
from typing import Any

from interlock.experience.cli.command import OK
from interlock.experience.cli.errors import FolderTaken
from interlock.experience.cli.output import show
from interlock.experience.cli.storage import root_of
from interlock.foundation.http import HttpClient
from interlock.foundation.secrets import SecretStore
from interlock.integration.systems import Ports, discover


def connect(arguments: argparse.Namespace) -> int:
    """Ask an MCP server for its tools and write them to a file, for `connection: {tools: FILE}`.

    Raises `SystemUnreachable`, and `FolderTaken` where the file exists and `--replace` was not given.
    """
    root = root_of(arguments)
    path = root / arguments.out
    if path.exists() and not arguments.replace:
        raise FolderTaken(
            f"{arguments.out} exists already",
            why="it may be what a project has pinned",
            fix="give another name, or --replace and look at the difference",
        )
    published = asyncio.run(_published(root, _connection(arguments)))
    path.write_text(json.dumps(published, indent=2, ensure_ascii=False, sort_keys=True) + "\n", "utf-8")
    names = sorted(str(tool.get("name", "")) for tool in published.get("tools", []))
    show(arguments, {"file": arguments.out, "tools": names}, _text)
    return OK


def _connection(arguments: argparse.Namespace) -> dict[str, Any]:
    where: dict[str, Any] = {"url": arguments.address[0]}
    if not arguments.address[0].startswith(("http://", "https://")):
        where = {"command": list(arguments.address)}
    elif arguments.bearer:
        where["auth"] = {"bearer": arguments.bearer}
    return where


async def _published(root: Path, connection: dict[str, Any]) -> dict[str, Any]:
    async with HttpClient() as http:
        return await discover("mcp", connection, Ports(http, SecretStore.standard(), root))


def _text(report: dict[str, Any]) -> str:
    return "\n".join([f"wrote {report['file']}, {len(report['tools'])} tools:", *(f"  {n}" for n in report["tools"])])
