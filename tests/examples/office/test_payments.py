"""The ledger: only what was approved is paid, once, to the account of record, and only with money that is there."""

from __future__ import annotations

import pytest

from tests.examples.northwind.service_process import Service

NEW = {
    "payee_id": "pe-04",
    "number": "318",
    "amount": 300.10,
    "issued_on": "2026-03-17",
    "due_on": "2026-03-31",
    "lines": [{"description": "Cleaning", "amount": 200.05}, {"description": "Windows", "amount": 100.05}],
}


def balance(office: Service, account: str) -> float:
    accounts = office.get("/payments/accounts")["accounts"]
    return float(next(one["balance"] for one in accounts if one["account_id"] == account))


def test_invoices_are_found_by_due_date(office: Service) -> None:
    found = office.get("/payments/invoices?status=approved&due_until=2026-03-20")["invoices"]
    assert [(invoice["invoice_id"], invoice["amount"]) for invoice in found] == [("in-233", 214.8), ("in-231", 1860.0)]


def test_an_approved_invoice_is_paid_once(office: Service) -> None:
    before = balance(office, "operating")
    paid = office.ask("POST", "/payments/invoices/in-231/payment")
    assert (paid.status, paid.body["status"], paid.body["payee_id"]) == (201, "sent", "pe-02")
    assert round(before - balance(office, "operating"), 2) == 1860.00
    assert office.get("/payments/invoices/in-231")["payment_id"] == paid.body["payment_id"]
    assert office.ask("POST", "/payments/invoices/in-231/payment").status == 409


def test_an_invoice_is_approved_before_it_is_paid(office: Service) -> None:
    assert office.ask("POST", "/payments/invoices/in-234/payment").status == 409
    assert office.ask("POST", "/payments/invoices/in-234/approval", {"comment": "Right"}).body["status"] == "approved"
    assert office.ask("POST", "/payments/invoices/in-234/approval").status == 409
    assert office.ask("POST", "/payments/invoices/in-234/payment").status == 201


def test_a_payment_on_a_later_day_can_be_cancelled(office: Service) -> None:
    before = balance(office, "operating")
    paid = office.ask("POST", "/payments/invoices/in-235/payment", {"pay_on": "2026-03-31"}).body
    assert (paid["status"], office.get("/payments/invoices/in-235")["status"]) == ("scheduled", "scheduled")
    cancelled = office.ask("POST", f"/payments/payments/{paid['payment_id']}/cancel").body
    assert (cancelled["status"], cancelled["version"]) == ("cancelled", 2)
    assert office.get("/payments/invoices/in-235")["status"] == "approved"
    assert balance(office, "operating") == before


def test_a_payment_that_was_sent_cannot_be_cancelled(office: Service) -> None:
    assert office.ask("POST", "/payments/payments/pm-801/cancel").status == 409


def test_money_that_is_not_there_is_not_paid(office: Service) -> None:
    wanted = {"payee_id": "pe-10", "amount": 400000, "reference": "Too much"}
    assert office.ask("POST", "/payments/payments", wanted).status == 409
    scheduled = {**wanted, "amount": 10, "pay_on": "2026-03-16"}
    assert office.ask("POST", "/payments/scheduled-payments", scheduled).body["code"] == "past"


@pytest.mark.parametrize("amount", [0, -1, 10.001, "10"])
def test_a_wrong_amount_is_refused(office: Service, amount: object) -> None:
    refused = office.ask("POST", "/payments/payments", {"payee_id": "pe-10", "amount": amount, "reference": "R"})
    assert refused.status == 422


def test_an_invoice_is_entered_once_and_its_lines_come_to_its_amount(office: Service) -> None:
    made = office.ask("POST", "/payments/invoices", NEW)
    assert (made.status, made.body["status"], made.body["payee_name"]) == (201, "registered", "Blank Cleaning")
    assert office.ask("POST", "/payments/invoices", NEW).status == 409
    refused = office.ask("POST", "/payments/invoices", {**NEW, "number": "319", "amount": 300.11})
    assert (refused.status, refused.body["code"]) == (422, "lines")


def test_a_new_account_is_new_from_today(office: Service) -> None:
    assert office.get("/payments/payees/pe-03")["account_age_days"] > 30
    account = {"iban": "FI4966010005485495", "bic": "DABAFIHH"}
    changed = office.ask("PUT", "/payments/payees/pe-03/account", {"account": account, "reason": "By telephone"}).body
    assert (changed["account"], changed["account_age_days"], changed["version"]) == (account, 0, 2)
    refused = office.ask("PUT", "/payments/payees/pe-03/account", {"account": {"iban": "FI49 6601"}, "reason": "None"})
    assert refused.status == 422


def test_a_payee_is_added_once(office: Service) -> None:
    new = {"name": "Larch", "email": "sales@larch-cladding.example", "account": {"iban": "FI7944052020036082"}}
    assert office.ask("POST", "/payments/payees", new).body["payee_id"] == "pe-11"
    assert office.ask("POST", "/payments/payees", new).status == 409


def test_the_payroll_comes_to_its_total(office: Service) -> None:
    payroll = office.get("/payments/payroll?month=2026-03")
    assert sum(line["salary"] for line in payroll["lines"]) == payroll["total"]
    assert office.ask("GET", "/payments/payroll?month=2026-04").status == 404


def test_an_expense_is_claimed(office: Service) -> None:
    claim = {"spent_on": "2026-03-05", "amount": 46, "category": "travel", "description": "Train to Turku"}
    made = office.ask("POST", "/payments/expenses", claim)
    assert (made.status, made.body["status"], made.body["receipt_file_id"]) == (201, "claimed", None)
