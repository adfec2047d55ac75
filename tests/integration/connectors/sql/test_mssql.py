"""Declared statements over TDS, on a server of the tests' own (`tds.py`), and what is left when it fails."""

from __future__ import annotations

import datetime as dt
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from interlock.integration.systems import FAILED, SUCCEEDED, UNKNOWN, Answer, Systems
from tests.foundation.http.certificates import certificate
from tests.integration.conftest import Workbench
from tests.integration.connectors.sql import tds_values
from tests.integration.connectors.sql.tds import Fault, TdsServer, running

SCHEMA = """
CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, credit REAL CHECK (credit < 1000));
INSERT INTO customers VALUES (1, 'Alfreds', 12.5), (2, 'Bolids', NULL), (3, 'Chops', 7)
"""
OPERATIONS: dict[str, Any] = {
    "get": {
        "from": "SELECT id, name, credit FROM customers WHERE id = :id",
        "effect": "read",
        "input": {"id": "integer"},
        "columns": {"id": "integer", "name": "string", "credit": "number?"},
        "rows": "one",
    },
    "few": {"from": "SELECT id FROM [customers]", "effect": "read", "max_rows": 2},
    "top": {"from": "SELECT TOP 2 id FROM customers ORDER BY id", "effect": "read"},
    "named": {"from": "SELECT id FROM customers WHERE name = :name", "effect": "read", "input": {"name": "string"}},
    "literal": {
        "from": "SELECT ':id 100% %(id)s' AS t, id % 2 AS odd FROM customers WHERE id = :id",
        "effect": "read",
        "input": {"id": "integer"},
        "rows": "one",
    },
    "kinds": {
        "from": "SELECT held, exact, price, who, day, moment, zoned, raw, nothing FROM kinds",
        "effect": "read",
        "rows": "one",
        "columns": {
            "held": "boolean", "exact": "number", "price": "number", "who": "string", "day": "string",
            "moment": "string", "zoned": "string", "raw": "string", "nothing": "string?",
        },
    },
    "slow": {"from": "SELECT id FROM slow_view", "effect": "read", "timeout": "500ms"},
    "large": {"from": "SELECT replicate('x', 400000) AS t", "effect": "read"},
    "endless": {"from": "SELECT n FROM endless_view", "effect": "read", "max_rows": 1000},
    "rename": {
        "from": "UPDATE customers SET name = :name WHERE id = :id",
        "effect": "write",
        "input": {"id": "integer", "name": "string"},
        "expect_rows": 1,
    },
    "rename_slowly": {
        "from": "UPDATE customers SET name = 'slow_name' WHERE id = :id",
        "effect": "write",
        "input": {"id": "integer"},
        "timeout": "500ms",
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
        "input": {"id": "integer", "name": "string?", "credit": "number?"},
    },
    "add_back": {
        "from": "INSERT INTO customers (id, name) OUTPUT inserted.id AS id, inserted.name AS name VALUES (:id, :name)",
        "effect": "write",
        "input": {"id": "integer", "name": "string"},
    },
    "remove": {"from": "DELETE FROM customers WHERE id = :id", "effect": "irreversible", "input": {"id": "integer"}},
}  # fmt: skip


class Shop:
    """A running system over one server, which can be looked into past the wire."""

    def __init__(self, systems: Systems, server: TdsServer) -> None:
        self.systems = systems
        self.server = server
        self.script = server.script

    async def call(self, operation: str, /, **arguments: Any) -> Answer:
        return await self.systems.call(f"erp.{operation}", arguments, key="key")

    def names(self) -> list[str]:
        return [row[0] for row in self.server.look("SELECT name FROM customers ORDER BY id")]


def declared(url: str) -> dict[str, Any]:
    limits = {"timeout": "5s", "retries": 0, "response": "64KiB", "concurrency": 2, "failures": 1000}
    connection = {"url": url, "password": "secret:shop", "allow_functions": ["replicate"]}
    return {"system": "erp", "connector": "sql", "connection": connection, "limits": limits, "operations": OPERATIONS}


def code(answer: Answer) -> tuple[str, str]:
    assert answer.problem is not None, answer
    return answer.status, answer.problem["code"]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[TdsServer]:
    made = TdsServer(tmp_path / "shop.db")
    for text in SCHEMA.split(";"):
        made.look(text)
    with running(made):
        yield made


