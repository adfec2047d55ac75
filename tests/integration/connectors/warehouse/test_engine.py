"""The engine by itself is locked: what passed every check before it would still reach nothing else."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest

from interlock.integration.connectors.files.errors import FileChanged, FilesTrouble, TimeOver
from interlock.integration.connectors.warehouse.duck import DuckEngine
from interlock.integration.connectors.warehouse.errors import Closed, StatementRefused
from interlock.integration.connectors.warehouse.pages import Page
from interlock.integration.connectors.warehouse.queries import Query
from interlock.integration.connectors.warehouse.tables import tables_of
from tests.integration.connectors.warehouse.warehouses import make

FOREVER = "SELECT count(*) AS n FROM range(1000000) a, range(1000000) b, range(1000000) c WHERE a.range < b.range"


class Watched(Page):
    """A page that does something when its first rows come."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        super().__init__(most=10_000, max_bytes=1 << 20, marks=0, zone=ZoneInfo("UTC"))
        self._meanwhile = meanwhile

    def add(self, names: Sequence[str], values: Sequence[Sequence[Any]]) -> bool:
        self._meanwhile()
        return super().add(names, values)


def contents(folder: Path) -> dict[Path, bytes]:
    return {one: one.read_bytes() for one in folder.rglob("*") if one.is_file()}


def engine_of(root: Path, connection: dict[str, Any]) -> DuckEngine:
    return DuckEngine(connection["duckdb"], tables_of(connection), root=root, concurrency=2, zone="UTC")


@pytest.fixture(params=["parquet", "database"])
async def engine(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[DuckEngine]:
    made = engine_of(tmp_path, make(tmp_path, request.param))
    await made.open()
    yield made
    await made.close()


async def read(
    engine: DuckEngine, statement: str, page: Page | None = None, timeout: float = 30.0, **values: Any
) -> Page:
    page = page or Watched(lambda: None)
    assert (await engine.read(Query(statement, ("orders",), values), page, timeout)).succeeded
    return page


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('{root}/secret.txt')",
        "SELECT * FROM read_parquet('http://127.0.0.1:1/x.parquet')",
        "SELECT * FROM '{root}/secret.csv'",
        "SELECT * FROM glob('{root}/*')",
        "SELECT * FROM query('ATTACH ''{root}/other.duckdb''')",
        "SELECT * FROM duckdb_secrets()",
        "COPY orders TO '{root}/out.csv'",
        "COPY (SELECT 1) TO '{root}/data/part0.parquet'",
        "ATTACH '{root}/other.duckdb'",
        "CREATE TABLE x AS SELECT 1",
        "DELETE FROM warehouse.shop.orders",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "SET allowed_paths = ['/etc/passwd']",
        "EXPLAIN ANALYZE DELETE FROM warehouse.shop.orders",
        "SELECT 1; SELECT 2",
        "SELECT 1; COPY orders TO '{root}/out.csv'",
        "",
    ],
)
async def test_nothing_else_is_reached(engine: DuckEngine, tmp_path: Path, statement: str) -> None:
    (tmp_path / "secret.txt").write_text("hidden", "utf-8")
    (tmp_path / "secret.csv").write_text("a\nhidden\n", "utf-8")
    before = contents(tmp_path)
    with pytest.raises(FilesTrouble) as caught:
        await read(engine, statement.replace("{root}", str(tmp_path)))
    assert caught.value.code in {"statement_refused", "file_broken"}
    assert "hidden" not in caught.value.detail
    assert contents(tmp_path) == before


async def test_settings_are_as_they_should_be(engine: DuckEngine) -> None:
    page = await read(engine, "SELECT name, value FROM duckdb_settings()")
    settings = {row["name"]: row["value"] for row in page.rows}
    assert settings["enable_external_access"] == "false"
    assert settings["lock_configuration"] == "true"
    for name in ("unsigned_extensions", "community_extensions"):
        assert settings[f"allow_{name}"] == "false"
    assert settings["autoload_known_extensions"] == settings["autoinstall_known_extensions"] == "false"
    assert settings["threads"] == "2"
    assert settings["memory_limit"] == "512.0 MiB"


async def test_a_file_that_is_replaced_meanwhile_gives_no_answer(tmp_path: Path) -> None:
    engine = engine_of(tmp_path, make(tmp_path, "parquet"))
    await engine.open()
    part = tmp_path / "data" / "part1.parquet"

    def replace() -> None:
        (tmp_path / "new").write_bytes(part.read_bytes())
        (tmp_path / "new").replace(part)

    with pytest.raises(FileChanged, match="orders were written by another"):
        await read(engine, "SELECT id FROM orders", Watched(replace))
    with pytest.raises(FileChanged):
        await read(engine, "SELECT id FROM orders", Watched(part.unlink))
    assert len((await read(engine, "SELECT id FROM orders")).rows) == 125
    await engine.close()


async def test_a_statement_ends_with_its_time_or_its_caller(engine: DuckEngine) -> None:
    for _ in range(3):
        with pytest.raises(TimeOver):
            await read(engine, FOREVER, timeout=0.2)
    calls = [asyncio.create_task(read(engine, FOREVER)) for _ in range(4)]
    begun = asyncio.create_task(read(engine, "SELECT 1 AS one"))
    await asyncio.wait({begun}, timeout=0.5)
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    assert (await begun).rows == [{"one": 1}]


async def test_closing_stops_what_is_under_way(engine: DuckEngine) -> None:
    calls = [asyncio.create_task(read(engine, FOREVER)) for _ in range(4)]
    await asyncio.wait(calls, timeout=0.3)
    await engine.close()
    ended = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(one, TimeOver) for one in ended), ended
    assert not [one for one in threading.enumerate() if one.name.startswith("interlock-duckdb")]
    with pytest.raises(Closed):
        await read(engine, "SELECT 1 AS one")
    await engine.open()
    assert (await read(engine, "SELECT 1 AS one")).rows == [{"one": 1}]


async def test_other_processes_may_write_between_reads(tmp_path: Path) -> None:
    engine = engine_of(tmp_path, make(tmp_path, "database"))
    await engine.open()
    await asyncio.gather(*(read(engine, "SELECT id FROM orders") for _ in range(4)))
    with duckdb.connect(str(tmp_path / "data" / "sales.duckdb")) as connection:
        connection.execute("DELETE FROM shop.orders WHERE id > 7")
    assert len((await read(engine, "SELECT id FROM orders")).rows) == 7
    with pytest.raises(StatementRefused):
        await read(engine, "DELETE FROM orders")
    await engine.close()
