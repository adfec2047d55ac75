"""Stored procedures and functions of a real PostgreSQL and a real MariaDB, called as declared."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest

from interlock.foundation.documents import ProjectInvalid
from interlock.foundation.http import HttpClient
from interlock.foundation.secrets import SecretStore
from interlock.integration.connectors.sql import plugin
from interlock.integration.connectors.sql.grammars import MYSQL, POSTGRES, SQLITE, Grammar, StatementInvalid
from interlock.integration.connectors.sql.procedures import check_call
from interlock.integration.connectors.sql.routines import call_offers, pointed
from interlock.integration.connectors.sql.tables import Column, Spelling, Table
from interlock.integration.connectors.surveys import Source
from interlock.integration.systems import Ports, Systems
from interlock.values.operations import Effect
from tests.integration.conftest import Workbench
from tests.integration.connectors.sql.mariadb import MariaDb

ROUTINES = [
    ("book", "", "book", "PROCEDURE", "p_Konto", "IN", "int"),
    ("book", "", "book", "PROCEDURE", "betrag", "IN", "int"),
    ("tidy", "", "tidy", "PROCEDURE", None, None, ""),
]
ORDER: dict[str, Any] = {"effect": "write", "input": {"customer": "string", "amount": "integer"}}
ROW: dict[str, Any] = {**ORDER, "rows": "one", "columns": {"number": "integer", "total": "integer"}}


def test_a_parameter_that_is_named_like_a_key_chooses_what_is_touched() -> None:
    columns = (Column("konto_nr", "integer", "int", False, True), Column("betrag", "integer", "int", False, False))
    calls, _ = call_offers(ROUTINES, {"int": "integer"})
    book, tidy = pointed(calls, [Table(("konten",), columns, Spelling("`"))])
    assert book.settings["arguments"] == {"p_Konto": "target"}
    assert "arguments" not in tidy.settings
    assert "arguments" not in pointed(calls, [])[0].settings


def erp(url: str, **operations: Any) -> dict[str, Any]:
    return {"system": "erp", "connector": "sql", "connection": {"url": url}, "operations": operations}


async def place(systems: Systems, operation: str, amount: int = 5) -> Any:
    return await systems.call(f"erp.{operation}", {"customer": "Ann", "amount": amount}, timeout=20.0)


_POSTGRES = """
CREATE TABLE orders (number INTEGER GENERATED ALWAYS AS IDENTITY, customer TEXT, amount INTEGER CHECK (amount < 100));
CREATE PROCEDURE put(c TEXT, a INTEGER) LANGUAGE SQL AS 'INSERT INTO orders (customer, amount) VALUES (c, a)';
CREATE PROCEDURE put_out(c TEXT, a INTEGER, OUT number INTEGER, OUT total INTEGER) LANGUAGE plpgsql AS
  'BEGIN INSERT INTO orders (customer, amount) VALUES (c, a) RETURNING orders.number INTO number;
   SELECT sum(amount) INTO total FROM orders; END';
CREATE PROCEDURE put_end(c TEXT, a INTEGER) LANGUAGE plpgsql AS
  'BEGIN INSERT INTO orders (customer, amount) VALUES (c, a); COMMIT; END';
CREATE FUNCTION give(c TEXT, a INTEGER) RETURNS TABLE (number INTEGER, total INTEGER) LANGUAGE SQL AS
  'INSERT INTO orders (customer, amount) VALUES (c, a) RETURNING number, amount'
