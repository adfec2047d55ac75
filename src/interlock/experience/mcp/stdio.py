"""MCP over stdio for hosts that start a program: a bridge that carries each line to a running server's `/mcp`."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from typing import Any, BinaryIO

import orjson

from interlock.experience.mcp.errors import ProtocolFault
from interlock.experience.mcp.messages import (
    INTERNAL_ERROR,
    INVALID_REQUEST,
    PARSE_ERROR,
    REFUSED,
    Message,
    MessageId,
    error,
    id_of,
    message_of,
)
from interlock.experience.mcp.revisions import NAMED, VERSION_KEY, encoded
from interlock.foundation.http import HttpClient, HttpFailure, HttpRequest, HttpResponse

PATH = "/mcp"
LONGEST_LINE = 4 << 20
LONGEST_ANSWER = 16 << 20
TIMEOUT = 300.0
AT_ONCE = 64
READ_AT_ONCE = 1 << 18


async def bridge(url: str, key: str, stdin: BinaryIO, stdout: BinaryIO) -> None:
    """Carry messages between *stdin* / *stdout*, one JSON-RPC message a line, and the server at *url*, until EOF.

    *stdin* must be a file of the operating system (a pipe or terminal) from which nothing was read before.
    *url* is the server's address, with or without `/mcp`; *key* the API key to call with. Requests run side by side;
    their answers are written as they come. What goes wrong on the way is a JSON-RPC error to the request it befell.
    """
    address = url.rstrip("/")
    address = address if address.endswith(PATH) else address + PATH
    async with HttpClient(connections=AT_ONCE, per_host=AT_ONCE) as client:
        await _Bridge(client, address, key, stdout).run(_lines(stdin))


class _Bridge:
    def __init__(self, client: HttpClient, address: str, key: str, stdout: BinaryIO) -> None:
        self._client = client
        self._address = address
        self._key = key
        self._stdout = stdout
        self._version = ""
        self._running: dict[MessageId, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._room = asyncio.Semaphore(AT_ONCE)

    async def run(self, lines: asyncio.Queue[bytes | None]) -> None:
        """Carry lines until there are no more, then wait for the answers still to come."""
        try:
            while (line := await lines.get()) is not None:
                await self._take(line)
            await asyncio.gather(*self._tasks, return_exceptions=True)
        finally:
            for task in self._tasks:
                task.cancel()

    async def _take(self, line: bytes) -> None:
        if len(line) >= LONGEST_LINE:
            self._write(error(None, INVALID_REQUEST, f"a line may have at most {LONGEST_LINE} bytes"))
            return
        if not line.strip():
            return
        value = None
        try:
            value = orjson.loads(line)
            message = message_of(value)
        except orjson.JSONDecodeError:
            self._write(error(None, PARSE_ERROR, "the line is not JSON"))
            return
        except ProtocolFault as fault:
            self._write(error(id_of(value), fault.number, fault.what))
            return
        if message.method == "notifications/cancelled":
            self._cancel(message.params.get("requestId"))
            return
        await self._room.acquire()
        task = asyncio.create_task(self._carry(message, line))
        self._tasks.add(task)
        if message.id is not None:
            self._running[message.id] = task
        task.add_done_callback(lambda done: self._done(done, message.id))

    def _done(self, task: asyncio.Task[None], number: MessageId | None) -> None:
        self._room.release()
        self._tasks.discard(task)
        if number is not None and self._running.get(number) is task:
            del self._running[number]

    def _cancel(self, number: Any) -> None:
        """Stop waiting for an answer that nobody wants any more; what the server has begun, it finishes."""
        task = self._running.get(number) if isinstance(number, (str, int)) else None
        if task is not None:
            task.cancel()

    async def _carry(self, message: Message, line: bytes) -> None:
        request = HttpRequest(
            "POST", self._address, self._headers(message), line.strip(), timeout=TIMEOUT, max_bytes=LONGEST_ANSWER
        )
        try:
            response = await self._client.send(request)
        except HttpFailure as failure:
            if message.id is not None:
                self._write(error(message.id, INTERNAL_ERROR, failure.what, failure.problem()))
            return
        if message.id is not None:
            self._write(self._answer(message, response))

    def _headers(self, message: Message) -> dict[str, str]:
        headers = {
            "Authorization": f"Bearer {self._key}",
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
        }
        version = message.meta.get(VERSION_KEY)
        if isinstance(version, str):
            headers["Mcp-Method"] = encoded(message.method)
            name = message.params.get(NAMED.get(message.method, ""))
            if isinstance(name, str):
                headers["Mcp-Name"] = encoded(name)
        else:
            version = self._version
        if version and message.method != "initialize":
            headers["MCP-Protocol-Version"] = encoded(version)
        return headers

    def _answer(self, message: Message, response: HttpResponse) -> bytes:
        """Return the line that answers *message*; an answer without an id of its own gets the request's."""
        try:
            value = orjson.loads(response.body) if response.is_json else None
        except orjson.JSONDecodeError:
            value = None
        if not isinstance(value, dict) or not ("result" in value or "error" in value):
            return error(message.id, REFUSED, f"the server answered with status {response.status}, not a message")
        if message.method == "initialize" and isinstance(value.get("result"), dict):
            self._version = str(value["result"].get("protocolVersion", ""))
        return orjson.dumps({**value, "id": message.id})

    def _write(self, line: bytes) -> None:
        self._stdout.write(line + b"\n")
        self._stdout.flush()


def _lines(stdin: BinaryIO) -> asyncio.Queue[bytes | None]:
    """Return a queue of the lines of *stdin*, then None. They are read by a thread that does not keep us alive."""
    queue: asyncio.Queue[bytes | None] = asyncio.Queue(AT_ONCE)
    loop = asyncio.get_running_loop()

    def put(line: bytes | None) -> None:
        putting = queue.put(line)
        try:
            asyncio.run_coroutine_threadsafe(putting, loop).result()
        except RuntimeError:
            putting.close()
            raise

    def read() -> None:
        try:
            for line in _split(stdin.fileno()):
                put(line)
            put(None)
        except (RuntimeError, asyncio.CancelledError):
            return  # the loop is over, so nobody waits for lines any more

    threading.Thread(target=read, name="interlock-mcp-stdin", daemon=True).start()
    return queue


def _split(descriptor: int) -> Iterator[bytes]:
    """Yield the lines that are read from *descriptor*; of one that is too long, only the beginning.

    It is read past Python's buffer, whose lock a thread that waits for input would still hold when the process ends.
    """
    pending = b""
    dropping = False
    while chunk := os.read(descriptor, READ_AT_ONCE):
        *whole, pending = (pending + chunk).split(b"\n")
        for line in whole:
            if not dropping:
                yield line
            dropping = False
        if len(pending) >= LONGEST_LINE:
            if not dropping:
                yield pending
            pending, dropping = b"", True
    if pending and not dropping:
        yield pending
