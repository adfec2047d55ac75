"""What something is, and what it offers, is told from itself; nothing else is asked, and nothing is changed."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from interlock.assessment.connecting import propose
from interlock.foundation.documents import parse_document
from interlock.foundation.http import HttpClient
from interlock.foundation.plugins.errors import PluginMissing
from interlock.foundation.secrets import SecretStore
from interlock.integration.connectors.errors import DocumentWanted
from interlock.integration.connectors.surveys import Source
from interlock.integration.systems import (
    Ports,
    SourceUnfit,
    SourceUnknown,
    SourceUnreadable,
    Survey,
    Systems,
    SystemUnreachable,
    build_catalog,
    look,
)
from interlock.testing.servers import ScriptedServer, answers, free_port, redirects
from interlock.values.operations import Effect
from tests.assessment.connecting.test_proposal import DOCUMENT
from tests.integration.connectors.mcp.test_mcp import listening
from tests.integration.connectors.mcp.upstream import server
from tests.integration.connectors.sql import tds
from tests.integration.connectors.sql.firebird import PASSWORD, Firebird
from tests.integration.connectors.sql.mariadb import MariaDb

SCHEMA = """
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer VARCHAR(20) NOT NULL, total NUMERIC(8, 2), due DATE);
CREATE TABLE "Order Lines" (order_id INTEGER, line INTEGER, text TEXT, PRIMARY KEY (order_id, line));
CREATE VIEW customers AS SELECT DISTINCT customer FROM orders;
INSERT INTO orders VALUES (1, 'ann', 2.5, '2026-03-02'), (2, 'ben', NULL, NULL), (3, 'ann', 4, NULL);
INSERT INTO "Order Lines" VALUES (1, 1, 'a jar'), (1, 2, 'a lid');
"""


FIREBIRD_SCHEMA = """
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer VARCHAR(20) NOT NULL, total NUMERIC(8, 2), due DATE)^
CREATE TABLE "Order Lines" (order_id INTEGER, line INTEGER, text VARCHAR(20), PRIMARY KEY (order_id, line))^
CREATE VIEW customers AS SELECT DISTINCT customer FROM orders^
CREATE TABLE "kinds" ("KEY" VARCHAR(9) PRIMARY KEY, raw BLOB, bits CHAR(3) CHARACTER SET OCTETS, flag BOOLEAN,
  big BIGINT, "AT" TIMESTAMP, "OPEN" TIME, rate DOUBLE PRECISION, words BLOB SUB_TYPE TEXT)^
INSERT INTO orders VALUES (1, 'ann', 2.5, '2026-03-02')^
INSERT INTO orders VALUES (2, 'ben', NULL, NULL)^
INSERT INTO orders VALUES (3, 'ann', 4, NULL)^
INSERT INTO "Order Lines" VALUES (1, 1, 'a jar')^
INSERT INTO "Order Lines" VALUES (1, 2, 'a lid')^
INSERT INTO "kinds" VALUES ('x', x'00', x'000000', TRUE, 9223372036854775807, '2026-03-02 10:00:00', '10:30:00', 0.5,
  'long')^
CREATE PROCEDURE place (customer VARCHAR(20), amount NUMERIC(8, 2)) RETURNS (number INTEGER, total NUMERIC(8, 2))
AS BEGIN INSERT INTO orders VALUES (4, :customer, :amount, NULL) RETURNING id, total INTO number, total; END^
CREATE PROCEDURE each_order (customer VARCHAR(20)) RETURNS (number INTEGER)
AS BEGIN FOR SELECT id FROM orders WHERE customer = :customer ORDER BY id INTO number DO SUSPEND; END^
CREATE PROCEDURE odd (picture BLOB) AS BEGIN END
"""


OWN = "a statement of your own that names one gives base64"


class Looking:
    """A folder in which something is looked at, and served as it was proposed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.secrets: dict[str, str] = {}

    async def at(self, address: str, kind: str = "") -> tuple[str, Survey]:
        async with HttpClient() as http:
            return await look(address, Ports(http, SecretStore.standard(environment={}), self.root), connector=kind)

    async def served(self, address: str, kind: str = "") -> Systems:
        connector, survey = await self.at(address, kind)
        proposal = propose("found", connector, survey, survey.offers, source=address, owner="")
        assert not proposal.left_out
        for path, content in proposal.files.items():
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_bytes(content)
        document = parse_document(proposal.files["systems/found.yaml"], "system", name="x", environment={})
        systems = Systems(Ports(HttpClient(), SecretStore.standard(environment=self.secrets), self.root))
        await systems.open()
        await systems.apply(build_catalog([document], self.root))
        return systems