"""


@pytest.mark.postgres
async def test_procedures_of_postgres(bench: Workbench, postgres_url: str) -> None:
    look = await asyncpg.connect(postgres_url)
    await look.execute(_POSTGRES)
    operations = {
        "put": ORDER | {"from": "CALL put(:customer, :amount)"},
        "put_out": ROW | {"from": "CALL put_out(:customer, :amount, NULL, NULL);"},
        "put_end": ORDER | {"from": "call public.put_end(:customer, :amount)"},
        "give": ROW | {"from": "SELECT * FROM give(:customer, :amount)"},
    }
    systems = await bench.serve(erp(postgres_url, **operations))
    assert (await place(systems, "put")).output == {"called": True}
    assert (await place(systems, "put_out")).output == {"number": 2, "total": 10}
    assert (await place(systems, "give")).output == {"number": 3, "total": 5}
    for name, amount in (("put", 100), ("put_out", 100), ("give", 100), ("put_end", 5)):
        answer = await place(systems, name, amount)
        assert answer.status == "failed", "a procedure cannot end the transaction that it is called in"
    assert await look.fetchval("SELECT count(*) FROM orders") == 3
    await look.close()


async def offered(bench: Workbench, url: str) -> dict[str, Any]:
    """Return the proposed calls as operations."""
    ports = Ports(HttpClient(), SecretStore.standard(environment={}), bench.root)
    survey = await plugin.survey(Source(url), ports)
    calls = [one for one in survey.offers if one.name.startswith("call_")]
    assert all(one.effect is Effect.irreversible for one in calls)
    return {one.name: {"from": one.origin, "effect": "irreversible", **one.settings} for one in calls}


@pytest.mark.postgres
async def test_calls_are_proposed_with_the_types_of_postgres(bench: Workbench, postgres_url: str) -> None:
    look = await asyncpg.connect(postgres_url)
    await look.execute(_POSTGRES)
    await look.execute("CREATE FUNCTION only_reads() RETURNS INTEGER STABLE LANGUAGE SQL AS 'SELECT 1'")
    await look.close()
    operations = await offered(bench, postgres_url)
    assert operations["call_put_out"] == {
        "from": "CALL put_out(:c, :a, NULL, NULL)",
        "effect": "irreversible",
        "input": {"c": "string", "a": "integer"},
        "rows": "one",
        "columns": {"number": "integer?", "total": "integer?"},
    }
    assert operations.keys() == {"call_put", "call_put_out", "call_put_end", "call_give"}
    systems = await bench.serve(erp(postgres_url, **operations))
    for name, output in (("put_out", {"number": 1, "total": 5}), ("give", [{"number": 2, "total": 5}])):
        answer = await systems.call(f"erp.call_{name}", {"c": "Ann", "a": 5}, timeout=20.0)
        assert answer.output == output, answer.problem


async def test_calls_are_proposed_with_the_types_of_mariadb(bench: Workbench, mariadb: MariaDb) -> None:
    database = mariadb.database()
    with mariadb.look(database) as look, look.cursor() as cursor:
        for statement in (*_MARIADB, "CREATE PROCEDURE both_ways(INOUT a INTEGER) SET a = 1"):
            cursor.execute(statement)
    operations = await offered(bench, mariadb.url(database))
    assert operations.keys() == {"call_put", "call_put_row", "call_put_late", "call_put_end", "call_put_out"}
    assert operations["call_put_out"]["from"] == "CALL put_out(:c, :a, @number, @total)"
    assert operations["call_put"] == {
        "from": "CALL put(:c, :a)",
        "effect": "irreversible",
        "input": {"c": "string", "a": "integer"},
    }
    systems = await bench.serve(erp(mariadb.url(database), **operations))
    assert (await systems.call("erp.call_put", {"c": "Ann", "a": 5}, timeout=20.0)).succeeded
    told = await systems.call("erp.call_put_out", {"c": "Ann", "a": 5}, timeout=20.0)
    assert told.output == {"number": 2, "total": 10.5}, told.problem


_MARIADB = (
    """CREATE TABLE orders (number INTEGER AUTO_INCREMENT PRIMARY KEY, customer TEXT,
    amount INTEGER CHECK (amount < 100))""",
    "CREATE PROCEDURE put(c TEXT, a INTEGER) INSERT INTO orders (customer, amount) VALUES (c, a)",
    """CREATE PROCEDURE put_row(c TEXT, a INTEGER) BEGIN INSERT INTO orders (customer, amount) VALUES (c, a);
    SELECT last_insert_id() AS number, CAST(sum(amount) AS INTEGER) AS total FROM orders;
    SELECT 'more' AS other; END""",
    """CREATE PROCEDURE put_out(c TEXT, a INTEGER, OUT number INTEGER, OUT total DECIMAL(9, 2)) BEGIN
    INSERT INTO orders (customer, amount) VALUES (c, a); SET number = last_insert_id();
    SELECT sum(amount) + 0.5 INTO total FROM orders; IF c = 'Bob' THEN SET total = NULL; END IF;
    SELECT 'more' AS other; END""",
    """CREATE PROCEDURE put_late(c TEXT, a INTEGER) BEGIN INSERT INTO orders (customer, amount) VALUES (c, a);
    SELECT 1 AS number, 2 AS total; SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not today'; END""",
    """CREATE PROCEDURE put_end(c TEXT, a INTEGER) BEGIN INSERT INTO orders (customer, amount) VALUES (c, a);
    COMMIT;
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'too late'; END""",
)


