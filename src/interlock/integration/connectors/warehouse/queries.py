"""From a declared operation to its definition: one fixed statement, the arguments it takes, the page it gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from interlock.integration.connectors.declared import OperationInvalid, closed, options_of
from interlock.integration.connectors.interface import OperationDeclaration
from interlock.integration.connectors.sql.definitions import define as define_statement
from interlock.integration.connectors.sql.grammars import StatementInvalid
from interlock.integration.connectors.sql.parameters import numbered
from interlock.integration.connectors.sql.statements import relations
from interlock.integration.connectors.warehouse.dialects import Dialect
from interlock.integration.connectors.warehouse.schemas import OPTIONS
from interlock.integration.connectors.warehouse.selects import select
from interlock.integration.connectors.warehouse.tables import Table
from interlock.integration.contracts import Contract, Definition
from interlock.values.operations import Effect

PAGE = 100
MOST_ON_A_PAGE = 1000
_FITS = Contract(OPTIONS)
_AS_OF = {
    "type": ["string", "null"],
    "description": "as old as this the data may be: when its files were last written; null for a server",
}


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked of an engine: the *statement*, with `:name` parameters, and the *tables* that it reads."""

    statement: str
    tables: tuple[str, ...]
    values: Mapping[str, Any]


def define(
    operation: OperationDeclaration, tables: Mapping[str, Table], dialect: Dialect, functions: list[str]
) -> Definition:
    """Return the definition of one operation. Raises `OperationInvalid`."""
    if operation.effect is not Effect.read:
        raise OperationInvalid("must be read; a warehouse is only read", "effect")
    for key in ("rows", "expect_rows"):
        if key in operation.settings:
            raise OperationInvalid("means nothing here; every answer is a page of rows", key)
    verb, _, name = operation.origin.partition(" ")
    if verb in {"table", "view"}:
        if name not in tables:
            raise OperationInvalid(f"must be `table NAME`, or a SELECT; tables: {', '.join(tables)}")
        return _table(operation, tables[name], dialect)
    return _statement(operation, tables, dialect, functions)


def _table(operation: OperationDeclaration, table: Table, dialect: Dialect) -> Definition:
    for key in ("input", "columns", "output_schema"):
        if key in operation.settings:
            raise OperationInvalid("is for statements; a table's columns say it", key)
    made = select(table, options_of(operation, _FITS), dialect)
    most = min(operation.settings.get("max_rows", MOST_ON_A_PAGE), MOST_ON_A_PAGE)
    limit = {"type": "integer", "minimum": 1, "maximum": most, "default": min(PAGE, most)}
    schema = closed({**made.arguments, "limit": limit}, made.required)
    binding = {
        "statement": made.text,
        "tables": [table.name],
        "values": made.values,
        "marks": made.marks,
        "max_rows": most,
        "limit": limit["default"],
        "usual": {},
        "booleans": made.booleans,
    }
    described = f"Rows of {table.name}, a page of them." if made.marks else f"Rows of {table.name}."
    return Definition(schema, _page(closed(made.row, tuple(made.row)), goes_on=bool(made.marks)), binding, described)


def _statement(
    operation: OperationDeclaration, tables: Mapping[str, Table], dialect: Dialect, functions: list[str]
) -> Definition:
    if operation.settings.get("options"):
        raise OperationInvalid("are for `table NAME`; a statement says it all itself", "options")
    try:
        made = define_statement(operation, dialect.grammar, functions)
        read = relations(made.binding["statement"], dialect.grammar)
        names = set(numbered(made.binding["statement"], dialect=dialect.grammar.parser)[1])
    except StatementInvalid as error:
        raise OperationInvalid(f"the statement {error}") from None
    if names != made.binding["parameters"].keys():
        raise OperationInvalid("the statement has a colon before a word that is no parameter; put a space between")
    used = _used(read, tables, dialect)
    row = made.output_schema
    if "output_schema" not in operation.settings:
        row = _page((row or {}).get("items", {}), goes_on=False)
    binding = {
        "statement": made.binding["statement"],
        "tables": used,
        "values": [[name, name] for name in made.binding["parameters"]],
        "marks": 0,
        "max_rows": made.binding["max_rows"],
        "limit": None,
        "usual": made.binding["parameters"],
        "booleans": made.binding["booleans"],
    }
    return Definition(made.input_schema, row, binding)


def _used(read: frozenset[tuple[str, ...]], tables: Mapping[str, Table], dialect: Dialect) -> list[str]:
    """Return the declared tables that a statement reads. Raises `OperationInvalid` for others."""
    ways = {((table.name,) if dialect.views else table.path): name for name, table in tables.items()}
    if unknown := sorted(".".join(one) for one in read if one not in ways):
        raise OperationInvalid(f"the statement reads {unknown[0]}, which is no declared table")
    return sorted(ways[one] for one in read)


def _page(row: Mapping[str, Any], *, goes_on: bool) -> dict[str, Any]:
    parts: dict[str, Any] = {
        "rows": {"type": "array", "items": dict(row)},
        "truncated": {"type": "boolean", "description": "whether there are more rows than these"},
    }
    if goes_on:
        parts["next"] = {"type": ["string", "null"], "description": "what to ask for more with, as `after`"}
    parts["as_of"] = _AS_OF
    return closed(parts, tuple(parts))