@pytest.fixture
def looking(tmp_path: Path) -> Looking:
    return Looking(tmp_path)


@pytest.mark.parametrize("form", ["json", "pretty", "yaml"])
async def test_an_openapi_document_is_recognised(looking: Looking, form: str) -> None:
    plain = orjson.dumps(DOCUMENT)
    content = {"json": plain, "pretty": orjson.dumps(DOCUMENT, option=orjson.OPT_INDENT_2)}.get(form)
    (looking.root / "orders").write_bytes(content or yaml.safe_dump(DOCUMENT).encode())
    connector, survey = await looking.at("orders")
    assert connector == "openapi"
    assert survey.title == "Orders"
    assert survey.connection["base_url"] == "https://orders.acme.example"
    offers = {offer.name: offer for offer in survey.offers}
    assert set(offers) == {"list_orders", "create_order", "cancel_order", "put_order", "add_picture"}
    assert offers["create_order"].settings == {"idempotency": {"header": "Idempotency-Key"}}
    assert [offers[name].effect for name in ("list_orders", "create_order", "cancel_order")] == [
        Effect.read,
        Effect.write,
        Effect.irreversible,
    ]
    assert (offers["put_order"].idempotent, offers["create_order"].idempotent) == (True, None)


async def test_a_document_is_fetched_from_its_own_host_alone(looking: Looking) -> None:
    relative = {**DOCUMENT, "servers": [{"url": "/api"}]}
    async with ScriptedServer(answers(200, relative)) as host:
        _, survey = await looking.at(f"{host.url}/docs/openapi.json")
        assert survey.connection["base_url"] == f"{host.url}/api"
        assert [one.method for one in host.received] == ["GET"]
        assert "authorization" not in host.received[0].headers
        host.behaviour = redirects(302, f"{host.url}/elsewhere")
        with pytest.raises(SourceUnreadable):
            await looking.at(f"{host.url}/docs/openapi.json")
        assert len(host.received) == 2
        with pytest.raises(SourceUnreadable) as refused:
            await looking.at(host.url.replace("http://", "http://me:hidden@"))
        assert "hidden" not in str(refused.value.problem())
    for address in (f"http://127.0.0.1:{free_port()}/", "file:///etc/passwd", "no-such-file", "\0", "."):
        with pytest.raises(SourceUnreadable):
            await looking.at(address)


@pytest.mark.parametrize("kind", ["openapi", "soap", "edi", "fixed"])
async def test_a_document_whose_kind_is_said_is_fetched_too(looking: Looking, kind: str) -> None:
    async with ScriptedServer(answers(200, DOCUMENT)) as host:
        if kind == "openapi":
            _, survey = await looking.at(f"{host.url}/openapi.json", kind)
            assert survey.title == "Orders"
        else:
            with pytest.raises(SourceUnfit):
                await looking.at(f"{host.url}/openapi.json", kind)
        host.behaviour = answers(500, {})
        with pytest.raises(SourceUnreadable) as refused:
            await looking.at(f"{host.url}/openapi.json", kind)
        assert "500" in str(refused.value)
    for address in (f"http://127.0.0.1:{free_port()}/", "no-such-file"):
        with pytest.raises(SourceUnreadable) as missing:
            await looking.at(address, kind)
        assert missing.value.problem()["fix"]


