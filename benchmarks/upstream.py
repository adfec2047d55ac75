"""A business system and a model that cost next to nothing; counts what reached them."""

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
HITS = {"customers": 0, "refunds": 0, "chat": 0, "streams": 0}
MODEL = "mock-1"
TEXT = (
    "The refund for order 4711 was checked against the policy, and it can be paid out to the customer within three "
    "working days. A confirmation goes out by mail. "
) * 3
USAGE = {"prompt_tokens": 57, "completion_tokens": 93, "total_tokens": 150}
WORDS = 20


def _answer(status: str, value: Any) -> bytes:
    body = json.dumps(value, separators=(",", ":")).encode()
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


_CUSTOMER = _answer("200 OK", CUSTOMER)
_REFUND = _answer("201 Created", {"id": "r-1", "status": "accepted", "order_id": "4711", "amount": 25.0})


_CHAT = _answer(
    "200 OK",
    {
        "id": "c-1",
        "object": "chat.completion",
        "created": 1,
        "model": MODEL,
        "system_fingerprint": "fp",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": TEXT}, "finish_reason": "stop"}],
        "usage": USAGE,
    },
)


def _stream() -> bytes:
    """Return a stream of 23 events: one that opens it, twenty words, one that ends it, and the usage."""
    head = {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": MODEL}
    deltas: list[tuple[dict[str, str], str | None]] = [({"role": "assistant", "content": ""}, None)]
    deltas += [({"content": f"{word} "}, None) for word in TEXT.split()[:WORDS]]
    deltas.append(({}, "stop"))
    events = [{**head, "choices": [{"index": 0, "delta": said, "finish_reason": why}]} for said, why in deltas]
    events.append({**head, "choices": [], "usage": USAGE})
    lines = [f"data: {json.dumps(event, separators=(',', ':'))}\n\n".encode() for event in events]
    head_lines = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    chunks = [b"%x\r\n%s\r\n" % (len(line), line) for line in [*lines, b"data: [DONE]\n\n"]]
    return head_lines + b"".join(chunks) + b"0\r\n\r\n"


_STREAM = _stream()


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
            self._transport.write(_reply(head, rest[:length]))  # type: ignore[attr-defined]  # a stream's transport writes


def _reply(head: bytes, body: bytes) -> bytes:
    if head.startswith(b"POST /v1/chat/"):
        streamed = b'"stream":true' in body or b'"stream": true' in body
        HITS["streams" if streamed else "chat"] += 1
        return _STREAM if streamed else _CHAT
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