@pytest.fixture
async def shop(bench: Workbench, server: TdsServer) -> AsyncIterator[Shop]:
    bench.secrets["INTERLOCK_SECRET_SHOP"] = "hidden-password"
    yield Shop(await bench.serve(declared(server.url)), server)
    await bench.systems.close()


async def test_one_row_or_none(shop: Shop) -> None:
    assert (await shop.call("get", id=1)).output == {"id": 1, "name": "Alfreds", "credit": 12.5}
    assert (await shop.call("get", id=2)).output == {"id": 2, "name": "Bolids", "credit": None}
    assert code(await shop.call("get", id=99)) == (FAILED, "not_found")
    assert (await shop.call("top")).output == [{"id": 1}, {"id": 2}]


async def test_signing_in_tells_nothing_of_this_machine(shop: Shop) -> None:
    assert (await shop.call("get", id=1)).succeeded
    said = shop.script.logins[0]
    assert (said["user"], said["database"], said["server"]) == ("clerk", "shop", "localhost")
    assert (said["host"], said["app"], said["library"]) == ("interlock", "interlock", "interlock")


async def test_a_session_is_set_before_its_first_statement(shop: Shop) -> None:
    assert (await shop.call("get", id=1)).succeeded
    first, *rest = shop.script.statements
    assert "SET XACT_ABORT ON" in first
    assert "SET QUOTED_IDENTIFIER ON" in first
    assert [text.split()[0] for text in rest if text != "SELECT 1"] == ["SET", "BEGIN", "SELECT", "IF"]


async def test_a_read_is_rolled_back_and_a_write_committed(shop: Shop) -> None:
    assert (await shop.call("rename", id=1, name="New")).output == {"affected": 1}
    assert shop.script.statements[-1] == "COMMIT"
    assert (await shop.call("get", id=1)).output["name"] == "New"
    assert shop.script.statements[-1] == "IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION"


async def test_what_looks_like_a_parameter_in_a_text_is_text(shop: Shop) -> None:
    assert (await shop.call("literal", id=3)).output == {"t": ":id 100% %(id)s", "odd": 1}


@pytest.mark.parametrize(
    "name",
    ["'; DROP TABLE customers; --", "x' OR '1'='1", "\\", "%", "%(id)s", "@P1", "", "Grüße 🎈", "x" * 5000],
    ids=["drop", "or", "backslash", "percent", "format", "name", "empty", "unicode", "long"],
)
async def test_values_are_never_part_of_the_statement(shop: Shop, name: str) -> None:
    assert (await shop.call("named", name=name)).output == []
    assert (await shop.call("add", id=9, name=name, credit=0.5)).output == {"affected": 1}
    assert (await shop.call("named", name=name)).output == [{"id": 9}]
    assert len(shop.names()) == 4
    assert shop.script.values[-2] == {"P1": name}


async def test_a_null_goes_in_and_comes_out(shop: Shop) -> None:
    assert (await shop.call("add", id=9, name="Nine", credit=None)).output == {"affected": 1}
    assert (await shop.call("get", id=9)).output == {"id": 9, "name": "Nine", "credit": None}


async def test_every_kind_of_value_is_json(shop: Shop) -> None:
    zone = dt.timezone(dt.timedelta(hours=-5))
    row = (
        tds_values.bit(True),
        tds_values.decimal("-12.50", 10, 2),
        tds_values.money("1234.5"),
        tds_values.guid("6f9619ff-8b86-d011-b42d-00c04fc964ff"),
        tds_values.date(dt.date(2026, 1, 31)),
        tds_values.datetime2(dt.datetime(2026, 1, 31, 10, 0, 0, 125000)),  # noqa: DTZ001 - the type has no zone
        tds_values.datetimeoffset(dt.datetime(2026, 1, 31, 10, 0, tzinfo=zone)),
        b"\x00\xff",
        None,
    )
    names = ["held", "exact", "price", "who", "day", "moment", "zoned", "raw", "nothing"]
    shop.script.results["FROM kinds"] = (names, [row])
    assert (await shop.call("kinds")).output == {
        "held": True, "exact": -12.5, "price": 1234.5, "who": "6f9619ff-8b86-d011-b42d-00c04fc964ff",
        "day": "2026-01-31", "moment": "2026-01-31T10:00:00.125000", "zoned": "2026-01-31T10:00:00-05:00",
        "raw": "AP8=", "nothing": None,
    }  # fmt: skip