async def test_a_page_for_people_is_told_from_a_document(looking: Looking) -> None:
    (looking.root / "x").write_bytes(b"<html><body>Our API</body></html>")
    with pytest.raises(SourceUnknown, match="a page for people"):
        await looking.at("x")


async def test_what_nobody_knows_is_said(looking: Looking) -> None:
    with pytest.raises(DocumentWanted):
        _ = Source("ftp://acme.example").document
    with pytest.raises(SourceUnreadable, match="begins with 'ftp'"):
        await looking.at("ftp://acme.example/x")
    with pytest.raises(SourceUnreadable, match="holds no files that are known"):
        await looking.at(".")


@pytest.mark.parametrize(
    ("content", "error"),
    [
        pytest.param(b" \n", SourceUnreadable, id="nothing"),
        pytest.param(b"hello", SourceUnknown, id="a text"),
        pytest.param(b"\n<!DOCTYPE html><title>Log in</title>", SourceUnknown, id="a page"),
        pytest.param(b'{"swagger": "1.2"}', SourceUnknown, id="an older kind"),
        pytest.param(b'{"openapi": "3.1.0", ', SourceUnfit, id="half of one"),
        pytest.param(b"openapi: 3.0.0\npaths: [", SourceUnfit, id="half of one in YAML"),
        pytest.param(b'{"openapi": "3.1.0", "paths": {"/a": {"$ref": "#/no"}}}', SourceUnfit, id="leading nowhere"),
    ],
)
async def test_what_cannot_be_read_is_said(looking: Looking, content: bytes, error: type[Exception]) -> None:
    (looking.root / "x").write_bytes(content)
    with pytest.raises(error):
        await looking.at("x")


@pytest.mark.parametrize("openapi", ["paths", "info", "servers", "components"])
@pytest.mark.parametrize("value", [None, 3, "x", [], [3], {"x": 3}, {"/x": {"get": {"tags": 3, "parameters": []}}}])
async def test_a_document_of_strange_shape_offers_what_it_can(looking: Looking, openapi: str, value: Any) -> None:
    (looking.root / "x.json").write_bytes(orjson.dumps({**DOCUMENT, openapi: value}))
    try:
        connector, _ = await looking.at("x.json")
    except SourceUnfit:
        return
    assert connector == "openapi"


async def test_two_operations_of_one_name_get_two(looking: Looking) -> None:
    get = {"operationId": "find", "responses": {}}
    document = {**DOCUMENT, "paths": {"/a": {"get": get}, "/b": {"get": get}, "/c/{id}": {"get": {"responses": {}}}}}
    (looking.root / "x.json").write_bytes(orjson.dumps(document))
    _, survey = await looking.at("x.json")
    assert [offer.name for offer in survey.offers] == ["find", "find_2", "get_c_by_id"]


async def test_a_sqlite_file_is_read_page_by_page(looking: Looking) -> None:
    with sqlite3.connect(looking.root / "shop.db") as database:
        database.executescript(SCHEMA)
    systems = await looking.served("sqlite:///shop.db")
    try:
        await _reads_orders(systems)
        assert (await systems.call("found.get_order_lines", {"order_id": 1, "line": 2})).output["text"] == "a lid"
    finally:
        await systems.close()


async def test_bytes_are_left_out_with_a_remark_and_what_an_index_keeps_is_no_table(looking: Looking) -> None:
    with sqlite3.connect(looking.root / "shop.db") as database:
        database.execute("CREATE TABLE photos (id INTEGER PRIMARY KEY, title TEXT, picture BLOB)")
        database.execute("CREATE VIRTUAL TABLE notes USING fts5(body)")
    _, survey = await looking.at("sqlite:///shop.db")
    assert [offer.name for offer in survey.offers] == ["find_notes", "find_photos", "get_photos"]
    assert "picture" not in "".join(offer.origin for offer in survey.offers)
    (note,) = survey.notes
    assert note.startswith("no proposal reads photos.picture")


