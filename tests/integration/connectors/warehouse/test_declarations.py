"""What a warehouse's declaration may say: one fixed statement that only reads declared tables."""

from __future__ import annotations

from typing import Any

import pytest

from interlock.foundation.documents import ProjectInvalid
from tests.integration.conftest import Workbench
from tests.integration.connectors.warehouse.warehouses import TABLE, files, system

POSTGRES: dict[str, Any] = {
    "postgres": {"url": "postgresql://reader@db.acme.example/sales"},
    "tables": {"orders": {"table": "shop.orders", **TABLE}},
}


def told(bench: Workbench, connection: dict[str, Any], operation: dict[str, Any] | None = None) -> str:
    """Return what is found wrong."""
    operations = {"read": {"effect": "read", **(operation or {"from": "table orders"})}}
    with pytest.raises(ProjectInvalid) as caught:
        bench.catalog(system(connection, operations))
    return " ".join(f"{one.pointer} {one.message}" for one in caught.value.findings)


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("DELETE FROM orders", "must be a SELECT"),
        ("SELECT id FROM orders; SELECT id FROM orders", "exactly one statement"),
        ("SELECT id FROM orders; DROP TABLE orders", "exactly one statement"),
        ("COPY orders TO 'x.csv'", "/operations/read/from"),
        ("ATTACH 'x.db'", "/operations/read/from"),
        ("INSTALL httpfs", "/operations/read/from"),
        ("PRAGMA database_list", "/operations/read/from"),
        ("SET threads = 1", "/operations/read/from"),
        ("CREATE TABLE x AS SELECT id FROM orders", "must be a SELECT"),
        ("SELECT a FROM read_csv('/etc/passwd')", "reads a file by itself"),
        ("SELECT a FROM read_parquet('http://host.example/x')", "reads a file by itself"),
        ("SELECT a FROM '/etc/passwd'", "which is no declared table"),
        ("SELECT a FROM read_text('/etc/passwd')", "not known to be harmless"),
        ("SELECT a FROM glob('/*')", "not known to be harmless"),
        ("SELECT a FROM query('SELECT 1 AS a')", "not known to be harmless"),
        ("SELECT table_name FROM information_schema.tables", "which is no declared table"),
        ("SELECT name FROM duckdb_settings()", "not known to be harmless"),
        ("SELECT getenv('HOME') AS home FROM orders", "not known to be harmless"),
        ("SELECT id FROM customers", "customers, which is no declared table"),
        ("WITH customers AS (SELECT id FROM customers) SELECT id FROM customers", "which is no declared table"),
        ("SELECT (WITH c AS (SELECT 1 AS id) SELECT id FROM c) AS a FROM c", "c, which is no declared table"),
        ("SELECT id FROM orders WHERE id = :number", "which `input` does not declare"),
        ("SELECT id FROM orders WHERE id = ?", "as :name"),
        ("table customers", "tables: orders"),
        ("table orders; DROP TABLE orders", "tables: orders"),
    ],
)
def test_a_statement_only_reads_what_is_declared(bench: Workbench, statement: str, why: str) -> None:
    assert why in told(bench, files("orders.parquet"), {"from": statement})


@pytest.mark.parametrize(
    "statement",
    [
        "WITH big AS (SELECT id FROM orders WHERE amount > 10) SELECT count(*) AS n FROM big",
        "SELECT a.id, b.region FROM orders a JOIN Orders b USING (id)",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n JOIN orders ON id = i",
        "SELECT date_trunc('month', at) AS month, median(amount) AS middle FROM orders GROUP BY ALL",
        "SELECT id, row_number() OVER (PARTITION BY region ORDER BY amount) AS place FROM orders",
        "SELECT id FROM orders UNION ALL SELECT id FROM orders",
    ],
)
def test_analytical_statements_are_taken(bench: Workbench, statement: str) -> None:
    catalog = bench.catalog(system(files("orders.parquet"), {"read": {"from": statement, "effect": "read"}}))
    assert catalog.operations["sales.read"].definition.binding["tables"] == ["orders"]


def test_tables_of_a_database_go_by_their_own_names(bench: Workbench) -> None:
    taken = {"read": {"from": "SELECT id FROM shop.orders", "effect": "read"}}
    bench.catalog(system(POSTGRES, taken))
    assert "orders, which is no declared table" in told(bench, POSTGRES, {"from": "SELECT id FROM orders"})
    assert "pg_catalog.pg_authid" in told(bench, POSTGRES, {"from": "SELECT rolname FROM pg_catalog.pg_authid"})
    assert "harmless" in told(bench, POSTGRES, {"from": "SELECT pg_read_file('/etc/passwd') AS a"})


