"""The JSON Schemas of a warehouse's connection and of an operation's options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interlock.integration.connectors.authentication import REFERENCE
from interlock.integration.connectors.declared import closed
from interlock.integration.connectors.warehouse.tables import TYPES

_NAME = {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,62}$"}
_COLUMN = {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]{0,62}$"}
_SHORT = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[^\\x00-\\x1f\\x7f]*$"}
_SIZE = {"type": "string", "pattern": "^[1-9][0-9]{0,5}(MB|GB|MiB|GiB)$"}
_TYPE = {
    "enum": [f"{name}{mark}" for name in TYPES for mark in ("", "?")],
    "description": "with ? where it may be null",
}
_TLS = {
    "enum": ["verify", "require", "off"],
    "description": "verify (usual): the server proves its name; require: only encrypted; off: for this machine alone",
}


_TABLE = closed(
    {
        "files": {**_SHORT, "description": "below the folder: NAME or FOLDER/NAME; * and ? may stand in NAME"},
        "format": {"enum": ["parquet", "csv", "jsonl"], "description": "by default what the ending says"},
        "delimiter": {"type": "string", "pattern": "^[,;|\\t]$", "description": "of csv; usually a comma"},
        "encoding": {"enum": ["utf-8", "latin-1", "utf-16"], "description": "of csv; usually utf-8"},
        "table": {**_SHORT, "description": "TABLE or SCHEMA.TABLE of a database; by default its name here"},
        "columns": {
            "type": "object",
            "propertyNames": _COLUMN,
            "minProperties": 1,
            "maxProperties": 2000,
            "additionalProperties": {
                "oneOf": [
                    _TYPE,
                    closed({"type": _TYPE, "source": {**_SHORT, "description": "what it is called there"}}, ("type",)),
                ]
            },
        },
        "key": {"type": "array", "items": _COLUMN, "minItems": 1, "description": "columns that tell rows apart"},
    },
    ("columns",),
)
_DUCKDB = closed(
    {
        "folder": {**_SHORT, "description": "where the files lie, from the project's folder"},
        "database": {**_SHORT, "description": "a DuckDB file, from the project's folder"},
        "memory": {**_SIZE, "description": "what one read may take, by default 512MiB"},
        "spill": {**_SIZE, "description": "what one read may put on disk beyond that, by default 1GiB"},
        "scan": {**_SIZE, "description": "what the files of one read may be together; usually as much as there is"},
        "threads": {"type": "integer", "minimum": 1, "maximum": 64, "description": "of one read, by default 2"},
    },
)
_POSTGRES = closed(
    {
        "url": {"type": "string", "pattern": "^postgresql://", "description": "postgresql://USER@HOST/DATABASE"},
        "password": REFERENCE,
        "tls": _TLS,
    },
    ("url",),
)
_ADBC = closed(
    {
        "driver": {
            "enum": ["postgresql", "sqlite"],
            "description": "postgresql; sqlite's cannot be stopped, so not it",
        },
        "url": {"type": "string", "pattern": "^postgresql://", "description": "postgresql://USER@HOST/DATABASE"},
        "password": REFERENCE,
        "tls": _TLS,
    },
    ("driver",),
)
_CONNECTION = closed(
    {
        "duckdb": _DUCKDB,
        "postgres": _POSTGRES,
        "adbc": _ADBC,
        "zone": {**_SHORT, "description": "the time zone of moments that name none, by default UTC"},
        "tables": {"type": "object", "propertyNames": _NAME, "minProperties": 1, "additionalProperties": _TABLE},
        "allow_functions": {
            "type": "array",
            "items": {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]{0,62}$"},
            "description": "functions that statements may call beside those that are known to be harmless",
        },
    },
    ("tables",),
)
CONNECTION: Mapping[str, Any] = {
    **_CONNECTION,
    "oneOf": [{"required": [one]} for one in ("duckdb", "postgres", "adbc")],
}
_COLUMNS = {"type": "array", "items": _COLUMN, "minItems": 1, "uniqueItems": True}
OPTIONS: Mapping[str, Any] = closed(
    {
        "columns": _COLUMNS,
        "filters": {
            "oneOf": [
                {**_COLUMNS, "minItems": 0},
                {
                    "type": "object",
                    "propertyNames": _COLUMN,
                    "additionalProperties": {"enum": ["equal", "range", "any"]},
                },
            ]
        },
        "required": _COLUMNS,
        "order": {"type": "array", "items": {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*( (asc|desc))?$"}},
        "group": {
            "type": "array",
            "items": {"type": "string", "pattern": "^((year|quarter|month|week|day) of )?[A-Za-z_][A-Za-z0-9_]*$"},
            "uniqueItems": True,
        },
        "measures": {
            "type": "object",
            "propertyNames": _COLUMN,
            "minProperties": 1,
            "additionalProperties": {
                "type": "string",
                "pattern": "^(count|(count|distinct|sum|avg|min|max) [A-Za-z_][A-Za-z0-9_]*)$",
            },
        },
    }
)