@pytest.mark.postgres
async def test_a_postgresql_database_is_read_page_by_page(looking: Looking, postgres_url: str) -> None:
    import asyncpg

    database = await asyncpg.connect(postgres_url)
    await database.execute(SCHEMA)
    await database.execute("CREATE SCHEMA old; CREATE TABLE old.notes (id uuid PRIMARY KEY, body jsonb, raw bytea)")
    await database.close()
    systems = await looking.served(postgres_url)
    try:
        await _reads_orders(systems)
        assert (await systems.call("found.find_old_notes", {"limit": 5})).output == []
    finally:
        await systems.close()


@pytest.mark.parametrize("scheme", ["mysql", "mariadb"])
async def test_a_mariadb_database_is_read_page_by_page(looking: Looking, mariadb: MariaDb, scheme: str) -> None:
    name = mariadb.database()
    with mariadb.look(name) as database, database.cursor() as cursor:
        cursor.execute("SET SESSION sql_mode = 'ANSI_QUOTES'")
        for statement in SCHEMA.strip().removesuffix(";").split(";"):
            cursor.execute(statement)
        cursor.execute(
            "CREATE TABLE `gro``up` (`key` VARCHAR(9) PRIMARY KEY, `order` BIT(8), flag BOOLEAN, raw BLOB, "
            "kind ENUM('a', 'b'), big BIGINT UNSIGNED, at DATETIME(3), open TIME, year YEAR, rate DOUBLE, more JSON)"
        )
        cursor.execute(
            "INSERT INTO `gro``up` VALUES ('x', 1, 5, 'y', 'b', 18446744073709551615, '2026-03-02 10:00:00', "
            "'10:30:00', 2026, 0.5, '{}')"
        )
    systems = await looking.served(mariadb.url(name).replace("mysql:", f"{scheme}:"))
    try:
        await _reads_orders(systems)
        assert (await systems.call("found.get_order_lines", {"order_id": 1, "line": 2})).output["text"] == "a lid"
        (key,) = systems.catalog.operations["found.get_gro_up"].definition.input_schema["required"]
        found = await systems.call("found.get_gro_up", {key: "x"})
    finally:
        await systems.close()
    assert found.output == {
        "key": "x",
        "flag": 5,
        "kind": "b",
        "big": 18446744073709551615,
        "at": "2026-03-02T10:00:00",
        "open": "10:30:00",
        "year": 2026,
        "rate": 0.5,
        "more": "{}",
    }


async def test_a_firebird_database_is_read_page_by_page(looking: Looking, firebird: Firebird) -> None:
    name = firebird.database(FIREBIRD_SCHEMA)
    url = firebird.url(name, user=f"sysdba:{PASSWORD}")
    _, survey = await looking.at(url)
    assert survey.connection == {"url": firebird.url(name), "password": "secret:SYSTEM"}
    assert survey.notes == (
        f"no proposal reads kinds.RAW, kinds.BITS: bytes and shapes; {OWN}",
        "no call could be written for odd, by their parameters",
    )
    assert {offer.name: offer.origin for offer in survey.offers if offer.origin.startswith(("CALL", "SELECT * "))} == {
        "call_each_order": "SELECT * FROM each_order(:customer)",
        "call_place": "CALL place(:customer, :amount)",
    }
    looking.secrets["INTERLOCK_SECRET_FOUND"] = PASSWORD
    systems = await looking.served(url)
    try:
        await _reads_orders(systems)
        assert (await systems.call("found.get_order_lines", {"order_id": 1, "line": 2})).output["text"] == "a lid"
        found = await systems.call("found.find_kinds", {})
        placed = await systems.call("found.call_place", {"customer": "ann", "amount": 2.5}, key="k")
        each = await systems.call("found.call_each_order", {"customer": "ann"}, key="l")
    finally:
        await systems.close()
    assert found.output == [{
        "key": "x", "flag": True, "big": 2**63 - 1, "at": "2026-03-02T10:00:00", "open": "10:30:00", "rate": 0.5,
        "words": "long",
    }]  # fmt: skip
    assert placed.output == {"number": 4, "total": 2.5}
    assert each.output == [{"number": 1}, {"number": 3}, {"number": 4}]


