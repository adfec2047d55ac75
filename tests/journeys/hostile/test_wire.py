"""Requests that no honest client would write: paths, headers, methods and bytes on the wire."""

from __future__ import annotations

import socket
from contextlib import suppress

import psutil
import pytest

from tests.journeys.place import Place

ANSWER = 20.0
GROWTH = 64 << 20


def exchange(town: Place, *parts: bytes) -> bytes:
    """Send *parts* as they are on a connection of its own; return what came back until the server closed it."""
    with socket.create_connection(("127.0.0.1", town.server.port), timeout=ANSWER) as connection:
        received = b""
        with suppress(OSError):  # the server may have had enough, which is its right; what it said is still to be read
            for part in parts:
                connection.sendall(part)
            connection.shutdown(socket.SHUT_WR)
        with suppress(OSError):
            while chunk := connection.recv(65536):
                received += chunk
        return received


PATHS = {
    "/v1/../v1/keys": {404},
    "/v1/./keys": {404},
    "//v1/keys": {404},
    "/v1//keys": {404},
    "/v1/keys/": {404},
    "/V1/KEYS": {404},
    "/v1/keys%2f": {404},
    "/v1/%2e%2e/v1/keys": {404},
    "/v1/actions/..%2fkeys": {404},
    "/v1/actions/%00": {404},
    "/v1/actions/act_%ff": {404},
    "/v1/actions/act_' OR 1=1": {404},
    "/v1/actions/" + "a" * 8000: {404},
    "/v1/journal/%25": {200},
    "/v1/actions?limit=0": {422},
    "/v1/actions?limit=-1": {422},
    "/v1/actions?limit=501": {422},
    "/v1/actions?limit=1e2": {422},
    "/v1/actions?limit=" + "9" * 5000: {422},
    "/v1/actions?state=finished": {422},
    "/v1/actions?state=waiting%00": {422},
    "/v1/actions?before=%27%3B--": {200},
    "/v1/actions?%ff=%ff": {400},
    "/v1/journal?before=AAAA": {400},
    "/v1/journal?since=yesterday": {400},
    "/v1/approvals?state=none": {422},
    "/.env": {404},
    "/v1": {404},
}


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path[:40])
def test_tricks_with_paths_and_queries(town: Place, path: str) -> None:
    reply = town["ada"].send("GET", path.replace(" ", "%20"))
    assert reply.status in PATHS[path], reply.content
    if reply.status >= 400:
        assert reply.code
        assert reply.kind == "application/problem+json"


@pytest.mark.parametrize("path", ["/v1/keys", "/v1/nowhere", "/v1/../v1/keys", "/v1/actions/x"])
def test_without_a_key_no_path_tells_whether_it_exists(town: Place, path: str) -> None:
    reply = town.server.caller().send("GET", path)
    assert (reply.status, reply.code) == (401, "unauthenticated")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "OPTIONS", "PROPFIND"])
def test_other_methods(town: Place, method: str) -> None:
    reply = town["ada"].send(method, "/v1/actions")
    assert (reply.status, reply.code) == (405, "method_not_allowed")
    assert reply.headers["allow"] == "GET, POST"


@pytest.mark.parametrize("key", ["k" * 201, "k" * 5000])
def test_an_idempotency_key_that_is_too_long(town: Place, key: str) -> None:
    body = {"session": "x", "operation": "y"}
    reply = town["helper"].send("POST", "/v1/actions", body, headers={"idempotency-key": key})
    assert (reply.status, reply.code) == (422, "request_invalid")


GARBAGE = {
    "no HTTP": [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200],
    "a broken line": [b"GET\r\n\r\n"],
    "another version": [b"GET / HTTP/9.9\r\n\r\n"],
    "two lengths": [b"POST /v1/actions HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!"],
    "a negative length": [b"POST /v1/actions HTTP/1.1\r\nhost: x\r\ncontent-length: -5\r\n\r\n"],
    "length and chunks": [
        b"POST /v1/actions HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n",
        b"0\r\n\r\nGET /v1/keys HTTP/1.1\r\n\r\n",
    ],
    "half a body": [b"POST /v1/actions HTTP/1.1\r\nhost: x\r\ncontent-length: 500\r\n\r\n{"],
    "a broken chunk": [b"POST /v1/actions HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n"],
    "control characters in a header": [b"GET /v1/keys HTTP/1.1\r\nhost: x\r\nauthorization: Bearer \x01\x02\r\n\r\n"],
    "a web socket": [
        b"GET /v1/keys HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n",
        b"sec-websocket-version: 13\r\nsec-websocket-key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n",
    ],
    "a header of nothing": [b"GET /v1/keys HTTP/1.1\r\n: \r\n\r\n"],
}


@pytest.mark.parametrize("case", GARBAGE)
def test_garbage_on_the_wire_is_no_success(town: Place, case: str) -> None:
    received = exchange(town, *GARBAGE[case])
    assert b" 200 " not in received.split(b"\r\n", 1)[0], received[:500]
    assert b" 500 " not in received.split(b"\r\n", 1)[0], received[:500]
    assert town.server.caller().send("GET", "/healthz").status == 200


HEADS = {
    "many headers": [b"x-filler: " + b"a" * 8000 + b"\r\n"] * 12_000,
    "one header": [b"x-filler: ", *[b"a" * 8000] * 12_000],
}


@pytest.mark.parametrize("case", HEADS)
def test_headers_without_end_neither_fill_the_memory_nor_stop_the_others(town: Place, case: str) -> None:
    server = psutil.Process(town.server.pid)
    before = server.memory_info().rss
    received = exchange(town, b"GET /healthz HTTP/1.1\r\nhost: x\r\n", *HEADS[case], b"\r\n\r\n")
    assert b" 200 " not in received.split(b"\r\n", 1)[0], received[:300]
    assert server.memory_info().rss - before < GROWTH
    assert town.server.caller().send("GET", "/healthz").status == 200


def test_a_head_that_is_too_large_is_told_so(town: Place) -> None:
    received = exchange(town, b"GET /v1/keys HTTP/1.1\r\nhost: x\r\n", *([b"x-filler: " + b"a" * 1000 + b"\r\n"] * 70))
    assert b" 431 " in received.split(b"\r\n", 1)[0], received[:300]
    assert b"head_too_large" in received


def test_connections_that_say_nothing_do_not_stop_the_others(town: Place) -> None:
    silent = [socket.create_connection(("127.0.0.1", town.server.port), timeout=ANSWER) for _ in range(200)]
    try:
        for connection in silent:
            connection.sendall(b"POST /v1/actions HTTP/1.1\r\nhost: x\r\n")
        assert town["ada"].send("GET", "/v1/actions").status == 200
    finally:
        for connection in silent:
            connection.close()
