"""Values as JSON has them: exact where it can be, null where there is no number, texts for what JSON does not know."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.integration.connectors.files.errors import ArgumentUnfit
from interlock.integration.connectors.warehouse.pages import Page, marks_of, seal_of, spoken
from interlock.integration.contracts import Contract
from tests.integration.conftest import Workbench
from tests.integration.connectors.warehouse.warehouses import system

EVERY = """
SELECT 1::BIGINT AS id, 12.50::DECIMAL(10, 2) AS price, 'nan'::DOUBLE AS rate, '-inf'::DOUBLE AS low,
       TIMESTAMP '2026-06-01 12:00:00' AS at, TIMESTAMPTZ '2026-06-01 12:00:00+05:30' AS there,
       DATE '2026-06-01' AS day, TIME '10:30:00' AS hour,
       INTERVAL '1 year 2 months 3 days 90 minutes 250 milliseconds' AS took, 'ab'::BLOB AS photo, [1, 2] AS list,
       {'a': [TIMESTAMP '2026-06-01 12:00:00'], 'b': NULL} AS thing, '{"x": [1]}'::JSON AS document,
       uuid '00000000-0000-0000-0000-000000000001' AS mark, true AS flag,
       170141183460469231731687303715884105727 AS huge
"""
COLUMNS = {
    "id": "integer",
    "price": "decimal",
    "rate": "number?",
    "low": "number?",
    "at": "datetime",
    "there": "datetime",
    "day": "date",
    "hour": "time",
    "took": "duration",
    "photo": "binary",
    "list": "json",
    "thing": "json",
    "document": "json",
    "mark": "string",
    "flag": "boolean",
}
SAID = {
    "id": 1,
    "price": 12.5,
    "rate": None,
    "low": None,
    "at": "2026-06-01T12:00:00+02:00",
    "there": "2026-06-01T08:30:00+02:00",
    "day": "2026-06-01",
    "hour": "10:30:00",
    "took": "P14M3DT5400.25S",
    "photo": "YWI=",
    "list": [1, 2],
    "thing": {"a": ["2026-06-01T12:00:00+02:00"], "b": None},
    "document": {"x": [1]},
    "mark": "00000000-0000-0000-0000-000000000001",
    "flag": True,
}


async def test_every_type_has_its_form(bench: Workbench) -> None:
    with duckdb.connect(str(bench.root / "all.duckdb")) as connection:
        connection.execute(f"CREATE TABLE everything AS {EVERY}")
    tables = {
        "everything": {"columns": COLUMNS, "key": ["id"]},
        "large": {"table": "everything", "columns": {"huge": "integer"}},
        "double": {"table": "everything", "columns": {"number": {"type": "string", "source": "mark"}}},
    }
    connection_ = {"duckdb": {"database": "all.duckdb"}, "zone": "Europe/Oslo", "tables": tables}
    operations: dict[str, Any] = {
        "read": {"from": "table everything", "effect": "read"},
        "all": {"from": "SELECT * FROM everything", "effect": "read"},
        "large": {"from": "table large", "effect": "read"},
        "sum": {"from": "SELECT sum(power(10, 30)::HUGEINT) AS n FROM everything", "effect": "read"},
        "lasts": {"from": "SELECT INTERVAL 1 MONTH AS a FROM everything", "effect": "read"},
        "renamed": {"from": "table double", "effect": "read"},
    }
    systems = await bench.serve(system(connection_, operations))
    for name in ("read", "all"):
        answer = await systems.call(f"sales.{name}", {}, key="")
        assert answer.succeeded, answer.problem
        assert answer.output["rows"] == [SAID]
        schema = systems.catalog.operations[f"sales.{name}"].definition.output_schema
        assert Contract(schema or {}).holds(answer.output)
    for name in ("large", "sum"):
        problem = (await systems.call(f"sales.{name}", {}, key="")).problem
        assert problem is not None
        assert problem["code"] == "value_unfit"
    lasts = (await systems.call("sales.lasts", {}, key="")).problem
    assert lasts is not None
    assert (lasts["code"], "cast them to texts" in lasts["detail"]) == ("statement_refused", True)
    renamed = await systems.call("sales.renamed", {}, key="")
    assert renamed.output["rows"] == [{"number": SAID["mark"]}]


@pytest.mark.parametrize("value", [10**30, "\ud800"])
def test_values_that_no_engine_takes_are_refused(value: Any) -> None:
    with pytest.raises(ArgumentUnfit):
        seal_of("SELECT 1", {"a": value})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (timedelta(days=-1, hours=-1), "-P1DT3600S"),
        (timedelta(microseconds=1), "P0DT0.000001S"),
        (timedelta(days=400, seconds=1, microseconds=500_000), "P400DT1.5S"),
    ],
)
def test_durations_are_written_by_iso_8601(value: timedelta, text: str) -> None:
    assert spoken(value, ZoneInfo("UTC")) == text


TEXT = st.text(st.characters(codec="utf-8"))


@given(
    st.lists(TEXT, min_size=1, max_size=4),
    st.dictionaries(TEXT, st.integers(-(1 << 63), (1 << 63) - 1) | TEXT | st.none()),
)
def test_a_cursor_comes_back_as_it_was(marks: list[str], values: dict[str, Any]) -> None:
    seal = seal_of("SELECT 1", values)
    page = Page(most=1, max_bytes=100_000, marks=len(marks), zone=ZoneInfo("UTC"))
    names = [f"mark_{number}" for number in range(len(marks))]
    assert not page.add(["id", *names], [[1, *marks], [2, *marks]])
    cursor = page.next(seal)
    assert page.rows == [{"id": 1}]
    assert marks_of(cursor, len(marks), seal) == marks
