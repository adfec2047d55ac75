"""The company that the tests find in Tryton: its books, stock and people, two products, and the clerks' accounts."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Protocol

ADMIN = "password-of-the-administrator"
CLERK, PASSWORD = "interlock", "hidden-password-of-the-clerk"
CRM_CLERK, CRM_PASSWORD = "interlock-crm", "hidden-password-of-the-crm-clerk"
NUMBER = 1
STORED = 1000
EDITION = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]
"""Names the database that `settle` makes: what was made by another edition of this file is made anew."""


class Office(Protocol):
    """Tryton, as its administrator uses it."""

    context: dict[str, Any]

    def ask(self, method: str, *params: Any) -> Any: ...

    def model(self, name: str, method: str, *params: Any) -> Any: ...


def settle(office: Office) -> None:
    """Make the company in an empty database."""
    groups = office.model("res.group", "search", [], 0, 200, None)
    office.model("res.user", "write", [1], {"groups": [["add", groups]]})
    _found(office)
    _people(office, groups)
    _books(office)
    _goods(office)


def decimal(text: str) -> dict[str, str]:
    """Return a decimal number as Tryton writes it in JSON."""
    return {"__class__": "Decimal", "decimal": text}


def date(year: int, month: int, day: int) -> dict[str, Any]:
    """Return a date as Tryton writes it in JSON."""
    return {"__class__": "date", "year": year, "month": month, "day": day}


def _found(office: Office) -> None:
    rate = {"rate": decimal("1"), "date": date(2020, 1, 1)}
    euro = {"name": "Euro", "code": "EUR", "symbol": "E", "digits": 2, "rates": [["create", [rate]]]}
    (currency,) = office.model("currency.currency", "create", [euro])
    (house,) = office.model("party.party", "create", [{"name": "Acme"}])
    created = office.model("company.company", "create", [{"party": house, "currency": currency}])
    assert created == [NUMBER]
    office.context = {"company": NUMBER}


def _people(office: Office, groups: list[int]) -> None:
    (person,) = office.model("party.party", "create", [{"name": "Sam Seller"}])
    (seller,) = office.model("company.employee", "create", [{"party": person, "company": NUMBER}])
    works = {"companies": [["add", [NUMBER]]], "company": NUMBER}
    office.model("res.user", "write", [1], works)
    works |= {"employees": [["add", [seller]]], "employee": seller}
    clerk = {"name": "Interlock", "login": CLERK, "password": PASSWORD, "groups": [["add", groups]], **works}
    sales = office.model("res.group", "search", [["name", "like", "Sale%"]], 0, 200, None)
    crm = {"name": "CRM", "login": CRM_CLERK, "password": CRM_PASSWORD, "groups": [["add", sales]], **works}
    office.model("res.user", "create", [clerk, crm])


def _books(office: Office) -> None:
    """A chart of accounts, one fiscal year that never ends, invoice numbers and a payment term."""
    chart = office.model("ir.model.data", "get_id", "account.account_template_root_en")
    session, _, _ = office.ask("wizard.account.create_chart.create", office.context)
    wizard = "wizard.account.create_chart.execute"
    account = {"account": {"company": NUMBER, "account_template": chart}}
    office.ask(wizard, session, account, "create_account", office.context)
    kinds = {kind: _account(office, kind) for kind in ("receivable", "payable", "revenue", "expense")}
    properties = {
        "company": NUMBER,
        "account_receivable": kinds["receivable"],
        "account_payable": kinds["payable"],
        "category_account_expense": kinds["expense"],
        "category_account_revenue": kinds["revenue"],
    }
    office.ask(wizard, session, {**account, "properties": properties}, "create_properties", office.context)
    invoices = _sequence(office, "Invoice")
    names = [f"{way}_{kind}_sequence" for way in ("in", "out") for kind in ("invoice", "credit_note")]
    year = {
        "name": "Always",
        "company": NUMBER,
        "start_date": date(2020, 1, 1),
        "end_date": date(2099, 12, 31),
        "move_sequence": _sequence(office, "Account Move"),
        "invoice_sequences": [["create", [{"company": NUMBER, **dict.fromkeys(names, invoices)}]]],
        "periods": [["create", [{"name": "Always", "start_date": date(2020, 1, 1), "end_date": date(2099, 12, 31)}]]],
    }
    office.model("account.fiscalyear", "create", [year])
    term = {"name": "At once", "lines": [["create", [{"type": "remainder"}]]]}
    (at_once,) = office.model("account.invoice.payment_term", "create", [term])
    office.model("account.configuration", "write", [1], {"default_customer_payment_term": at_once})


def _account(office: Office, kind: str) -> int:
    wanted = [[f"type.{kind}", "=", True], ["company", "=", NUMBER], ["closed", "!=", True]]
    return int(office.model("account.account", "search", wanted, 0, 1, None)[0])


def _sequence(office: Office, name: str) -> int:
    (kind,) = office.model("ir.sequence.type", "search", [["name", "=", name]], 0, 1, None)
    made = {"name": name, "sequence_type": kind, "company": NUMBER}
    return int(office.model("ir.sequence.strict", "create", [made])[0])


def _goods(office: Office) -> None:
    """Chairs, of which there are enough, and desks, of which there are none."""
    unit = office.model("product.uom", "search", [["name", "=", "Unit"]], 0, 1, None)[0]
    accounts = {f"account_{kind}": _account(office, kind) for kind in ("revenue", "expense")}
    furniture = {"name": "Furniture", "accounting": True, **accounts}
    (category,) = office.model("product.category", "create", [furniture])
    common = {"type": "goods", "default_uom": unit, "salable": True, "sale_uom": unit, "account_category": category}
    goods = [
        {"name": name, "list_price": decimal(price), "products": [["create", [{"suffix_code": code}]]], **common}
        for name, price, code in (("Chair", "10.00", "C1"), ("Desk", "90.00", "D1"))
    ]
    office.model("product.template", "create", goods)
    (chair,) = office.model("product.product", "search", [["code", "=", "C1"]], 0, 1, None)
    (storage,) = office.model("stock.location", "search", [["code", "=", "STO"]], 0, 1, None)
    line = {"product": chair, "quantity": STORED}
    counted = {"location": storage, "company": NUMBER, "lines": [["create", [line]]]}
    made = office.model("stock.inventory", "create", [counted])
    office.model("stock.inventory", "confirm", made)
