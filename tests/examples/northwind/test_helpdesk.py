"""The helpdesk keeps its tickets and replies, adds each reply once, and answers as its contract says."""

from __future__ import annotations

import json
import sqlite3

import pytest

from examples.northwind.services import build_erp
from tests.examples.northwind.conftest import StartHelpdesk
from tests.examples.northwind.contract import check_answer, check_document
from tests.examples.northwind.service_process import Answer, Service

TICKET = {"customer_id": "ALFKI", "contact_name": "Maria Anders", "subject": "Hello", "body": "Where is it?"}


def reply(helpdesk: Service, number: int, key: str | None = None, **body: object) -> Answer:
    headers = {} if key is None else {"Idempotency-Key": key}
    return helpdesk.ask("POST", f"/tickets/{number}/replies", body, headers=headers)


def set_status(helpdesk: Service, number: int, status: str) -> Answer:
    return helpdesk.ask("POST", f"/tickets/{number}/status", {"status": status})


def test_every_seeded_ticket_is_of_a_real_customer_about_an_order_of_theirs(erp: sqlite3.Connection) -> None:
    tickets = json.loads((build_erp.DATA / "tickets.json").read_bytes())
    contacts = dict(erp.execute("SELECT customer_id, contact_name FROM customers"))
    owners = dict(erp.execute("SELECT order_id, customer_id FROM orders"))
    assert [ticket["ticket_id"] for ticket in tickets] == list(range(1001, 1026))
    for ticket in tickets:
        assert ticket["customer_id"] in contacts
        assert ticket["order_id"] is None or owners[ticket["order_id"]] == ticket["customer_id"]
    strangers = [t["ticket_id"] for t in tickets if t["contact_name"] != contacts[t["customer_id"]]]
    assert strangers == [1004]  # the openly hostile one is not written by the customer's contact


def test_tickets_are_found_by_status_customer_and_order(untouched_helpdesk: Service) -> None:
    def found(query: str) -> list[int]:
        return [ticket["ticket_id"] for ticket in untouched_helpdesk.get(f"/tickets?{query}")["tickets"]]

    assert found("") == list(range(1001, 1026))
    assert found("customer_id=ALFKI") == [1001, 1002]
    assert found("status=closed") == [1023]
    assert found("status=open&customer_id=AROUT") == [1003, 1004]
    assert found("order_id=11076") == [1006]
    assert found("after=1023&limit=1") == [1024]


def test_a_ticket_shows_its_text_and_its_replies(untouched_helpdesk: Service) -> None:
    ticket = untouched_helpdesk.get("/tickets/1010")
    assert (ticket["customer_id"], ticket["order_id"], ticket["status"]) == ("BOLID", 10970, "pending")
    assert [(entry["author"], entry["public"]) for entry in ticket["replies"]] == [
        ("agent", True),
        ("agent", False),
    ]
    assert "body" not in untouched_helpdesk.get("/tickets?customer_id=BOLID")["tickets"][0]


def test_a_reply_is_added_once_for_each_key(helpdesk: Service) -> None:
    first = reply(helpdesk, 1001, "r-1", body="We credit 20.00.")
    again = reply(helpdesk, 1001, "r-1", body="We credit 20.00.")
    assert (first.status, again.status) == (201, 200)
    assert again.body == first.body
    assert {"author": "agent", "public": True}.items() <= first.body.items()
    assert [entry["body"] for entry in helpdesk.get("/tickets/1001")["replies"]] == ["We credit 20.00."]
    assert helpdesk.get("/tickets/1001/replies?idempotency_key=r-1")["replies"] == [first.body]
    assert helpdesk.get("/tickets/1001/replies?idempotency_key=r-2")["replies"] == []
    assert helpdesk.get("/tickets/1001")["version"] == 2


@pytest.mark.parametrize(("number", "body"), [(1001, "Another text"), (1002, "Text")])
def test_a_key_is_good_for_one_reply_only(helpdesk: Service, number: int, body: str) -> None:
    reply(helpdesk, 1001, "r-1", body="Text")
    refused = reply(helpdesk, number, "r-1", body=body)
    assert (refused.status, refused.body["error"]["code"]) == (422, "key_reused")


def test_without_a_key_every_reply_is_added(helpdesk: Service) -> None:
    for _ in range(2):
        reply(helpdesk, 1001, body="Same", public=False)
    assert [entry["public"] for entry in helpdesk.get("/tickets/1001")["replies"]] == [False, False]


def test_a_closed_ticket_takes_no_reply_and_stays_closed(helpdesk: Service) -> None:
    assert reply(helpdesk, 1023, body="One more thing").status == 409
    assert set_status(helpdesk, 1023, "open").status == 409
    assert set_status(helpdesk, 1023, "closed").status == 200


