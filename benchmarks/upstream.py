"""A business system that costs next to nothing: a customer to read, a refund to make; counts what reached it."""

from __future__ import annotations

import argparse
import asyncio
import json
from typing import Any

CUSTOMER = {
    "id": "42",
    "name": "Jane Roe",
    "email": "jane.roe@example.com",
    "tier": "gold",
    "balance": 120.5,
    "address": {"street": "1 Main St", "city": "Springfield", "zip": "12345"},
}
HITS = {"customers": 0, "refunds": 0}


def _answer(status: str, value: Any) -> bytes:
    body = json.dumps(value, separators=(",", ":")).encode()
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


_CUSTOMER = _answer("200 OK", CUSTOMER)
_REFUND = _answer("201 Created", {"id": "r-1", "status": "accepted", "order_id": "4711", "amount": 25.0})


class Upstream(asyncio.Protocol):
    """Answers HTTP/1.1 requests with keep-alive; bodies are read by their length and not parsed."""

    def __init__(self) -> None:
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while True:
            head, separator, rest = self._buffer.partition(b"\r\n\r\n")
            if not separator:
                return
            length = 0
            for line in head.split(b"\r\n")[1:]:
                if line[:15].lower() == b"content-length:":
                    length = int(line[15:])
            if len(rest) < length:
                return
            self._buffer = rest[length:]
            self._transport.write(_reply(head))  # type: ignore[attr-defined]  # a stream's transport writes


def _reply(head: bytes) -> bytes:
    if head.startswith(b"GET /customers/"):
        HITS["customers"] += 1
        return _CUSTOMER
    if head.startswith(b"POST /refunds"):
        HITS["refunds"] += 1
        return _REFUND
    return _answer("200 OK", HITS)


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", port)
    await server.serve_forever()


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    import uvloop

    uvloop.run(_serve(parser.parse_args().port))


if __name__ == "__main__":
    main()
