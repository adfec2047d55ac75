"""The server as an operator meets it: health, metrics, a project changed under it, and where it will not listen."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.process import until
from tests.journeys.server import INTERLOCK, Server
from tests.orchestration.desk import write_project


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    root = write_project(tmp_path / "project")
    environment = {**os.environ, "INTERLOCK_STATE": str(tmp_path / "state")}
    made = Server(root, environment=environment, log=tmp_path / "server.log")
    yield made
    if made.running():
        made.stop()


def test_health_readiness_and_metrics(server: Server) -> None:
    key = server.first_key("person", "dora")
    server.start()
    caller = server.caller(key)
    assert caller.get("/healthz") == {"status": "ok"}
    assert caller.get("/readyz")["status"] == "ready"
    session = caller.post("/v1/sessions", {"request": "Look at A-100"})["id"]
    assert caller.propose(session, "ledger.get_account", {"id": "A-100"})["state"] == "denied"
    metrics = caller.send("GET", "/metrics").content.decode()
    assert 'interlock_actions_total{operation="ledger.get_account",outcome="denied"} 1.0' in metrics
    assert "interlock_decision_seconds_count 1.0" in metrics
    assert "interlock_journal_records_total" in metrics
    assert "A-100" not in metrics


def test_a_changed_project_is_taken_whole_or_not_at_all(server: Server) -> None:
    key = server.first_key("person", "dora")
    server.start()
    caller = server.caller(key)
    before = caller.get("/v1/project")["version"]
    policies = server.root / "policies" / "desk.cedar"
    good = policies.read_text("utf-8")
    policies.write_text(good.replace('Role::"clerk"', 'Role::"clark"'), "utf-8")
    rejected = until(lambda: caller.get("/v1/project").get("rejected"), "the broken change to be told")
    assert caller.get("/v1/project")["version"] == before
    assert any("clark" in finding for finding in rejected["findings"])
    policies.write_text(good.replace("Above 100 a lead approves", "Above 100 a lead must approve"), "utf-8")
    until(lambda: caller.get("/v1/project")["version"] != before, "the good change to be taken")
    assert "rejected" not in caller.get("/v1/project")
    kinds = {record["kind"] for record in caller.get("/v1/journal", subject="project")["items"]}
    assert kinds == {"project.activated", "project.rejected"}


def test_it_does_not_listen_beyond_this_machine_with_secrets_anyone_could_guess(server: Server) -> None:
    ledger = server.root / "systems" / "crm.yaml"
    ledger.write_text(
        "system: crm\nconnector: openapi\n"
        'connection: {spec: crm.json, base_url: "http://127.0.0.1:9", auth: {bearer: "secret:crm"}}\n'
        "operations: {get: {from: GET /x, effect: read}}\n",
        "utf-8",
    )
    (server.root / "crm.json").write_text(
        '{"openapi": "3.1.0", "info": {"title": "x", "version": "1"}, "paths": {"/x": {"get": {"operationId": "x",'
        ' "responses": {"200": {"description": "ok"}}}}}}',
        "utf-8",
    )
    words = [*INTERLOCK, "serve", "--project", str(server.root), "--host", "0.0.0.0", "--port", "1"]
    environment = {**server.environment, "INTERLOCK_SECRET_CRM": "changeme"}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "unsafe_listen" in done.stderr
    assert "secret:crm" in done.stderr
    assert "changeme" not in done.stderr