async def test_limits_of_rows_and_bytes(shop: Shop) -> None:
    shop.script.results["replicate"] = (["t"], [("x" * 400_000,)])
    shop.script.endless.add("endless_view")
    assert code(await shop.call("few")) == (FAILED, "too_many_rows")
    assert code(await shop.call("large")) == (FAILED, "response_too_large")
    assert code(await shop.call("endless")) == (FAILED, "too_many_rows"), "it is not read to its end"
    assert (await shop.call("get", id=1)).succeeded


async def test_rows_of_a_write(shop: Shop) -> None:
    assert (await shop.call("add_back", id=9, name="Nine")).output == {"id": 9, "name": "Nine"}
    assert (await shop.call("remove", id=9)).output == {"affected": 1}
    assert (await shop.call("remove", id=9)).output == {"affected": 0}


async def test_the_count_is_the_statements_own_and_no_triggers(shop: Shop) -> None:
    shop.script.before["UPDATE customers SET name"] = 7
    assert (await shop.call("rename", id=1, name="New")).output == {"affected": 1}


async def test_an_error_after_the_count_is_heard(shop: Shop) -> None:
    shop.script.trailing["UPDATE customers SET name"] = Fault(50001, "this customer is closed")
    answer = await shop.call("rename", id=1, name="New")
    assert code(answer) == (FAILED, "refused")
    assert shop.names() == ["Alfreds", "Bolids", "Chops"]
    shop.script.trailing.clear()
    assert (await shop.call("rename", id=1, name="Other")).succeeded, "the connection is still of use"


@pytest.mark.parametrize(
    ("operation", "arguments", "expected"),
    [
        ("rename", {"id": 99, "name": "x"}, "unexpected_rows"),
        ("rename_above", {"id": 3}, "unexpected_rows"),
        ("rename", {"id": 1, "name": "Bolids"}, "refused"),
        ("add", {"id": 9, "name": None, "credit": None}, "refused"),
        ("add", {"id": 9, "name": "Maria", "credit": 5000}, "refused"),
        ("add_back", {"id": 1, "name": "Maria"}, "refused"),
    ],
    ids=["none", "many", "taken", "null", "check", "there-back"],
)
async def test_a_write_that_is_not_as_declared_changes_nothing(
    shop: Shop, operation: str, arguments: dict[str, Any], expected: str
) -> None:
    answer = await shop.call(operation, **arguments)
    assert code(answer) == (FAILED, expected)
    assert "Maria" not in str(answer.problem)
    assert "Bolids" not in str(answer.problem)
    assert shop.names() == ["Alfreds", "Bolids", "Chops"]
    assert (await shop.call("rename", id=1, name="Other")).succeeded, "the connection is still of use"


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (1205, "conflict"),
        (1222, "conflict"),
        (3960, "conflict"),
        (229, "access_denied"),
        (2628, "refused"),
        (8152, "refused"),
        (3906, "refused"),
        (50000, "refused"),
        (208, "system_error"),
    ],
)
async def test_what_an_error_means_is_told_by_its_number(shop: Shop, number: int, expected: str) -> None:
    shop.script.faults["UPDATE customers SET name"] = Fault(number)
    answer = await shop.call("rename", id=1, name="New")
    assert code(answer) == (FAILED, expected)
    assert f"MSSQL-{number}" in str(answer.problem)
    assert ("a value in it" in str(answer.problem)) == (number >= 50000), "texts of the server may repeat values"
    assert shop.names() == ["Alfreds", "Bolids", "Chops"]


async def test_a_statement_that_takes_too_long_is_stopped_on_the_server(shop: Shop) -> None:
    shop.script.silent |= {"slow_view", "slow_name"}
    assert code(await shop.call("slow")) == (FAILED, "timed_out")
    assert shop.script.stopped.wait(5), "the server heard the attention"
    shop.script.stopped.clear()
    assert code(await shop.call("rename_slowly", id=1)) == (FAILED, "timed_out")
    assert shop.script.stopped.wait(5)
    assert shop.names()[0] == "Alfreds"
    assert (await shop.call("get", id=1)).succeeded


