"""What models took and cost, on the command line."""

from __future__ import annotations

import csv
import io

from interlock.experience.cli.usage import as_csv, budget_rows, usage_rows
from tests.experience.cli.shop import Shop

GROUP = {
    "agent": "=HYPERLINK(1)",
    "calls": 3,
    "input_tokens": 10,
    "output_tokens": 5,
    "cached_tokens": 2,
    "reasoning_tokens": 0,
    "cost": "0.50",
    "currency": "EUR",
    "unpriced_calls": 1,
    "unmetered_calls": 0,
}


def test_usage_is_shown_by_who_and_as_a_table_for_others(shop: Shop) -> None:
    shop.command("ask", "how is order 1", "--agent", "assistant")
    found = shop.run("models", "usage", "--by", "agent,provider", "--period", "day", by="sam")
    (group,) = found["items"]
    assert (group["agent"], group["provider"], group["cost"]) == ("assistant", "rules", "0.00")
    told = shop.command("models", "usage", "--by", "agent", "--csv", by="sam").stdout
    (row,) = csv.DictReader(io.StringIO(told))
    assert row["agent"] == "assistant"
    assert int(row["calls"]) == group["calls"]


def test_usage_is_refused_by_what_it_is_not_counted_by(shop: Shop) -> None:
    assert shop.command("models", "usage", "--by", "colour", by="sam", code=1).stderr.startswith(
        "usage_query_invalid: "
    )
    assert shop.command("models", "usage", "--since", "soon", by="sam", code=1).stderr.startswith("usage_query_invalid")
    both = ("models", "usage", "--since", "2026-01-01T00:00:00Z", "--period", "day")
    assert shop.command(*both, by="sam", code=1).stderr.startswith("usage_query_invalid")


def test_budgets_are_listed_also_where_there_are_none(shop: Shop) -> None:
    assert shop.run("models", "budgets", "--everywhere", by="sam") == {"items": []}


def test_a_cost_that_is_only_partly_known_says_at_least() -> None:
    assert "at least 0.50 EUR (1 of unknown cost)" in usage_rows([GROUP], ["agent"])
    assert "unknown" in usage_rows([{**GROUP, "cost": None}], [])


def test_no_text_of_a_table_is_a_formula() -> None:
    assert as_csv([GROUP], ["agent"]).splitlines()[1].startswith("'=HYPERLINK(1),3,10,5,2,0,0.50,EUR,1,0")


def test_a_budget_shows_what_is_spent_and_held_of_what() -> None:
    pot = {"budget": "house", "pot": "", "period": "2026-05", "spent": {"money": "1.50", "tokens": 7}}
    pot |= {"reserved": {"money": "0.20", "tokens": 0}, "hard": {"money": "9.00", "tokens": None}}
    assert budget_rows([pot]).splitlines()[1].split("  ")[-1].strip() == "7"
    assert "1.50 + 0.20 held of 9.00" in budget_rows([pot])