async def test_a_firebird_that_lets_nobody_in_is_told_without_the_password(
    looking: Looking, firebird: Firebird
) -> None:
    name = firebird.database(FIREBIRD_SCHEMA)
    with pytest.raises(SourceUnfit, match="does not accept the user, or the password: FIREBIRD-335544472") as refused:
        await looking.at(firebird.url(name, user="sysdba:hidden"))
    with pytest.raises(SourceUnfit, match="no such database"):
        await looking.at(firebird.url(f"{name}x", user=f"sysdba:{PASSWORD}"))
    assert "hidden" not in str(refused.value)
    for address in (f"firebird://u@127.0.0.1:{free_port()}/d", f"firebird://u@127.0.0.1:{firebird.port}"):
        with pytest.raises(SourceUnfit):
            await looking.at(address)
    with pytest.raises(SourceUnfit, match="must not set password"):
        await looking.at(f"{firebird.url(name)}?password=p")


@pytest.mark.parametrize("scheme", ["mssql", "sqlserver"])
async def test_a_database_of_sql_server_is_read_page_by_page(looking: Looking, tmp_path: Path, scheme: str) -> None:
    server = tds.TdsServer(tmp_path / "shop.db", password="")
    for statement in SCHEMA.strip().removesuffix(";").split(";"):
        server.look(statement)
    columns = [
        ("", "orders", "id", "int", 0, 1),
        ("", "orders", "customer", "nvarchar", 0, 0),
        ("", "orders", "total", "decimal", 1, 0),
        ("", "orders", "due", "date", 1, 0),
        ("", "orders", "stamp", "timestamp", 1, 0),
        ("main", "Order Lines", "order_id", "int", 0, 1),
        ("main", "Order Lines", "line", "int", 0, 1),
        ("main", "Order Lines", "text", "nvarchar", 1, 0),
        ("", "customers", "customer", "nvarchar", 0, 0),
    ]
    names = ["schema", "table", "name", "type", "nullable", "key"]
    server.script.results["INFORMATION_SCHEMA.COLUMNS"] = (names, list(columns))
    server.script.results["INFORMATION_SCHEMA.ROUTINES"] = (["none"], [])
    with tds.running(server):
        systems = await looking.served(server.url.replace("mssql:", f"{scheme}:"))
        try:
            await _reads_orders(systems)
            lines = await systems.call("found.get_main_order_lines", {"order_id": 1, "line": 2})
        finally:
            await systems.close()
    assert lines.output == {"order_id": 1, "line": 2, "text": "a lid"}
    assert server.script.statements[3].strip().startswith("SELECT CASE")


async def test_procedures_of_sql_server_are_proposed_and_what_is_left_out_is_said(
    looking: Looking, tmp_path: Path
) -> None:
    server = tds.TdsServer(tmp_path / "shop.db", password="")
    columns = ["schema", "table", "name", "type", "nullable", "key"]
    server.script.results["INFORMATION_SCHEMA.COLUMNS"] = (columns, [("", "orders", "stamp", "timestamp", 1, 0)])
    routines = [
        ("put", "", "put", "PROCEDURE", "customer", "IN", "nvarchar"),
        ("put", "", "put", "PROCEDURE", "amount", "IN", "int"),
        ("told", "", "told", "PROCEDURE", "number", "INOUT", ""),
        ("tidy", "main", "tidy", "PROCEDURE", None, None, ""),
    ]
    said = ["specific", "schema", "name", "kind", "parameter", "mode", "type"]
    server.script.results["INFORMATION_SCHEMA.ROUTINES"] = (said, list(routines))
    with tds.running(server):
        _, survey = await looking.at(server.url)
    offers = {one.name: (one.origin, one.effect) for one in survey.offers}
    assert offers == {
        "call_put": ("CALL put(:customer, :amount)", Effect.irreversible),
        "call_tidy": ("CALL main.tidy()", Effect.irreversible),
    }
    left_out, no_call = survey.notes
    assert left_out.startswith("no proposal reads orders.stamp")
    assert no_call == "no call could be written for told, by their parameters"


