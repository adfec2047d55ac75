"""The fence before SQL: what each effect may say, and what no statement may."""

from __future__ import annotations

from typing import Any

import pytest

from interlock.foundation.documents import ProjectInvalid
from interlock.integration.connectors.sql.grammars import (
    FIREBIRD,
    MYSQL,
    POSTGRES,
    SQLITE,
    TSQL,
    StatementInvalid,
)
from interlock.integration.connectors.sql.parameters import formatted, numbered
from interlock.integration.connectors.sql.statements import check_statement
from interlock.values.operations import Effect
from tests.integration.conftest import Workbench

GRAMMARS = {one.parser: one for one in (SQLITE, POSTGRES, MYSQL, TSQL)} | {"firebird": FIREBIRD}
READS = [
    ("sqlite", "SELECT id, name FROM t WHERE id = :id"),
    ("sqlite", "SELECT id FROM t WHERE name LIKE :id || '%' ORDER BY id LIMIT 10;"),
    ("sqlite", "WITH a AS (SELECT id FROM t WHERE id = :id) SELECT id FROM a UNION SELECT id FROM b"),
    ("sqlite", "SELECT json_extract(data, '$.a') AS a, strftime('%Y', day) AS y FROM t WHERE id = :id"),
    ("postgres", "SELECT a::text AS a, now() AS n FROM t WHERE id = :id::int"),
    ("postgres", "SELECT jsonb_agg(t.x) AS x FROM t, jsonb_array_elements(t.data) AS e WHERE t.id = :id"),
    ("mysql", "SELECT IFNULL(a, 0) AS a, DATE_FORMAT(day, '%Y') AS y FROM `t` WHERE id = :id AND b = '# -- /* no */'"),
    ("mysql", "SELECT 5 --1 AS six FROM t WHERE id = :id;"),
    ("firebird", "SELECT DATEADD(DAY, 1, a) AS b, LIST(c, ';') AS d FROM t WHERE id = :id FETCH FIRST 5 ROWS ONLY"),
    ("firebird", "SELECT q'{it's}' AS a, TRIM(\"B\") AS b, 'a\\' AS c FROM rdb$database WHERE id = :id"),
    ("tsql", "SELECT TOP 5 [order] AS o, ISNULL(a, 0) AS a, GETDATE() AS d FROM dbo.t WHERE id = :id AND b = '-- :no'"),
    ("tsql", "SELECT a FROM t WHERE id > :id ORDER BY id OFFSET 0 ROWS FETCH NEXT 50 ROWS ONLY"),
    ("tsql", "SELECT [commit].[go] AS [shutdown] FROM [commit] WHERE id = :id"),
    ("postgres", "SELECT ':no' AS a FROM t -- :neither\n WHERE id = :id"),
]


@pytest.mark.parametrize(("dialect", "text"), READS)
def test_reads_that_are_let(dialect: str, text: str) -> None:
    assert check_statement(text, GRAMMARS[dialect], Effect.read).parameters == {"id"}


