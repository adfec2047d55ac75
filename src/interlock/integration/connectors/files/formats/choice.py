"""Which formats there are, and which keys each takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from interlock.integration.connectors.files.columns import Texts
from interlock.integration.connectors.files.formats.delimited import Delimited
from interlock.integration.connectors.files.formats.documents import JsonDocument
from interlock.integration.connectors.files.formats.excel import Excel
from interlock.integration.connectors.files.formats.formulas import FORMULA_TEXTS
from interlock.integration.connectors.files.formats.headings import Headings
from interlock.integration.connectors.files.formats.interface import Format
from interlock.integration.connectors.files.formats.lines import ENCODINGS, JsonLines
from interlock.integration.connectors.files.formats.markup import Markup
from interlock.integration.connectors.files.formats.parquet import Parquet

Written = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of format: how it is made of its declaration, which *keys* that may have, how its files end."""

    make: Callable[[Written, Headings], Format]
    keys: frozenset[str]
    suffix: str


def _texts(written: Written) -> Texts:
    return Texts(written.get("decimal", "."), written.get("thousands", ""))


def _csv(written: Written, headings: Headings) -> Format:
    return Delimited(
        encoding=written.get("encoding", "utf-8"),
        delimiter=written.get("delimiter", ","),
        quote=written.get("quote", '"'),
        header=written.get("header", "present") == "present",
        line_end={"crlf": "\r\n", "lf": "\n"}[written.get("line_end", "crlf")],
        quotes_all=written.get("quoting", "minimal") == "all",
        texts=_texts(written),
        headings=headings,
        formula=FORMULA_TEXTS[written.get("formula_text", "refuse")],
    )


def _excel(written: Written, headings: Headings) -> Format:
    return Excel(
        sheet=written.get("sheet", ""),
        header=written.get("header_row", 1),
        stored=written.get("formula_cells", "refuse") == "stored",
        headings=headings,
        formula=FORMULA_TEXTS[written.get("formula_text", "refuse")],
    )


def _xml(written: Written, headings: Headings) -> Format:
    return Markup(tuple(written.get("row", "rows/row").split("/")), _texts(written), headings)


KINDS: dict[str, Kind] = {
    "csv": Kind(
        _csv,
        frozenset("encoding delimiter quote header line_end quoting decimal thousands formula_text".split()),
        ".csv",
    ),
    "jsonl": Kind(lambda _, headings: JsonLines(headings), frozenset(), ".jsonl"),
    "json": Kind(
        lambda written, headings: JsonDocument(tuple(filter(None, written.get("at", "").split("/"))), headings),
        frozenset({"at"}),
        ".json",
    ),
    "xml": Kind(_xml, frozenset({"row", "decimal", "thousands"}), ".xml"),
    "parquet": Kind(lambda _, headings: Parquet(headings), frozenset(), ".parquet"),
    "excel": Kind(_excel, frozenset("sheet header_row formula_cells formula_text".split()), ".xlsx"),
}

FORMAT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "kind": {"enum": sorted(KINDS)},
        "encoding": {"enum": sorted(ENCODINGS), "description": "(csv) by default utf-8"},
        "delimiter": {"enum": [",", ";", "\t", "|", ":", "^", "~"], "description": "(csv) by default a comma"},
        "quote": {"enum": ['"', "'", ""], "description": '(csv) by default "; empty: nothing is quoted'},
        "quoting": {"enum": ["minimal", "all"], "description": "(csv) which cells are quoted when written"},
        "header": {"enum": ["present", "absent"], "description": "(csv) absent: columns are in declared order"},
        "line_end": {"enum": ["crlf", "lf"], "description": "(csv) when written; both are read"},
        "decimal": {"enum": [".", ","], "description": "(csv, xml) by default a point"},
        "thousands": {"enum": [".", ",", " ", "'", "\u00a0", "\u202f"], "description": "(csv, xml) by default none"},
        "formula_text": {
            "enum": sorted(FORMULA_TEXTS),
            "description": "(csv, excel) what a text becomes that begins like a formula; by default refuse",
        },
        "at": {
            "type": "string",
            "pattern": "^[A-Za-z_][A-Za-z0-9_.-]*(/[A-Za-z_][A-Za-z0-9_.-]*){0,9}$",
            "description": "(json) where the list stands, such as data/orders; by default the document is the list",
        },
        "row": {
            "type": "string",
            "pattern": "^[A-Za-z_][A-Za-z0-9_.-]*(/[A-Za-z_][A-Za-z0-9_.-]*){1,9}$",
            "description": "(xml) the elements that are rows, from the document's own, such as orders/order",
        },
        "sheet": {"type": "string", "minLength": 1, "maxLength": 31, "description": "(excel) by default the first"},
        "header_row": {"type": "integer", "minimum": 1, "maximum": 1000, "description": "(excel) by default 1"},
        "formula_cells": {
            "enum": ["refuse", "stored"],
            "description": "(excel) a cell with a formula is refused, or its value as the spreadsheet stored it taken",
        },
    },
    "required": ["kind"],
    "additionalProperties": False,
}
"""The JSON Schema of `format`."""


def format_of(written: Written, other_columns: str) -> Format:
    """Return the format that a declaration, which fits `FORMAT_SCHEMA`, says."""
    return KINDS[written["kind"]].make(written, Headings(leaves=other_columns == "leave"))
