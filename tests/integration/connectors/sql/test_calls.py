"""Declared statements on real databases: SQLite and PostgreSQL behave alike where it matters."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from interlock.integration.systems import FAILED, SUCCEEDED, Answer, PackageMissing, Systems
from tests.integration.conftest import Workbench

SCHEMA = """
CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, credit NUMERIC(10, 2), since DATE);
INSERT INTO customers VALUES (1, 'Alfreds', 12.50, '2020-01-31'), (2, 'Bolids', NULL, NULL), (3, 'Chops', 7, NULL);
"""
OPERATIONS: dict[str, Any] = {
    "get": {
        "from": "SELECT id, name, credit, since FROM customers WHERE id = :id",
        "effect": "read",
        "input": {"id": "integer"},
        "columns": {"id": "integer", "name": "string", "credit": "number?", "since": "string?"},
        "rows": "one",
    },
    "list": {"from": "SELECT id, name FROM customers ORDER BY id", "effect": "read", "max_rows": 5},
    "few": {"from": "SELECT id FROM customers", "effect": "read", "max_rows": 2},
    "first": {
        "from": "SELECT id FROM customers WHERE id > :id",
        "effect": "read",
        "input": {"id": "integer"},
        "rows": "one",
    },
    "since": {
        "from": "SELECT id FROM customers WHERE since >= :day",
        "effect": "read",
        "input": {"day": "date"},
    },
    "named": {"from": "SELECT id FROM customers WHERE name = :name", "effect": "read", "input": {"name": "string"}},
    "rename": {
        "from": "UPDATE customers SET name = :name WHERE id = :id",
        "effect": "write",
        "input": {"id": "integer", "name": "string"},
        "expect_rows": 1,
    },
    "rename_back": {
        "from": "UPDATE customers SET name = :name WHERE id = :id RETURNING id, name",
        "effect": "write",
        "input": {"id": "integer", "name": "string"},
    },
    "rename_above": {
        "from": "UPDATE customers SET credit = 1 WHERE id > :id",
        "effect": "write",
        "input": {"id": "integer"},
        "expect_rows": 1,
    },
    "add": {
        "from": "INSERT INTO customers (id, name, credit) VALUES (:id, :name, :credit)",
        "effect": "write",
        "input": {"id": "integer", "name": "string", "credit": "number?"},
    },
    "remove": {"from": "DELETE FROM customers WHERE id = :id", "effect": "irreversible", "input": {"id": "integer"}},
}
SLOW = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS c FROM n",
    "postgres": "SELECT count(*) AS c FROM generate_series(1, 100000) a, generate_series(1, 100000) b",
}
LARGE = {
    "sqlite": "SELECT printf('%.400000c', 'x') AS t",
    "postgres": "SELECT lpad('', 400000, 'x') AS t",
}


class Erp:
    """A running system over one real database, and a way to look at the database itself."""

    def __init__(self, systems: Systems, dialect: str, rows: Callable[[str], Awaitable[list[tuple[Any, ...]]]]) -> None:
        self.systems = systems
        self.dialect = dialect
        self.rows = rows

    async def call(self, operation: str, /, **arguments: Any) -> Answer:
        return await self.systems.call(f"erp.{operation}", arguments, key="key")


def open_files() -> set[str]:
    return {str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.exists()}


def declared(dialect: str, url: str, **more: Any) -> dict[str, Any]:
    texts = {
        "slow": {"from": SLOW[dialect], "effect": "read", "timeout": "300ms"},
        "large": {"from": LARGE[dialect], "effect": "read"},
    }
    connection = {"url": url, "allow_functions": ["lpad"]}
    limits = {"timeout": "5s", "retries": 0, "response": "64KiB", "concurrency": 4, "failures": 1000}
    return {
        "system": "erp",
        "connector": "sql",
        "connection": connection,
        "limits": limits,
        "operations": OPERATIONS | texts,
    } | more


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def erp(bench: Workbench, request: pytest.FixtureRequest) -> AsyncIterator[Erp]:
    if request.param == "sqlite":
        file = bench.root / "erp.db"
        made = sqlite3.connect(file)
        made.executescript(SCHEMA)
        made.close()

        async def look(text: str) -> list[tuple[Any, ...]]:
            connection = sqlite3.connect(file)
            try:
                return list(connection.execute(text))
            finally:
                connection.close()

        yield Erp(await bench.serve(declared("sqlite", "sqlite:///erp.db")), "sqlite", look)
        return
    url: str = request.getfixturevalue("postgres_url")
    connection = await asyncpg.connect(url)
    await connection.execute(SCHEMA)

    async def look_there(text: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in await connection.fetch(text)]

    yield Erp(await bench.serve(declared("postgres", url)), "postgres", look_there)
    await bench.systems.close()
    await connection.close()


async def test_one_row(erp: Erp) -> None:
    answer = await erp.call("get", id=1)
    assert answer.output == {"id": 1, "name": "Alfreds", "credit": 12.5, "since": "2020-01-31"}
    assert (await erp.call("get", id=2)).output == {"id": 2, "name": "Bolids", "credit": None, "since": None}


async def test_no_row_is_not_found(erp: Erp) -> None:
    answer = await erp.call("get", id=99)
    assert answer.problem is not None
    assert (answer.status, answer.problem["code"]) == (FAILED, "not_found")


async def test_many_rows(erp: Erp) -> None:
    answer = await erp.call("list")
    assert answer.output == [{"id": 1, "name": "Alfreds"}, {"id": 2, "name": "Bolids"}, {"id": 3, "name": "Chops"}]


@pytest.mark.parametrize(("operation", "arguments"), [("few", {}), ("first", {"id": 0})])
async def test_more_rows_than_declared_are_no_answer(erp: Erp, operation: str, arguments: dict[str, Any]) -> None:
    answer = await erp.call(operation, **arguments)
    assert answer.problem is not None
    assert (answer.status, answer.problem["code"], answer.output) == (FAILED, "too_many_rows", None)


async def test_a_result_that_is_too_large_is_no_answer(erp: Erp) -> None:
    answer = await erp.call("large")
    assert answer.problem is not None
    assert (answer.status, answer.problem["code"]) == (FAILED, "response_too_large")


async def test_dates_go_in_as_texts(erp: Erp) -> None:
    assert (await erp.call("since", day="2020-01-01")).output == [{"id": 1}]
    assert (await erp.call("since", day="2021-01-01")).output == []


@pytest.mark.parametrize("name", ["'; DROP TABLE customers; --", "x' OR '1'='1", "\x00", "%"])
async def test_values_are_never_part_of_the_statement(erp: Erp, name: str) -> None:
    answer = await erp.call("named", name=name)
    assert answer.output in ([], None)
    assert len(await erp.rows("SELECT id FROM customers")) == 3


async def test_a_write_tells_what_it_changed(erp: Erp) -> None:
    assert (await erp.call("rename", id=1, name="New")).output == {"affected": 1}
    assert (await erp.call("rename_back", id=1, name="Newer")).output == {"id": 1, "name": "Newer"}
    assert await erp.rows("SELECT name FROM customers WHERE id = 1") == [("Newer",)]
    assert (await erp.call("remove", id=1)).output == {"affected": 1}
    assert (await erp.call("remove", id=1)).output == {"affected": 0}
    assert (await erp.call("add", id=9, name="Nine")).succeeded
    assert (await erp.call("add", id=10, name="Ten", credit=1.25)).succeeded
    assert [row[0] for row in await erp.rows("SELECT name FROM customers WHERE id > 8 ORDER BY id")] == ["Nine", "Ten"]


@pytest.mark.parametrize(
    ("operation", "arguments", "code"),
    [
        ("rename", {"id": 99, "name": "x"}, "unexpected_rows"),
        ("rename_above", {"id": 1}, "unexpected_rows"),
        ("rename_back", {"id": 99, "name": "x"}, "not_found"),
        ("rename", {"id": 1, "name": "Bolids"}, "refused"),
        ("add", {"id": 1, "name": "Maria Anders"}, "refused"),
    ],
)
async def test_a_write_that_is_not_as_declared_changes_nothing(
    erp: Erp, operation: str, arguments: dict[str, Any], code: str
) -> None:
    before = await erp.rows("SELECT id, name, credit FROM customers ORDER BY id")
    answer = await erp.call(operation, **arguments)
    assert answer.problem is not None
    assert (answer.status, answer.problem["code"]) == (FAILED, code)
    assert "Maria" not in str(answer.problem)
    assert "Bolids" not in str(answer.problem)
    assert await erp.rows("SELECT id, name, credit FROM customers ORDER BY id") == before
    assert (await erp.call("rename", id=1, name="Other")).succeeded, "the connection is still of use"


async def test_a_slow_read_is_stopped(erp: Erp) -> None:
    answer = await erp.call("slow")
    assert answer.problem is not None
    assert (answer.status, answer.problem["code"]) == (FAILED, "timed_out")
    assert answer.elapsed_ms < 30_000
    assert (await erp.call("get", id=1)).succeeded


async def test_many_at_once(erp: Erp) -> None:
    answers = await asyncio.gather(*(erp.call("get", id=n % 3 + 1) for n in range(40)))
    assert [answer.output["id"] for answer in answers] == [n % 3 + 1 for n in range(40)]


async def test_writes_at_once_all_count(erp: Erp) -> None:
    answers = await asyncio.gather(*(erp.call("add", id=n, name=f"n{n}") for n in range(100, 130)))
    assert all(answer.succeeded for answer in answers)
    assert await erp.rows("SELECT count(*) FROM customers WHERE id >= 100") == [(30,)]


async def test_a_number_that_does_not_fit_is_not_sent(erp: Erp) -> None:
    answer = await erp.call("get", id=2**70)
    assert answer.problem is not None
    assert answer.status == FAILED
    assert answer.problem["code"] in {"argument_unsendable", "refused"}


async def test_it_can_be_probed(erp: Erp) -> None:
    assert (await erp.systems.probe("erp")).status == SUCCEEDED


@pytest.mark.parametrize(
    ("dialect", "url"), [("sqlite", "sqlite:///nowhere/x.db"), ("postgres", "postgresql://u@127.0.0.1:1/d")]
)
async def test_a_database_that_is_away_is_a_failure_that_was_not_sent(bench: Workbench, dialect: str, url: str) -> None:
    systems = await bench.serve(declared(dialect, url))
    for answer in (
        await systems.call("erp.get", {"id": 1}),
        await systems.call("erp.rename", {"id": 1, "name": "x"}),
        await systems.probe("erp"),
    ):
        assert answer.problem is not None
        assert (answer.status, answer.sent, answer.problem["code"]) == (FAILED, False, "unreachable")
    assert not (bench.root / "nowhere").exists()


async def test_a_write_waits_for_others_no_longer_than_its_time_limit(bench: Workbench) -> None:
    file = bench.root / "erp.db"
    other = sqlite3.connect(file, isolation_level=None)
    other.executescript(SCHEMA)
    other.execute("BEGIN EXCLUSIVE")
    systems = await bench.serve(declared("sqlite", "sqlite:///erp.db"))
    answer = await systems.call("erp.rename", {"id": 1, "name": "x"}, timeout=0.2)
    assert answer.problem is not None
    assert (answer.status, answer.sent, answer.problem["code"]) == (FAILED, False, "system_busy")
    other.execute("ROLLBACK")
    assert (await systems.call("erp.rename", {"id": 1, "name": "x"})).succeeded
    other.close()


async def test_a_text_of_another_encoding_is_not_made_into_one_that_looks_right(bench: Workbench) -> None:
    with sqlite3.connect(bench.root / "erp.db") as made:
        made.executescript(SCHEMA)
        made.execute("UPDATE customers SET name = CAST(? AS TEXT) WHERE id = 2", ("Bäcker".encode("latin-1"),))
    made.close()
    raw = {"from": "SELECT CAST(name AS BLOB) AS name FROM customers WHERE id = 2", "effect": "read"}
    systems = await bench.serve(declared("sqlite", "sqlite:///erp.db", operations=OPERATIONS | {"raw": raw}))
    answer = await systems.call("erp.get", {"id": 2})
    assert answer.problem is not None
    assert (answer.status, answer.problem["code"]) == (FAILED, "value_unfit")
    assert (await systems.call("erp.raw", {})).output == [{"name": "QuRja2Vy"}]
    assert (await systems.call("erp.get", {"id": 1})).succeeded


async def test_the_words_of_a_trigger_are_shown_if_they_are_fixed(bench: Workbench) -> None:
    made = sqlite3.connect(bench.root / "erp.db")
    made.executescript(
        SCHEMA
        + "CREATE TRIGGER t BEFORE UPDATE ON customers WHEN old.id = 1 "
        + "BEGIN SELECT RAISE(ABORT, 'this customer is closed'); END;"
        + "CREATE TRIGGER u BEFORE UPDATE ON customers WHEN old.id = 2 "
        + "BEGIN SELECT RAISE(ABORT, 'customer 2 is closed'); END;"
    )
    made.close()
    systems = await bench.serve(declared("sqlite", "sqlite:///erp.db"))
    first, second = [await systems.call("erp.rename", {"id": n, "name": "x"}) for n in (1, 2)]
    assert first.problem is not None
    assert second.problem is not None
    assert first.problem["system"]["title"] == "this customer is closed"
    assert "title" not in second.problem["system"]


async def test_a_view_that_writes_through_a_read_is_stopped_by_the_transaction(
    postgres_url: str, bench: Workbench
) -> None:
    connection = await asyncpg.connect(postgres_url)
    await connection.execute(
        SCHEMA
        + "CREATE FUNCTION sneak() RETURNS int LANGUAGE sql AS 'DELETE FROM customers WHERE id = 1 RETURNING id';"
        + "CREATE VIEW innocent AS SELECT sneak() AS a;"
    )
    operations = {"look": {"from": "SELECT a FROM innocent", "effect": "read"}}
    systems = await bench.serve(declared("postgres", postgres_url, operations=operations))
    answer = await systems.call("erp.look", {})
    assert answer.problem is not None
    assert (answer.status, answer.problem["system"]["code"]) == (FAILED, "SQLSTATE-25006")
    assert await connection.fetchval("SELECT count(*) FROM customers") == 3
    await bench.systems.close()
    await connection.close()


async def test_a_connection_that_the_server_ends_before_the_commit_changed_nothing(
    postgres_url: str, bench: Workbench
) -> None:
    connection, other = await asyncpg.connect(postgres_url), await asyncpg.connect(postgres_url)
    await connection.execute(SCHEMA)
    await connection.execute("BEGIN; LOCK TABLE customers")
    systems = await bench.serve(declared("postgres", postgres_url))
    waiting = asyncio.create_task(systems.call("erp.rename", {"id": 1, "name": "x"}))
    ours = "application_name = 'interlock' AND wait_event_type = 'Lock'"
    kill = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {ours}"
    async with asyncio.timeout(10):
        while not await other.fetch(kill):  # noqa: ASYNC110 - the server has no event to wait for
            await asyncio.sleep(0.01)
    answer = await waiting
    assert answer.problem is not None
    assert (answer.status, answer.problem["code"], answer.transient) == (FAILED, "connection_lost", True)
    await connection.execute("ROLLBACK")
    assert (await systems.call("erp.rename", {"id": 1, "name": "x"})).succeeded
    await bench.systems.close()
    await connection.close()
    await other.close()


async def test_closing_leaves_no_thread_and_no_file_open(bench: Workbench) -> None:
    file = bench.root / "erp.db"
    made = sqlite3.connect(file)
    made.executescript(SCHEMA)
    made.close()
    systems = await bench.serve(declared("sqlite", "sqlite:///erp.db"))
    await asyncio.gather(*(systems.call("erp.get", {"id": 1}) for _ in range(8)))
    await systems.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("interlock-sqlite")]
    assert str(file) not in open_files()
    assert not (await systems.call("erp.get", {"id": 1})).succeeded


async def test_a_missing_driver_is_named_with_its_extra(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "asyncpg", None)
    with pytest.raises(PackageMissing) as missing:
        await bench.serve(declared("postgres", "postgresql://u@127.0.0.1:1/d"))
    assert "interlock-control[postgres]" in missing.value.fix
