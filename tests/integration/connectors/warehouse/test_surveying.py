"""`interlock connect` on files of rows, a DuckDB file and PostgreSQL: what is proposed can be read at once."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import asyncpg
import duckdb
import pytest
import yaml

from interlock.app.main import main
from interlock.integration.connectors.surveys import Source
from interlock.integration.connectors.warehouse.plugin import plugin
from interlock.integration.systems import Systems
from tests.integration.conftest import Workbench
from tests.integration.connectors.warehouse.warehouses import ORDERS

PROJECT = "name: kinds\ntenants: [main]\nroles: [staff]\npeople: {ada: {name: Ada, roles: [staff]}}\n"
POLICY = '@id("all") @require("confirm")\npermit (principal in Role::"staff", action, resource);\n'
CUSTOMERS = """
SELECT i AS "Customer No", 'ada' || i || '@acme.example' AS email, 'Ada ' || i AS full_name, DATE '1990-01-01' AS born,
       [i] AS tags FROM range(1, 4) t(i)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "interlock.yaml").write_text(PROJECT, "utf-8")
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "all.cedar").write_text(POLICY, "utf-8")
    data = tmp_path / "data"
    data.mkdir()
    with duckdb.connect() as made:
        made.execute(f"COPY ({ORDERS}) TO '{data}/orders.parquet' (FORMAT parquet)")
        made.execute(f"COPY ({CUSTOMERS}) TO '{data}/Customers 2026.csv' (HEADER, DELIMITER ';')")
        made.execute(f"COPY ({ORDERS}) TO '{data}/lines.jsonl' (FORMAT json)")
    (data / "notes.txt").write_text("nothing", "utf-8")
    with duckdb.connect(str(tmp_path / "sales.duckdb")) as made:
        made.execute(f"CREATE SCHEMA shop; CREATE TABLE shop.orders AS {ORDERS}; CREATE TABLE customers AS {CUSTOMERS}")
        made.execute('ALTER TABLE customers ADD PRIMARY KEY ("Customer No"); CREATE VIEW few AS FROM customers LIMIT 1')
    return tmp_path


async def connected(project: Path, address: str, *more: str) -> dict[str, Any]:
    """Return the system file that connecting writes."""
    words = ["connect", address, *more, "--name", "sales", "--all", "--project", str(project)]
    assert await asyncio.to_thread(main, words) == 0
    content: dict[str, Any] = yaml.safe_load((project / "systems" / "sales.yaml").read_text("utf-8"))
    return content


async def every(bench: Workbench, project: Path, declared: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return the first rows that each operation gives."""
    bench.root.mkdir(exist_ok=True)
    systems: Systems = await bench.serve(declared)
    found = {}
    for name in declared["operations"]:
        answer = await systems.call(f"sales.{name}", {"limit": 2}, key="")
        assert answer.succeeded, (name, answer.problem)
        found[name] = answer.output["rows"]
    return found


async def test_a_folder_is_a_table_for_each_file(bench: Workbench, project: Path) -> None:
    declared = await connected(project, str(project / "data"), "--kind", "warehouse")
    assert declared["kind"] == "warehouse"
    assert declared["connection"]["duckdb"] == {"folder": "data"}
    tables = declared["connection"]["tables"]
    assert tables.keys() == {"orders", "customers_2026", "lines"}
    assert tables["customers_2026"]["delimiter"] == ";"
    assert tables["customers_2026"]["columns"]["customer_no"] == {"type": "integer?", "source": "Customer No"}
    filters = declared["operations"]["find_orders"]["options"]["filters"]
    assert (filters["region"], filters["amount"], filters["at"], filters["paid"]) == (
        "equal",
        "range",
        "range",
        "equal",
    )
    found = await every(bench, project, declared)
    assert found["find_customers_2026"][0]["email"] == "ada1@acme.example"
    assert found["find_orders"] == found["find_lines"]


async def test_a_duckdb_file_is_known_by_itself(bench: Workbench, project: Path) -> None:
    declared = await connected(project, "sales.duckdb")
    assert declared["connector"] == "warehouse"
    tables = declared["connection"]["tables"]
    assert tables["shop_orders"]["table"] == "shop.orders"
    assert tables["customers"]["key"] == ["customer_no"]
    filters = declared["operations"]["find_customers"]["options"]["filters"]
    assert filters == {"customer_no": "equal", "email": "equal", "full_name": "equal", "born": "range"}
    found = await every(bench, project, declared)
    assert [row["customer_no"] for row in found["find_customers"]] == [1, 2]
    assert len(found["find_few"]) == 1


async def test_columns_that_look_personal_are_labelled_so(project: Path) -> None:
    declared = await connected(project, "sales.duckdb")
    personal = {"categories": ["personal"]}
    assert declared["operations"]["find_customers"]["output"]["labels"] == {
        "/rows/*/email": personal,
        "/rows/*/full_name": personal,
        "/rows/*/born": personal,
    }
    assert "output" not in declared["operations"]["find_shop_orders"]
    assert (await asyncio.to_thread(main, ["check", str(project)])) == 0


@pytest.mark.postgres
async def test_postgresql_is_read_from_its_catalogue(bench: Workbench, project: Path, postgres_url: str) -> None:
    connection = await asyncpg.connect(postgres_url)
    await connection.execute(
        "CREATE SCHEMA shop; CREATE TABLE shop.orders (id bigint PRIMARY KEY, price numeric(10, 2), at timestamptz, "
        "tags text[], code uuid); INSERT INTO shop.orders VALUES (1, 2.5, '2026-01-01T00:00:00Z', '{a}', "
        "'00000000-0000-0000-0000-000000000001')"
    )
    await connection.close()
    declared = await connected(project, postgres_url, "--kind", "warehouse")
    table = declared["connection"]["tables"]["shop_orders"]
    assert table["key"] == ["id"]
    assert table["columns"] == {"id": "integer", "price": "decimal?", "at": "datetime?", "code": "string?"}
    declared["connection"]["postgres"]["tls"] = "off"
    found = await every(bench, project, declared)
    row = {"id": 1, "price": 2.5, "at": "2026-01-01T00:00:00+00:00", "code": "00000000-0000-0000-0000-000000000001"}
    assert found == {"find_shop_orders": [row]}


def test_others_files_are_left_to_others() -> None:
    for address in ("orders.parquet", "orders.csv", "data", "postgresql://host/d", "books.db"):
        assert not plugin.recognises(Source(address))
        assert not plugin.recognises(Source(address, b"PAR1 and more"))
    assert plugin.recognises(Source("x", b"12345678DUCK"))
    assert plugin.recognises(Source("folder/x.duckdb"))


@pytest.mark.parametrize(
    ("address", "content"),
    [
        ("broken.duckdb", b"nothing"),
        ("broken.parquet", b"PAR1 and nothing more"),
        ("empty", None),
        ("missing.parquet", None),
        ("notes.txt", b"nothing"),
    ],
)
def test_what_cannot_be_connected_says_why(
    project: Path, address: str, content: bytes | None, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(project / "data")
    (project / "empty").mkdir()
    if content is not None:
        (project / address).write_bytes(content)
    place = str(project / address) if address == "empty" else address
    assert main(["connect", place, "--kind", "warehouse", "--name", "x", "--project", str(project), "--json"]) != 0
    printed = capsys.readouterr()
    assert json.loads(printed.out or printed.err)["code"] in {"source_unfit", "source_unreadable"}
    assert not (project / "systems" / "x.yaml").exists()