@pytest.mark.parametrize(
    "address",
    [
        "mssql://me:hidden@127.0.0.1:{port}/shop",
        "sqlserver://me:hidden@127.0.0.1:{port}",
        "mssql://me:hidden@127.0.0.1:{port}/shop?encrypt=no",
        "mssql://me:hidden@127.0.0.1:port/shop",
        "mssql://me:hidden@[/shop",
    ],
)
async def test_an_address_of_sql_server_that_gives_nothing_says_why(looking: Looking, address: str) -> None:
    with pytest.raises(SourceUnfit) as refused:
        await looking.at(address.format(port=free_port()))
    assert "hidden" not in str(refused.value.problem())


async def test_a_sql_server_that_does_not_let_us_in_is_told_by_its_number(looking: Looking, tmp_path: Path) -> None:
    server = tds.TdsServer(tmp_path / "shop.db", password="another")
    with tds.running(server), pytest.raises(SourceUnfit) as refused:
        await looking.at(server.url.replace("clerk@", "clerk:hidden@"))
    assert refused.value.why == "it does not accept the user, or the password: MSSQL-18456"
    assert server.script.logins[0]["password"] == "hidden"


@pytest.mark.parametrize(
    "address",
    [
        "mysql://me:hidden@127.0.0.1:{port}/shop",
        "mariadb://me:hidden@127.0.0.1:{port}",
        "mysql://me:hidden@127.0.0.1:{port}/shop?local_infile=1",
        "mysql://me:hidden@127.0.0.1:port/shop",
        "mysql://me:hidden@[/shop",
    ],
)
async def test_a_mysql_address_that_gives_nothing_says_why_without_its_password(looking: Looking, address: str) -> None:
    with pytest.raises(SourceUnfit) as refused:
        await looking.at(address.format(port=free_port()))
    assert "hidden" not in str(refused.value.problem())


async def test_an_address_that_is_none_is_told(looking: Looking) -> None:
    with pytest.raises(SourceUnreadable):
        await looking.at("http://[/openapi.json")


async def test_a_password_that_opens_a_database_becomes_a_reference(looking: Looking, mariadb: MariaDb) -> None:
    name = mariadb.database()
    with mariadb.look(name) as database, database.cursor() as cursor:
        cursor.execute("CREATE TABLE parts (id INTEGER PRIMARY KEY, title TEXT)")
        cursor.execute("CREATE OR REPLACE USER reader@localhost IDENTIFIED BY 'hidden-password'")
        cursor.execute(f"GRANT SELECT ON {name}.* TO reader@localhost")
    connector, survey = await looking.at(mariadb.url(name).replace("root@", "reader:hidden-password@"))
    assert connector == "sql"
    assert survey.connection == {"url": mariadb.url(name).replace("root@", "reader@"), "password": "secret:SYSTEM"}
    assert [offer.name for offer in survey.offers] == ["find_parts", "get_parts"]
    assert "hidden" not in repr(survey)
    wrong = {"reader:hidden@": name, "reader:hidden-password@": "nowhere"}
    for user, why in zip(wrong, ("does not accept the user", "no such database"), strict=True):
        with pytest.raises(SourceUnfit, match=why):
            await looking.at(mariadb.url(wrong[user]).replace("root@", user))


