"""Billing issues each credit note once, keeps it through a crash, and answers as its contract says."""

from __future__ import annotations

import http.client
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.examples.northwind.conftest import StartBilling
from tests.examples.northwind.contract import check_answer, check_document
from tests.examples.northwind.service_process import Answer, Service

WANTED: dict[str, Any] = {
    "order_id": 10952,
    "customer_id": "ALFKI",
    "amount": 20.00,
    "reason": "One cracked jar",
}


def create(billing: Service, key: str | None = None, /, **changes: object) -> Answer:
    headers = {} if key is None else {"Idempotency-Key": key}
    return billing.ask("POST", "/credit-notes", {**WANTED, **changes}, headers=headers)


def effects(file: Path) -> list[tuple[str, int]]:
    with closing(sqlite3.connect(file)) as database:
        return database.execute("SELECT kind, number FROM effects ORDER BY effect_id").fetchall()


def test_a_new_note_is_issued_and_can_be_read(billing: Service) -> None:
    answer = create(billing, "first", account="DE89370400440532013000")
    assert (answer.status, answer.headers["location"], answer.headers["etag"]) == (
        201,
        "/credit-notes/CN-000001",
        '"1"',
    )
    assert billing.get("/credit-notes/CN-000001") == answer.body
    assert {**WANTED, "currency": "USD", "status": "issued", "version": 1}.items() <= answer.body.items()
    assert answer.body["account"] == "DE89370400440532013000"


def test_the_same_key_and_request_give_the_same_note_once(billing: Service, billing_file: Path) -> None:
    first, again = create(billing, "k-1"), create(billing, "k-1", amount=20, currency="USD")
    assert (first.status, again.status) == (201, 200)
    assert again.body == first.body
    assert again.headers["idempotency-replayed"] == "true"
    assert effects(billing_file) == [("created", 1)]


def test_the_same_key_for_another_request_is_refused(billing: Service, billing_file: Path) -> None:
    create(billing, "k-1")
    others: dict[str, object] = {
        "amount": 20.01,
        "order_id": 10953,
        "customer_id": "AROUT",
        "reason": "Another",
        "account": "DE89370400440532013000",
    }
    for field, value in others.items():
        refused = create(billing, "k-1", **{field: value})
        assert (refused.status, refused.body["code"]) == (422, "key-reused"), field
    assert effects(billing_file) == [("created", 1)]


def test_without_a_key_every_request_issues_a_note(billing: Service) -> None:
    assert [create(billing).body["id"] for _ in range(2)] == ["CN-000001", "CN-000002"]


def test_notes_are_found_by_key_order_customer_and_status(billing: Service) -> None:
    create(billing, "k-1")
    create(billing, "k-2", order_id=11016, customer_id="AROUT")
    create(billing, "k-3", order_id=11011)
    billing.ask("POST", "/credit-notes/CN-000003/cancel")

    def found(query: str) -> list[str]:
        return [note["idempotency_key"] for note in billing.get(f"/credit-notes?{query}")["items"]]

    assert found("idempotency_key=k-2") == ["k-2"]
    assert found("idempotency_key=unknown") == []
    assert found("order_id=10952") == ["k-1"]
    assert found("customer_id=ALFKI") == ["k-1", "k-3"]
    assert found("customer_id=ALFKI&status=cancelled") == ["k-3"]
    assert found("limit=2") == ["k-1", "k-2"]
    assert found("limit=2&after=CN-000002") == ["k-3"]


def test_cancelling_twice_changes_the_note_once(billing: Service, billing_file: Path) -> None:
    create(billing)
    first, again = (billing.ask("POST", "/credit-notes/CN-000001/cancel") for _ in range(2))
    assert (first.status, first.body["status"], first.body["version"]) == (200, "cancelled", 2)
    assert again.body == first.body
    assert effects(billing_file) == [("created", 1), ("cancelled", 1)]


def test_a_settled_note_cannot_be_cancelled(billing: Service, billing_file: Path) -> None:
    create(billing)
    billing.ask("POST", "/credit-notes/CN-000001/settle")
    refused = billing.ask("POST", "/credit-notes/CN-000001/cancel")
    assert (refused.status, refused.body["code"]) == (409, "not-issued")
    assert effects(billing_file) == [("created", 1), ("settled", 1)]