async def test_procedures_of_mariadb(bench: Workbench, mariadb: MariaDb) -> None:
    database = mariadb.database()
    with mariadb.look(database) as look, look.cursor() as cursor:
        for statement in _MARIADB:
            cursor.execute(statement)

        def held() -> Any:
            cursor.execute("SELECT count(*) FROM orders")
            return cursor.fetchone()[0]

        operations = {
            "put": ORDER | {"from": "CALL put(:customer, :amount)"},
            "put_row": ROW | {"from": "CALL put_row(:customer, :amount)"},
            "put_out": ORDER
            | {
                "from": "CALL put_out(:customer, :amount, @number, @total)",
                "columns": {"number": "integer", "total": "number?"},
            },
            "put_late": ROW | {"from": "CALL put_late(:customer, :amount)"},
            "put_end": ORDER | {"from": "CALL put_end(:customer, :amount)"},
        }
        systems = await bench.serve(erp(mariadb.url(database), **operations))
        assert (await place(systems, "put")).output == {"called": True}
        answer = await place(systems, "put_row")
        assert answer.output == {"number": 2, "total": 10}, answer.problem
        assert held() == 2
        assert (await place(systems, "put_out")).output == {"number": 3, "total": 15.5}
        answer = await systems.call("erp.put_out", {"customer": "Bob", "amount": 1}, timeout=20.0)
        assert answer.output == {"number": 4, "total": None}
        assert (await place(systems, "put_out", 100)).status == "failed"
        cursor.execute("DELETE FROM orders WHERE number > 2")
        answer = await place(systems, "put_late")
        assert (answer.status, answer.problem and answer.problem["code"]) == ("failed", "refused")
        assert (await place(systems, "put", 100)).status == "failed"
        assert held() == 2
        answer = await place(systems, "put_end")
        assert (answer.status, answer.problem and answer.problem["code"]) == ("unknown", "not_undone")
        assert held() == 3, "the procedure had committed, and nobody says that nothing was changed"


@pytest.mark.parametrize(
    ("text", "dialect", "effect"),
    [
        ("CALL put(:a)", MYSQL, Effect.read),
        ("CALL put(:a)", POSTGRES, Effect.read),
        ("CALL put(:a)", SQLITE, Effect.write),
        ("CALL put(1)", MYSQL, Effect.write),
        ("CALL put(other(:a))", POSTGRES, Effect.write),
        ("CALL put(:a); DROP TABLE orders", POSTGRES, Effect.write),
        ("CALL put(:a) -- and more", MYSQL, Effect.write),
        ("CALL put(@a)", POSTGRES, Effect.write),
        ("CALL put(@a, @A)", MYSQL, Effect.write),
        ("CALL put(@@a)", MYSQL, Effect.write),
        ("CALL", MYSQL, Effect.write),
    ],
)
def test_a_call_that_is_none_is_refused(text: str, dialect: Grammar, effect: Effect) -> None:
    with pytest.raises(StatementInvalid):
        check_call(text, dialect, effect)


@pytest.mark.parametrize("rows", ["many", "none"])
async def test_out_parameters_are_one_row(bench: Workbench, rows: str) -> None:
    operation = ORDER | {"from": "CALL put_out(:customer, :amount, @number)", "rows": rows}
    with pytest.raises(ProjectInvalid, match="let `rows` be one"):
        bench.catalog(erp("mysql://u@h/d", put_out=operation))