NO_READS = [
    ("sqlite", "DELETE FROM t WHERE id = :id", "must be a SELECT"),
    ("sqlite", "UPDATE t SET a = 1 WHERE id = :id", "must be a SELECT"),
    ("sqlite", "INSERT INTO t VALUES (:id)", "must be a SELECT"),
    ("postgres", "WITH d AS (DELETE FROM t WHERE id = :id RETURNING *) SELECT * FROM d", "DELETE inside"),
    ("postgres", "WITH d AS (UPDATE t SET a = 1 RETURNING *) SELECT * FROM d", "UPDATE inside"),
    ("postgres", "WITH d AS (INSERT INTO t VALUES (1) RETURNING *) SELECT * FROM d", "INSERT inside"),
    ("postgres", "SELECT * INTO u FROM t", "INTO inside"),
    ("postgres", "SELECT * FROM t FOR UPDATE", "lock rows"),
    ("postgres", "SELECT * FROM (SELECT * FROM t FOR SHARE) AS s", "lock rows"),
    ("sqlite", "SELECT 1 AS a; DELETE FROM t", "exactly one statement, not 2"),
    ("sqlite", "SELECT 1 AS a; SELECT 2 AS b", "exactly one statement, not 2"),
    ("sqlite", "", "exactly one statement, not 0"),
    ("sqlite", "SELECT * FROM t WHERE id = ?", "as :name"),
    ("sqlite", "SELECT * FROM t WHERE id = @id", "as :name"),
    ("postgres", "SELECT * FROM t WHERE id = $1", "as :name"),
    ("sqlite", "SELECT load_extension('x') AS a", "load_extension()"),
    ("sqlite", "SELECT writefile('x', y) AS a FROM t", "writefile()"),
    ("sqlite", "SELECT * FROM pragma_table_info('t')", "pragma_table_info()"),
    ("postgres", "SELECT pg_sleep(10) AS a", "pg_sleep()"),
    ("postgres", "SELECT set_config('a', 'b', false) AS a", "set_config()"),
    ("postgres", "SELECT lo_export(1, '/x') AS a", "lo_export()"),
    ("postgres", "SELECT nextval('s') AS a", "nextval()"),
    ("postgres", "SELECT * FROM dblink('x', 'y') AS t(a int)", "dblink()"),
    ("postgres", "SELECT a FROM t WHERE pg_terminate_backend(1)", "pg_terminate_backend()"),
    ("mysql", "SELECT sleep(10) AS a", "sleep()"),
    ("tsql", "SELECT a FROM t SHUTDOWN", "SHUTDOWN begins another"),
    ("tsql", "SELECT a FROM t commit", "COMMIT begins another"),
    ("tsql", "SELECT 1 RETURN", "RETURN begins another"),
    ("tsql", "SELECT a FROM t DELETE FROM t", "is not valid SQL"),
    ("tsql", "SELECT a FROM t EXEC p", "is not valid SQL"),
    ("tsql", "SELECT a FROM there.shop.dbo.t", "another server"),
    ("tsql", "SELECT a FROM OPENQUERY(there, 'DELETE FROM t') AS b", "OPENQUERY()"),
    ("tsql", "SELECT dbo.f(1) AS a", "f()"),
    ("tsql", "SELECT NEXT VALUE FOR s AS a", "sequence"),
    ("tsql", "SELECT a INTO u FROM t", "INTO inside"),
    ("tsql", "SELECT a FROM t WITH (XLOCK)", "hints"),
    ("tsql", "SELECT a FROM t (XLOCK)", "hints"),
    ("tsql", "SELECT a FROM t OPTION (RECOMPILE)", "hints"),
    ("tsql", "SELECT a FROM t -- as it is", "no comments"),
    ("tsql", "SELECT @@VERSION AS a", "as :name"),
    ("tsql", "SELECT @a AS a", "as :name"),
    ("mysql", "SELECT load_file('/etc/passwd') AS a", "load_file()"),
    ("mysql", "SELECT get_lock('a', 1) AS a", "get_lock()"),
    ("mysql", "SELECT nextval(s) AS a", "nextval()"),
    ("mysql", "SELECT a FROM t INTO OUTFILE '/tmp/x'", "is not valid SQL"),
    ("mysql", "SELECT a INTO @v FROM t", "as :name"),
    ("mysql", "SELECT @v := 1 AS a", "as :name"),
    ("mysql", "SELECT @@version AS a", "as :name"),
    ("mysql", "SELECT a FROM t LOCK IN SHARE MODE", "lock rows"),
    ("mysql", "SELECT 1 AS a /*! INTO OUTFILE '/tmp/x' */", "no comments"),
    ("mysql", "SELECT 1 /*M! + sleep(10) */ AS a", "no comments"),
    ("mysql", "SELECT 1 AS a -- as it is\n", "no comments"),
    ("mysql", "SELECT 1 AS a # as it is", "no comments"),
    ("mysql", "/* first */ SELECT 1 AS a", "no comments"),
    ("mysql", "SELECT /*+ SET_VAR(sql_mode='') */ a FROM t", "hints"),
    ("firebird", "SELECT GEN_ID(numbers, 1) AS a FROM rdb$database", "GEN_ID()"),
    ("firebird", "SELECT NEXT VALUE FOR numbers AS a FROM rdb$database", "next number"),
    ("firebird", "SELECT RDB$SET_CONTEXT('USER_SESSION', 'a', 'b') AS a FROM rdb$database", "RDB$SET_CONTEXT()"),
    ("firebird", "SELECT a FROM t WITH LOCK", "is not valid SQL"),
    ("firebird", "SELECT a FROM t FOR UPDATE", "lock rows"),
    ("firebird", "SELECT a /* x /* y */ FROM t", "no comments"),
    ("firebird", "SELECT a FROM t -- as it is", "no comments"),
    ("firebird", "SELECT a FROM p(1)", "p()"),
    ("sqlite", "SELECT count(*) FROM t", "must name each column"),
    ("sqlite", "SELECT a, b AS a FROM t", "alike"),
    ("sqlite", "SELECT FROM WHERE", "is not valid SQL"),
]
NEVER = [
    ("sqlite", "PRAGMA writable_schema = 1"),
    ("sqlite", "ATTACH 'x' AS y"),
    ("sqlite", "DETACH y"),
    ("sqlite", "VACUUM INTO 'x'"),
    ("sqlite", "BEGIN"),
    ("sqlite", "CREATE TABLE x (a)"),
    ("sqlite", "DROP TABLE t"),
    ("sqlite", "ALTER TABLE t ADD b"),
    ("sqlite", "REINDEX"),
    ("firebird", "EXECUTE BLOCK AS BEGIN DELETE FROM t; END"),
    ("firebird", "EXECUTE PROCEDURE p"),
    ("firebird", "UPDATE OR INSERT INTO t (a) VALUES (1) MATCHING (a)"),
    ("firebird", "MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN DELETE"),
    ("firebird", "SET GENERATOR g TO 1"),
    ("firebird", "SET TRANSACTION READ WRITE"),
    ("firebird", "COMMIT"),
    ("firebird", "RECREATE TABLE t (a INTEGER)"),
    ("firebird", "GRANT ALL ON t TO x"),
    ("postgres", "COPY t TO '/tmp/x'"),
    ("postgres", "COPY t FROM PROGRAM 'id'"),
    ("postgres", "CALL p()"),
    ("postgres", "DO $$ BEGIN DELETE FROM t; END $$"),
    ("postgres", "TRUNCATE t"),
    ("postgres", "SET ROLE x"),
    ("postgres", "GRANT ALL ON t TO x"),
    ("postgres", "EXPLAIN ANALYZE DELETE FROM t"),
    ("postgres", "LISTEN x"),
    ("postgres", "PREPARE x AS DELETE FROM t"),
    ("postgres", "EXECUTE x"),
    ("postgres", "LOCK TABLE t"),
    ("postgres", "CREATE TABLE x AS SELECT 1 AS a"),
    ("postgres", "MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN DELETE"),
    ("postgres", "REFRESH MATERIALIZED VIEW v"),
    ("postgres", "VACUUM FULL t"),
]