async def test_where_the_server_does_not_say_that_it_stopped_the_write_is_unknown(shop: Shop) -> None:
    shop.script.mute.add("slow_name")
    assert code(await shop.call("rename_slowly", id=1)) == (UNKNOWN, "connection_lost")
    assert shop.names()[0] == "Alfreds"


@pytest.mark.parametrize("fault", ["cut", "cut_after", "garbled"])
@pytest.mark.parametrize("piece", ["UPDATE customers SET name", "COMMIT"])
async def test_a_connection_lost_during_a_write_leaves_it_unknown(shop: Shop, fault: str, piece: str) -> None:
    assert (await shop.call("get", id=1)).succeeded
    getattr(shop.script, fault).add(piece)
    assert code(await shop.call("rename", id=1, name="New")) == (UNKNOWN, "connection_lost")
    getattr(shop.script, fault).clear()
    committed = fault == "cut_after" and piece == "COMMIT"
    assert shop.names()[0] == ("New" if committed else "Alfreds")
    assert (await shop.call("get", id=1)).succeeded, "a new connection is made"


async def test_a_commit_that_is_silent_is_in_doubt(shop: Shop) -> None:
    assert (await shop.call("get", id=1)).succeeded
    shop.script.silent.add("COMMIT")
    assert code(await shop.call("rename_slowly", id=1)) == (UNKNOWN, "commit_unclear")


async def test_an_error_at_the_commit_is_in_doubt(shop: Shop) -> None:
    assert (await shop.call("get", id=1)).succeeded
    shop.script.faults["COMMIT"] = Fault(3902)
    assert code(await shop.call("rename", id=1, name="New")) == (UNKNOWN, "commit_unclear")


CALLED: dict[str, Any] = {"effect": "write", "input": {"name": "string", "id": "integer"}}
PROCEDURES = {
    "dbo.put": ["INSERT INTO customers (name, id) VALUES (?, ?)"],
    "put_row": ["INSERT INTO customers (name, id) VALUES (?, ?)", "SELECT 7 AS number", "SELECT 'more' AS other"],
    "put_late": ["INSERT INTO customers (name, id) VALUES (?, ?)", "SELECT 7 AS number", "THROW 50001"],
    "put_end": ["INSERT INTO customers (name, id) VALUES (?, ?)", "COMMIT", "THROW 50002"],
    "put_commit": ["INSERT INTO customers (name, id) VALUES (?, ?)", "COMMIT"],
    "tidy": ["DELETE FROM customers WHERE id = 3"],
}
ONE_ROW: dict[str, Any] = {"rows": "one", "columns": {"number": "integer"}}
CALLS = {
    "put": CALLED | {"from": "CALL dbo.put(:name, :id)"},
    "put_row": CALLED | ONE_ROW | {"from": "call put_row(:name, :id);"},
    "put_late": CALLED | ONE_ROW | {"from": "CALL put_late(:name, :id)"},
    "put_end": CALLED | {"from": "CALL put_end(:name, :id)"},
    "put_commit": CALLED | {"from": "CALL put_commit(:name, :id)"},
    "tidy": {"from": "CALL tidy()", "effect": "irreversible"},
    "put_slowly": CALLED | {"from": "CALL put_slowly(:name, :id)", "timeout": "500ms"},
}


@pytest.fixture
async def caller(bench: Workbench, server: TdsServer) -> AsyncIterator[Shop]:
    server.script.procedures = dict(PROCEDURES)
    bench.secrets["INTERLOCK_SECRET_SHOP"] = server.password
    yield Shop(await bench.serve(declared(server.url) | {"operations": CALLS}), server)
    await bench.systems.close()


async def test_a_procedure_is_called_and_its_first_rows_are_given(caller: Shop) -> None:
    assert (await caller.call("put", name="Ann; DROP TABLE customers", id=4)).output == {"called": True}
    assert (await caller.call("put_row", name="Bob", id=5)).output == {"number": 7}
    assert (await caller.call("tidy")).output == {"called": True}
    assert caller.names() == ["Alfreds", "Bolids", "Ann; DROP TABLE customers", "Bob"]
    called = [text for text in caller.script.statements if text.startswith("EXEC")]
    assert called == ["EXEC dbo.put @P1, @P2", "EXEC put_row @P1, @P2", "EXEC tidy"]