async def test_wrong_credentials_of_a_database_are_named_by_their_number(looking: Looking, mariadb: MariaDb) -> None:
    name = mariadb.database()
    with pytest.raises(SourceUnfit, match="MYSQL-1045"):
        await looking.at(mariadb.url(name).replace("root@", "nobody:hidden@"))


@pytest.mark.parametrize(
    "said",
    [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x07\x00\x00\x00\x0a\xfe", b"\x05\x00\x00\x00\x0a\xff\xff\xff\xff", b""],
)
async def test_a_server_that_speaks_no_mysql_is_told(looking: Looking, said: bytes) -> None:
    async def speak(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(speak, "127.0.0.1", 0) as stranger:
        port = stranger.sockets[0].getsockname()[1]
        with pytest.raises(SourceUnfit):
            await looking.at(f"mysql://me@127.0.0.1:{port}/shop")


@pytest.mark.parametrize("word", ["order", "user", "key", "group", "select"])
async def test_words_of_the_language_can_be_names(looking: Looking, word: str) -> None:
    with sqlite3.connect(looking.root / "shop.db") as database:
        database.execute(f"CREATE TABLE `{word}` (`{word}` INTEGER PRIMARY KEY, `from` TEXT)")
        database.execute(f"INSERT INTO `{word}` VALUES (1, 'a')")
    database.close()
    systems = await looking.served("sqlite:///shop.db")
    try:
        (key,) = systems.catalog.operations[f"found.get_{word}"].definition.input_schema["required"]
        assert (await systems.call(f"found.get_{word}", {key: 1})).output == {word: 1, "from": "a"}
        assert (await systems.call(f"found.find_{word}", {"after": 0})).output == [{word: 1, "from": "a"}]
    finally:
        await systems.close()


async def _reads_orders(systems: Systems) -> None:
    first = await systems.call("found.find_orders", {"limit": 2})
    assert first.succeeded, first.problem
    assert [(row["id"], row["customer"]) for row in first.output] == [(1, "ann"), (2, "ben")]
    assert first.output[0]["total"] == 2.5
    second = await systems.call("found.find_orders", {"after": 2, "limit": 2})
    assert [row["id"] for row in second.output] == [3]
    assert (await systems.call("found.get_orders", {"id": 2})).output["total"] is None
    assert len((await systems.call("found.find_customers", {"limit": 9})).output) == 2
    changing = {name for name, one in systems.catalog.operations.items() if one.operation.effect is not Effect.read}
    assert all(name.startswith("found.call_") for name in changing)


async def test_no_password_of_a_database_is_written_down(looking: Looking) -> None:
    with pytest.raises(SourceUnfit) as refused:
        await looking.at(f"postgresql://me:hidden@127.0.0.1:{free_port()}/shop")
    assert "hidden" not in str(refused.value.problem())
    for name in ("none.db", "x.db"):
        (looking.root / "x.db").write_bytes(b"no database")
        with pytest.raises(SourceUnfit):
            await looking.at(f"sqlite:///{name}")


async def test_tools_of_an_mcp_server_are_pinned_and_none_is_called_a_read(looking: Looking) -> None:
    async with listening(server(looking.root / "effects")) as url:
        connector, survey = await looking.at(url, "mcp")
        assert connector == "mcp"
        assert {offer.effect for offer in survey.offers} == {None}
        systems = await looking.served(url, "mcp")
        await systems.close()
        assert systems.catalog.systems == {}
    with pytest.raises(SystemUnreachable):
        await looking.at(url, "mcp")
    with pytest.raises(SourceUnfit):
        await looking.at("python server.py", "mcp")


async def test_a_kind_that_cannot_look_is_told_from_one_that_is_not_there(looking: Looking) -> None:
    with pytest.raises(SourceUnknown):
        await looking.at("x", "external")
    with pytest.raises(PluginMissing):
        await looking.at("x", "nothing")
