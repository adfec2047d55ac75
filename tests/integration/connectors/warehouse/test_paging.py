"""Whatever the rows and the order: page after page gives every row once, in the order that Python would."""

from __future__ import annotations

import asyncio
import tempfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.foundation.documents import parse_document
from interlock.foundation.http import HttpClient
from interlock.foundation.secrets import SecretStore
from interlock.integration.connectors.interface import Ports
from interlock.integration.connectors.warehouse.plugin import plugin
from interlock.integration.systems.declarations import declare
from tests.integration.connectors.warehouse.warehouses import system

COLUMNS = {"id": "integer", "day": "date", "name": "string"}
ROWS = st.lists(
    st.tuples(
        st.integers(-3, 3).map(lambda days: date(2026, 1, 1) + timedelta(days)),
        st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=3),
    ),
    max_size=12,
)
ORDER = st.permutations(["day", "name"]).flatmap(
    lambda names: st.tuples(*(st.sampled_from([name, f"{name} desc", f"{name} asc"]) for name in names))
)


@given(rows=ROWS, order=ORDER, limit=st.integers(1, 5))
@settings(max_examples=25, deadline=None)
def test_every_row_comes_once_in_order(rows: list[tuple[date, str]], order: tuple[str, ...], limit: int) -> None:
    numbered = [(number, *row) for number, row in enumerate(rows)]
    expected = sorted(numbered)
    for written in reversed(order):
        place = 1 if written.startswith("day") else 2
        expected.sort(key=lambda row, place=place: row[place], reverse=written.endswith("desc"))  # type: ignore[misc]  # of a lambda
    with tempfile.TemporaryDirectory() as folder:
        with duckdb.connect(f"{folder}/d.duckdb") as made:
            made.execute("CREATE TABLE t (id BIGINT, day DATE, name VARCHAR)")
            if numbered:
                made.executemany("INSERT INTO t VALUES (?, ?, ?)", numbered)
        found = asyncio.run(_pages(Path(folder), list(order), limit))
    assert found == [row[0] for row in expected]


async def _pages(root: Path, order: list[str], limit: int) -> list[int]:
    connection = {"duckdb": {"database": "d.duckdb"}, "tables": {"t": {"columns": COLUMNS, "key": ["id"]}}}
    operations = {"read": {"from": "table t", "effect": "read", "options": {"order": order}}}
    content = orjson.dumps(system(connection, operations))
    declared = declare(parse_document(content, "system", environment={}))
    found: list[int] = []
    async with HttpClient() as http:
        ports = Ports(http, SecretStore.standard(environment={}), root)
        connector = plugin.build(declared, plugin.describe(declared, root).definitions, ports)
        await connector.open()
        after: dict[str, Any] = {}
        while after != {"after": None}:
            answer = await connector.call("read", {"limit": limit, **after}, key="", timeout=30)
            assert answer.succeeded, answer.problem
            found += [row["id"] for row in answer.output["rows"]]
            after = {"after": answer.output["next"]}
        await connector.close()
    return found
