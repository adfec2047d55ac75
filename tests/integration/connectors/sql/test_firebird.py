"""Declared statements on a real Firebird, and what is left when it fails."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest

from interlock.integration.systems import FAILED, SUCCEEDED, UNKNOWN, Answer, PackageMissing, Systems
from tests.integration.conftest import Workbench
from tests.integration.connectors.sql.firebird import PASSWORD, Firebird, Relay

SCHEMA = """
CREATE TABLE customers (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(40) CHARACTER SET UTF8 NOT NULL UNIQUE,
  credit NUMERIC(10, 2), since DATE)^
INSERT INTO customers VALUES (1, 'Alfreds', 12.50, '2020-01-31')^
INSERT INTO customers VALUES (2, 'Bolids', NULL, NULL)^
INSERT INTO customers VALUES (3, 'Chops', 7, NULL)^
CREATE TABLE kinds (id INTEGER, born DATE, moment TIMESTAMP, hours TIME, raw CHAR(3) CHARACTER SET OCTETS,
  held BOOLEAN, exact NUMERIC(18, 4), big BIGINT, approximate DOUBLE PRECISION, single FLOAT, fixed CHAR(5),
  latin VARCHAR(20) CHARACTER SET WIN1252, words BLOB SUB_TYPE TEXT CHARACTER SET WIN1252, bytes BLOB)^
INSERT INTO kinds VALUES (1, '2026-01-31', '2026-01-31 10:00:00.125', '10:00:01', x'00ff20', TRUE, 12.5,
  9223372036854775807, 0.1, 0.5, 'ab', 'Grüße', 'Grüße', x'00ff')^
CREATE EXCEPTION closed 'this customer is closed'^
CREATE TRIGGER guard FOR customers BEFORE UPDATE AS BEGIN IF (old.id = 3) THEN EXCEPTION closed; END^
CREATE FUNCTION sneak RETURNS INTEGER AS BEGIN DELETE FROM customers WHERE id = 1; RETURN 1; END^
CREATE PROCEDURE place (customer INTEGER, amount NUMERIC(10, 2)) RETURNS (number INTEGER, total NUMERIC(10, 2))
AS BEGIN
  UPDATE customers SET credit = :amount WHERE id = :customer RETURNING id, credit INTO number, total;
  IF (total > 100) THEN EXCEPTION closed;