async def test_what_a_procedure_did_before_it_failed_is_undone(caller: Shop) -> None:
    for _ in range(2):
        answer = await caller.call("put_late", name="Ann", id=4)
        assert code(answer) == (FAILED, "refused")
        assert (answer.problem or {})["system"] == {"code": "MSSQL-50001", "title": "not today"}
    assert caller.names() == ["Alfreds", "Bolids", "Chops"]


async def test_what_a_procedure_committed_by_itself_is_told_as_not_undone(caller: Shop) -> None:
    assert code(await caller.call("put_end", name="Ann", id=4)) == (UNKNOWN, "not_undone")
    assert code(await caller.call("put_commit", name="Bob", id=5)) == (UNKNOWN, "not_undone")
    assert caller.names() == ["Alfreds", "Bolids", "Chops", "Ann", "Bob"]
    assert code(await caller.call("put_late", name="Eve", id=6)) == (FAILED, "refused"), "each call is judged by itself"


async def test_a_procedure_that_was_stopped_may_have_committed_before(caller: Shop) -> None:
    caller.script.silent.add("EXEC put_slowly")
    assert code(await caller.call("put_slowly", name="Ann", id=4)) == (UNKNOWN, "not_undone")


async def test_a_wrong_password_is_told_and_nothing_was_sent(bench: Workbench, server: TdsServer) -> None:
    bench.secrets["INTERLOCK_SECRET_SHOP"] = "wrong"
    answer = await (await bench.serve(declared(server.url))).call("erp.get", {"id": 1}, key="key")
    assert (*code(answer), answer.sent) == (FAILED, "access_denied", False)
    assert "wrong" not in str(answer.problem)
    await bench.systems.close()


async def test_a_server_cannot_send_us_to_another_one(shop: Shop) -> None:
    shop.script.reroute = True
    answer = await shop.call("rename", id=1, name="New")
    assert (*code(answer), answer.sent) == (FAILED, "unreachable", False)


async def test_a_connection_that_went_away_while_idle_is_made_anew(shop: Shop) -> None:
    assert (await shop.call("get", id=1)).succeeded
    shop.script.cut.add("SELECT 1")
    assert (await shop.call("get", id=1)).succeeded
    assert len(shop.script.logins) == 2


# --- TLS --------------------------------------------------------------------------------------------------------------


def _numbered(server: TdsServer) -> str:
    return server.url.replace("localhost", "127.0.0.1")


@pytest.fixture
def encrypting(tmp_path: Path, server: TdsServer) -> tuple[TdsServer, Path]:
    """The server with a certificate for 127.0.0.1, and the file that holds it."""
    file = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    server.tls = context
    return server, file


async def test_the_whole_connection_is_encrypted_with_ssl_ca(
    bench: Workbench, encrypting: tuple[TdsServer, Path]
) -> None:
    server, file = encrypting
    bench.secrets["INTERLOCK_SECRET_SHOP"] = "hidden-password"
    shop = Shop(await bench.serve(declared(f"{_numbered(server)}?ssl_ca={file}")), server)
    assert (await shop.call("get", id=1)).status == SUCCEEDED
    assert (await shop.call("rename", id=1, name="x" * 9000)).output == {"affected": 1}
    assert (await shop.call("named", name="x" * 9000)).output == [{"id": 1}]
    assert server.script.encrypted == [True]
    await bench.systems.close()


@pytest.mark.parametrize("trouble", ["name", "ca", "clear"])
async def test_without_a_good_certificate_nothing_is_said(
    bench: Workbench, encrypting: tuple[TdsServer, Path], tmp_path: Path, trouble: str
) -> None:
    server, file = encrypting
    url = server.url if trouble == "name" else _numbered(server)
    if trouble == "ca":
        (tmp_path / "other").mkdir()
        file = certificate(tmp_path / "other")
    if trouble == "clear":
        server.tls = None
    bench.secrets["INTERLOCK_SECRET_SHOP"] = "hidden-password"
    answer = await (await bench.serve(declared(f"{url}?ssl_ca={file}"))).call("erp.get", {"id": 1}, key="key")
    assert (*code(answer), answer.sent) == (FAILED, "unreachable", False)
    assert server.script.logins == [], "no password was sent"
    await bench.systems.close()