def test_a_change_bound_to_an_old_version_is_refused(billing: Service) -> None:
    create(billing)
    stale = billing.ask("POST", "/credit-notes/CN-000001/cancel", headers={"If-Match": '"2"'})
    assert (stale.status, stale.body["code"]) == (412, "changed")
    assert billing.ask("POST", "/credit-notes/CN-000001/cancel", headers={"If-Match": '"1"'}).status == 200


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"amount": 20.001}, "/amount"),
        ({"amount": 0}, "/amount"),
        ({"amount": -5}, "/amount"),
        ({"amount": "20.00"}, "/amount"),
        ({"amount": 100000.01}, "/amount"),
        ({"order_id": True}, "/order_id"),
        ({"order_id": "10952"}, "/order_id"),
        ({"order_id": 10**40}, "/order_id"),
        ({"customer_id": "alfki"}, "/customer_id"),
        ({"currency": "EUR"}, "/currency"),
        ({"reason": ""}, "/reason"),
        ({"account": "DE89 3704"}, "/account"),
        ({"approved": True}, ""),
    ],
)
def test_a_wrong_field_is_refused_by_name(empty_billing: Service, change: dict[str, object], pointer: str) -> None:
    refused = create(empty_billing, **change)
    assert (refused.status, refused.body["code"]) == (422, "validation")
    assert [error["pointer"] for error in refused.body["errors"]] == [pointer]
    assert empty_billing.get("/credit-notes") == {"items": []}


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b'{"amount": NaN}', 400),
        (b'{"reason": "\\ud800"}', 400),
        (b"[" * 10_000, 400),
        (b"[" * 400 + b"]" * 400, 400),
        (b"[]", 422),
        (b'"' + b"x" * 20_000 + b'"', 413),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(empty_billing: Service, raw: bytes, status: int) -> None:
    assert empty_billing.ask("POST", "/credit-notes", raw=raw).status == status
    assert empty_billing.get("/credit-notes") == {"items": []}


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer other"}, {"Authorization": "Basic a-token"}])
def test_nothing_but_the_contract_is_shown_without_the_token(empty_billing: Service, header: dict[str, str]) -> None:
    refused = empty_billing.ask("GET", "/credit-notes", headers=header, anonymous=True)
    assert (refused.status, refused.headers["www-authenticate"]) == (401, "Bearer")
    assert empty_billing.ask("GET", "/openapi.json", anonymous=True).status == 200
    assert empty_billing.ask("GET", "/healthz", anonymous=True).body == {"status": "ok"}


def test_killed_after_the_commit_the_note_exists_and_the_key_finds_it(
    start_billing: StartBilling, billing_file: Path
) -> None:
    with start_billing("--crash-after-commit", "2") as billing:
        assert create(billing, "k-1").status == 201
        with pytest.raises((http.client.HTTPException, ConnectionError)):
            create(billing, "k-2")
        assert billing.process.wait(10) == 137
    assert effects(billing_file) == [("created", 1), ("created", 2)]
    with start_billing() as billing:
        assert [note["id"] for note in billing.get("/credit-notes?idempotency_key=k-2")["items"]] == ["CN-000002"]
        assert create(billing, "k-2").body["id"] == "CN-000002"
    assert effects(billing_file) == [("created", 1), ("created", 2)]


def test_killed_before_the_commit_there_is_no_note_and_repeating_makes_one(
    start_billing: StartBilling, billing_file: Path
) -> None:
    with start_billing("--crash-before-commit", "1") as billing:
        with pytest.raises((http.client.HTTPException, ConnectionError)):
            create(billing, "k-1")
        assert billing.process.wait(10) == 137
    assert effects(billing_file) == []
    with start_billing() as billing:
        assert billing.get("/credit-notes?idempotency_key=k-1") == {"items": []}
        assert create(billing, "k-1").status == 201
    assert effects(billing_file) == [("created", 1)]


def test_a_held_answer_has_its_effect_already(start_billing: StartBilling, billing_file: Path) -> None:
    with start_billing("--delay-ms", "60000") as billing:
        connection = http.client.HTTPConnection("127.0.0.1", billing.port, timeout=0.5)
        body = b'{"order_id": 10952, "customer_id": "ALFKI", "amount": 20, "reason": "late"}'
        headers = {**billing.credentials, "Content-Type": "application/json"}
        connection.request("POST", "/credit-notes", body, headers)
        with pytest.raises(TimeoutError):
            connection.getresponse()
        connection.close()
        assert effects(billing_file) == [("created", 1)]
        billing.process.kill()


def test_the_contract_is_valid_openapi_3_1_and_every_answer_keeps_it(billing: Service) -> None:
    document = billing.ask("GET", "/openapi.json", anonymous=True).body
    assert document["openapi"].startswith("3.1")
    check_document(document)
    note, cancel, settle = (f"/credit-notes/{{id}}{end}" for end in ("", "/cancel", "/settle"))
    steps = [
        ("POST", "/credit-notes", create(billing, "k-1"), 201),
        ("POST", "/credit-notes", create(billing, "k-1"), 200),
        ("POST", "/credit-notes", create(billing, "k-1", amount=1), 422),
        ("POST", "/credit-notes", create(billing, amount=0.001), 422),
        ("POST", "/credit-notes", billing.ask("POST", "/credit-notes", raw=b"{"), 400),
        (
            "POST",
            "/credit-notes",
            billing.ask("POST", "/credit-notes", headers={"Content-Type": "text/plain"}),
            415,
        ),
        ("POST", "/credit-notes", billing.ask("POST", "/credit-notes", raw=b" " * 20_000), 413),
        ("GET", "/credit-notes", billing.ask("GET", "/credit-notes"), 200),
        ("GET", "/credit-notes", billing.ask("GET", "/credit-notes?limit=0"), 422),
        ("GET", note, billing.ask("GET", "/credit-notes/CN-000001"), 200),
        ("GET", note, billing.ask("GET", "/credit-notes/CN-000009"), 404),
        ("GET", note, billing.ask("GET", "/credit-notes/CN-000001", anonymous=True), 401),
        (
            "POST",
            cancel,
            billing.ask("POST", "/credit-notes/CN-000001/cancel", headers={"If-Match": '"9"'}),
            412,
        ),
        ("POST", cancel, billing.ask("POST", "/credit-notes/CN-000001/cancel"), 200),
        ("POST", settle, billing.ask("POST", "/credit-notes/CN-000001/settle"), 409),
        ("GET", "/healthz", billing.ask("GET", "/healthz"), 200),
    ]
    for method, path, answer, status in steps:
        assert answer.status == status, (method, path, answer)
        check_answer(document, method, path, answer)