@pytest.mark.parametrize(
    ("operation", "why"),
    [
        ({"effect": "write"}, "/operations/read/effect must be read"),
        ({"rows": "one"}, "/operations/read/rows means nothing here"),
        ({"expect_rows": 1}, "/operations/read/expect_rows means nothing here"),
        ({"input": {"a": "string"}}, "is for statements"),
        ({"options": {"filters": ["nothing"]}}, "names nothing, which is no declared column"),
        ({"options": {"filters": {"note": "like"}}}, "/operations/read/options"),
        ({"options": {"columns": ["nothing"]}}, "no declared column"),
        ({"options": {"order": ["nothing desc"]}}, "no declared column"),
        ({"options": {"order": ["id; drop"]}}, "/operations/read/options"),
        ({"options": {"required": ["region"]}}, "requires region, which is no filter"),
        ({"options": {"group": ["month of region"]}}, "which is of the type string"),
        ({"options": {"measures": {"x": "sum region"}}}, "which is of the type string"),
        ({"options": {"measures": {"x": "median amount"}}}, "/operations/read/options"),
        ({"options": {"group": ["region"], "measures": {"region": "count"}}}, "a group and a measure region"),
        ({"options": {"group": ["region"], "order": ["amount"]}}, "no group and no measure"),
        ({"options": {"group": ["region"], "columns": ["id"]}}, "mean nothing beside group"),
        ({"from": "SELECT id FROM orders", "options": {"filters": ["id"]}}, "are for `table NAME`"),
        ({"from": "SELECT {'a':id} AS a FROM orders"}, "/operations/read/from"),
        ({"idempotency": {"header": "Key"}}, "means nothing for a read"),
    ],
)
def test_an_operation_says_what_it_must(bench: Workbench, operation: dict[str, Any], why: str) -> None:
    assert why in told(bench, files("orders.parquet"), {"from": "table orders", **operation})


@pytest.mark.parametrize(
    ("pattern", "more", "why"),
    [
        ("../orders.parquet", {}, "must be a path below the root"),
        ("/etc/orders.parquet", {}, "must be a path below the root"),
        ("a/../../orders.parquet", {}, "must be a path below the root"),
        ("s3://bucket/orders.parquet", {}, "must be a path below the root"),
        ("orders/", {}, "must end with a file's name"),
        ("[a-z].parquet", {}, "must end with a file's name"),
        ("orders.xml", {}, "known endings"),
        ("orders.parquet", {"delimiter": ";"}, "is for csv"),
        ("orders.parquet", {"table": "orders"}, "this one is made of files"),
        ("orders.parquet", {"key": ["note"]}, "never null"),
        ("orders.parquet", {"key": ["amount"]}, "never null"),
    ],
)
def test_files_lie_in_the_folder(bench: Workbench, pattern: str, more: dict[str, Any], why: str) -> None:
    assert why in told(bench, files(pattern, **more))


@pytest.mark.parametrize(
    ("connection", "why"),
    [
        ({"duckdb": {"memory": "1GiB"}}, "needs a `folder` of files, or a `database`"),
        ({"duckdb": {"folder": "data"}}, "needs `files`, or the connection a `database`"),
        ({"duckdb": {"database": "d"}, "tables": {"orders": {"files": "o.csv", **TABLE}}}, "needs the `folder`"),
        ({"duckdb": {"database": "d"}, "tables": {"orders": {"table": "a.b.c", **TABLE}}}, "SCHEMA.TABLE"),
        ({"postgres": {"url": "postgresql://a:hidden@h/d"}}, "must not hold a password"),
        ({"postgres": {"url": "postgresql://a@h/d?sslmode=disable"}}, "must not set sslmode"),
        ({"postgres": {"url": "postgresql://a@h,other/d"}}, "must name one host"),
        ({"postgres": {"url": "postgresql:///d"}}, "must name one host"),
        ({"postgres": {"url": "postgresql://a@h"}}, "must name the database"),
        ({"postgres": {"url": "postgresql://[a/d"}}, "no valid address"),
        ({"adbc": {"driver": "postgresql"}}, "/connection/adbc/url is missing"),
        ({"adbc": {"driver": "sqlite"}}, "cannot stop a statement"),
        ({"adbc": {"driver": "snowflake"}}, "/connection"),
        ({"duckdb": {"database": "d"}, "zone": "Mars/North"}, "is no time zone"),
        ({"duckdb": {"database": "d"}, "zone": "/etc/passwd"}, "is no time zone"),
        ({"duckdb": {"database": "d"}, "postgres": {"url": "postgresql://a@h/d"}}, "/connection"),
        ({}, "/connection"),
    ],
)
def test_a_connection_names_one_engine(bench: Workbench, connection: dict[str, Any], why: str) -> None:
    said = told(bench, {"tables": {"orders": TABLE}, **connection})
    assert why in said
    assert "hidden" not in said
