"""The page on warehouses is followed: what it declares answers from files as it describes them."""

from __future__ import annotations

import re
from typing import Any

import duckdb
import yaml

from tests.house.source import read
from tests.integration.conftest import Workbench

PAGE = "docs/how-to/connect-warehouse.md"
BLOCK = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ORDERS = """
SELECT i AS id, i % 3 AS customer, CAST(i AS DECIMAL(12, 2)) AS amount, 'paid' AS status,
       TIMESTAMP '2026-01-01 00:00:00' + to_days(CAST(i AS INTEGER)) AS at FROM range({0}, {1}) t(i)
"""


async def test_the_example_answers(bench: Workbench) -> None:
    folder = bench.root / "data"
    (folder / "orders").mkdir(parents=True)
    with duckdb.connect() as made:
        for part in range(2):
            rows = ORDERS.format(1 + part * 40, 41 + part * 40)
            made.execute(f"COPY ({rows}) TO '{folder}/orders/orders-{part}.parquet' (FORMAT parquet)")
    (folder / "customers.csv").write_text("Customer-No;name;country\n0;Ada;NO\n1;Bo;NO\n2;Cy;\n", "utf-8")
    systems = await bench.serve(yaml.safe_load(BLOCK.findall(read(PAGE))[0]))

    async def ask(operation: str, **arguments: Any) -> Any:
        answer = await systems.call(f"sales.{operation}", arguments, key="")
        assert answer.succeeded, answer.problem
        return answer.output

    first = await ask("find_orders", limit=60, status=["paid"])
    second = await ask("find_orders", limit=60, status=["paid"], after=first["next"])
    assert [row["id"] for row in first["rows"] + second["rows"]] == list(range(80, 0, -1))
    assert first["rows"][0]["at"] == "2026-03-22T00:00:00+01:00"
    months = await ask("revenue_by_month")
    assert months["rows"][0] == {
        "at_month": "2026-03-01",
        "status": "paid",
        "orders": 22,
        "revenue": 1529.0,
        "customers": 3,
        "last": "2026-03-22T00:00:00+01:00",
    }
    best = await ask("best_customers", since="2026-03-01", country="NO")
    assert [row["name"] for row in best["rows"]] == ["Bo", "Ada"]
    assert best["as_of"]


def test_the_second_example_is_valid(bench: Workbench) -> None:
    connection = yaml.safe_load(BLOCK.findall(read(PAGE))[1])["connection"]
    operations = {
        "find": {"from": "table orders", "effect": "read"},
        "count": {"from": "SELECT count(*) AS n FROM mart.orders", "effect": "read"},
    }
    system = {"system": "x", "connector": "warehouse", "connection": connection, "operations": operations}
    assert len(bench.catalog(system).operations) == 2
