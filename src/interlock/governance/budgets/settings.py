"""Reading budgets.yaml."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from interlock.foundation.documents import Document, Findings, escape
from interlock.governance.budgets.budget import MICRO, AfterCrash, Amount, Budget, BudgetPlan, Period, Scope, Unpriced


def micro(value: Any) -> int | None:
    """Return an amount of money as it stands in a file in micro-units, exactly; None if it is finer than those."""
    amount = Decimal(str(value)) * MICRO
    return int(amount) if amount == amount.to_integral_value() else None


def money_text(amount: int) -> str:
    """Return micro-units as a decimal text with as many decimals as are needed, two at least."""
    whole, part = divmod(abs(amount), MICRO)
    decimals = f"{part:06d}".rstrip("0").ljust(2, "0")
    return f"{'-' if amount < 0 else ''}{whole}.{decimals}"


def budgets_of(document: Document, *, currency: str) -> BudgetPlan:
    """Return the budgets of a document of kind `budgets`; *currency* is that of prices.yaml, empty without one.

    Raises `ProjectInvalid` for limits in money without prices, and for amounts finer than a millionth.
    """
    findings = Findings()
    budgets = {}
    for name, data in document.data["budgets"].items():
        budgets[name] = _Reader(document, f"/budgets/{escape(name)}", currency, findings).budget(name, data)
    findings.raise_if_any()
    reserve = document.data.get("reserve", {})
    return BudgetPlan(
        budgets,
        currency,
        reserve.get("output_tokens", 4096),
        dict(reserve.get("routes", {})),
        AfterCrash(document.data.get("after_crash", "settle")),
    )


class _Reader:
    """Reads one budget; what is wrong with it is added to *findings*."""

    def __init__(self, document: Document, pointer: str, currency: str, findings: Findings) -> None:
        self._document = document
        self._pointer = pointer
        self._currency = currency
        self._findings = findings

    def budget(self, name: str, data: Mapping[str, Any]) -> Budget:
        hard, soft = data.get("hard", {}), data.get("soft", {})
        counts = {
            Scope(scope): (names,) if isinstance(names, str) else tuple(names)
            for scope, names in data.get("for", {}).items()
        }
        return Budget(
            name=name,
            period=Period(data["period"]),
            hard=Amount(self._money("/hard/money", hard["money"]) if "money" in hard else None, hard.get("tokens")),
            soft_money=tuple(sorted(self._money("/soft/money", one) for one in soft.get("money", ()))),
            soft_tokens=tuple(sorted(soft.get("tokens", ()))),
            counts=counts,
            each=_each(data.get("each", ())),
            unpriced=Unpriced(data.get("unpriced", "refuse")),
            description=data.get("description", ""),
        )

    def _money(self, place: str, value: Any) -> int:
        amount = micro(value)
        if amount is None:
            self._find(place, "is finer than a millionth")
        if not self._currency:
            self._find(place, "is money, and there is no prices.yaml that says what models cost")
        return amount or 0

    def _find(self, place: str, message: str) -> None:
        self._findings.add(self._document.finding(self._pointer + place, message))


def _each(names: Sequence[str]) -> tuple[Scope, ...]:
    """Return what has a pot of its own, in one order; callers of the same name in two tenants are two callers."""
    wanted = {Scope(name) for name in names}
    return tuple(scope for scope in Scope if scope in wanted or (scope is Scope.tenant and Scope.caller in wanted))
