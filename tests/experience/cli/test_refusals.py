"""What the command line says and returns when it cannot do what it was told."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from interlock.app.main import main
from interlock.experience.cli.command import OK, REFUSED, UNREACHABLE, USAGE
from interlock.testing.servers import free_port

PROBLEM = {"status": 404, "code": "action_unknown", "title": "No such action", "detail": "there is no such action"}


class _Refusing(BaseHTTPRequestHandler):
    """Answers every request with one problem document."""

    def do_GET(self) -> None:
        body = json.dumps(PROBLEM).encode()
        self.send_response(404)
        self.send_header("content-type", "application/problem+json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Keep quiet."""


@pytest.fixture
def refusing() -> Iterator[str]:
    """The address of a server that refuses everything."""
    server = HTTPServer(("127.0.0.1", 0), _Refusing)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def keyed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment holds a key."""
    monkeypatch.setenv("INTERLOCK_KEY", "ik_some_key")


def _problem(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_init_writes_over_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "shop"
    assert main(["init", str(folder)]) == OK
    policy = folder / "policies" / "shop.cedar"
    policy.write_text("// mine", "utf-8")
    capsys.readouterr()
    assert main(["init", str(folder), "--json"]) == REFUSED
    assert _problem(capsys)["code"] == "folder_taken"
    assert policy.read_text("utf-8") == "// mine"


def test_the_storage_gives_one_administrators_key_and_no_second(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTERLOCK_STATE", str(tmp_path / "state"))
    main(["init", str(tmp_path / "shop")])
    create = ["keys", "create", "--local", "--kind", "person", "--id", "sam", "--project", str(tmp_path / "shop")]
    assert main(create) == OK
    capsys.readouterr()
    assert main([*create, "--json"]) == REFUSED
    assert _problem(capsys)["code"] == "admin_key_exists"


def test_a_command_for_a_server_needs_a_key(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("INTERLOCK_KEY", raising=False)
    assert main(["actions", "list", "--json"]) == USAGE
    assert _problem(capsys)["code"] == "usage_invalid"


@pytest.mark.usefixtures("keyed")
def test_an_argument_that_is_no_json_is_a_mistake_in_writing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["call", "shop.get_order", "--input", "{id: 1}", "--json"]) == USAGE
    assert _problem(capsys)["code"] == "usage_invalid"


@pytest.mark.usefixtures("keyed")
def test_no_server_has_an_exit_code_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["actions", "list", "--url", f"http://127.0.0.1:{free_port()}", "--json"]) == UNREACHABLE
    assert _problem(capsys)["code"] == "server_unreachable"


@pytest.mark.usefixtures("keyed")
def test_a_servers_problem_is_shown_under_the_servers_own_code(
    refusing: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["actions", "show", "act_1", "--url", refusing, "--json"]) == REFUSED
    assert _problem(capsys)["code"] == "action_unknown"
    assert main(["actions", "show", "act_1", "--url", refusing]) == REFUSED
    assert "there is no such action" in capsys.readouterr().err
