"""`interlock connect`, against a real MCP server of the official package."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from interlock.app.main import main

SERVER = """
import asyncio
from mcp.server.mcpserver import MCPServer

server = MCPServer("warehouse")

@server.tool()
def get_stock(sku: str) -> int:
    "How many pieces of an article lie in the warehouse."
    return 7

server.run("stdio")
"""


def test_what_a_server_publishes_becomes_the_file_to_pin(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "server.py").write_text(SERVER, "utf-8")
    words = ["connect", sys.executable, str(tmp_path / "server.py"), "--out", "warehouse.tools.json"]
    words += ["--project", str(tmp_path), "--json"]
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out)["tools"] == ["get_stock"]
    (tool,) = json.loads((tmp_path / "warehouse.tools.json").read_text("utf-8"))["tools"]
    assert tool["inputSchema"]["properties"]["sku"]["type"] == "string"
    assert main(words) == 1
    assert "folder_taken" in capsys.readouterr().out
    assert main([*words, "--replace"]) == 0


def test_a_server_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["connect", "http://127.0.0.1:9/mcp", "--out", "x.json", "--project", str(tmp_path), "--json"]
    assert main(words) == 1
    assert "system_unreachable" in capsys.readouterr().out
    assert not (tmp_path / "x.json").exists()
