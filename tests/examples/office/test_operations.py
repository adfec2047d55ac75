"""Each operation that the project declares does what its program's document says."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.examples.northwind.contract import check_answer, check_document, operations
from tests.examples.northwind.service_process import Answer, Service
from tests.examples.office.declared import ROOT, SYSTEMS, Declared, declared, scenarios

READS: dict[str, dict[str, Any]] = {
    "mail.find_people": {"query": "Jonas", "kind": "staff"},
    "mail.list_messages": {"folder": "inbox", "since": "2026-03-16", "unread": True, "limit": 3},
    "mail.get_message": {"message_id": "m-1043"},
    "mail.get_thread": {"thread_id": "t-210"},
    "mail.get_attachment": {"message_id": "m-1043", "attachment_id": "a-1"},
    "mail.list_rules": {},
    "calendar.get_today": {},
    "calendar.list_events": {"from": "2026-03-18", "until": "2026-03-20"},
    "calendar.get_event": {"event_id": "ev-502"},
    "calendar.list_invitations": {"response": "none"},
    "calendar.get_invitation": {"invitation_id": "iv-32"},
    "calendar.find_free_times": {
        "people": ["priya.nair@lindgren-roy.example"],
        "from": "2026-03-19",
        "until": "2026-03-20",
        "minutes": 60,
    },
    "calendar.list_absences": {"from": "2026-03-17"},
    "files.get_folder": {"folder_id": "fo-11"},
    "files.search": {"query": "area schedule"},
    "files.get_file": {"file_id": "f-101"},
    "files.read_file": {"file_id": "f-101"},
    "files.list_comments": {"file_id": "f-101"},
    "files.list_vault": {"about": "Lea"},
    "files.read_vault_file": {"vault_id": "v-01"},
    "payments.list_invoices": {"status": "paid"},
    "payments.get_invoice": {"invoice_id": "in-232"},
    "payments.list_payees": {"query": "hansen"},
    "payments.get_payee": {"payee_id": "pe-09"},
    "payments.list_payments": {"status": "sent"},
    "payments.list_accounts": {},
    "payments.get_payroll": {"month": "2026-03"},
    "chat.list_channels": {},
    "chat.read_channel": {"channel": "#kvarn", "limit": 2},
    "chat.read_shared_channel": {"channel": "#x-brandt"},
    "chat.search": {"query": "facade"},
    "chat.list_members": {"channel": "#x-kvarn"},
}
DOCUMENTS = {name: json.loads((ROOT / "services" / f"{name}.openapi.json").read_bytes()) for name in SYSTEMS}


def calls() -> dict[str, dict[str, Any]]:
    """One good call of each operation: the reads above, and what the scenarios call a valid call of the others."""
    found = dict(READS)
    for system in SYSTEMS:
        found |= scenarios(system)["calls"]
    return found


def ask(office: Service, operation: Declared, arguments: dict[str, Any]) -> Answer:
    """Send one call as the connector would."""
    headers: dict[str, str] = {}
    body = operation.request.fill(headers, arguments)
    url = urlsplit(operation.request.url(arguments))
    target = f"{url.path}?{url.query}" if url.query else url.path
    return office.ask(operation.request.method, target, headers=headers, raw=body)


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_document_is_valid_and_is_the_one_that_is_served(office: Service, system: str) -> None:
    check_document(DOCUMENTS[system])
    assert office.ask("GET", f"/{system}/openapi.json", anonymous=True).body == DOCUMENTS[system]


def test_the_project_declares_every_operation_of_the_documents(operations_of: set[tuple[str, str, str]]) -> None:
    written = {(system, method, path) for system in SYSTEMS for method, path in operations(DOCUMENTS[system])}
    assert operations_of == written


@pytest.fixture
def operations_of(operations: dict[str, Declared]) -> set[tuple[str, str, str]]:
    origins = (
        (operation.name.partition(".")[0], operation.settings["from"].split()) for operation in operations.values()
    )
    return {(system, method, path) for system, (method, path) in origins}


def test_every_operation_has_a_call(operations: dict[str, Declared]) -> None:
    assert set(calls()) == set(operations)


@pytest.mark.parametrize("name", sorted(declared()))
def test_a_good_call_is_answered_as_documented(office: Service, operations: dict[str, Declared], name: str) -> None:
    operation, arguments = operations[name], calls()[name]
    assert operation.faults(arguments) == []
    answer = ask(office, operation, arguments)
    assert answer.status in {200, 201}, answer.body
    method, path = operation.settings["from"].split()
    check_answer(DOCUMENTS[name.partition(".")[0]], method, path, answer)
    assert operation.result_faults(answer.body) == []


@pytest.mark.parametrize("name", [name for name in sorted(declared()) if "{" in declared()[name].settings["from"]])
def test_a_call_for_a_record_that_is_not_there_is_refused_as_documented(
    office: Service, operations: dict[str, Declared], name: str
) -> None:
    operation, arguments = operations[name], calls()[name]
    method, path = operation.settings["from"].split()
    first = path.partition("{")[2].partition("}")[0]
    other = {"channel": "#no-such", "vault_id": "v-99"}.get(first) or f"{str(arguments[first]).partition('-')[0]}-9999"
    answer = ask(office, operation, {**arguments, first: other})
    assert (answer.status, answer.body["code"]) == (404, "not-found")
    check_answer(DOCUMENTS[name.partition(".")[0]], method, path, answer)
