"""The ASGI application: one installation, its surfaces by path, and what runs beside them."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
from pathlib import Path

from interlock.app.composition import Running, compose
from interlock.experience.api import Api
from interlock.experience.api.request import Receive, Scope, Send
from interlock.experience.api.responses import send_bytes, send_json
from interlock.experience.console import Console
from interlock.experience.facades import PREFIX, Facades
from interlock.experience.mcp import Mcp
from interlock.experience.openai import OpenAi
from interlock.foundation.settings.environment import setting
from interlock.values.errors import InterlockError, place_of

log = logging.getLogger("interlock.server")


class Server:
    """Answers every request of one process. Built before the event loop runs; opened in its lifespan."""

    def __init__(self, root: Path, environment: dict[str, str]) -> None:
        self._root = root
        self._environment = environment
        self._running: Running | None = None
        self._broken = False
        self._tasks: list[asyncio.Task[None]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Dispatch by the first segment of the path."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        if OpenAi.answers(path):
            await self._openai(scope, receive, send)
        elif path.startswith("/v1/"):
            await self._api(scope, receive, send)
        elif path == "/mcp" or path.startswith("/.well-known/"):
            await self._mcp(scope, receive, send)
        elif path.startswith("/console"):
            await self._console(scope, receive, send)
        elif path == "/healthz":
            await send_json(send, 200, {"status": "ok"})
        elif path == "/readyz":
            await self._ready(send)
        elif path == "/metrics":
            body, kind = self._open.installation.telemetry.metrics.render()
            await send_bytes(send, 200, body, kind.encode())
        elif path == "/":
            location = [(b"location", b"/console")]
            await send_bytes(send, 307, b"", b"text/plain", location)
        else:
            await self._api(scope, receive, send)

    @property
    def _open(self) -> Running:
        assert self._running is not None
        return self._running

    async def _ready(self, send: Send) -> None:
        ready = not self._broken and self._running is not None and await self._running.ready()
        status = self._open.installation.projects.status() if self._running else {}
        body = {"status": "ready" if ready else "not ready", "project": status.get("version", "")}
        await send_json(send, 200 if ready else 503, body)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                try:
                    await self._start()
                except InterlockError as error:
                    await send({"type": "lifespan.startup.failed", "message": str(error)})
                    return
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self._stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _start(self) -> None:
        running = await compose(self._root, self._environment)
        installation = running.installation
        self._running = running
        self._api = Api(installation, {PREFIX: Facades(installation, secret=running.secret)})
        self._openai = OpenAi(installation)
        self._mcp = Mcp(installation, secret=running.secret)
        self._console = Console(installation)
        await installation.settlement.recover()
        self._tasks = [asyncio.create_task(work) for work in running.background()]
        for task in self._tasks:
            task.add_done_callback(self._ended)
        gc.collect()
        gc.freeze()  # what was built so far lives as long as the process; looking through it again finds nothing

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Say that the server is not ready any more when something that runs beside it has broken."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self._broken = True
            log.error("%s ended with %s at %s", task.get_name(), type(error).__name__, place_of(error))

    async def _stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self._open.close()


def create() -> Server:
    """Return the server for the project that the environment names; what a process manager imports."""
    environment = dict(os.environ)
    return Server(Path(setting("INTERLOCK_PROJECT", environment)).resolve(), environment)
