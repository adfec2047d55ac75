"""Whatever a connector speaks: it connects to what its declared name was judged by, and nowhere else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from interlock.foundation.http import HttpClient
from interlock.foundation.secrets import SecretStore
from interlock.integration.connectors.errors import SourceUnfit
from interlock.integration.connectors.ldap import plugin as ldap_plugin
from interlock.integration.connectors.sql import plugin as sql_plugin
from interlock.integration.connectors.surveys import Source
from interlock.integration.systems import Answer, Ports
from tests.integration.conftest import Workbench
from tests.integration.connectors.files import rigs as file_rigs
from tests.integration.connectors.files import servers as file_servers
from tests.integration.connectors.mail import servers as mail_servers
from tests.integration.connectors.sql.firebird import PASSWORD, Firebird
from tests.integration.connectors.sql.mariadb import MariaDb

EVIL = "system.evil.example"
LETTER = {"to": ["ann@there.example"], "subject": "Hello", "text": "Hello.\n"}
ONE = {"from": "SELECT 1 AS one", "effect": "read", "rows": "one", "columns": {"one": "integer"}}


def database(url: str) -> dict[str, Any]:
    return {"system": "erp", "connector": "sql", "connection": {"url": url}, "operations": {"one": ONE}}


def mail(kind: str, host: str, port: int) -> dict[str, Any]:
    operations: dict[str, Any] = {
        "imap": {"list": {"from": "list inbox", "effect": "read"}},
        "smtp": {"send": {"from": "send", "effect": "write"}},
    }
    connection: dict[str, Any] = {
        kind: {"host": host, "port": port, "tls": "none" if host == "localhost" else "implicit"},
        "auth": {"username": mail_servers.USER, "password": "secret:mail"},
        "from": {"address": "house@acme.example"},
    }
    return {"system": "mail", "connector": "mail", "connection": connection, "operations": operations[kind]}


def directory(host: str) -> dict[str, Any]:
    return {
        "system": "directory",
        "connector": "ldap",
        "connection": {"url": f"ldaps://{host}", "base": "dc=acme,dc=example"},
        "operations": {
            "find": {
                "from": "search",
                "effect": "read",
                "options": {"filter": "(uid=*)", "attributes": {"uid": "string"}},
            }
        },
    }


def broker(kind: str, host: str) -> dict[str, Any]:
    return {
        "system": "shop",
        "connector": "broker",
        "connection": {"broker": kind, "servers": [f"{host}:7"], "tls": False},
        "operations": {"depth": {"from": "depth", "effect": "read", "options": {"topic": "t"}}},
    }


def sftp(host: str, port: int = 22, key: str = "") -> dict[str, Any]:
    server = file_servers.Server(port, key or f"ssh-ed25519 {'AAAAC3NzaC1lZDI1NTE5AAAAI' + 'A' * 43}")
    return file_rigs.system(file_rigs.folder(), "list", place=file_rigs.sftp(server, host=host))


def store(host: str) -> dict[str, Any]:
    place = {"store": {"url": "s3://bucket/in", "options": {"endpoint_url": f"https://{host}"}}}
    return file_rigs.system(file_rigs.folder(), "list", place=place)


SYSTEMS: dict[str, tuple[dict[str, Any], str, dict[str, Any]]] = {
    "postgres": (database(f"postgresql://u@{EVIL}/d"), "erp.one", {}),
    "mysql": (database(f"mysql://u@{EVIL}/d"), "erp.one", {}),
    "mssql": (database(f"mssql://u@{EVIL}/d"), "erp.one", {}),
    "firebird": (database(f"firebird://u@{EVIL}/d"), "erp.one", {}),
    "imap": (mail("imap", EVIL, 993), "mail.list", {}),
    "smtp": (mail("smtp", EVIL, 465), "mail.send", LETTER),
    "ldap": (directory(EVIL), "directory.find", {}),
    "sftp": (sftp(EVIL), "files.list", {}),
    "store": (store(EVIL), "files.list", {}),
    **{kind: (broker(kind, EVIL), "shop.depth", {}) for kind in ("nats", "redis", "rabbitmq", "kafka")},
}


async def called(bench: Workbench, system: dict[str, Any], operation: str, arguments: dict[str, Any]) -> Answer:
    bench.secrets |= {"INTERLOCK_SECRET_MAIL": mail_servers.PASSWORD, "INTERLOCK_SECRET_SFTP": file_servers.PASSWORD}
    systems = await bench.serve(system)
    return await systems.call(operation, arguments, timeout=20.0)


@pytest.mark.parametrize("address", ["169.254.169.254", "169.254.10.1", "fd00:ec2::254", "127.0.0.1", "0.0.0.0"])
@pytest.mark.parametrize("kind", SYSTEMS)
async def test_a_name_that_stands_for_no_system_is_not_connected_to(
    bench: Workbench, names: dict[str, list[str]], kind: str, address: str
) -> None:
    names[EVIL] = [address]
    answer = await called(bench, *SYSTEMS[kind])
    assert (answer.status, answer.sent) == ("failed", False)
    assert answer.problem is not None
    assert answer.problem["code"] == "http_forbidden"
    assert answer.problem["detail"] == "this address is not connected to"
    assert not answer.problem.get("transient")


@pytest.mark.parametrize("kind", SYSTEMS)
async def test_the_address_itself_is_not_either(bench: Workbench, kind: str) -> None:
    system, operation, arguments = SYSTEMS[kind]
    answer = await called(bench, _elsewhere(system, "169.254.169.254"), operation, arguments)
    assert (answer.status, answer.problem and answer.problem["code"]) == ("failed", "http_forbidden")


@pytest.mark.parametrize(
    ("plugin", "address"),
    [(sql_plugin, f"{scheme}://u@169.254.169.254/d") for scheme in ("postgresql", "mysql", "mssql", "firebird")]
    + [(ldap_plugin, f"{scheme}://169.254.169.254") for scheme in ("ldap", "ldaps")],
)
async def test_nor_is_what_somebody_wants_connected(bench: Workbench, plugin: Any, address: str) -> None:
    ports = Ports(HttpClient(), SecretStore.standard(environment={}), bench.root)
    with pytest.raises(SourceUnfit) as refused:
        await plugin.survey(Source(address), ports)
    assert refused.value.what.endswith("is not connected to")
    assert "credentials" in refused.value.why


def _elsewhere(value: Any, host: str) -> Any:
    """Return *value* with *host* for the name."""
    if isinstance(value, dict):
        return {key: _elsewhere(one, host) for key, one in value.items()}
    if isinstance(value, list):
        return [_elsewhere(one, host) for one in value]
    return value.replace(EVIL, host) if isinstance(value, str) else value


# --- a name that changes its mind: the first answer is judged, and connected to ------------------------------------


@asynccontextmanager
async def tcp(socket: Path) -> AsyncIterator[int]:
    """Let the server at a Unix *socket* be reached by TCP; give the port."""

    async def passed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while part := await reader.read(1 << 16):
                writer.write(part)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_unix_connection(str(socket))
        await asyncio.gather(passed(reader, there_writer), passed(there_reader, writer))

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listener:
        yield listener.sockets[0].getsockname()[1]


def turning(names: dict[str, list[str]]) -> None:
    """Let `localhost` stand for this machine once, and for the cloud's metadata from then on."""
    names["localhost"] = ["127.0.0.1", "169.254.169.254"]


