"""What the demo prints: calm, in labelled lines, the same with and without colour."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Iterable
from typing import Any

WIDTH = 112
LABEL = 10
_STYLES = {"bold": "1", "dim": "2", "green": "32", "red": "31", "yellow": "33"}
_COLOURS = {"allow": "green", "succeeded": "green", "deny": "red", "wait": "yellow"}


class Paper:
    """Writes to the terminal; styles are only used where there is one, and say nothing that words do not say."""

    def __init__(self) -> None:
        self._styled = sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"

    def line(self, text: str = "") -> None:
        """Write one line as it is."""
        print(text, flush=True)

    def heading(self, text: str) -> None:
        """Write the heading of a part."""
        self.line()
        self.line(self.style("bold", text))

    def note(self, label: str, text: str, *, style: str = "") -> None:
        """Write a labelled paragraph."""
        margin = " " * (4 + LABEL)
        lines = [
            wrapped
            for part in text.splitlines() or [""]
            for wrapped in textwrap.wrap(part, WIDTH - len(margin), break_on_hyphens=False)
        ]
        for number, line in enumerate(lines or [""]):
            head = f"    {label:<{LABEL}}" if number == 0 else margin
            self.line(self.style("dim", head) + (self.style(style, line) if style else line))

    def style(self, name: str, text: str) -> str:
        """Return *text* in a style, or as it is."""
        return f"\033[{_STYLES[name]}m{text}\033[0m" if self._styled and name in _STYLES else text


class Page:
    """One step on paper, and what did not hold in it."""

    def __init__(self, paper: Paper, number: int, title: str) -> None:
        self._paper = paper
        self.title = f"{number:>2}  {title}"
        self.failures: list[str] = []
        paper.heading(self.title)

    def said(self, who: str, words: str) -> None:
        """Show somebody's words."""
        self._paper.note("words", f'{who}: "{words}"')

    def proposed(self, action: dict[str, Any]) -> None:
        """Show a proposal and the decision on it, with its reasons."""
        self._paper.note("proposal", f"{action['operation']}  {arguments(action['input'])}")
        self.decided(action["decision"])

    def decided(self, decision: dict[str, Any]) -> None:
        """Show a decision with its reasons."""
        outcome = decision["outcome"]
        needs = f" for {', '.join(decision['requirements'])}" if decision["requirements"] else ""
        self._paper.note("decision", f"{outcome}{needs}", style=_COLOURS.get(outcome, ""))
        for reason in decision["reasons"]:
            self._paper.note("", f"{reason['text']}  [{reason['rule']}]")

    def then(self, text: str) -> None:
        """Show what somebody did next."""
        self._paper.note("then", text)

    def note(self, label: str, text: str) -> None:
        """Show anything else under a label."""
        self._paper.note(label, text)

    def answered(self, text: str) -> None:
        """Show what the person was told."""
        if text:
            self._paper.note("answer", text)

    def system(self, name: str, text: str) -> None:
        """Show what a business system holds now."""
        self._paper.note(name, text)

    def holds(self, sentence: str, truth: object) -> None:
        """Check a claim about the systems; one that does not hold fails the step."""
        if not truth:
            self.failures.append(sentence)
        self._paper.note("checked" if truth else "NOT SO", sentence, style="green" if truth else "red")

    def failed(self, why: str) -> None:
        """Note that the step broke off."""
        self.failures.append(why)
        self._paper.note("BROKE OFF", why, style="red")


def arguments(values: dict[str, Any]) -> str:
    """Return arguments as a person reads them."""
    return ", ".join(f"{name} {_value(name, value)}" for name, value in values.items())


def _value(name: str, value: Any) -> str:
    if name == "amount" and isinstance(value, (int, float)):
        return f"{value:.2f}"
    text = " ".join(str(value).split())
    return f'"{textwrap.shorten(text, 60, placeholder=" ...")}"' if " " in text else text


def notes(rows: Iterable[Any]) -> str:
    """Return credit notes as a person reads them."""
    shown = [
        f"CN-{row['number']:06d}: order {row['order_id']}, {row['amount_cents'] / 100:.2f}, {row['status']}"
        + (f", to account {row['account']}" if row["account"] else "")
        for row in rows
    ]
    return "\n".join(shown) or "no credit note"