@pytest.mark.parametrize(("dialect", "text", "reason"), NO_READS)
def test_what_a_read_may_not_say(dialect: str, text: str, reason: str) -> None:
    with pytest.raises(StatementInvalid) as invalid:
        check_statement(text, GRAMMARS[dialect], Effect.read)
    assert reason in str(invalid.value)
    assert "\x1b" not in str(invalid.value)


@pytest.mark.parametrize("effect", list(Effect))
@pytest.mark.parametrize(("dialect", "text"), NEVER)
def test_what_no_statement_may_be(dialect: str, text: str, effect: Effect) -> None:
    with pytest.raises(StatementInvalid):
        check_statement(text, GRAMMARS[dialect], effect)


WRITES = [
    ("sqlite", "INSERT INTO t (id, a) VALUES (:id, 1) ON CONFLICT (id) DO UPDATE SET a = 1"),
    ("sqlite", "UPDATE t SET a = 1 WHERE id = :id RETURNING id, a"),
    ("sqlite", "DELETE FROM t WHERE id = :id"),
    ("postgres", "WITH x AS (SELECT 1 AS a) UPDATE t SET a = x.a FROM x WHERE t.id = :id"),
]


@pytest.mark.parametrize(("dialect", "text"), WRITES)
def test_writes_that_are_let(dialect: str, text: str) -> None:
    assert check_statement(text, GRAMMARS[dialect], Effect.write).parameters == {"id"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("DELETE FROM t", "no WHERE"),
        ("UPDATE t SET a = :id", "no WHERE"),
        ("DELETE FROM t WHERE 1 = 1", "chooses no rows"),
        ("DELETE FROM t WHERE :id = :id", "chooses no rows"),
        ("DELETE FROM t WHERE a = a", "chooses no rows"),
        ("SELECT * FROM t", "must be INSERT, UPDATE or DELETE"),
        ("WITH d AS (DELETE FROM s WHERE a = :a RETURNING *) INSERT INTO t SELECT * FROM d", "DELETE inside"),
        ("UPDATE t SET a = pg_sleep(9) WHERE id = :id", "pg_sleep()"),
    ],
)
def test_what_a_write_may_not_say(text: str, reason: str) -> None:
    with pytest.raises(StatementInvalid) as invalid:
        check_statement(text, POSTGRES, Effect.write)
    assert reason in str(invalid.value)


