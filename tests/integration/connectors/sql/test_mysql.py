"""Declared statements on a real MariaDB, and what is left when it fails."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from interlock.integration.systems import FAILED, SUCCEEDED, UNKNOWN, Answer, PackageMissing, Systems
from tests.integration.conftest import Workbench
from tests.integration.connectors.sql.mariadb import MariaDb, Relay

SCHEMA = """
CREATE TABLE customers (id INTEGER PRIMARY KEY, name VARCHAR(40) NOT NULL UNIQUE, credit NUMERIC(10, 2), since DATE);
INSERT INTO customers VALUES (1, 'Alfreds', 12.50, '2020-01-31'), (2, 'Bolids', NULL, NULL), (3, 'Chops', 7, NULL);
CREATE TABLE notes (id INTEGER PRIMARY KEY, body VARCHAR(20)) ENGINE = MyISAM;
CREATE TABLE kinds (id INTEGER PRIMARY KEY, day DATE, moment DATETIME(3), hours TIME, raw VARBINARY(9), held BOOLEAN,
  exact DECIMAL(20, 4), approximate DOUBLE, words TEXT CHARACTER SET latin1);
INSERT INTO kinds VALUES (1, '2026-01-31', '2026-01-31 10:00:00.125', '-27:00:01', x'00ff', TRUE, 12.5, 0.5, 'Grüße')
"""
FUNCTION = """CREATE FUNCTION sneak() RETURNS INT MODIFIES SQL DATA
BEGIN DELETE FROM customers WHERE id = 1; RETURN 1; END"""
TRIGGER = """CREATE TRIGGER guard BEFORE UPDATE ON customers FOR EACH ROW
BEGIN IF old.id = 3 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'this customer is closed'; END IF; END"""
OPERATIONS: dict[str, Any] = {
    "get": {
        "from": "SELECT id, name, credit, since FROM customers WHERE id = :id",
        "effect": "read",
        "input": {"id": "integer"},
        "columns": {"id": "integer", "name": "string", "credit": "number?", "since": "string?"},
        "rows": "one",
    },
    "few": {"from": "SELECT id FROM customers", "effect": "read", "max_rows": 2},
    "since": {"from": "SELECT id FROM customers WHERE since >= :day", "effect": "read", "input": {"day": "date"}},
    "named": {"from": "SELECT id FROM customers WHERE name = :name", "effect": "read", "input": {"name": "string"}},
    "literal": {
        "from": "SELECT ':id 100% %(id)s' AS t, \"it's\" AS u, id % 2 AS odd FROM customers WHERE id = :id",
        "effect": "read",
        "input": {"id": "integer"},
        "rows": "one",
    },
    "kinds": {
        "from": "SELECT day, moment, hours, raw, held, exact, approximate, words FROM kinds",
        "effect": "read",
        "rows": "one",
        "columns": {
            "day": "string",
            "moment": "string",
            "hours": "string",
            "raw": "string",
            "held": "boolean",
            "exact": "number",
            "approximate": "number",
            "words": "string",
        },
    },
    "slow": {
        "from": "SELECT count(*) AS c FROM seq_1_to_100000 AS a CROSS JOIN seq_1_to_100000 AS b WHERE a.seq <> b.seq",
        "effect": "read",
        "timeout": "300ms",
    },
    "large": {"from": "SELECT lpad('', 400000, 'x') AS t", "effect": "read"},
    "endless": {"from": "SELECT seq FROM seq_1_to_100000000", "effect": "read", "max_rows": 100000},
    "sneaky": {"from": "SELECT sneak() AS a", "effect": "read"},
    "rename": {
        "from": "UPDATE customers SET name = :name WHERE id = :id",
        "effect": "write",
        "input": {"id": "integer", "name": "string"},
        "expect_rows": 1,
    },
    "rename_above": {
        "from": "UPDATE customers SET credit = 1 WHERE id < :id",
        "effect": "write",
        "input": {"id": "integer"},
        "expect_rows": 1,
    },
    "add": {
        "from": "INSERT INTO customers (id, name, credit) VALUES (:id, :name, :credit)",
        "effect": "write",
        "input": {"id": "integer", "name": "string", "credit": "number?"},
    },
    "rate": {
        "from": "UPDATE customers SET credit = 5 WHERE id >= :least AND id <= :most",
        "effect": "write",
        "input": {"least": "integer", "most": "integer"},
    },
    "add_back": {
        "from": "INSERT INTO customers (id, name) VALUES (:id, :name) RETURNING id, name",
        "effect": "write",
        "input": {"id": "integer", "name": "string"},
    },
    "note": {
        "from": "INSERT INTO notes (id, body) VALUES (:id, :body), (:id + 1, :body)",
        "effect": "write",
        "input": {"id": "integer", "body": "string"},
        "expect_rows": 1,
    },
    "remove": {"from": "DELETE FROM customers WHERE id = :id", "effect": "irreversible", "input": {"id": "integer"}},
}


class Erp:
    """A running system over one real database, and a way to look at the database itself."""

    def __init__(self, systems: Systems, server: MariaDb, database: str) -> None:
        self.systems = systems
        self.server = server
        self.database = database

    async def call(self, operation: str, /, **arguments: Any) -> Answer:
        return await self.systems.call(f"erp.{operation}", arguments, key="key")

    def rows(self, text: str) -> list[tuple[Any, ...]]:
        with self.server.look(self.database) as connection, connection.cursor() as cursor:
            cursor.execute(text)
            return list(cursor.fetchall())


def declared(url: str, **more: Any) -> dict[str, Any]:
    limits = {"timeout": "5s", "retries": 0, "response": "64KiB", "concurrency": 4, "failures": 1000}
    connection = {"url": url, "allow_functions": ["sneak"]}
    return {
        "system": "erp", "connector": "sql", "connection": connection, "limits": limits, "operations": OPERATIONS,
    } | more  # fmt: skip


def code(answer: Answer) -> tuple[str, str]:
    assert answer.problem is not None, answer
    return answer.status, answer.problem["code"]


@pytest.fixture
def database(mariadb: MariaDb) -> str:
    name = mariadb.database()
    with mariadb.look(name) as connection, connection.cursor() as cursor:
        for text in (*SCHEMA.split(";"), FUNCTION, TRIGGER):
            cursor.execute(text)
    return name


@pytest.fixture
async def erp(bench: Workbench, mariadb: MariaDb, database: str) -> AsyncIterator[Erp]:
    yield Erp(await bench.serve(declared(mariadb.url(database))), mariadb, database)
    await bench.systems.close()


async def test_one_row_or_none(erp: Erp) -> None:
    answer = await erp.call("get", id=1)
    assert answer.output == {"id": 1, "name": "Alfreds", "credit": 12.5, "since": "2020-01-31"}
    assert (await erp.call("get", id=2)).output == {"id": 2, "name": "Bolids", "credit": None, "since": None}
    assert code(await erp.call("get", id=99)) == (FAILED, "not_found")


async def test_what_looks_like_a_parameter_in_a_text_is_text(erp: Erp) -> None:
    assert (await erp.call("literal", id=3)).output == {"t": ":id 100% %(id)s", "u": "it's", "odd": 1}


async def test_every_kind_of_value_is_json(erp: Erp) -> None:
    assert (await erp.call("kinds")).output == {
        "day": "2026-01-31", "moment": "2026-01-31T10:00:00.125000", "hours": "-27:00:01", "raw": "AP8=",
        "held": True, "exact": 12.5, "approximate": 0.5, "words": "Grüße",
    }  # fmt: skip


async def test_dates_go_in_as_texts(erp: Erp) -> None:
    assert (await erp.call("since", day="2020-01-01")).output == [{"id": 1}]
    assert (await erp.call("since", day="2021-01-01")).output == []


@pytest.mark.parametrize(
    "name", ["'; DROP TABLE customers; --", "x' OR '1'='1", "\\' OR 1=1 -- ", "\\", "\x00", "%", "%(id)s", '" OR ""="']
)
async def test_values_are_never_part_of_the_statement(erp: Erp, name: str) -> None:
    assert (await erp.call("named", name=name)).output == []
    assert (await erp.call("add", id=9, name=name)).output == {"affected": 1}
    assert (await erp.call("named", name=name)).output == [{"id": 9}]
    assert len(erp.rows("SELECT id FROM customers")) == 4


async def test_a_text_that_is_none_is_not_sent(erp: Erp) -> None:
    answer = await erp.call("add", id=9, name="a\udc80")
    assert (answer.status, answer.sent) == (FAILED, False)
    assert len(erp.rows("SELECT id FROM customers")) == 3


async def test_limits_of_rows_and_bytes(erp: Erp) -> None:
    assert code(await erp.call("few")) == (FAILED, "too_many_rows")
    assert code(await erp.call("large")) == (FAILED, "response_too_large")
    answer = await erp.call("endless")
    assert code(answer) == (FAILED, "response_too_large"), "it is not read to its end"
    assert (await erp.call("get", id=1)).succeeded


async def test_a_write_tells_what_it_changed(erp: Erp) -> None:
    assert (await erp.call("rename", id=1, name="New")).output == {"affected": 1}
    assert (await erp.call("rename", id=1, name="New")).output == {"affected": 1}, "rows that fit, as elsewhere"
    assert (await erp.call("add_back", id=9, name="Nine")).output == {"id": 9, "name": "Nine"}
    assert (await erp.call("remove", id=9)).output == {"affected": 1}
    assert (await erp.call("remove", id=9)).output == {"affected": 0}
    assert erp.rows("SELECT name FROM customers WHERE id = 1") == [("New",)]


@pytest.mark.parametrize(
    ("operation", "arguments", "expected"),
    [
        ("rename", {"id": 99, "name": "x"}, "unexpected_rows"),
        ("rename_above", {"id": 3}, "unexpected_rows"),
        ("rename", {"id": 1, "name": "Bolids"}, "refused"),
        ("rename", {"id": 1, "name": "a name that is too long " * 3}, "refused"),
        ("add", {"id": 2**40, "name": "Maria Anders"}, "refused"),
        ("add", {"id": 1, "name": "Maria Anders"}, "refused"),
        ("add_back", {"id": 1, "name": "Maria Anders"}, "refused"),
    ],
    ids=["none", "many", "taken", "long", "range", "there", "there-back"],
)
async def test_a_write_that_is_not_as_declared_changes_nothing(
    erp: Erp, operation: str, arguments: dict[str, Any], expected: str
) -> None:
    before = erp.rows("SELECT id, name, credit FROM customers ORDER BY id")
    answer = await erp.call(operation, **arguments)
    assert code(answer) == (FAILED, expected)
    assert "Maria" not in str(answer.problem)
    assert "Bolids" not in str(answer.problem)
    assert erp.rows("SELECT id, name, credit FROM customers ORDER BY id") == before
    assert (await erp.call("rename", id=1, name="Other")).succeeded, "the connection is still of use"


async def test_what_a_table_without_transactions_keeps_is_not_called_undone(erp: Erp) -> None:
    assert code(await erp.call("note", id=1, body="x")) == (UNKNOWN, "not_undone")
    assert len(erp.rows("SELECT id FROM notes")) == 2
    assert code(await erp.call("note", id=0, body="x")) == (UNKNOWN, "not_undone"), "its second row broke off"
    assert len(erp.rows("SELECT id FROM notes")) == 3


async def test_a_function_that_writes_in_a_read_is_stopped_by_the_transaction(erp: Erp) -> None:
    answer = await erp.call("sneaky")
    assert code(answer) == (FAILED, "refused")
    assert answer.problem is not None
    assert answer.problem["system"]["code"] == "MYSQL-1792"
    assert len(erp.rows("SELECT id FROM customers")) == 3


async def test_the_words_of_a_trigger_are_shown(erp: Erp) -> None:
    answer = await erp.call("rename", id=3, name="x")
    assert code(answer) == (FAILED, "refused")
    assert answer.problem is not None
    assert answer.problem["system"]["title"] == "this customer is closed"


async def test_a_slow_read_is_stopped_by_the_server(erp: Erp) -> None:
    assert (await erp.call("get", id=1)).succeeded, "it is signed in"
    assert code(await erp.call("slow")) == (FAILED, "timed_out")
    assert not erp.rows(
        "SELECT id FROM information_schema.processlist WHERE info LIKE '%seq_1_to%CROSS%' AND id <> connection_id()"
    )
    assert (await erp.call("get", id=1)).succeeded


async def test_a_write_waits_for_others_no_longer_than_its_time_limit(erp: Erp) -> None:
    with erp.server.look(erp.database, autocommit=False) as other, other.cursor() as cursor:
        cursor.execute("UPDATE customers SET credit = 2 WHERE id = 1")
        answer = await erp.systems.call("erp.rename", {"id": 1, "name": "x"}, key="key", timeout=1.0)
        assert answer.problem is not None
        assert (*code(answer), answer.transient) == (FAILED, "timed_out", True)
        other.rollback()
    assert (await erp.call("rename", id=1, name="x")).succeeded


async def test_a_deadlock_is_a_conflict_that_changed_nothing(erp: Erp) -> None:
    with erp.server.look(erp.database, autocommit=False) as other, other.cursor() as cursor:
        # ours holds row 1 and waits for row 2; the other has changed more, so the server ends ours
        cursor.execute("INSERT INTO customers SELECT seq, concat('n', seq), 0, NULL FROM seq_100_to_400")
        cursor.execute("UPDATE customers SET credit = 2 WHERE id = 2")
        waiting = asyncio.create_task(erp.call("rate", least=1, most=2))
        async with asyncio.timeout(10):
            while not erp.rows("SELECT 1 FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'"):  # noqa: ASYNC110 - the server has no event to wait for
                await asyncio.sleep(0.15)
        await asyncio.to_thread(cursor.execute, "UPDATE customers SET credit = 2 WHERE id = 1")
        answer = await waiting
        other.rollback()
    assert (*code(answer), answer.transient) == (FAILED, "conflict", True)
    assert erp.rows("SELECT credit FROM customers WHERE id = 2") == [(None,)]


async def test_many_at_once(erp: Erp) -> None:
    answers = await asyncio.gather(*(erp.call("get", id=n % 3 + 1) for n in range(40)))
    assert [answer.output["id"] for answer in answers] == [n % 3 + 1 for n in range(40)]
    answers = await asyncio.gather(*(erp.call("add", id=n, name=f"n{n}") for n in range(100, 130)))
    assert all(answer.succeeded for answer in answers)
    assert erp.rows("SELECT count(*) FROM customers WHERE id >= 100") == [(30,)]


async def test_connections_that_the_server_ended_are_made_anew(erp: Erp) -> None:
    assert (await erp.call("get", id=1)).succeeded
    for (number,) in erp.rows(
        "SELECT id FROM information_schema.processlist WHERE id <> connection_id() AND user = 'root'"
    ):
        erp.rows(f"KILL {number}")
    assert (await erp.call("rename", id=1, name="x")).succeeded
    assert (await erp.systems.probe("erp")).status == SUCCEEDED


@pytest.mark.parametrize(
    ("operation", "trigger", "fault", "status", "problem"),
    [
        pytest.param("rename", b"\x03COMMIT", "after", UNKNOWN, "connection_lost", id="commit-lost"),
        pytest.param("rename", b"\x03COMMIT", "before", UNKNOWN, "connection_lost", id="commit-reset"),
        pytest.param("rename", b"\x03COMMIT", "garbled", UNKNOWN, "connection_lost", id="commit-garbled"),
        pytest.param("rename", b"\x03COMMIT", "silent", UNKNOWN, "timed_out", id="commit-silent"),
        pytest.param("rename", b"UPDATE customers", "after", UNKNOWN, "connection_lost", id="write-lost"),
        pytest.param("rename", b"UPDATE customers", "truncated", UNKNOWN, "connection_lost", id="write-truncated"),
        pytest.param("rename", b"UPDATE customers", "silent", UNKNOWN, "timed_out", id="write-silent"),
        pytest.param("rename", b"START TRANSACTION", "before", FAILED, "unreachable", id="begin-reset"),
        pytest.param("rename", b"START TRANSACTION", "silent", FAILED, "unreachable", id="begin-silent"),
        pytest.param("rename", b"root", "silent", FAILED, "unreachable", id="login-silent"),
        pytest.param("rename", b"root", "garbled", FAILED, "unreachable", id="login-garbled"),
        pytest.param("get", b"SELECT id, name", "after", FAILED, "connection_lost", id="read-lost"),
        pytest.param("get", b"SELECT id, name", "garbled", FAILED, "connection_lost", id="read-garbled"),
        pytest.param("get", b"SELECT id, name", "truncated", FAILED, "connection_lost", id="read-truncated"),
        pytest.param("get", b"SELECT id, name", "silent", FAILED, "timed_out", id="read-silent"),
    ],
)
async def test_a_network_that_fails_makes_no_claim_that_may_be_wrong(
    bench: Workbench, mariadb: MariaDb, database: str, tmp_path: Path, operation: str, trigger: bytes, fault: str,
    status: str, problem: str,
) -> None:  # fmt: skip
    socket = tmp_path / "r"
    async with Relay(mariadb.socket, trigger, fault, here=socket) as relay:
        limits = declared("")["limits"] | {"timeout": "1s"}
        url = mariadb.url(database, socket)
        operations = {name: OPERATIONS[name] for name in ("get", "rename")}
        systems = await bench.serve(declared(url, limits=limits, operations=operations))
        arguments = {"id": 1} | ({"name": "x"} if operation == "rename" else {})
        answer = await systems.call(f"erp.{operation}", arguments, key="key")
        assert code(answer) == (status, problem)
        assert answer.sent is (problem != "unreachable")
        relay.fault = ""
        assert (await systems.call("erp.get", {"id": 2}, key="other")).succeeded
        await bench.systems.close()
    if status == FAILED:
        assert Erp(systems, mariadb, database).rows("SELECT name FROM customers WHERE id = 1") == [("Alfreds",)]


async def test_a_call_given_up_before_its_statement_was_sent_never_sends_it(
    bench: Workbench, mariadb: MariaDb, database: str, tmp_path: Path
) -> None:
    socket = tmp_path / "r"
    async with Relay(mariadb.socket, b"START TRANSACTION", "silent", here=socket):
        operations = {"rename": OPERATIONS["rename"] | {"timeout": "1s"}}
        systems = await bench.serve(declared(mariadb.url(database, socket), operations=operations))
        answer = await systems.call("erp.rename", {"id": 1, "name": "x"}, key="key", timeout=1.0)
        assert (*code(answer), answer.sent) == (FAILED, "unreachable", False)
        await bench.systems.close()  # waits for the thread
    assert Erp(systems, mariadb, database).rows("SELECT name FROM customers WHERE id = 1") == [("Alfreds",)]


@pytest.mark.parametrize("scheme", ["mysql", "mariadb"])
async def test_a_database_that_is_away_is_a_failure_that_was_not_sent(bench: Workbench, scheme: str) -> None:
    systems = await bench.serve(declared(f"{scheme}://u@127.0.0.1:1/d"))
    for answer in (
        await systems.call("erp.get", {"id": 1}),
        await systems.call("erp.rename", {"id": 1, "name": "x"}),
        await systems.probe("erp"),
    ):
        assert (*code(answer), answer.sent) == (FAILED, "unreachable", False)


async def test_wrong_credentials_are_named_and_not_shown(bench: Workbench, mariadb: MariaDb, database: str) -> None:
    with mariadb.look() as connection, connection.cursor() as cursor:
        cursor.execute("CREATE OR REPLACE USER clerk@localhost IDENTIFIED BY 'right-password'")
        cursor.execute(f"GRANT SELECT ON {database}.customers TO clerk@localhost")
    bench.secrets["INTERLOCK_SECRET_ERP"] = "wrong-password"
    url = mariadb.url(database).replace("root@", "clerk@")
    systems = await bench.serve(declared(url, connection={"url": url, "password": "secret:erp"}, operations={
        name: OPERATIONS[name] for name in ("get", "rename")
    }))  # fmt: skip
    answer = await systems.call("erp.get", {"id": 1})
    assert (*code(answer), answer.sent) == (FAILED, "access_denied", False)
    assert "password" not in str(answer.problem)
    bench.secrets["INTERLOCK_SECRET_ERP"] = "right-password"
    assert (await systems.call("erp.get", {"id": 1})).succeeded, "a new secret is taken up"
    assert code(await systems.call("erp.rename", {"id": 1, "name": "x"}, key="k")) == (FAILED, "access_denied")


async def test_a_secret_that_is_not_there_is_a_failure_that_was_not_sent(
    bench: Workbench, mariadb: MariaDb, database: str
) -> None:
    url = mariadb.url(database)
    systems = await bench.serve(declared(url, connection={"url": url, "password": "secret:erp"}, operations={
        "rename": OPERATIONS["rename"]
    }))  # fmt: skip
    answer = await systems.call("erp.rename", {"id": 1, "name": "x"}, key="k")
    assert (answer.status, answer.sent) == (FAILED, False)
    assert answer.problem is not None
    assert "secret" in answer.problem["code"]


async def test_closing_leaves_no_thread_and_no_connection(erp: Erp) -> None:
    await asyncio.gather(*(erp.call("get", id=1) for _ in range(8)))
    await erp.systems.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("interlock-sql_")]
    text = f"SELECT id FROM information_schema.processlist WHERE db = '{erp.database}' AND id <> connection_id()"
    assert erp.rows(text) == []
    assert not (await erp.call("get", id=1)).succeeded


@pytest.mark.parametrize("package", ["sqlalchemy", "pymysql"])
async def test_a_missing_driver_is_named_with_its_extra(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setitem(__import__("sys").modules, package, None)
    with pytest.raises(PackageMissing) as missing:
        await bench.serve(declared("mysql://u@127.0.0.1:1/d"))
    assert "interlock-control[databases]" in missing.value.fix
