"""PostgreSQL as a warehouse, by either driver: it cannot be written, TLS is usual, and a lost server is told."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest

from interlock.integration.systems import Answer
from interlock.testing.servers import free_port
from tests.integration.conftest import Workbench
from tests.integration.connectors.warehouse.test_reads import filled
from tests.integration.connectors.warehouse.warehouses import TABLE, system

ENGINES = ("postgres", "adbc")
FUNCTIONS = ["pg_sleep", "nextval", "set_config", "lo_create", "pg_terminate_backend"]
READS: dict[str, Any] = {
    "find": {"from": "table orders", "effect": "read", "options": {"filters": ["id"]}},
    "slow": {"from": "SELECT id FROM orders WHERE pg_sleep(30) IS NOT NULL", "effect": "read", "timeout": "300ms"},
    "long": {"from": "SELECT id FROM orders WHERE pg_sleep(30) IS NOT NULL", "effect": "read", "timeout": "60s"},
    "create": {"from": "SELECT CAST(lo_create(4711) AS bigint) AS n", "effect": "read"},
    "unlock": {
        "from": "SELECT set_config('transaction_read_only', 'off', false) AS a, CAST(lo_create(4712) AS bigint) AS n",
        "effect": "read",
    },
    "odd": {"from": "SELECT nothing FROM orders", "effect": "read"},
    "cast": {"from": "SELECT CAST(region AS bigint) AS n FROM orders", "effect": "read"},
    "nan": {"from": "SELECT CAST('NaN' AS double precision) AS a, CAST('NaN' AS numeric) AS b", "effect": "read"},
    "took": {
        "from": "SELECT interval '3 days 90 minutes' AS a, CAST(jsonb_build_array(1) AS jsonb) AS b",
        "effect": "read",
    },
}


def connection(engine: str, url: str, **more: Any) -> dict[str, Any]:
    driver = {"driver": "postgresql"} if engine == "adbc" else {}
    return {
        engine: {"url": url, **driver, **more},
        "tables": {"orders": TABLE},
        "allow_functions": FUNCTIONS,
    }


def problem(answer: Answer) -> dict[str, Any]:
    assert answer.problem is not None, answer.output
    return answer.problem


@pytest.mark.postgres
@pytest.mark.parametrize("engine", ENGINES)
async def test_nothing_can_be_written(bench: Workbench, engine: str, postgres_url: str) -> None:
    await filled(postgres_url)
    systems = await bench.serve(system(connection(engine, postgres_url, tls="off"), READS))
    assert not (await systems.call("sales.create", {}, key="")).succeeded
    await systems.call("sales.unlock", {}, key="")
    looking = await asyncpg.connect(postgres_url)
    assert await looking.fetchval("SELECT count(*) FROM pg_largeobject_metadata") == 0
    await looking.close()


@pytest.mark.postgres
@pytest.mark.parametrize("engine", ENGINES)
async def test_a_slow_statement_is_stopped_at_the_server(bench: Workbench, engine: str, postgres_url: str) -> None:
    await filled(postgres_url)
    systems = await bench.serve(system(connection(engine, postgres_url, tls="off"), READS, concurrency=1))
    assert problem(await systems.call("sales.slow", {}, key=""))["code"] == "timed_out"
    looking = await asyncpg.connect(postgres_url)
    call = asyncio.create_task(systems.call("sales.long", {}, key=""))
    await _until(looking, running=1)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    await _until(looking, running=0)
    await looking.close()
    assert (await systems.call("sales.find", {"id": 1}, key="")).succeeded


@pytest.mark.postgres
@pytest.mark.parametrize("engine", ENGINES)
async def test_a_server_that_goes_away_amid_a_statement_is_told(
    bench: Workbench, engine: str, postgres_url: str
) -> None:
    await filled(postgres_url)
    declared = system(connection(engine, postgres_url, tls="off"), READS)
    declared["limits"] = {**declared.get("limits", {}), "timeout": "60s"}  # a busy machine is no late answer
    systems = await bench.serve(declared)
    looking = await asyncpg.connect(postgres_url)
    call = asyncio.create_task(systems.call("sales.long", {}, key=""))
    await _until(looking, running=1)
    await looking.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {_OTHERS}")
    answer = await call
    await looking.close()
    assert (problem(answer)["code"], answer.transient) == ("connection_lost", True)
    assert (await systems.call("sales.find", {"id": 1}, key="")).succeeded


@pytest.mark.postgres
@pytest.mark.parametrize("engine", ENGINES)
async def test_values_and_errors_have_their_forms(bench: Workbench, engine: str, postgres_url: str) -> None:
    await filled(postgres_url)
    systems = await bench.serve(system(connection(engine, postgres_url, tls="off"), READS))
    assert (await systems.call("sales.nan", {}, key="")).output["rows"] == [{"a": None, "b": None}]
    took = (await systems.call("sales.took", {}, key="")).output["rows"][0]
    assert took["a"] in {"P3DT1H30M", "P0M3DT5400S"}
    assert took["b"] == [1]
    for name in ("odd", "cast"):
        said = problem(await systems.call(f"sales.{name}", {}, key=""))
        assert said["system"]["code"].startswith("SQLSTATE-")
        assert "north" not in str(said)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("tls", ["verify", "require", None])
async def test_a_server_without_tls_is_told_nothing(bench: Workbench, engine: str, tls: str | None) -> None:
    heard: list[bytes] = []

    async def refuses(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(8))
        writer.write(b"N")
        heard.append(await reader.read())
        writer.close()

    server = await asyncio.start_server(refuses, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    bench.secrets["INTERLOCK_SECRET_DB"] = "hidden-password"
    url = f"postgresql://reader@127.0.0.1:{port}/sales"
    more = {"password": "secret:db"} | ({"tls": tls} if tls else {})
    systems = await bench.serve(system(connection(engine, url, **more), READS))
    answer = await systems.call("sales.find", {}, key="")
    server.close()
    await server.wait_closed()
    assert (problem(answer)["code"], answer.sent) == ("unreachable", False)
    assert heard[0] == b"\x00\x00\x00\x08\x04\xd2\x16\x2f", "more than the question for TLS was sent"
    assert b"".join(heard[1:]) == b""


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_server_that_is_not_there_is_unreachable(bench: Workbench, engine: str) -> None:
    url = f"postgresql://reader@127.0.0.1:{free_port()}/sales"
    systems = await bench.serve(system(connection(engine, url), READS))
    answer = await systems.call("sales.find", {}, key="")
    assert (problem(answer)["code"], answer.sent) == ("unreachable", False)
    assert not (await systems.probe("sales")).succeeded


_OTHERS = "pid <> pg_backend_pid() AND query LIKE '%pg_sleep%' AND state = 'active' AND datname = current_database()"


async def _until(looking: Any, *, running: int) -> None:
    """Wait until so many of our statements are *running* at the server."""
    async with asyncio.timeout(30):
        while await looking.fetchval(f"SELECT count(*) FROM pg_stat_activity WHERE {_OTHERS}") != running:  # noqa: ASYNC110 - the server tells none
            await asyncio.sleep(0.01)