def test_a_function_can_be_allowed_by_name() -> None:
    text = "SELECT our_price(id) AS price FROM t"
    with pytest.raises(StatementInvalid):
        check_statement(text, POSTGRES, Effect.read)
    assert check_statement(text, POSTGRES, Effect.read, functions=["Our_Price"]).returns


def test_parameters_are_numbered_and_nothing_else_is_touched() -> None:
    text = (
        "SELECT a::text, ':no', $$ :no $$, \":no\" FROM t -- :no\nWHERE a = :one AND b = :two OR c=:one AND d[1:2] = e"
    )
    assert numbered(text) == (text.replace(":one", "$1").replace(":two", "$2"), ("one", "two"))


def shop(operation: dict[str, Any], url: str = "sqlite:///x.db", **connection: Any) -> dict[str, Any]:
    return {
        "system": "erp",
        "connector": "sql",
        "connection": {"url": url} | connection,
        "operations": {"do": {"effect": "read"} | operation},
    }


async def test_types_come_from_the_declaration_and_the_statement(bench: Workbench) -> None:
    operation = {
        "from": "SELECT id, name, total, count(*) AS n, CAST(x AS INTEGER) AS x, y FROM t WHERE id = :id AND d > :day",
        "input": {"id": "integer", "day": "date?"},
        "columns": {"id": "integer", "name": "string?", "total": "number"},
        "rows": "one",
    }
    compiled = bench.catalog(shop(operation)).operation("erp.do")
    schema = compiled.definition.output_schema
    assert schema is not None
    assert {name: member["type"] for name, member in schema["properties"].items()} == {
        "id": "integer",
        "name": ["string", "null"],
        "total": "number",
        "n": "integer",
        "x": ["integer", "null"],
        "y": ["string", "number", "null"],
    }
    assert compiled.input.holds({"id": 1})
    assert compiled.input.holds({"id": 1, "day": "2026-01-31"})
    assert compiled.input.holds({"id": 1, "day": None})
    assert not compiled.input.holds({"id": 1, "day": "31.1.26"})
    assert not compiled.input.holds({"id": "1"})
    assert not compiled.input.holds({"id": 1, "other": 2})


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ({}, "the statement is missing"),
        ({"from": "SELECT a FROM t WHERE id = :id"}, "uses :id, which `input` does not declare"),
        ({"from": "SELECT a FROM t", "input": {"id": "integer"}}, "does not use :id"),
        ({"from": "SELECT a FROM t WHERE a = :a", "input": {"a": "text"}}, "a type that is not known"),
        ({"from": "SELECT a FROM t WHERE a = :a", "input": {"a": {"type": "object"}}}, "cannot bind :a"),
        ({"from": "SELECT a FROM t", "columns": {"b": "integer"}}, "has no column 'b'"),
        ({"from": "SELECT a FROM t", "rows": "none"}, "`rows` cannot be none"),
        (
            {"from": "INSERT INTO t VALUES (:a)", "input": {"a": "integer"}, "effect": "write", "rows": "one"},
            "add RETURNING",
        ),
        ({"from": "SELECT a FROM t", "idempotency": {"header": "X"}}, "takes no header"),
    ],
)
async def test_declarations_are_checked(bench: Workbench, operation: dict[str, Any], expected: str) -> None:
    with pytest.raises(ProjectInvalid) as invalid:
        bench.catalog(shop(operation))
    assert expected in "; ".join(map(str, invalid.value.findings))


async def test_passwords_stay_out_of_addresses(bench: Workbench) -> None:
    with pytest.raises(ProjectInvalid) as invalid:
        bench.catalog(shop({"from": "SELECT a FROM t"}, url="postgresql://u:hidden@h/d"))
    assert "password: secret:NAME" in str(invalid.value)
    assert "hidden" not in str(invalid.value)


