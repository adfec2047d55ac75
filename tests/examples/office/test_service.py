"""The office lets nobody in without the token, takes nothing that breaks its contract, and does nothing twice."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.examples.northwind.service_process import Service, running
from tests.examples.office.declared import ROOT

MESSAGE = {"to": ["priya.nair@lindgren-roy.example"], "subject": "Loads", "body": "Revision 3 is in."}


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer other"}, {"Authorization": "Basic a-token"}])
def test_nothing_but_the_contract_is_shown_without_the_token(office: Service, header: dict[str, str]) -> None:
    refused = office.ask("GET", "/mail/rules", headers=header, anonymous=True)
    assert (refused.status, refused.headers["www-authenticate"]) == (401, "Bearer")
    assert office.ask("GET", "/healthz", anonymous=True).body == {"status": "ok"}


def test_what_is_not_in_the_contract_is_not_there(office: Service) -> None:
    assert office.ask("GET", "/mail/secrets").status == 404
    refused = office.ask("DELETE", "/payments/invoices")
    assert (refused.status, refused.headers["allow"]) == (405, "GET, POST")


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (b"{", 400, "malformed"),
        (b"\xff", 400, "malformed"),
        (b'{"subject": NaN}', 400, "malformed"),
        (b"[]", 422, "validation"),
        (b"", 400, "malformed"),
        (b'"' + b"x" * 300_000 + b'"', 413, "too-large"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(office: Service, raw: bytes, status: int, code: str) -> None:
    refused = office.ask("POST", "/mail/messages", raw=raw)
    assert (refused.status, refused.body["code"]) == (status, code)


def test_a_body_of_another_kind_is_refused(office: Service) -> None:
    refused = office.ask("POST", "/mail/messages", raw=b"to=priya", headers={"Content-Type": "text/plain"})
    assert (refused.status, refused.body["code"]) == (415, "not-json")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"to": []}, "/to"),
        ({"to": ["priya"]}, "/to/0"),
        ({"subject": ""}, "/subject"),
        ({"importance": "urgent"}, "/importance"),
        ({"attachments": [{"file": "f-101"}]}, "/attachments/0"),
        ({"from": "mara.lindgren@lindgren-roy.example"}, ""),
    ],
)
def test_a_wrong_member_is_refused_by_name(office: Service, change: dict[str, object], pointer: str) -> None:
    refused = office.ask("POST", "/mail/messages", {**MESSAGE, **change})
    assert (refused.status, refused.body["code"]) == (422, "validation")
    assert pointer in [error["pointer"] for error in refused.body["errors"]]


@pytest.mark.parametrize("query", ["limit=0", "limit=ten", "unread=perhaps", "since=yesterday", "colour=red"])
def test_a_wrong_parameter_is_refused_by_name(office: Service, query: str) -> None:
    refused = office.ask("GET", f"/mail/messages?{query}")
    assert (refused.status, refused.body["errors"][0]["pointer"]) == (422, query.partition("=")[0])


def test_a_parameter_that_is_needed_is_asked_for(office: Service) -> None:
    refused = office.ask("GET", "/payments/payroll")
    assert refused.body["errors"] == [{"pointer": "month", "rule": "required"}]


def test_the_same_key_and_request_are_done_once(office: Service) -> None:
    key = {"Idempotency-Key": "loads-1"}
    first, again = (office.ask("POST", "/mail/messages", MESSAGE, headers=key) for _ in range(2))
    assert (first.status, again.status, again.body) == (201, 201, first.body)
    assert again.headers["idempotency-replayed"] == "true"
    refused = office.ask("POST", "/mail/messages", {**MESSAGE, "body": "Another"}, headers=key)
    assert (refused.status, refused.body["code"]) == (422, "key-reused")
    sent = office.get("/mail/messages?folder=sent&since=2026-03-17")["messages"]
    assert [message["message_id"] for message in sent] == [first.body["message_id"]]


def test_a_refused_request_leaves_nothing_behind(tmp_path: Path) -> None:
    file, token = tmp_path / "office.sqlite", "a-token"
    program, bearer = str(ROOT / "services" / "office.py"), {"Authorization": f"Bearer {token}"}
    with running(program, "--db", str(file), secret=("OFFICE_TOKEN", token), credentials=bearer) as office:
        missing = {"attachments": [{"file_id": "f-101"}, {"file_id": "f-999"}]}
        assert office.ask("POST", "/mail/messages", {**MESSAGE, **missing}).status == 404
        assert office.ask("POST", "/mail/messages", MESSAGE).status == 201
    with running(program, "--db", str(file), secret=("OFFICE_TOKEN", token), credentials=bearer) as office:
        assert office.get("/mail/messages?folder=sent&since=2026-03-17")["messages"][0]["subject"] == "Loads"
    with closing(sqlite3.connect(file)) as database:
        assert [row[0] for row in database.execute("SELECT operation FROM effects")] == ["sent"]
