"""budgets.yaml and prices.yaml: read exactly, and refused where they would not hold."""

from __future__ import annotations

import pytest

from interlock.foundation.documents import ProjectInvalid
from interlock.foundation.documents.document import parse_document
from interlock.governance.budgets import (
    Amount,
    Budget,
    BudgetPlan,
    Period,
    Scope,
    Spender,
    Worst,
    budgets_of,
    micro,
    money_text,
)

TEXT = """
budgets:
  house: {period: month, hard: {money: "200.10", tokens: 5}, soft: {money: [100, 50.5]}}
  callers: {for: {route: [a, "b*"]}, each: [caller], period: hour, soft: {tokens: [7]}, unpriced: allow}
reserve: {output_tokens: 10, routes: {a: 20}}
after_crash: release
"""


def plan(text: str, currency: str = "EUR") -> BudgetPlan:
    return budgets_of(parse_document(text.encode(), "budgets", name="budgets.yaml"), currency=currency)


def test_amounts_are_read_exactly() -> None:
    found = plan(TEXT)
    house = found.budgets["house"]
    assert house.hard == Amount(200_100_000, 5)
    assert house.soft_money == (50_500_000, 100_000_000)
    assert (found.output_of("a"), found.output_of("z"), found.after_crash) == (20, 10, "release")
    assert [micro(value) for value in (0.1, "0.000001", 3)] == [100_000, 1, 3_000_000]
    assert micro(0.0000001) is None
    assert [money_text(amount) for amount in (0, 1, 1_500_000, 12)] == ["0.00", "0.000001", "1.50", "0.000012"]


def test_callers_of_two_tenants_are_two_callers() -> None:
    assert plan(TEXT).budgets["callers"].each == (Scope.tenant, Scope.caller)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("200.10", "200.1000001", "pattern"),
        ("50.5]", "0.0000005]", "finer than a millionth"),
        ("period: month, ", "", "period"),
        ("hard: {money", "hart: {money", "hart"),
    ],
)
def test_what_would_not_hold_is_a_finding(old: str, new: str, says: str) -> None:
    with pytest.raises(ProjectInvalid) as error:
        plan(TEXT.replace(old, new))
    assert any(says in str(finding) or finding.pointer for finding in error.value.findings)


def test_money_needs_prices() -> None:
    with pytest.raises(ProjectInvalid) as error:
        plan(TEXT, currency="")
    assert "prices.yaml" in str(error.value.findings[0])


@pytest.mark.parametrize(
    ("period", "key", "left"),
    [("hour", "2024-02-29T23", 60), ("day", "2024-02-29", 60), ("month", "2024-02", 60), ("total", "total", None)],
)
def test_periods_end_on_the_clock(period: str, key: str, left: float | None) -> None:
    last_minute = 1_709_251_140.0  # 2024-02-29T23:59:00Z
    assert (Period(period).key(last_minute), Period(period).left(last_minute)) == (key, left)


def test_a_budget_counts_what_it_is_for_and_shows_a_tenant_only_its_own() -> None:
    budget = Budget("b", Period.day, counts={Scope.tenant: ("acme",), Scope.model: ("gpt-*",)})
    worst = [Worst("gpt-x", 5, 9), Worst("other", 50, 90)]
    (hold,) = budget.holds(Spender("acme"), worst, 0.0)
    assert (hold.tokens, hold.money, hold.models, hold.key.tenant) == (5, 9, ("gpt-x",), "acme")
    assert budget.holds(Spender("other"), worst, 0.0) == []
    assert budget.holds(Spender("acme"), worst[1:], 0.0) == []
