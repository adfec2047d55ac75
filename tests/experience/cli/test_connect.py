"""`interlock connect`, against a real MCP server of the official package."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from interlock.app.main import main
from interlock.integration.connectors.mcp.plugin import McpPlugin

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
    report = json.loads(capsys.readouterr().out)
    assert report["code"] == "system_unreachable"
    assert "whether the address is right" in report["fix"]
    assert not (tmp_path / "x.json").exists()


BILLING = Path(__file__).parents[3] / "examples" / "northwind" / "services" / "billing.openapi.json"


@pytest.fixture
def project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert main(["init", str(tmp_path / "shop")]) == 0
    capsys.readouterr()
    return tmp_path / "shop"


def test_a_system_is_connected_from_its_document(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["connect", str(BILLING), "--name", "billing", "--owner", "me@acme.example", "--project", str(project)]
    assert main([*words, "--pick", "*credit_note*", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["files"] == ["labels/billing.yaml", "services/billing/openapi.json", "systems/billing.yaml"]
    assert len(report["operations"]) == 5
    assert str(BILLING.parent) not in (project / "systems" / "billing.yaml").read_text("utf-8")
    assert main(["check", str(project)]) == 0
    capsys.readouterr()
    (project / "systems" / "billing.yaml").write_text("# put right\n", "utf-8")
    assert main([*words, "--all"]) == 1
    assert "exists already" in capsys.readouterr().err
    assert (project / "systems" / "billing.yaml").read_text("utf-8") == "# put right\n"
    assert main([*words, "--all", "--replace"]) == 0
    assert main(["check", str(project)]) == 0


def test_what_there_is_to_pick_from_is_shown(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["connect", str(BILLING), "--project", str(project)]
    assert main([*words, "--search", "cancel", "--list"]) == 0
    shown = capsys.readouterr().out
    assert "POST /credit-notes/{id}/cancel" in shown
    assert "1 of 6 operations" in shown
    assert main([*words, "--search", "nothing of it", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["offers"] == []
    assert main([*words, "--dry-run"]) == 0
    assert "operations:" in capsys.readouterr().out
    assert sorted(path.name for path in (project / "systems").iterdir()) == ["shop.yaml"]


def test_a_large_document_is_not_taken_whole_unasked(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = {f"/things{number}": {"get": {"responses": {}, "tags": ["t"]}} for number in range(700)}
    document = {"openapi": "3.1.0", "info": {"title": "9 things!", "version": "1"}, "paths": paths}
    (project / "large.json").write_text(json.dumps(document), "utf-8")
    words = ["connect", str(project / "large.json"), "--project", str(project)]
    assert main(words) == 1
    assert "and 640 more" in capsys.readouterr().out
    assert main([*words, "--tag", "t", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["system"], len(report["operations"])) == ("system_9_things", 500)
    assert main(["check", str(project)]) == 0


def test_what_could_be_a_secret_in_an_address_is_in_no_file(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    address = "imaps://house:hidden-password@imap.acme.example/?token=hidden-token"
    assert main(["connect", address, "--name", "post", "--project", str(project)]) == 0
    text = (project / "systems" / "post.yaml").read_text("utf-8")
    assert "# Proposed from imaps://house@imap.acme.example/. " in text
    assert "hidden" not in "".join(file.read_text("utf-8") for file in project.rglob("*.yaml"))
    assert "hidden" not in "".join(capsys.readouterr())
    assert main(["check", str(project)]) == 0


def test_a_name_that_no_system_can_have_is_said(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["connect", str(BILLING), "--all", "--project", str(project), "--name"]
    for name in ("Mein ERP", "../out"):
        assert main([*words, name]) == 2
    assert "--name mein_erp" in capsys.readouterr().err


def test_a_source_that_describes_nothing_says_so(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = {"openapi": "3.1.0", "info": {"title": "none", "version": "1"}, "paths": {}}
    (project / "none.json").write_text(json.dumps(document), "utf-8")
    assert main(["connect", str(project / "none.json"), "--project", str(project)]) == 1
    told = capsys.readouterr().out
    assert "no operation that could be connected" in told
    assert "--pick" not in told


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "server.py").write_text(SERVER, "utf-8")
    words = ["connect", sys.executable, str(tmp_path / "server.py"), "--out", "nowhere/tools.json"]
    assert main([*words, "--project", str(tmp_path)]) == 1
    assert "file_unusable: " in capsys.readouterr().err


def test_a_server_that_says_nothing_is_not_waited_for_long(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[McpPlugin.__module__], "PATIENCE", 0.0)
    silent = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    assert main(["connect", "--out", "x.json", "--project", str(tmp_path), "--", *silent]) == 1
    assert "within 0 seconds" in capsys.readouterr().err
