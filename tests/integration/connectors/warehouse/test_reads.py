"""Reads of a warehouse give the same whatever it is made of: Parquet, CSV, lines of JSON, DuckDB, PostgreSQL, ADBC."""

from __future__ import annotations

from typing import Any

import asyncpg
import duckdb
import pytest

from interlock.integration.systems import Answer, Systems
from tests.integration.conftest import Workbench
from tests.integration.connectors.warehouse.warehouses import ORDERS, ROWS, TABLE, make, system


class Sales:
    """A running warehouse."""

    def __init__(self, systems: Systems, *, served: bool) -> None:
        self.systems = systems
        self.served = served

    async def call(self, operation: str, /, **arguments: Any) -> Answer:
        return await self.systems.call(f"sales.{operation}", arguments, key="")

    async def ask(self, operation: str, /, **arguments: Any) -> Any:
        answer = await self.call(operation, **arguments)
        assert answer.succeeded, answer.problem
        return answer.output


async def filled(url: str) -> None:
    """Put the orders into a PostgreSQL database."""
    with duckdb.connect() as made:
        rows = made.execute(ORDERS).fetchall()
    connection = await asyncpg.connect(url)
    await connection.execute(
        "CREATE TABLE orders (id bigint PRIMARY KEY, region text, amount numeric(10, 2), at timestamp, day date, "
        "paid boolean, note text)"
    )
    await connection.copy_records_to_table("orders", records=rows)
    await connection.execute("ANALYZE orders")  # the server would do it by itself, and plan from then on differently
    await connection.close()


SERVED = [pytest.param(one, marks=pytest.mark.postgres) for one in ("postgres", "adbc")]


@pytest.fixture(params=["parquet", "csv", "jsonl", "database", *SERVED])
async def sales(bench: Workbench, request: pytest.FixtureRequest) -> Sales:
    if request.param in {"postgres", "adbc"}:
        url = request.getfixturevalue("postgres_url")
        await filled(url)
        more = {"driver": "postgresql"} if request.param == "adbc" else {}
        connection = {request.param: {"url": url, "tls": "off", **more}, "tables": {"orders": TABLE}}
    else:
        connection = make(bench.root, request.param)
    return Sales(await bench.serve(system(connection)), served=request.param in {"postgres", "adbc"})


async def test_a_row_is_as_it_is_declared(sales: Sales) -> None:
    found = await sales.ask("find", limit=1)
    assert found["rows"] == [
        {
            "id": 1,
            "region": "south",
            "amount": 1.25,
            "at": "2026-01-01T12:00:00+00:00",
            "day": "2026-01-02",
            "paid": False,
            "note": "note 1",
        }
    ]
    assert found["truncated"] is True
    assert (found["as_of"] is None) == sales.served


async def test_every_row_comes_once_page_by_page(sales: Sales) -> None:
    for operation, limit in (("find", 90), ("late", 40)):
        seen: list[int] = []
        after: dict[str, Any] = {}
        while True:
            page = await sales.ask(operation, limit=limit, **after)
            seen += [row["id"] for row in page["rows"]]
            assert page["truncated"] == (page["next"] is not None)
            if page["next"] is None:
                break
            after = {"after": page["next"]}
        assert len(seen) == ROWS
        assert seen == sorted(seen, reverse=operation == "late")


async def test_filters_are_by_type(sales: Sales) -> None:
    found = await sales.ask("find", region=["north", "east"], amount_from=10, amount_before=12.5, paid=True)
    assert [row["id"] for row in found["rows"]] == [8]
    found = await sales.ask("find", at_from="2026-01-02T01:00:00+01:00", at_before="2026-01-03T00:00:00Z")
    assert [row["id"] for row in found["rows"]] == [2, 3]
    assert [row["id"] for row in (await sales.ask("find", note="note 7"))["rows"]] == [7]


async def test_without_a_steady_order_there_is_one_page(sales: Sales) -> None:
    found = await sales.ask("largest", limit=2)
    assert [row["id"] for row in found["rows"]] == [ROWS, ROWS - 1]
    assert found["truncated"] is True
    assert "next" not in found


async def test_groups_are_measured(sales: Sales) -> None:
    found = await sales.ask("by_region", day_before="2026-01-08")
    assert found["rows"] == [
        {"region": "north", "orders": 2, "total": 11.25, "mean": 5.625, "last": "2026-01-04T00:00:00+00:00"},
        {"region": "east", "orders": 2, "total": 8.75, "mean": 4.375, "last": "2026-01-03T12:00:00+00:00"},
        {"region": "south", "orders": 2, "total": 6.25, "mean": 3.125, "last": "2026-01-03T00:00:00+00:00"},
    ]
    months = (await sales.ask("by_month"))["rows"]
    assert months[0] == {"at_month": "2026-01-01", "paid": False, "notes": 31, "regions": 3}
    assert months[-1]["at_month"] == "2026-05-01"


async def test_a_declared_statement_takes_parameters(sales: Sales) -> None:
    found = await sales.ask("paid", paid=True)
    assert sum(row["orders"] for row in found["rows"]) == ROWS // 2
    assert sum(row["total"] for row in found["rows"]) == pytest.approx(1.25 * sum(range(2, ROWS + 1, 2)))
    few = await sales.ask("few")
    assert ([row["id"] for row in few["rows"]], few["truncated"]) == ([1, 2, 3], True)


@pytest.mark.parametrize("value", ["'; DROP TABLE orders; --", "x' OR '1'='1", "%", "$p0", ":p0"])
async def test_values_are_never_part_of_the_statement(sales: Sales, value: str) -> None:
    assert (await sales.ask("find", note=value))["rows"] == []


@pytest.mark.parametrize("after", ["x", "bm8", "W10", "WyJhIiwiMSJd"])
async def test_a_cursor_is_one_of_this_operation(sales: Sales, after: str) -> None:
    other = (await sales.ask("find", limit=1, paid=True))["next"]
    for cursor in (after, other):
        answer = await sales.call("find", after=cursor)
        assert answer.problem is not None
        assert answer.problem["code"] == "argument_unfit"
        assert not answer.sent


async def test_the_warehouse_can_be_probed(sales: Sales) -> None:
    assert (await sales.systems.probe("sales")).succeeded


async def test_a_required_filter_must_be_given(sales: Sales) -> None:
    assert len((await sales.ask("of_region", region="east"))["rows"]) == 83
