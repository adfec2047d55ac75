"""Brokers are reached where they were declared, whatever they say of others, and by certificates of their own name."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from interlock.integration.systems import Answer
from tests.integration.conftest import Workbench
from tests.integration.connectors.broker.conftest import Bench
from tests.integration.connectors.broker.servers import NatsServer, Process, RabbitServer, Relay
from tests.integration.connectors.grpc.test_tls import certificate


def _code(answer: Answer) -> Any:
    assert (answer.status, answer.sent) == ("failed", False), answer
    assert answer.problem is not None
    return answer.problem["code"]


async def test_a_name_is_resolved_once_and_that_is_connected_to(broker: Bench, names: dict[str, list[str]]) -> None:
    if broker.kind == "kafka":
        pytest.skip("the broker of the tests says that it is at its address, not at its name")
    names["localhost"] = ["127.0.0.1", "169.254.169.254"]
    answer = await broker.announce("A-1", servers=[f"localhost:{broker.relay.port}"])
    assert answer.succeeded, answer.problem


async def test_brokers_that_a_cluster_names_are_declared_ones(kafka_server: Any, bench: Workbench) -> None:
    async with Relay(kafka_server.port, kafka_server.advertised) as elsewhere:
        await kafka_server.make("t.elsewhere")
        elsewhere.arm(b"interlock")
        made = Bench(kafka_server, elsewhere, bench)
        made.topic = "t.elsewhere"
        elsewhere.cut()
        connections = elsewhere.connections
        answer = await made.announce("A-1", servers=[f"127.0.0.1:{kafka_server.port}"])
        assert _code(answer) == "http_forbidden"
        assert answer.problem is not None
        assert f"127.0.0.1:{kafka_server.advertised}, which is not declared" in answer.problem["detail"]
        assert elsewhere.connections == connections
        declared = [f"127.0.0.1:{kafka_server.port}", f"127.0.0.1:{kafka_server.advertised}"]
        assert (await made.announce("A-2", servers=declared)).succeeded
        await made.close()


@asynccontextmanager
async def saying(*lines: bytes) -> AsyncIterator[tuple[int, list[bytes]]]:
    """Serve whoever comes with *lines* and the end; give the port, and what was heard."""
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(b"")
        for line in lines:
            writer.write(line)
        try:
            await writer.drain()
            heard.append(await reader.read(1 << 12))
        except OSError:
            pass
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1], heard


def _info(**more: Any) -> bytes:
    return (
        b"INFO " + json.dumps({"server_id": "x", "version": "2.11.0", "max_payload": 1024, **more}).encode() + b"\r\n"
    )


async def test_servers_that_a_server_tells_of_are_not_connected_to(nats_server: Process, bench: Workbench) -> None:
    async with saying(_info()) as (other, heard), saying(_info(connect_urls=[f"127.0.0.1:{other}"])) as (port, asked):
        made = Bench(nats_server, Relay(port, port), bench)
        assert not (await made.announce("A-1", servers=[f"127.0.0.1:{port}"])).succeeded
        assert asked
        assert not heard
        await made.close()


async def test_a_server_without_tls_gets_no_password(nats_server: Process, bench: Workbench) -> None:
    bench.secrets["INTERLOCK_SECRET_BROKER"] = "a-hidden-password"
    auth = {"username": "shop", "password": "secret:broker"}
    async with saying(_info(auth_required=True)) as (port, heard):
        made = Bench(nats_server, Relay(port, port), bench)
        answer = await made.announce("A-1", servers=[f"127.0.0.1:{port}"], tls=True, auth=auth)
        assert _code(answer) == "certificate_untrusted"
        await made.close()
    assert b"hidden" not in b"".join(heard)


# --- TLS -------------------------------------------------------------------------------------------------------------


class SecureNats(NatsServer):
    """Speaks TLS alone, with the certificate in `key.pem` of its folder."""

    def command(self) -> list[str]:
        file = str(self.folder / "key.pem")
        return [*super().command(), "--tls", "--tlscert", file, "--tlskey", file]


class SecureRabbit(RabbitServer):
    """Speaks TLS alone, with the certificate in `key.pem` of its folder."""

    def up(self) -> bool:
        return Process.up(self)

    def environment(self) -> dict[str, str]:
        file = self.folder / "key.pem"
        (self.folder / "secure.conf").write_text(
            f"listeners.tcp = none\nlisteners.ssl.1 = 127.0.0.1:{self.port}\nssl_options.certfile = {file}\n"
            f"ssl_options.keyfile = {file}\nssl_options.verify = verify_none\n"
        )
        return super().environment() | {"RABBITMQ_CONFIG_FILE": str(self.folder / "secure")}


@contextmanager
def _secured(server: Process, tmp_path: Path) -> Iterator[int]:
    for name in ("other.acme.example", "localhost"):
        (server.folder / "key.pem").write_bytes(b"".join(certificate(tmp_path, name)))
    try:
        server.start()
        yield server.port
    finally:
        server.end()


@asynccontextmanager
async def _before(port: int, tmp_path: Path) -> AsyncIterator[int]:
    """Speak TLS before a server that does not; give the port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    for name in ("other.acme.example", "localhost"):
        (tmp_path / "key.pem").write_bytes(b"".join(certificate(tmp_path, name)))
    context.load_cert_chain(tmp_path / "key.pem")
    relay = Relay(port)
    relay.tls = context
    async with relay:
        yield relay.port


async def _judged(kind: str, port: int, bench: Workbench) -> None:
    """Its own name and authority let us in; another name, and an authority that nobody trusts, do not."""
    server = type("Named", (), {"kind": kind, "port": port})()
    made = Bench(server, Relay(port, port), bench)
    for host, ca, code in (
        ("localhost", {"ca": "other.acme.example.pem"}, "certificate_untrusted"),
        ("localhost", {}, "certificate_untrusted"),
        ("127.0.0.1", {"ca": "localhost.pem"}, "certificate_untrusted"),
        ("localhost", {"ca": "localhost.pem"}, ""),
    ):
        answer = await made.connector(servers=[f"{host}:{port}"], tls=True, **ca).probe(timeout=30)
        if code:
            assert _code(answer) == code, (host, ca)
        else:
            assert answer.succeeded, answer.problem
    await made.close()


async def test_tls_of_nats(bench: Workbench, tmp_path: Path) -> None:
    with _secured(SecureNats(), tmp_path) as port:
        await _judged("nats", port, bench)


async def test_tls_of_rabbitmq(bench: Workbench, tmp_path: Path) -> None:
    with _secured(SecureRabbit(), tmp_path) as port:
        await _judged("rabbitmq", port, bench)


async def test_tls_of_redis(redis_server: Process, bench: Workbench, tmp_path: Path) -> None:
    async with _before(redis_server.port, tmp_path) as port:
        await _judged("redis", port, bench)


async def test_tls_of_kafka(kafka_server: Any, bench: Workbench, tmp_path: Path) -> None:
    async with _before(kafka_server.port, tmp_path) as port:
        made = Bench(kafka_server, Relay(port, port), bench)
        for ca in ({}, {"ca": "other.acme.example.pem"}):
            assert (
                _code(await made.connector(servers=[f"localhost:{port}"], tls=True, **ca).probe(timeout=30))
                == "unreachable"
            )
        answer = await made.connector(servers=[f"localhost:{port}"], tls=True, ca="localhost.pem").probe(timeout=30)
        assert _code(answer) == "http_forbidden", "it was let in, and heard of the broker's other address"
        await made.close()
