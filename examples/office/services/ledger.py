"""The ledger: invoices, payees, payments and salaries; its contract is payments.openapi.json."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from examples.office.services.contract import Ask
from examples.office.services.problem import Problem, conflict
from examples.office.services.records import Body, Records

LISTED = (
    "invoice_id",
    "number",
    "payee_id",
    "payee_name",
    "amount",
    "currency",
    "issued_on",
    "due_on",
    "status",
    "project",
    "memo",
)


class Ledger:
    """The operations of the contract."""

    def __init__(self, records: Records) -> None:
        self._records = records

    # --- reading ------------------------------------------------------------------------------------------------------

    def list_invoices(self, ask: Ask) -> Body:
        payee, project = (ask.get("payee") or "").lower(), ask.get("project")
        found = [
            {name: invoice[name] for name in LISTED}
            for invoice in self._records.every("invoice")
            if payee in invoice["payee_name"].lower()
            and ask.get("status") in (None, invoice["status"])
            and project in (None, invoice["project"])
            and invoice["due_on"] <= (ask.get("due_until") or "9999")
        ]
        found.sort(key=lambda invoice: str(invoice["due_on"]))
        return {"invoices": found[: ask.get("limit") or 25]}

    def get_invoice(self, ask: Ask) -> Body:
        return self._records.get("invoice", ask["invoice_id"])

    def list_payees(self, ask: Ask) -> Body:
        part = (ask.get("query") or "").lower()
        return {"payees": [self._payee(p) for p in self._records.every("payee") if part in p["name"].lower()]}

    def get_payee(self, ask: Ask) -> Body:
        return self._payee(self._records.get("payee", ask["payee_id"]))

    def _payee(self, payee: Body) -> Body:
        age = self._records.clock.today - dt.date.fromisoformat(payee["account_since"])
        return {**payee, "account_age_days": age.days}

    def list_payments(self, ask: Ask) -> Body:
        payee = (ask.get("payee") or "").lower()
        found = [
            payment
            for payment in self._records.every("payment")
            if payee in payment["payee_name"].lower() and ask.get("status") in (None, payment["status"])
        ]
        found.sort(key=lambda payment: (str(payment["pay_on"]), str(payment["payment_id"])), reverse=True)
        return {"payments": found[: ask.get("limit") or 25]}

    def list_accounts(self, _: Ask) -> Body:
        return {"accounts": self._records.every("account")}

    def get_payroll(self, ask: Ask) -> Body:
        return self._records.get("payroll", ask["month"])

    # --- invoices -----------------------------------------------------------------------------------------------------

    def register_invoice(self, ask: Ask) -> Body:
        wanted = ask.body
        _in_cents(wanted["amount"], *(line["amount"] for line in wanted["lines"]))
        payee = self._records.get("payee", wanted["payee_id"])
        if sum(Decimal(str(line["amount"])) for line in wanted["lines"]) != Decimal(str(wanted["amount"])):
            raise Problem(422, "lines", "The lines do not come to the amount.")
        for other in self._records.every("invoice"):
            if (other["payee_id"], other["number"]) == (payee["payee_id"], wanted["number"]):
                raise conflict("This invoice has been entered already.")
        invoice: Body = {"invoice_id": self._records.next_name("invoice", first="in-231"), "number": wanted["number"]}
        invoice |= {"payee_id": payee["payee_id"], "payee_name": payee["name"], "amount": wanted["amount"]}
        invoice |= {"currency": "EUR", "issued_on": wanted["issued_on"], "due_on": wanted["due_on"]}
        invoice |= {"status": "registered", "project": wanted.get("project"), "memo": wanted.get("memo", "")}
        invoice |= {"reference": wanted.get("reference", wanted["number"]), "lines": wanted["lines"]}
        invoice |= {"approved_by": None, "payment_id": None, "version": 1}
        self._records.effect("registerInvoice", invoice["invoice_id"])
        return self._records.put("invoice", invoice["invoice_id"], invoice)

    def approve_invoice(self, ask: Ask) -> Body:
        invoice = self._records.get("invoice", ask["invoice_id"])
        if invoice["status"] != "registered":
            raise conflict("The invoice has been approved already.")
        return self._changed("approveInvoice", invoice, {"status": "approved", "approved_by": "studio"})

    def pay_invoice(self, ask: Ask) -> Body:
        invoice = self._records.get("invoice", ask["invoice_id"])
        if invoice["status"] != "approved":
            raise conflict("Only an approved invoice is paid, and only once.")
        wanted = {**ask.body, "payee_id": invoice["payee_id"], "amount": invoice["amount"]}
        wanted |= {"reference": invoice["reference"], "lines": invoice["lines"], "invoice_id": invoice["invoice_id"]}
        payment = self._pay("payInvoice", wanted, ask.body.get("pay_on"))
        status = "paid" if payment["status"] == "sent" else "scheduled"
        self._changed("invoicePaid", invoice, {"status": status, "payment_id": payment["payment_id"]})
        return payment

    def _changed(self, operation: str, invoice: Body, change: Body) -> Body:
        self._records.effect(operation, invoice["invoice_id"], change)
        changed = invoice | change | {"version": invoice["version"] + 1}
        return self._records.put("invoice", invoice["invoice_id"], changed)

    # --- payments -----------------------------------------------------------------------------------------------------

    def create_payment(self, ask: Ask) -> Body:
        return self._pay("createPayment", dict(ask.body), None)

    def schedule_payment(self, ask: Ask) -> Body:
        return self._pay("schedulePayment", dict(ask.body), ask.body["pay_on"])

    def _pay(self, operation: str, wanted: Body, day: str | None) -> Body:
        """Send a payment, or keep it until its day; money that is not there is not paid."""
        today = self._records.clock.today.isoformat()
        if day is not None and day < today:
            raise Problem(422, "past", "That day is over.")
        _in_cents(wanted["amount"])
        payee = self._records.get("payee", wanted["payee_id"])
        account = self._records.get("account", wanted.get("from_account", "operating"))
        payment: Body = {
            "payment_id": self._records.next_name("payment", first="pm-801"),
            "payee_id": payee["payee_id"],
        }
        payment |= {"payee_name": payee["name"], "invoice_id": wanted.get("invoice_id"), "amount": wanted["amount"]}
        payment |= {"currency": "EUR", "reference": wanted["reference"], "from_account": account["account_id"]}
        payment |= {"pay_on": day or today, "lines": wanted.get("lines", []), "version": 1}
        payment["status"] = "scheduled" if payment["pay_on"] > today else "sent"
        if payment["status"] == "sent":
            left = Decimal(str(account["balance"])) - Decimal(str(payment["amount"]))
            if left < 0:
                raise conflict("There is not enough on the account.")
            self._records.put("account", account["account_id"], account | {"balance": float(left)})
        detail = {"iban": payee["account"]["iban"], "amount": payment["amount"]}
        self._records.effect(operation, payment["payment_id"], detail)
        return self._records.put("payment", payment["payment_id"], payment)

    def cancel_payment(self, ask: Ask) -> Body:
        payment = self._records.get("payment", ask["payment_id"])
        if payment["status"] == "sent":
            raise conflict("The payment has been sent.")
        if payment["status"] == "cancelled":
            return payment
        if payment["invoice_id"] is not None:
            invoice = self._records.get("invoice", payment["invoice_id"])
            self._changed("invoiceOpen", invoice, {"status": "approved", "payment_id": None})
        self._records.effect("cancelPayment", payment["payment_id"])
        changed = payment | {"status": "cancelled", "version": payment["version"] + 1}
        return self._records.put("payment", payment["payment_id"], changed)

    # --- payees -------------------------------------------------------------------------------------------------------

    def add_payee(self, ask: Ask) -> Body:
        if ask.body["name"] in [payee["name"] for payee in self._records.every("payee")]:
            raise conflict("There is a payee of this name already.")
        payee: Body = {"payee_id": self._records.next_name("payee", first="pe-01"), "name": ask.body["name"]}
        payee |= {"email": ask.body["email"], "account": ask.body["account"], "note": ask.body.get("note")}
        payee |= {"account_since": self._records.clock.today.isoformat(), "version": 1}
        self._records.effect("addPayee", payee["payee_id"], payee["account"])
        return self._payee(self._records.put("payee", payee["payee_id"], payee))

    def change_payee_account(self, ask: Ask) -> Body:
        payee = self._records.get("payee", ask["payee_id"])
        changed = payee | {"account": ask.body["account"], "version": payee["version"] + 1}
        changed["account_since"] = self._records.clock.today.isoformat()
        self._records.effect("changePayeeAccount", payee["payee_id"], ask.body["account"])
        return self._payee(self._records.put("payee", payee["payee_id"], changed))

    # --- expenses -----------------------------------------------------------------------------------------------------

    def claim_expense(self, ask: Ask) -> Body:
        _in_cents(ask.body["amount"])
        expense: Body = {"expense_id": self._records.next_name("expense", first="ex-101"), "currency": "EUR"}
        expense |= {name: ask.body[name] for name in ("spent_on", "amount", "category", "description")}
        expense |= {name: ask.body.get(name) for name in ("project", "receipt_file_id")} | {"status": "claimed"}
        self._records.effect("claimExpense", expense["expense_id"])
        return self._records.put("expense", expense["expense_id"], expense)


def _in_cents(*amounts: float) -> None:
    for amount in amounts:
        if (Decimal(str(amount)) * 100) % 1:
            raise Problem(422, "amount", "An amount has two digits after the point at most.")
