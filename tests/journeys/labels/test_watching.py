"""Logs, spans and metrics never hold a value, and spans of actions say how confidential they were."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from interlock.testing.servers import ScriptedServer, answers
from tests.journeys.labels.vault import CANARIES, FILES, IBAN, NAME, Vault, open_vault, write_vault


async def work(vault: Vault) -> None:
    """Take hidden values along every way: read, pay, approve, refuse, report."""
    session, action = await vault.waiting()
    approval = (await vault.read("lena", "/v1/approvals"))["items"][0]
    verdict = {"verdict": "approve", "consent": approval["consent"], "comment": "fine"}
    await vault.by("lena", lambda caller: caller.post(f"/v1/approvals/{approval['id']}/decide", verdict))
    await vault.tool("seer", "tools/call", name="staff.get_person", arguments={"id": IBAN})
    wrong = {"session": session, "operation": "staff.pay", "input": {"iban": IBAN, "amount": NAME}}
    await vault.by("seer", lambda caller: caller.send("POST", "/v1/actions", wrong))
    wire = await vault.propose("seer", session, "desk.wire", iban=IBAN)
    report = {"status": "failed", "problem": {"code": IBAN, "detail": f"no account {IBAN}"}}
    await vault.by("seer", lambda caller: caller.post(f"/v1/actions/{wire['id']}/result", report))
    for who in ("lena", "aude"):
        await vault.page(who, f"/console/actions/{action['id']}")


async def test_no_log_and_no_metric_holds_a_value(vault: Vault, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for name in list(logging.root.manager.loggerDict):
        logging.getLogger(name).setLevel(logging.DEBUG)
    await work(vault)
    said = [f"{record.getMessage()} {record.exc_text} {record.args}" for record in caplog.records]
    said.append(vault.installation.telemetry.metrics.render()[0].decode())
    assert "interlock_actions_total" in said[-1]
    assert not [text for text in said for canary in (*CANARIES, NAME) if canary in text]


async def test_no_span_holds_a_value_and_those_of_actions_say_how_confidential_it_was(tmp_path: Path) -> None:
    async with ScriptedServer(answers(200, b"", media_type="application/x-protobuf")) as collector:
        main = FILES["interlock.yaml"] + f'telemetry: {{otlp_endpoint: "{collector.url}"}}\n'
        async with open_vault(write_vault(tmp_path, interlock=main)) as vault:
            await work(vault)
            await asyncio.to_thread(vault.installation.telemetry.tracing.close)
        sent = [request.body for request in collector.received]
    assert sent
    assert not [canary for body in sent for canary in (*CANARIES, NAME) if canary.encode() in body]
    spans = {}
    for body in sent:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    known = {item.key: item.value.string_value for item in span.attributes}
                    spans[span.name, known.get("interlock.data.categories", "")] = known
    read = spans["execute_tool staff.get_person", "financial,personal"]
    assert read["interlock.data.confidentiality"] == "restricted"
    assert spans["execute_tool staff.pay", "financial"]["interlock.data.confidentiality"] == "restricted"
