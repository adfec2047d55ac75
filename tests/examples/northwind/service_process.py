"""A business system as a real process on a free port, and a plain HTTP client to ask it."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SERVICES = Path(__file__).resolve().parents[3] / "examples" / "northwind" / "services"


@dataclass(frozen=True)
class Answer:
    """What came back; `body` is the parsed JSON document."""

    status: int
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True)
class Service:
    """A running service; `credentials` are sent with every request unless other headers are given."""

    process: subprocess.Popen[str]
    port: int
    credentials: Mapping[str, str]

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
        raw: bytes | None = None,
        anonymous: bool = False,
    ) -> Answer:
        """Send one request. A connection that ends without an answer raises what `http.client` raises."""
        data = json.dumps(body).encode() if body is not None else raw
        sent = {} if anonymous else dict(self.credentials)
        if data is not None:
            sent["Content-Type"] = "application/json"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, data, {**sent, **(headers or {})})
            response = connection.getresponse()
            return Answer(response.status, dict(response.headers), json.loads(response.read()))
        finally:
            connection.close()

    def get(self, path: str) -> Any:
        """The body of a successful read."""
        answer = self.ask("GET", path)
        assert answer.status == 200, answer
        return answer.body


@contextmanager
def running(
    program: str, *arguments: str, secret: tuple[str, str], credentials: Mapping[str, str]
) -> Iterator[Service]:
    """Start `program` with a free port and its secret, and stop it at the end."""
    command = [sys.executable, str(SERVICES / program), "--port", "0", *arguments]
    environment = {**os.environ, secret[0]: secret[1]}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert "listening on http://127.0.0.1:" in line, line
            yield Service(process, int(line.rpartition(":")[2]), credentials)
        finally:
            process.terminate()
            process.wait(10)
