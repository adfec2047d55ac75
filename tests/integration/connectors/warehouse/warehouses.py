"""One small warehouse of sales, in every form that the connector reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

ROWS = 250
ORDERS = f"""
SELECT i AS id, ['north', 'south', 'east'][i % 3 + 1] AS region, CAST(i * 1.25 AS DECIMAL(10, 2)) AS amount,
       TIMESTAMP '2026-01-01 00:00:00' + to_hours(i * 12) AS at, CAST('2026-01-01' AS DATE) + CAST(i AS INTEGER) AS day,
       i % 2 = 0 AS paid, CASE WHEN i % 10 = 0 THEN NULL ELSE 'note ' || i END AS note
FROM range(1, {ROWS + 1}) t(i)
"""
COLUMNS: dict[str, Any] = {
    "id": "integer",
    "region": "string",
    "amount": "decimal",
    "at": "datetime",
    "day": "date",
    "paid": "boolean",
    "note": "string?",
}
TABLE: dict[str, Any] = {"columns": COLUMNS, "key": ["id"]}
FILTERS = {"region": "any", "amount": "range", "at": "range", "paid": "equal", "note": "equal"}
STATEMENT = """
WITH paid AS (SELECT region, amount FROM orders WHERE paid = :paid)
SELECT region, CAST(count(*) AS BIGINT) AS orders, sum(amount) AS total FROM paid GROUP BY region ORDER BY total DESC
"""
OPERATIONS: dict[str, Any] = {
    "find": {"from": "table orders", "effect": "read", "options": {"filters": FILTERS}},
    "late": {
        "from": "view orders",
        "effect": "read",
        "options": {"columns": ["id"], "order": ["day desc", "region"], "filters": ["region"]},
        "max_rows": 40,
    },
    "largest": {"from": "table orders", "effect": "read", "options": {"columns": ["id"], "order": ["amount desc"]}},
    "of_region": {"from": "table orders", "effect": "read", "options": {"filters": ["region"], "required": ["region"]}},
    "by_region": {
        "from": "table orders",
        "effect": "read",
        "options": {
            "group": ["region"],
            "measures": {"orders": "count", "total": "sum amount", "mean": "avg amount", "last": "max at"},
            "filters": {"day": "range"},
            "order": ["total desc"],
        },
    },
    "by_month": {
        "from": "table orders",
        "effect": "read",
        "options": {
            "group": ["month of at", "paid"],
            "measures": {"notes": "count note", "regions": "distinct region"},
        },
    },
    "paid": {
        "from": STATEMENT,
        "effect": "read",
        "input": {"paid": "boolean"},
        "columns": {"region": "string", "total": "number"},
    },
    "few": {"from": "SELECT id FROM orders ORDER BY id", "effect": "read", "max_rows": 3},
}
LIMITS = {"timeout": "20s", "retries": 0, "response": "256KiB", "concurrency": 4, "failures": 1000}


def system(connection: dict[str, Any], operations: dict[str, Any] | None = None, **limits: Any) -> dict[str, Any]:
    """Return the content of a system file."""
    return {
        "system": "sales",
        "connector": "warehouse",
        "kind": "warehouse",
        "connection": connection,
        "limits": LIMITS | limits,
        "operations": OPERATIONS if operations is None else operations,
    }


def files(pattern: str, **more: Any) -> dict[str, Any]:
    """Return a connection to files of orders below `data`."""
    return {"duckdb": {"folder": "data"}, "tables": {"orders": {"files": pattern, **TABLE, **more}}}


def make(root: Path, form: str) -> dict[str, Any]:
    """Write the orders in a *form*, and return the connection to them."""
    folder = root / "data"
    folder.mkdir(exist_ok=True)
    if form == "database":
        with duckdb.connect(str(folder / "sales.duckdb")) as connection:
            connection.execute(f"CREATE SCHEMA shop; CREATE TABLE shop.orders AS {ORDERS}")
        return {
            "duckdb": {"database": "data/sales.duckdb"},
            "tables": {"orders": {"table": "shop.orders", **TABLE}},
        }
    with duckdb.connect() as connection:
        for number in range(2):
            part = f"SELECT * FROM ({ORDERS}) WHERE id % 2 = {number}"
            options = {"parquet": "FORMAT parquet", "csv": "HEADER, DELIMITER ';'", "jsonl": "FORMAT json"}[form]
            connection.execute(f"COPY ({part}) TO '{folder}/part{number}.{form}' ({options})")
    return files(f"part*.{form}", **({"delimiter": ";"} if form == "csv" else {}))