END^
CREATE PROCEDURE each_one RETURNS (number INTEGER)
AS BEGIN FOR SELECT id FROM customers ORDER BY id INTO number DO SUSPEND; END^
CREATE PROCEDURE nothing AS BEGIN DELETE FROM customers WHERE id = 2; END^
CREATE PROCEDURE endless RETURNS (number INTEGER)
AS BEGIN number = 0; WHILE (number < 100000000) DO BEGIN number = number + 1; SUSPEND; END END
"""
LARGE = "CAST(LPAD('', 8000, 'x') AS VARCHAR(8000))"
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
    "moment": {"from": "SELECT id FROM kinds WHERE moment > :at", "effect": "read", "input": {"at": "string"}},
    "named": {"from": "SELECT id FROM customers WHERE name = :name", "effect": "read", "input": {"name": "string"}},
    "owing": {"from": "SELECT id FROM customers WHERE credit = :sum", "effect": "read", "input": {"sum": "number"}},
    "near": {"from": "SELECT id FROM kinds WHERE approximate = :a", "effect": "read", "input": {"a": "number"}},
    "large_id": {"from": "SELECT id FROM kinds WHERE big = :a", "effect": "read", "input": {"a": "integer"}},
    "literal": {
        "from": "SELECT ':id 100% %(id)s' AS t, 'it''s' AS \"uMi\", MOD(id, 2) AS odd FROM customers WHERE id = :id",
        "effect": "read",
        "input": {"id": "integer"},
        "rows": "one",
    },
    "all": {
        "from": "SELECT * FROM customers ORDER BY id FETCH FIRST :n ROWS ONLY",
        "effect": "read",
        "input": {"n": "integer"},
        "columns": {"id": "integer", "name": "string"},
    },
    "kinds": {
        "from": "SELECT born, moment, hours, raw, held, exact, big, approximate, single, fixed, latin, words, bytes "
        "FROM kinds",
        "effect": "read",
        "rows": "one",
        "columns": {"held": "boolean", "exact": "number", "big": "integer", "words": "string"},
    },
    "slow": {
        "from": "SELECT COUNT(*) AS c FROM rdb$fields a CROSS JOIN rdb$fields b CROSS JOIN rdb$fields c "
        "CROSS JOIN rdb$fields d",
        "effect": "read",
        "timeout": "1s",
    },
    "large": {"from": f"SELECT {LARGE} AS a FROM customers AS b CROSS JOIN customers AS c", "effect": "read"},
    "blob": {"from": "SELECT words FROM kinds WHERE id = :id", "effect": "read", "input": {"id": "integer"}},
    "endless": {"from": "SELECT number FROM endless", "effect": "read", "max_rows": 100000},
    "sneaky": {"from": "SELECT sneak() AS a FROM rdb$database", "effect": "read"},
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
    "add_back": {
        "from": "INSERT INTO customers (id, name) VALUES (:id, :name) RETURNING id, name",
        "effect": "write",
        "input": {"id": "integer", "name": "string"},
    },
    "rename_back": {
        "from": "UPDATE customers SET credit = 1 WHERE id >= :id RETURNING name",
        "effect": "write",
        "input": {"id": "integer"},
    },
    "hold": {
        "from": "UPDATE kinds SET held = :held, approximate = :near WHERE id = :id",
        "effect": "write",
        "input": {"id": "integer", "held": "boolean", "near": "number"},
    },
    "tell": {
        "from": "UPDATE kinds SET words = :words WHERE id = :id",
        "effect": "write",
        "input": {"id": "integer", "words": "string"},
    },
    "endless_write": {
        "from": "UPDATE customers SET credit = (SELECT COUNT(*) FROM rdb$fields a CROSS JOIN rdb$fields b "
        "CROSS JOIN rdb$fields c CROSS JOIN rdb$fields d) WHERE id = :id",
        "effect": "write",
        "input": {"id": "integer"},
        "timeout": "1s",
    },
    "rate": {
        "from": "UPDATE customers SET credit = 5 WHERE id >= :least AND id <= :most",
        "effect": "write",
        "input": {"least": "integer", "most": "integer"},
    },
    "remove": {"from": "DELETE FROM customers WHERE id = :id", "effect": "irreversible", "input": {"id": "integer"}},
    "place": {
        "from": "CALL place(:customer, :amount)",
        "effect": "write",
        "input": {"customer": "integer", "amount": "number"},
        "rows": "one",
        "columns": {"number": "integer", "total": "number"},
    },
    "nothing": {"from": "CALL nothing()", "effect": "write"},
    "each_one": {"from": "SELECT * FROM each_one()", "effect": "write", "rows": "many"},
}


class Erp:
    """A running system over one real database, and a way to look at the database itself."""

    def __init__(self, systems: Systems, server: Firebird, database: str) -> None:
        self.systems = systems
        self.server = server
        self.database = database

    async def call(self, operation: str, /, **arguments: Any) -> Answer:
        return await self.systems.call(f"erp.{operation}", arguments, key="key")

    def rows(self, text: str) -> list[tuple[Any, ...]]:
        return self.server.rows(self.database, text)


def declared(url: str, **more: Any) -> dict[str, Any]:
    limits = {"timeout": "5s", "retries": 0, "response": "64KiB", "concurrency": 4, "failures": 1000}
    connection = {"url": url, "password": "secret:erp", "allow_functions": ["sneak", "endless"]}
    return {
        "system": "erp", "connector": "sql", "connection": connection, "limits": limits, "operations": OPERATIONS,
    } | more  # fmt: skip


def code(answer: Answer) -> tuple[str, str]:
    assert answer.problem is not None, answer
    return answer.status, answer.problem["code"]


@pytest.fixture
def database(firebird: Firebird) -> str:
    return firebird.database(SCHEMA)


@pytest.fixture(params=["", "?encryption=off"], ids=["encrypted", "plain"])
async def erp(
    bench: Workbench, firebird: Firebird, database: str, request: pytest.FixtureRequest
) -> AsyncIterator[Erp]:
    bench.secrets["INTERLOCK_SECRET_ERP"] = PASSWORD
    yield Erp(await bench.serve(declared(firebird.url(database, options=request.param))), firebird, database)
    await bench.systems.close()


async def test_one_row_or_none(erp: Erp) -> None:
    answer = await erp.call("get", id=1)
    assert answer.output == {"id": 1, "name": "Alfreds", "credit": 12.5, "since": "2020-01-31"}
    assert (await erp.call("get", id=2)).output == {"id": 2, "name": "Bolids", "credit": None, "since": None}
    assert code(await erp.call("get", id=99)) == (FAILED, "not_found")


async def test_names_are_in_small_letters_unless_they_were_quoted_otherwise(erp: Erp) -> None:
    assert (await erp.call("literal", id=3)).output == {"t": ":id 100% %(id)s", "uMi": "it's", "odd": 1}
    answer = await erp.call("all", n=2)
    assert [set(row) for row in answer.output] == [{"id", "name", "credit", "since"}] * 2


async def test_every_kind_of_value_is_json(erp: Erp) -> None:
    assert (await erp.call("kinds")).output == {
        "born": "2026-01-31", "moment": "2026-01-31T10:00:00.125000", "hours": "10:00:01", "raw": "AP8g", "held": True,
        "exact": 12.5, "big": 2**63 - 1, "approximate": 0.1, "single": 0.5, "fixed": "ab", "latin": "Grüße",
        "words": "Grüße", "bytes": "AP8=",
    }  # fmt: skip


async def test_values_go_in_as_what_the_column_is(erp: Erp) -> None:
    assert (await erp.call("since", day="2020-01-01")).output == [{"id": 1}]
    assert (await erp.call("since", day="2021-01-01")).output == []
    assert (await erp.call("moment", at="2026-01-31T10:00:00")).output == [{"id": 1}]
    assert (await erp.call("owing", sum=12.5)).output == [{"id": 1}]
    assert (await erp.call("owing", sum=7)).output == [{"id": 3}]
    assert (await erp.call("near", a=0.1)).output == [{"id": 1}]
    assert (await erp.call("large_id", a=2**63 - 1)).output == [{"id": 1}]
    assert (await erp.call("hold", id=1, held=False, near=1e300)).succeeded
    assert erp.rows("SELECT held, approximate FROM kinds") == [(False, 1e300)]
    assert (await erp.call("tell", id=1, words="Küche")).succeeded
    assert (await erp.call("kinds")).output["words"] == "Küche"


async def test_decimals_stay_decimals(erp: Erp) -> None:
    for number, sent in enumerate((0.07, 1234567.89, -0.01, 100, 1e2), 10):
        assert (await erp.call("add", id=number, name=f"n{number}", credit=sent)).succeeded
        [(text,)] = erp.rows(f"SELECT CAST(credit AS VARCHAR(20)) AS t FROM customers WHERE id = {number}")
        assert text == f"{sent:.2f}"


@pytest.mark.parametrize("operation", ["large_id", "near", "owing"])
async def test_a_number_that_no_column_holds_is_never_cut(erp: Erp, operation: str) -> None:
    for number in (2**64, -(2**63) - 1, 10**300):
        answer = await erp.call(operation, **{OPERATIONS[operation]["from"].rpartition(":")[2]: number})
        assert answer.output == [] if answer.succeeded else answer.status == FAILED


@pytest.mark.parametrize(
    "name", ["'; DROP TABLE customers; --", "x' OR '1'='1", "\\' OR 1=1 -- ", "\\", "%", "%(id)s", '" OR ""="', "?", ""]
)
async def test_values_are_never_part_of_the_statement(erp: Erp, name: str) -> None:
    assert (await erp.call("named", name=name)).output == []
    assert (await erp.call("add", id=9, name=name)).output == {"affected": 1}
    assert (await erp.call("named", name=name)).output == [{"id": 9}]
    assert len(erp.rows("SELECT id FROM customers")) == 4


async def test_a_text_that_is_none_or_too_long_is_not_sent(erp: Erp) -> None:
    answer = await erp.call("add", id=9, name="a\udc80")
    assert (answer.status, answer.sent) == (FAILED, False)
    assert code(await erp.call("tell", id=1, words="x" * 40_000)) == (FAILED, "argument_unsendable")
    assert len(erp.rows("SELECT id FROM customers")) == 3
    assert (await erp.call("rename", id=1, name="Other")).succeeded, "the connection is still of use"


async def test_limits_of_rows_and_bytes(erp: Erp) -> None:
    assert code(await erp.call("few")) == (FAILED, "too_many_rows")
    assert code(await erp.call("large")) == (FAILED, "response_too_large")
    assert code(await erp.call("endless")) == (FAILED, "response_too_large"), "it is not read to its end"
    erp.rows("UPDATE kinds SET words = LPAD('', 8000, 'x')")
    erp.rows("UPDATE kinds SET words = words || words || words || words")
    assert len((await erp.call("blob", id=1)).output[0]["words"]) == 32000
    erp.rows("UPDATE kinds SET words = words || words || words || words")
    assert code(await erp.call("blob", id=1)) == (FAILED, "response_too_large")
    assert (await erp.call("get", id=1)).succeeded


async def test_a_write_tells_what_it_changed(erp: Erp) -> None:
    assert (await erp.call("rename", id=1, name="New")).output == {"affected": 1}
    assert (await erp.call("rename", id=1, name="New")).output == {"affected": 1}
    assert (await erp.call("rate", least=1, most=2)).output == {"affected": 2}
    assert (await erp.call("add_back", id=9, name="Nine")).output == {"id": 9, "name": "Nine"}
    assert code(await erp.call("rename_back", id=99)) == (FAILED, "not_found")
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
        ("add", {"id": 2**70, "name": "Maria Anders"}, "refused"),
        ("add", {"id": 1, "name": "Maria Anders"}, "refused"),
        ("add_back", {"id": 1, "name": "Maria Anders"}, "refused"),
        ("rename_back", {"id": 1}, "refused"),
    ],
    ids=["none", "many", "taken", "long", "range", "huge", "there", "there-back", "many-back"],
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


async def test_a_function_that_writes_in_a_read_is_stopped_by_the_transaction(erp: Erp) -> None:
    answer = await erp.call("sneaky")
    assert code(answer) == (FAILED, "refused")
    assert answer.problem is not None
    assert answer.problem["system"]["code"] == "FIREBIRD-335544361"
    assert len(erp.rows("SELECT id FROM customers")) == 3


async def test_the_words_of_an_exception_are_shown(erp: Erp) -> None:
    answer = await erp.call("rename", id=3, name="x")
    assert code(answer) == (FAILED, "refused")
    assert answer.problem is not None
    assert answer.problem["system"] == {"code": "FIREBIRD-335544517", "title": "this customer is closed"}


async def test_procedures_give_their_out_parameters_or_their_rows(erp: Erp) -> None:
    assert (await erp.call("place", customer=1, amount=2.25)).output == {"number": 1, "total": 2.25}
    assert erp.rows("SELECT credit FROM customers WHERE id = 1")[0][0] == 2.25
    assert (await erp.call("nothing")).output == {"called": True}
    assert (await erp.call("each_one")).output == [{"number": 1}, {"number": 3}]
    assert code(await erp.call("place", customer=1, amount=200)) == (FAILED, "refused")
    assert erp.rows("SELECT credit FROM customers WHERE id = 1")[0][0] == 2.25


@pytest.mark.parametrize("operation", ["slow", "endless_write"])
async def test_a_slow_statement_is_stopped_by_the_server(erp: Erp, operation: str) -> None:
    arguments = {"id": 1} if operation == "endless_write" else {}
    assert (await erp.call("get", id=1)).succeeded, "it is signed in"
    answer = await erp.call(operation, **arguments)
    assert (*code(answer), answer.transient) == (FAILED, "timed_out", True)
    busy = "SELECT 1 FROM mon$statements WHERE mon$state = 1 AND mon$attachment_id <> CURRENT_CONNECTION"
    assert erp.rows(f"{busy} AND mon$sql_text CONTAINING 'CROSS JOIN'") == []
    assert (await erp.call("get", id=1)).output["credit"] == 12.5


async def test_a_write_waits_for_others_no_longer_than_its_time_limit(erp: Erp) -> None:
    assert (await erp.call("get", id=1)).succeeded, "it is signed in"
    other = erp.server.look(erp.database)
    try:
        other.cursor().execute("UPDATE customers SET credit = 2 WHERE id = 1")
        answer = await erp.systems.call("erp.rename", {"id": 1, "name": "x"}, key="key", timeout=1.0)
        assert code(answer) in {(FAILED, "timed_out"), (FAILED, "conflict")}, "it waits in whole seconds"
        assert answer.transient
        answer = await erp.systems.call("erp.rename", {"id": 1, "name": "x"}, key="key", timeout=4)
        assert (*code(answer), answer.transient) == (FAILED, "conflict", True)
        other.rollback()
    finally:
        other.close()
    assert (await erp.call("rename", id=1, name="x")).succeeded


async def test_many_at_once(erp: Erp) -> None:
    answers = await asyncio.gather(*(erp.call("get", id=n % 3 + 1) for n in range(40)))
    assert [answer.output["id"] for answer in answers] == [n % 3 + 1 for n in range(40)]
    answers = await asyncio.gather(*(erp.call("add", id=n, name=f"n{n}") for n in range(100, 130)))
    assert all(answer.succeeded for answer in answers)
    assert erp.rows("SELECT count(*) FROM customers WHERE id >= 100") == [(30,)]


async def test_connections_that_the_server_ended_are_made_anew(erp: Erp) -> None:
    assert (await erp.call("get", id=1)).succeeded
    erp.rows("DELETE FROM mon$attachments WHERE mon$attachment_id <> CURRENT_CONNECTION AND mon$user = 'SYSDBA'")
    assert (await erp.call("rename", id=1, name="x")).succeeded
    assert (await erp.systems.probe("erp")).status == SUCCEEDED


BEGIN = b"\x00\x00\x00\x1d\x00\x00\x00\x00\x00\x00\x00"  # op_transaction
SILENT = "connection_lost timed_out"  # whichever of the two fences is first
COMMIT = b"\x00\x00\x00\x1e"


@pytest.mark.parametrize(
    ("operation", "trigger", "fault", "status", "problem"),
    [
        pytest.param("rename", COMMIT, "after", UNKNOWN, "connection_lost", id="commit-lost"),
        pytest.param("rename", COMMIT, "before", UNKNOWN, "connection_lost", id="commit-reset"),
        pytest.param("rename", COMMIT, "garbled", UNKNOWN, "connection_lost", id="commit-garbled"),
        pytest.param("rename", COMMIT, "silent", UNKNOWN, SILENT, id="commit-silent"),
        pytest.param("rename", b"UPDATE customers", "after", UNKNOWN, "connection_lost", id="write-lost"),
        pytest.param("rename", b"UPDATE customers", "truncated", UNKNOWN, "connection_lost", id="write-truncated"),
        pytest.param("rename", b"UPDATE customers", "endless", UNKNOWN, "connection_lost", id="write-endless"),
        pytest.param("rename", b"UPDATE customers", "silent", UNKNOWN, SILENT, id="write-silent"),
        pytest.param("rename", BEGIN, "before", FAILED, "unreachable", id="begin-reset"),
        pytest.param("rename", BEGIN, "silent", FAILED, "unreachable", id="begin-silent"),
        pytest.param("rename", b"Srp256", "silent", FAILED, "unreachable", id="login-silent"),
        pytest.param("rename", b"Srp256", "garbled", FAILED, "unreachable", id="login-garbled"),
        pytest.param("rename", b"Srp256", "truncated", FAILED, "unreachable", id="login-truncated"),
        pytest.param("get", b"SELECT id, name", "after", FAILED, "connection_lost", id="read-lost"),
        pytest.param("get", b"SELECT id, name", "garbled", FAILED, "connection_lost", id="read-garbled"),
        pytest.param("get", b"SELECT id, name", "truncated", FAILED, "connection_lost", id="read-truncated"),
        pytest.param("get", b"SELECT id, name", "endless", FAILED, "connection_lost", id="read-endless"),
        pytest.param("get", b"SELECT id, name", "silent", FAILED, SILENT, id="read-silent"),
    ],
)
async def test_a_network_that_fails_makes_no_claim_that_may_be_wrong(
    bench: Workbench, firebird: Firebird, database: str, operation: str, trigger: bytes, fault: str, status: str,
    problem: str,
) -> None:  # fmt: skip
    bench.secrets["INTERLOCK_SECRET_ERP"] = PASSWORD
    async with Relay(firebird.port, trigger, fault) as relay:
        limits = declared("")["limits"] | {"timeout": "1s"}
        url = firebird.url(database, port=relay.port, options="?encryption=off")
        operations = {name: OPERATIONS[name] for name in ("get", "rename")}
        systems = await bench.serve(declared(url, limits=limits, operations=operations))
        arguments = {"id": 1} | ({"name": "x"} if operation == "rename" else {})
        answer = await systems.call(f"erp.{operation}", arguments, key="key")
        assert code(answer) in {(status, one) for one in problem.split()}
        assert answer.sent is (problem != "unreachable")
        relay.fault = ""
        assert (await systems.call("erp.get", {"id": 2}, key="other")).succeeded
        await bench.systems.close()
    if status == FAILED:
        assert firebird.rows(database, "SELECT name FROM customers WHERE id = 1") == [("Alfreds",)]


async def test_a_call_given_up_before_its_statement_was_sent_never_sends_it(
    bench: Workbench, firebird: Firebird, database: str
) -> None:
    bench.secrets["INTERLOCK_SECRET_ERP"] = PASSWORD
    async with Relay(firebird.port, BEGIN, "silent") as relay:
        url = firebird.url(database, port=relay.port, options="?encryption=off")
        systems = await bench.serve(declared(url, operations={"rename": OPERATIONS["rename"] | {"timeout": "1s"}}))
        answer = await systems.call("erp.rename", {"id": 1, "name": "x"}, key="key", timeout=1.0)
        assert (*code(answer), answer.sent) == (FAILED, "unreachable", False)
        await bench.systems.close()  # waits for the thread
    assert firebird.rows(database, "SELECT name FROM customers WHERE id = 1") == [("Alfreds",)]


async def test_what_is_encrypted_cannot_be_read_on_the_way(bench: Workbench, firebird: Firebird, database: str) -> None:
    bench.secrets["INTERLOCK_SECRET_ERP"] = PASSWORD
    async with Relay(firebird.port, b"SELECT id, name") as relay:
        for number, options in enumerate(("", "?encryption=off")):
            systems = await bench.serve(declared(firebird.url(database, port=relay.port, options=options)))
            assert (await systems.call("erp.get", {"id": 1})).succeeded
            assert relay.requests == number
        await bench.systems.close()


async def test_a_server_that_does_not_encrypt_is_not_signed_in_to(
    bench: Workbench, firebird: Firebird, database: str
) -> None:
    bench.secrets["INTERLOCK_SECRET_ERP"] = PASSWORD

    class Between(Relay):
        def altered(self, answer: bytes) -> bytes | None:
            return b"\x00\x00\x00\x5e" + answer[4:] if answer[:4] == b"\x00\x00\x00\x62" else answer

    async with Between(firebird.port, b"Srp256", "altered") as relay:
        systems = await bench.serve(declared(firebird.url(database, port=relay.port)))
        answer = await systems.call("erp.get", {"id": 1})
        assert (*code(answer), answer.sent) == (FAILED, "unreachable", False)
        await bench.systems.close()


async def test_a_database_that_is_away_is_a_failure_that_was_not_sent(bench: Workbench, firebird: Firebird) -> None:
    bench.secrets["INTERLOCK_SECRET_ERP"] = PASSWORD
    for url in ("firebird://u@127.0.0.1:1/d", firebird.url(str(firebird.folder / "none.fdb"))):
        systems = await bench.serve(declared(url))
        for answer in (
            await systems.call("erp.get", {"id": 1}),
            await systems.call("erp.rename", {"id": 1, "name": "x"}),
            await systems.probe("erp"),
        ):
            assert (*code(answer), answer.sent) == (FAILED, "unreachable", False)


async def test_wrong_credentials_are_named_and_not_shown(bench: Workbench, firebird: Firebird, database: str) -> None:
    firebird.rows(database, "CREATE OR ALTER USER clerk PASSWORD 'right-word'")
    firebird.rows(database, "GRANT SELECT ON customers TO clerk")
    bench.secrets["INTERLOCK_SECRET_ERP"] = "wrong-word"
    operations = {name: OPERATIONS[name] for name in ("get", "rename")}
    systems = await bench.serve(declared(firebird.url(database, user="clerk"), operations=operations))
    answer = await systems.call("erp.get", {"id": 1})
    assert (*code(answer), answer.sent) == (FAILED, "access_denied", False)
    assert "word" not in str(answer.problem)
    bench.secrets["INTERLOCK_SECRET_ERP"] = "right-word"
    assert (await systems.call("erp.get", {"id": 1})).succeeded, "a new secret is taken up"
    assert code(await systems.call("erp.rename", {"id": 1, "name": "x"}, key="k")) == (FAILED, "access_denied")


async def test_closing_leaves_no_thread_and_no_connection(erp: Erp) -> None:
    await asyncio.gather(*(erp.call("get", id=1) for _ in range(8)))
    await erp.systems.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("interlock-sql_")]
    text = "SELECT mon$attachment_id FROM mon$attachments WHERE mon$remote_process = 'interlock'"
    assert erp.rows(text) == []
    assert not (await erp.call("get", id=1)).succeeded


@pytest.mark.parametrize("package", ["sqlalchemy", "firebirdsql"])
async def test_a_missing_driver_is_named_with_its_extra(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setitem(__import__("sys").modules, package, None)
    with pytest.raises(PackageMissing) as missing:
        await bench.serve(declared("firebird://u@127.0.0.1:1/d"))
    assert "interlock-control[databases]" in missing.value.fix
