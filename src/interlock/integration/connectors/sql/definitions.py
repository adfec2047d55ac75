"""From a declared statement to an operation's definition: typed parameters in, typed rows out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interlock.integration.connectors.interface import OperationDeclaration
from interlock.integration.connectors.sql.grammars import SCALARS, Grammar, StatementInvalid
from interlock.integration.connectors.sql.procedures import CALLED, check_call
from interlock.integration.connectors.sql.statements import Checked, Column, check_statement
from interlock.integration.contracts import Definition
from interlock.values.operations import Effect

MAX_ROWS = 1000
_FORMATS = {"date": {"type": "string", "format": "date"}, "datetime": {"type": "string", "format": "date-time"}}
_AFFECTED = {
    "type": "object",
    "properties": {"affected": {"type": "integer", "minimum": 0, "description": "how many rows it changed"}},
    "required": ["affected"],
    "additionalProperties": False,
}


def define(operation: OperationDeclaration, grammar: Grammar, functions: list[str]) -> Definition:
    """Return the definition of one statement. Raises `StatementInvalid`."""
    if not operation.origin:
        raise StatementInvalid("is missing; write the statement as `from`")
    call = check_call(operation.origin, grammar, operation.effect)
    checked = call or check_statement(operation.origin, grammar, operation.effect, functions=functions)
    settings = operation.settings
    if call and settings.get("expect_rows") is not None:
        raise StatementInvalid("calls a procedure, of which nobody knows how many rows it changes: no `expect_rows`")
    schema = _input(settings.get("input") or {}, checked, grammar)
    rows = _called(settings, call) if call else _rows(settings, checked, operation.effect)
    usual = CALLED if call and rows == "none" else _output(settings, checked, rows, grammar)
    return Definition(
        schema,
        settings.get("output_schema") or usual,
        {
            "statement": checked.text,
            "parameters": {name: member.get("default") for name, member in schema["properties"].items()},
            "rows": rows,
            "max_rows": settings.get("max_rows", MAX_ROWS),
            "expect_rows": settings.get("expect_rows"),
            "booleans": sorted(n for n, word in (settings.get("columns") or {}).items() if word.startswith("boolean")),
            **({"calls": True} if call else {}),
            **({"after": checked.after} if checked.after else {}),
        },
    )


def _input(written: Mapping[str, Any], checked: Checked, grammar: Grammar) -> dict[str, Any]:
    """Return the input schema: *written* in full, or as a type per parameter (`string`, `integer?`, a schema)."""
    if written.get("type") == "object" and isinstance(written.get("properties"), Mapping):
        schema = {"additionalProperties": False, **written}
    else:
        properties = {name: _parameter(name, value) for name, value in written.items()}
        optional = {name for name, value in written.items() if isinstance(value, str) and value.endswith("?")}
        required = [name for name in written if name not in optional and "default" not in properties[name]]
        schema = {"type": "object", "properties": properties, "additionalProperties": False}
        schema |= {"required": required} if required else {}
    declared = schema["properties"].keys()
    for name in sorted(checked.parameters - declared):
        raise StatementInvalid(f"uses :{name}, which `input` does not declare")
    for name in sorted(declared - checked.parameters):
        raise StatementInvalid(f"does not use :{name}, which `input` declares")
    for name, member in schema["properties"].items():
        _bindable(name, member, grammar)
    return schema


def _parameter(name: str, value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    word = str(value).removesuffix("?")
    if word in _FORMATS:
        schema: dict[str, Any] = dict(_FORMATS[word])
    elif word in SCALARS:
        schema = {"type": word}
    else:
        known = ", ".join(sorted((SCALARS - {"null"}) | _FORMATS.keys()))
        raise StatementInvalid(
            f"has a parameter :{name} of a type that is not known; write one of {known}, or a schema"
        )
    return schema | {"type": [schema["type"], "null"]} if str(value).endswith("?") else schema


def _bindable(name: str, member: Mapping[str, Any], grammar: Grammar) -> None:
    types = member.get("type", [])
    words = {types} if isinstance(types, str) else set(types)
    allowed = grammar.parameters
    if not words or not words <= allowed:
        raise StatementInvalid(f"cannot bind :{name}; its type must be one of {', '.join(sorted(allowed))}")


def _called(settings: Mapping[str, Any], call: Checked) -> str:
    rows = str(settings.get("rows", "one" if call.after else "none"))
    if call.after and rows != "one":
        raise StatementInvalid("has out-parameters, which are one row: let `rows` be one")
    return rows


def _rows(settings: Mapping[str, Any], checked: Checked, effect: Effect) -> str:
    usual = "many" if effect is Effect.read else "one" if checked.returns else "none"
    rows = str(settings.get("rows", usual))
    if rows == "none" and effect is Effect.read:
        raise StatementInvalid("is a read, so `rows` cannot be none")
    if rows != "none" and not checked.returns:
        raise StatementInvalid("returns no rows; add RETURNING, or let `rows` be none")
    return rows


def _output(settings: Mapping[str, Any], checked: Checked, rows: str, grammar: Grammar) -> dict[str, Any]:
    if rows == "none":
        return _AFFECTED
    words: Mapping[str, str] = settings.get("columns") or {}
    known = None if checked.columns is None else {column.name: column for column in checked.columns}
    for name in words:
        if known is not None and name not in known:
            raise StatementInvalid(f"has no column {name!r} in its result, which `columns` declares")
    columns = known if known is not None else {name: Column(name) for name in words}
    row: dict[str, Any] = {
        "type": "object",
        "properties": {name: _type(column, words.get(name, ""), grammar) for name, column in columns.items()},
        "required": list(columns),
    }
    if known is not None:
        row["additionalProperties"] = False
    return row if rows == "one" else {"type": "array", "items": row}


def _type(column: Column, word: str, grammar: Grammar) -> dict[str, Any]:
    kind = word.removesuffix("?") or column.type
    if not kind:
        return dict(grammar.unknown)
    nullable = word.endswith("?") if word else column.nullable
    return {"type": [kind, "null"] if nullable else kind}