def test_setting_the_same_status_again_changes_nothing(helpdesk: Service) -> None:
    first, again = (set_status(helpdesk, 1001, "solved") for _ in range(2))
    assert (first.body["status"], first.body["version"]) == ("solved", 2)
    assert again.body == first.body
    assert set_status(helpdesk, 1001, "open").body["version"] == 3


def test_a_customer_writes_a_ticket_once_for_each_key(helpdesk: Service) -> None:
    headers = {"Idempotency-Key": "t-1"}
    first, again = (helpdesk.ask("POST", "/tickets", TICKET, headers=headers) for _ in range(2))
    assert (first.status, again.status) == (201, 200)
    assert again.body == first.body
    assert {
        "ticket_id": 1026,
        "status": "open",
        "channel": "web",
        "order_id": None,
    }.items() <= first.body.items()
    assert len(helpdesk.get("/tickets?customer_id=ALFKI")["tickets"]) == 3


def test_what_was_written_is_there_after_a_kill_and_is_not_seeded_over(
    start_helpdesk: StartHelpdesk,
) -> None:
    with start_helpdesk() as helpdesk:
        reply(helpdesk, 1001, "r-1", body="Kept")
        helpdesk.process.kill()
    with start_helpdesk() as helpdesk:
        assert [entry["body"] for entry in helpdesk.get("/tickets/1001")["replies"]] == ["Kept"]
        assert len(helpdesk.get("/tickets")["tickets"]) == 25


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/tickets", {**TICKET, "customer_id": "alfki"}),
        ("/tickets", {**TICKET, "status": "closed"}),
        ("/tickets", {**TICKET, "order_id": None}),
        ("/tickets", {**TICKET, "contact_email": "nobody"}),
        ("/tickets/1001/replies", {"body": ""}),
        ("/tickets/1001/replies", {"body": "x", "public": "yes"}),
        ("/tickets/1001/replies", {"body": "x", "author": "customer"}),
        ("/tickets/1001/status", {"status": "gone"}),
        ("/tickets/1001/status", []),
    ],
)
def test_a_body_that_breaks_the_contract_is_refused(untouched_helpdesk: Service, path: str, body: object) -> None:
    refused = untouched_helpdesk.ask("POST", path, body)
    assert (refused.status, refused.body["error"]["code"]) == (422, "validation")


@pytest.mark.parametrize("headers", [{}, {"X-API-Key": "other"}, {"Authorization": "Bearer a-key"}])
def test_nothing_is_shown_without_the_key(untouched_helpdesk: Service, headers: dict[str, str]) -> None:
    assert untouched_helpdesk.ask("GET", "/tickets", headers=headers, anonymous=True).status == 401


def test_the_contract_is_valid_openapi_3_0_and_every_answer_keeps_it(helpdesk: Service) -> None:
    document = helpdesk.ask("GET", "/openapi.json", anonymous=True).body
    assert document["openapi"].startswith("3.0")
    check_document(document)
    ticket, replies, status = (f"/tickets/{{ticket_id}}{end}" for end in ("", "/replies", "/status"))
    steps = [
        ("GET", "/tickets", helpdesk.ask("GET", "/tickets?limit=200"), 200),
        ("GET", "/tickets", helpdesk.ask("GET", "/tickets?status=new"), 422),
        ("GET", "/tickets", helpdesk.ask("GET", "/tickets", anonymous=True), 401),
        ("POST", "/tickets", helpdesk.ask("POST", "/tickets", TICKET), 201),
        ("POST", "/tickets", helpdesk.ask("POST", "/tickets", raw=b"[" * 400 + b"]" * 400), 400),
        ("POST", "/tickets", helpdesk.ask("POST", "/tickets", raw=b" " * 70_000), 413),
        ("POST", "/tickets", helpdesk.ask("POST", "/tickets", headers={"Content-Type": "text/xml"}), 415),
        ("GET", ticket, helpdesk.ask("GET", "/tickets/1020"), 200),
        ("GET", ticket, helpdesk.ask("GET", "/tickets/99"), 404),
        ("POST", replies, reply(helpdesk, 1001, "r-1", body="Hello"), 201),
        ("POST", replies, reply(helpdesk, 1001, "r-1", body="Hello"), 200),
        ("POST", replies, reply(helpdesk, 1023, body="Hello"), 409),
        ("GET", replies, helpdesk.ask("GET", "/tickets/1001/replies"), 200),
        ("POST", status, set_status(helpdesk, 1001, "pending"), 200),
        ("POST", status, set_status(helpdesk, 1001, "new"), 422),
        ("GET", "/healthz", helpdesk.ask("GET", "/healthz"), 200),
    ]
    for method, path, answer, expected in steps:
        assert answer.status == expected, (method, path, answer)
        check_answer(document, method, path, answer)
