"""From `table NAME` and its options to one fixed statement: callers choose values, never a word of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from interlock.integration.connectors.declared import OperationInvalid
from interlock.integration.connectors.warehouse.dialects import Dialect
from interlock.integration.connectors.warehouse.tables import ADDED, COUNTABLE, PLAIN, STEADY, Column, Table, nullable


@dataclass(slots=True)
class Select:
    """A statement while it is made. *values* are `[parameter, argument]`; *row* the schema of each column of a row;
    *marks* how many columns at the end of a row are where it stands in the order.
    """

    text: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    values: list[list[str]] = field(default_factory=list)
    row: dict[str, Any] = field(default_factory=dict)
    marks: int = 0
    booleans: list[str] = field(default_factory=list)


def select(table: Table, options: Mapping[str, Any], dialect: Dialect) -> Select:
    """Return the statement. Raises `OperationInvalid`."""
    made = Select()
    conditions = _filters(made, table, options, dialect)
    if "measures" in options or "group" in options:
        if "columns" in options:
            raise OperationInvalid("columns mean nothing beside group and measures", "options")
        shown, tail = _grouped(made, table, options, dialect)
    else:
        shown, tail = _listed(made, table, options, dialect, conditions)
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    most = dialect.parameter("most", "integer")
    made.text = f"SELECT {', '.join(shown)} FROM {dialect.table(table)}{where}{tail} LIMIT {most}"  # noqa: S608 - of declared names, quoted
    return made


def _column(table: Table, name: str, kinds: frozenset[str] = frozenset()) -> Column:
    column = table.columns.get(name)
    if column is None:
        raise OperationInvalid(f"names {name}, which is no declared column of {table.name}", "options")
    if kinds and column.type not in kinds:
        known = ", ".join(sorted(kinds))
        raise OperationInvalid(
            f"cannot use {name}, which is of the type {column.type}, so; it takes {known}", "options"
        )
    return column


def _filters(made: Select, table: Table, options: Mapping[str, Any], dialect: Dialect) -> list[str]:
    """Add the arguments of the filters, and return the conditions, each true where its argument is not given."""
    written = options.get("filters") or {}
    kinds = written if isinstance(written, Mapping) else dict.fromkeys(written, "equal")
    if missing := [name for name in options.get("required", ()) if kinds.get(name) not in {"equal", "any"}]:
        raise OperationInvalid(f"requires {missing[0]}, which is no filter of one value or of any", "options")
    made.required = tuple(options.get("required", ()))
    conditions: list[str] = []
    for name, kind in kinds.items():
        column = _column(table, name, PLAIN)
        place = dialect.column(column)
        if kind == "any":
            given = dialect.parameters(_argument(made, name, _many(column)), column.type)
            conditions.append(f"({given} IS NULL OR {place} IN (SELECT UNNEST({given})))")
            continue
        tests = {
            "equal": ((name, "=", ""),),
            "range": ((f"{name}_from", ">=", "from"), (f"{name}_before", "<", "before")),
        }
        for argument, sign, word in tests[kind]:
            said = {"description": f"{word} this one on" if word == "from" else f"{word} this one"} if word else {}
            given = dialect.parameter(_argument(made, argument, column.schema | said), column.type)
            conditions.append(f"({given} IS NULL OR {place} {sign} {given})")
    return conditions


def _many(column: Column) -> dict[str, Any]:
    return {"type": "array", "items": column.schema, "minItems": 1, "maxItems": 1000}


def _argument(made: Select, name: str, schema: Mapping[str, Any]) -> str:
    """Add the argument *name*, and return its parameter."""
    if name in made.arguments or name in ADDED:
        raise OperationInvalid(f"makes the argument {name} twice; leave one of the filters out", "options")
    made.arguments[name] = dict(schema)
    parameter = f"p{len(made.values)}"
    made.values.append([parameter, name])
    return parameter


def _listed(
    made: Select, table: Table, options: Mapping[str, Any], dialect: Dialect, conditions: list[str]
) -> tuple[list[str], str]:
    names = options.get("columns", list(table.columns))
    columns = [_column(table, name) for name in names]
    made.row = {column.name: column.output for column in columns}
    made.booleans = [column.name for column in columns if column.type == "boolean"]
    shown = [f"{dialect.column(column)} AS {dialect.spelling.name(column.name)}" for column in columns]
    order = [(_column(table, name, PLAIN), down) for name, down in map(_direction, options.get("order", ()))]
    order += [(column, False) for column in table.key if column not in [one for one, _ in order]]
    if table.key and all(column.type in STEADY and not column.optional for column, _ in order):
        conditions.append(_after(order, dialect))
        marks = enumerate(dialect.column(column) for column, _ in order)
        shown += [f"CAST({place} AS {dialect.types['string']}) AS mark_{number}" for number, place in marks]
        made.marks = len(order)
        made.arguments["after"] = {"type": "string", "maxLength": 4000, "description": "`next` of the page before"}
    sorted_by = [f"{dialect.column(column)} {'DESC' if down else 'ASC'} NULLS LAST" for column, down in order]
    return shown, f" ORDER BY {', '.join(sorted_by)}" if sorted_by else ""


def _after(order: Sequence[tuple[Column, bool]], dialect: Dialect) -> str:
    """Return the condition that a row stands after the one whose marks are the parameters `m0`, `m1`, ..."""
    marks = [dialect.mark(f"m{number}", column.type) for number, (column, _) in enumerate(order)]
    places = [dialect.column(column) for column, _ in order]
    ways: list[str] = []
    for number, (_, down) in enumerate(order):
        sign = "<" if down else ">"
        same = [f"{places[before]} = {marks[before]}" for before in range(number)]
        here = f"{places[number]} {sign} {marks[number]}"
        ways.append(f"({' AND '.join([*same, here])})")
    return f"({marks[0]} IS NULL OR {' OR '.join(ways)})"


def _direction(written: str) -> tuple[str, bool]:
    name, _, way = written.partition(" ")
    return name, way == "desc"


def _grouped(made: Select, table: Table, options: Mapping[str, Any], dialect: Dialect) -> tuple[list[str], str]:
    groups: dict[str, str] = {}
    for written in options.get("group", ()):
        name, schema, expression = _group(table, written, dialect)
        groups[name], made.row[name] = expression, schema
        if schema.get("type") == "boolean":
            made.booleans.append(name)
    shown = [f"{expression} AS {dialect.spelling.name(name)}" for name, expression in groups.items()]
    for name, written in options.get("measures", {"rows": "count"}).items():
        if name in made.row:
            raise OperationInvalid(f"calls a group and a measure {name}", "options")
        made.row[name], expression = _measure(table, written, dialect)
        shown.append(f"{expression} AS {dialect.spelling.name(name)}")
    order = [_direction(one) for one in options.get("order", ())]
    for name, _ in order:
        if name not in made.row:
            raise OperationInvalid(f"orders by {name}, which is no group and no measure", "options")
    order += [(name, False) for name in groups if name not in {one for one, _ in order}]
    sorted_by = [f"{dialect.spelling.name(name)} {'DESC' if down else 'ASC'} NULLS LAST" for name, down in order]
    by = f" GROUP BY {', '.join(groups.values())}" if groups else ""
    return shown, f"{by} ORDER BY {', '.join(sorted_by)}" if sorted_by else by


def _group(table: Table, written: str, dialect: Dialect) -> tuple[str, dict[str, Any], str]:
    unit, _, name = written.rpartition(" of ")
    column = _column(table, name, frozenset({"date", "datetime"}) if unit else PLAIN)
    if not unit:
        return name, column.output, dialect.column(column)
    schema = {"type": "string", "format": "date", "description": f"the first day of the {unit}"}
    expression = f"CAST(DATE_TRUNC('{unit}', {dialect.column(column)}) AS {dialect.types['date']})"
    return f"{name}_{unit}", nullable(schema) if column.optional else schema, expression


def _measure(table: Table, written: str, dialect: Dialect) -> tuple[dict[str, Any], str]:
    what, _, name = written.partition(" ")
    if not name:
        return {"type": "integer"}, "COUNT(*)"
    kinds = {"sum": COUNTABLE, "avg": COUNTABLE, "min": PLAIN - {"boolean"}, "max": PLAIN - {"boolean"}}
    column = _column(table, name, kinds.get(what, PLAIN))
    place = dialect.column(column)
    if what in {"count", "distinct"}:
        return {"type": "integer"}, f"COUNT({'DISTINCT ' if what == 'distinct' else ''}{place})"
    schema = {"type": "number"} if what == "avg" else column.schema
    return nullable(schema), f"{what.upper()}({place})"
