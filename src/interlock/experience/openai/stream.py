"""Sending an answer while it comes, and giving it up when the client goes away."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing, suppress

from interlock.experience.api.request import Receive, Send
from interlock.experience.api.responses import Headers
from interlock.experience.openai.completion import Completion
from interlock.experience.openai.dialects import Rendering
from interlock.experience.openai.running import Pieces
from interlock.values.errors import InterlockError

HEAD: Headers = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


class Stream:
    """One streamed response. Its head goes out with the first event, so that what fails before is a plain error."""

    def __init__(self, send: Send, headers: Callable[[], Headers]) -> None:
        self._send = send
        self._headers = headers
        self._rendering: Rendering | None = None
        self.begun = False

    async def run(self, rendering: Rendering, pieces: Pieces, receive: Receive) -> None:
        """Send all of *pieces*; stop, and close them, where the client goes away. Raises what they raise."""
        self._rendering = rendering
        answering = asyncio.current_task()
        gone = False

        async def watch() -> None:
            nonlocal gone
            while (await receive())["type"] != "http.disconnect":
                pass
            gone = True
            if answering is not None:
                answering.cancel()

        watching = asyncio.ensure_future(watch())
        try:
            async with aclosing(pieces):
                await self._pass_on(rendering, pieces)
        except asyncio.CancelledError:
            if not gone:
                raise
            if answering is not None:
                answering.uncancel()
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching

    async def break_off(self, error: InterlockError) -> None:
        """End what has begun with an event that says that it is not complete, and why."""
        assert self._rendering is not None  # it has begun
        await self._write(self._rendering.broken(error), more=False)

    async def _pass_on(self, rendering: Rendering, pieces: Pieces) -> None:
        async for piece in pieces:
            whole = isinstance(piece, Completion)
            body = rendering.ending(piece) if isinstance(piece, Completion) else rendering.parts(piece)
            if body or whole:
                await self._write(body, more=not whole)

    async def _write(self, body: bytes, *, more: bool) -> None:
        if not self.begun:
            self.begun = True
            await self._send({"type": "http.response.start", "status": 200, "headers": [*HEAD, *self._headers()]})
        await self._send({"type": "http.response.body", "body": body, "more_body": more})