@pytest.mark.postgres
async def test_postgres_connects_to_what_was_judged(
    bench: Workbench, names: dict[str, list[str]], postgres_url: str
) -> None:
    path, _, folder = postgres_url.partition("?host=")
    async with tcp(Path(folder) / ".s.PGSQL.5432") as port:
        turning(names)
        url = f"{path.partition('@')[0]}@localhost:{port}/{path.rpartition('/')[2]}"
        answer = await called(bench, database(url), "erp.one", {})
        assert answer.output == {"one": 1}, answer.problem
        await bench.systems.close()


async def test_mysql_connects_to_what_was_judged(
    bench: Workbench, names: dict[str, list[str]], mariadb: MariaDb
) -> None:
    with mariadb.look() as connection, connection.cursor() as cursor:
        cursor.execute("CREATE USER IF NOT EXISTS 'anyone'@'localhost' IDENTIFIED VIA mysql_native_password")
        cursor.execute("GRANT SELECT ON *.* TO 'anyone'@'localhost'")
    async with tcp(mariadb.socket) as port:
        turning(names)
        answer = await called(bench, database(f"mysql://anyone@localhost:{port}/{mariadb.database()}"), "erp.one", {})
        assert answer.output == {"one": 1}, answer.problem
        await bench.systems.close()


async def test_firebird_connects_to_what_was_judged(
    bench: Workbench, names: dict[str, list[str]], firebird: Firebird
) -> None:
    made = firebird.database("CREATE TABLE t (a INTEGER)")
    bench.secrets["INTERLOCK_SECRET_ERP"] = PASSWORD
    system = database(firebird.url(made).replace("127.0.0.1", "localhost"))
    system["connection"]["password"] = "secret:erp"
    system["operations"]["one"]["from"] += " FROM rdb$database"
    turning(names)
    answer = await called(bench, system, "erp.one", {})
    assert answer.output == {"one": 1}, answer.problem
    await bench.systems.close()


async def test_mail_connects_to_what_was_judged(bench: Workbench, names: dict[str, list[str]]) -> None:
    kept = mail_servers.Kept()
    with mail_servers.smtp_server(kept) as port:
        turning(names)
        answer = await called(bench, mail("smtp", "localhost", port), "mail.send", LETTER)
        assert answer.succeeded, answer.problem
    assert len(kept.envelopes) == 1


async def test_sftp_connects_to_what_was_judged(bench: Workbench, names: dict[str, list[str]], tmp_path: Path) -> None:
    (tmp_path / "there" / "in").mkdir(parents=True)
    with file_servers.sftp_server(tmp_path / "there") as server:
        turning(names)
        answer = await called(bench, sftp("localhost", server.port, server.host_key), "files.list", {})
        assert answer.succeeded, answer.problem