@pytest.mark.parametrize(
    ("effect", "text", "said"),
    [
        (Effect.write, "INSERT IGNORE INTO t (a) VALUES (:a)", "must not IGNORE"),
        (Effect.write, "UPDATE IGNORE t SET a = :a WHERE id = :id", "is not valid SQL"),
        (Effect.write, "REPLACE INTO t (a) VALUES (:a)", "cannot be checked"),
        (Effect.write, "CALL p(:a)", "cannot be checked"),
        (Effect.write, "LOAD DATA INFILE 'x' INTO TABLE t", "is not valid SQL"),
        (Effect.write, "DELETE FROM t", "no WHERE"),
    ],
    ids=["insert-ignore", "update-ignore", "replace", "call", "load", "delete-all"],
)
def test_writes_that_mysql_would_do_otherwise_than_said(effect: Effect, text: str, said: str) -> None:
    with pytest.raises(StatementInvalid, match=said):
        check_statement(text, MYSQL, effect)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("UPDATE t SET a = :a OUTPUT inserted.a INTO log WHERE id = :id", "OUTPUT INTO"),
        ("UPDATE t SET a = :a WHERE id = :id SHUTDOWN", "is not valid SQL"),
        ("INSERT INTO t (a) EXEC p", "is not valid SQL"),
        ("MERGE t USING s ON t.a = s.a WHEN MATCHED THEN DELETE", "must be INSERT, UPDATE or DELETE"),
        ("EXEC p", "must be INSERT, UPDATE or DELETE"),
        ("DELETE FROM t", "no WHERE"),
    ],
    ids=["output-into", "second", "exec", "merge", "procedure", "delete-all"],
)
def test_writes_that_sql_server_would_do_otherwise_than_said(text: str, said: str) -> None:
    with pytest.raises(StatementInvalid, match=said):
        check_statement(text, TSQL, Effect.write)


def test_only_parameters_become_those_of_the_driver_of_sql_server() -> None:
    assert formatted("SELECT '5% :b' AS [a:b] FROM t WHERE c % 2 = :b", "tsql") == (
        "SELECT '5%% :b' AS [a:b] FROM t WHERE c %% 2 = %(b)s"
    )


@pytest.mark.parametrize(
    ("text", "driver"),
    [
        ("SELECT a FROM t WHERE b = :b AND c = :b", "SELECT a FROM t WHERE b = %(b)s AND c = %(b)s"),
        ("SELECT 'it''s :b 5%' AS a, \"\\\":b\" AS d", "SELECT 'it''s :b 5%%' AS a, \"\\\":b\" AS d"),
        ("SELECT `:b` % :b AS a FROM t", "SELECT `:b` %% %(b)s AS a FROM t"),
    ],
    ids=["twice", "texts", "names"],
)
def test_only_parameters_become_those_of_pymysql(text: str, driver: str) -> None:
    assert formatted(text) == driver


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://u:p@h/d", "must not hold a password"),
        ("mysql://u@h/d?init_command=DROP+TABLE+t", "must not set init_command"),
        ("mariadb://u@h/d?local_infile=1", "must not set local_infile"),
        ("mysql://u@h/d?password=p", "must not set password"),
        ("mssql://u:p@h/d", "must not hold a password"),
        ("sqlserver://u@h/d?seconds=9", "must not set seconds; it may set ssl_ca"),
        ("firebird://u:p@h/d", "must not hold a password"),
        ("firebird://u@h/d?wire_crypt=0", "must not set wire_crypt; it may set encryption=off"),
        ("firebird://u@h/d?encryption=no", "must not set encryption; it may set encryption=off"),
        ("sqlite:///", "names no file"),
    ],
    ids=[
        "password",
        "init",
        "infile",
        "password-option",
        "mssql-password",
        "mssql-option",
        "firebird-password",
        "firebird-option",
        "firebird-value",
        "file",
    ],
)
async def test_an_address_holds_no_password_and_no_order(bench: Workbench, url: str, said: str) -> None:
    operations = {"get": {"from": "SELECT a FROM t", "effect": "read"}}
    with pytest.raises(ProjectInvalid, match=said):
        bench.catalog({"system": "erp", "connector": "sql", "connection": {"url": url}, "operations": operations})
