"""Keys, kill switches, systems, the doctor, and MCP over stdio."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from interlock.experience.cli.first_project import write_project
from interlock.experience.cli.main import run
from interlock.testing.servers import free_port
from tests.experience.cli.shop import Shop

CONTRACT = Path(__file__).parents[3] / "examples" / "northwind" / "services" / "billing.openapi.json"
BILLING = """
system: billing
connector: openapi
connection: {spec: billing.openapi.json, base_url: "http://127.0.0.1:PORT", auth: {bearer: "secret:till"}}
operations:
  get_credit: {from: "GET /credit-notes/{id}", effect: read}
"""


def test_a_keys_text_is_shown_once_on_stdout_alone(shop: Shop) -> None:
    done = shop.command("keys", "create", "--kind", "agent", "--id", "assistant", "--days", "1", by="sam")
    text = done.stdout.strip()
    assert text.startswith("ik_")
    assert text not in done.stderr
    listed = shop.command("keys", "list", by="sam").stdout
    assert "agent:assistant" in listed
    assert text not in listed


def test_a_key_is_rotated_and_revoked(shop: Shop) -> None:
    old = shop.run("keys", "create", "--kind", "person", "--id", "alex", "--note", "to be replaced", by="sam")
    new = shop.run("keys", "rotate", old["id"], "--overlap-hours", "0", by="sam")
    shop.keys["old"], shop.keys["new"] = old["text"], new["text"]
    assert shop.command("operations", "list", by="old", code=1).stderr.startswith("key_expired: ")
    shop.command("operations", "list", by="new")
    shop.command("keys", "revoke", new["id"], by="sam")
    assert shop.command("operations", "list", by="new", code=1).stderr.startswith("unauthenticated: ")


def test_only_the_first_administrator_is_made_in_the_storage(shop: Shop) -> None:
    said = shop.command("keys", "create", "--local", "--kind", "person", "--id", "alex", code=1).stderr
    assert said.startswith("admin_key_exists: ")


def test_a_switch_stops_an_operation_and_says_why(shop: Shop) -> None:
    shop.command("switches", "set", "operation", "shop.list_orders", "--reason", "stocktaking", by="sam")
    try:
        said = shop.command("call", "shop.list_orders", "customer=Mills", code=1).stdout
        assert "stocktaking" in said
        assert "operation shop.list_orders" in shop.command("switches", "list").stdout
    finally:
        shop.command("switches", "clear", "operation", "shop.list_orders", by="sam")
    shop.command("call", "shop.list_orders", "customer=Mills")
    assert shop.command("switches", "clear", "operation", "shop.list_orders", by="sam", code=1).stderr


def test_systems_and_their_definitions_can_be_looked_at(shop: Shop) -> None:
    head, line = shop.command("systems", "list", by="sam").stdout.strip().splitlines()
    assert head.split()[:3] == ["SYSTEM", "CONNECTOR", "STATE"]
    assert line.startswith("shop ")
    assert " UTC" in line
    assert shop.command("systems", "drift", "shop", by="sam").stdout.strip() == "no difference"
    assert shop.command("systems", "pins", by="sam").stdout.strip() == "nothing in quarantine"
    nowhere = shop.command("systems", "drift", "nowhere", by="sam", code=1).stderr
    assert nowhere.startswith("system_unknown: ")
    assert "systems of the project: shop" in nowhere
    assert shop.command("systems", "accept", "shop.get_order", "--yes", by="sam", code=1).stderr


def test_the_doctor_finds_a_served_project_well(shop: Shop) -> None:
    report = json.loads(shop.server.command("doctor", "--json").stdout)
    assert report["ok"]
    found = {one["what"]: one["state"] for one in report["found"]}
    assert found == {
        "python": "ok",
        "project": "ok",
        "permissions": "ok",
        "storage": "ok",
        "clock": "ok",
        "systems": "ok",
        "server": "ok",
    }


def test_the_doctor_names_what_is_wrong(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root, state = tmp_path / "shop", tmp_path / "state"
    write_project(root)
    shutil.copytree(shop.server.state, state)
    state.chmod(0o755)
    (root / "data" / "shop.db").rename(root / "data" / "gone.db")
    monkeypatch.setenv("INTERLOCK_STATE", str(state))
    monkeypatch.setenv("INTERLOCK_URL", f"http://127.0.0.1:{free_port()}")
    assert run(["doctor", "--project", str(root)]) == 1
    told = capsys.readouterr().out
    assert f"hint: chmod 700 {state}" in told
    assert "problem  systems: shop" in told
    assert "warning  server: none answers" in told


def test_the_doctor_lists_what_a_broken_project_lacks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_project(tmp_path / "shop")
    (tmp_path / "shop" / "interlock.yaml").write_text("nam: shop\n", "utf-8")
    assert run(["doctor", "--project", str(tmp_path / "shop")]) == 1
    assert "problem  project: " in capsys.readouterr().out


def test_a_secret_that_is_missing_or_can_be_guessed_is_named_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "shop"
    write_project(root)
    shutil.copy(CONTRACT, root / "billing.openapi.json")
    (root / "systems" / "billing.yaml").write_text(BILLING.replace("PORT", str(free_port())), "utf-8")
    monkeypatch.setenv("INTERLOCK_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.delenv("INTERLOCK_SECRET_TILL", raising=False)
    assert run(["doctor", "--project", str(root)]) == 1
    told = capsys.readouterr().out
    assert "problem  secrets: the secret 'till' is nowhere to be found" in told
    assert "hint: set environment variable INTERLOCK_SECRET_TILL" in told
    monkeypatch.setenv("INTERLOCK_SECRET_TILL", "password")
    run(["doctor", "--project", str(root)])
    told = capsys.readouterr().out
    assert "warning  secrets: secret:till can be guessed" in told
    assert "password" not in told


def test_tools_are_served_over_stdin_and_stdout(shop: Shop) -> None:
    messages = [
        {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "initialize",
            "params": {
                "protocolVersion": "2025-11-25",
                "capabilities": {},
                "clientInfo": {"name": "test", "version": "1"},
            },
        },
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
    ]
    said = shop.command("mcp", given="".join(json.dumps(message) + "\n" for message in messages)).stdout
    answers = {answer["id"]: answer for answer in map(json.loads, said.splitlines())}
    assert answers[1]["result"]["protocolVersion"] == "2025-11-25"
    assert any("refund_order" in tool["name"] for tool in answers[2]["result"]["tools"])
