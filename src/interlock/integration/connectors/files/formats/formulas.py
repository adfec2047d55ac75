"""Texts that a spreadsheet would take for formulas, and what is done with them on the way into a file."""

from __future__ import annotations

from typing import Protocol

from interlock.integration.connectors.files.columns import CellUnfit

_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # also their wide forms


class FormulaText(Protocol):
    """What is done with a text that begins like a formula."""

    def __call__(self, text: str) -> str:
        """Return the text to write. Raises `CellUnfit`."""
        ...


def refuse(text: str) -> str:
    """Write no such text."""
    if text.startswith(_STARTS):
        raise CellUnfit("begins like a formula, with =, +, - or @; `formula_text` says what else to do with such texts")
    return text


def escape(text: str) -> str:
    """Put an apostrophe before it, by which spreadsheets know a text; it stays in the file."""
    return f"'{text}" if text.startswith(_STARTS) else text


def keep(text: str) -> str:
    """Write the text as it is, for readers that are no spreadsheets."""
    return text


FORMULA_TEXTS: dict[str, FormulaText] = {"refuse": refuse, "escape": escape, "text": keep}
