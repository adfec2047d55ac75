"""Stands between Interlock and a foreign system, passes every call on, and loses answers that it is told to lose."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http.client import HTTPConnection

from interlock.testing.servers import Received, head, resets


class Relay:
    """Passes calls on to *port* of this machine. *name* names one; the answers to those in `lost` never come back."""

    def __init__(self, port: int, name: Callable[[Received], str]) -> None:
        self.lost: set[str] = set()
        self.calls: list[str] = []
        self._port = port
        self._name = name

    async def __call__(self, request: Received, writer: asyncio.StreamWriter) -> None:
        name = self._name(request)
        self.calls.append(name)
        status, headers, content = await asyncio.to_thread(self._passed, request)
        if name in self.lost:
            await resets()(request, writer)
            return
        writer.write(head(status, {**headers, "content-length": str(len(content))}) + content)

    def _passed(self, request: Received) -> tuple[int, dict[str, str], bytes]:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=60)
        try:
            connection.request(request.method, request.target, request.body, dict(request.headers))
            answer = connection.getresponse()
            names = {"content-type", "content-encoding", "etag"}
            headers = {name.lower(): value for name, value in answer.getheaders() if name.lower() in names}
            return answer.status, headers, answer.read()
        finally:
            connection.close()
