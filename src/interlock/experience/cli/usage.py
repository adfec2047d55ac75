"""`interlock models usage` and `models budgets`: what models took and cost, and what is left."""

from __future__ import annotations

import argparse
import csv
import io
from collections.abc import Sequence
from typing import Any

from interlock.experience.cli.client import connect
from interlock.experience.cli.command import OK
from interlock.experience.cli.output import say, show, table

COUNTS = (
    "calls",
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "reasoning_tokens",
    "cost",
    "currency",
    "unpriced_calls",
    "unmetered_calls",
)
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def usage(arguments: argparse.Namespace) -> int:
    """Show tokens and cost of model calls, grouped."""
    query = {"by": arguments.by, "period": arguments.period, "since": arguments.since, "until": arguments.until}
    if arguments.everywhere:
        query["everywhere"] = "true"
    found = connect(arguments).get("/v1/usage", **query)
    by = [name for name in arguments.by.split(",") if name]
    if arguments.csv:
        say(as_csv(found["items"], by).rstrip("\n"))
        return OK
    show(arguments, found, lambda page: usage_rows(page["items"], by))
    return OK


def budgets(arguments: argparse.Namespace) -> int:
    """Show what budgets stand at in their current periods."""
    query = {"everywhere": "true"} if arguments.everywhere else {}
    found = connect(arguments).get("/v1/budgets", **query)
    show(arguments, found, lambda page: budget_rows(page["items"]))
    return OK


def usage_rows(items: Sequence[dict[str, Any]], by: Sequence[str]) -> str:
    """Return usage as a table."""
    head = (*(name.upper() for name in by), "CALLS", "INPUT", "OUTPUT", "CACHED", "REASONING", "COST")
    rows = [
        (
            *(item[name] or "-" for name in by),
            item["calls"],
            item["input_tokens"],
            item["output_tokens"],
            item["cached_tokens"],
            item["reasoning_tokens"],
            _cost(item),
        )
        for item in items
    ]
    return table(head, rows, empty="no model was called")


def budget_rows(items: Sequence[dict[str, Any]]) -> str:
    """Return budgets as a table."""
    rows = [(p["budget"], p["pot"] or "-", p["period"], *(_of(p, what) for what in ("money", "tokens"))) for p in items]
    return table(("BUDGET", "FOR", "PERIOD", "MONEY", "TOKENS"), rows, empty="no budget was used in its period")


def as_csv(items: Sequence[dict[str, Any]], by: Sequence[str]) -> str:
    """Return usage as CSV with a head; an unknown cost is empty. No text of it is a formula to a spreadsheet."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow((*by, *COUNTS))
    for item in items:
        writer.writerow((*(_plain(item[name]) for name in by), *(item[name] for name in COUNTS)))
    return out.getvalue()


def _plain(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULAS) else text


def _cost(item: dict[str, Any]) -> str:
    """Return the cost with its currency; where some calls have no known cost, that it is at least this."""
    if item["cost"] is None:
        return "unknown"
    known = f"{item['cost']} {item['currency']}".rstrip()
    unpriced = item["unpriced_calls"]
    return f"at least {known} ({unpriced} of unknown cost)" if unpriced else known


def _of(pot: dict[str, Any], what: str) -> str:
    spent, reserved, hard = (pot[name][what] for name in ("spent", "reserved", "hard"))
    held = f" + {reserved} held" if reserved not in (0, "0.00") else ""
    return f"{spent}{held}" + ("" if hard is None else f" of {hard}")
