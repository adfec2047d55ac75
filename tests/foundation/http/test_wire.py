"""Answers over a real connection: read strictly, however they are cut, and what is not one is never taken for one."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.foundation.http import (
    HttpClient,
    HttpFailure,
    HttpLost,
    HttpRequest,
    HttpTimedOut,
    HttpUnreachable,
    ResponseTooLarge,
    ResponseUnreadable,
)
from interlock.testing.servers import (
    Behaviour,
    Received,
    ScriptedServer,
    answers,
    in_turn,
    resets,
    says,
    slowly,
    streams,
    talks_until_left,
)
from tests.foundation.http.conftest import LOOPS, until_closed

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def writes(*parts: bytes, ends: bool = False) -> Behaviour:
    """Write each of *parts* by itself, and leave the connection open unless it *ends*."""

    async def behave(_: Received, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0)
        if ends:
            writer.close()

    return behave


def ask(server: ScriptedServer, method: str = "GET", path: str = "/", **more: Any) -> HttpRequest:
    return HttpRequest(method, server.url + path, **{"timeout": 5.0, "max_bytes": 100_000} | more)


@pytest.mark.parametrize(
    ("text", "body"),
    [
        (OK + b"Content-Length: 2\r\n\r\nab", b"ab"),
        (OK + b"Content-Length: 0\r\n\r\n", b""),
        (CHUNKED + b"1\r\na\r\n1;x=y\r\nb\r\n0\r\n\r\n", b"ab"),
        (CHUNKED + b"2\r\nab\r\n0\r\nX-More: 9\r\nX-After: z\r\n\r\n", b"ab"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\nab", b"ab"),
        (b"HTTP/1.1 103 Early\r\nLink: a\r\n\r\n" * 3 + OK + b"Content-Length: 2\r\n\r\nab", b"ab"),
        (b"HTTP/1.1 204 None\r\n\r\n", b""),
        (b"HTTP/1.1 304 Same\r\nContent-Length: 12\r\n\r\n", b""),
    ],
)
async def test_each_form_of_an_answer_is_read_and_the_connection_kept(
    client: HttpClient, text: bytes, body: bytes
) -> None:
    async with ScriptedServer(writes(text)) as server:
        for _ in range(3):
            response = await client.send(ask(server))
            assert response.body == body
            assert "x-after" not in response.headers
    assert server.connections == 1


@pytest.mark.parametrize(
    "text",
    [
        OK + b"\r\nab",
        b"HTTP/1.0 200 OK\r\n\r\nab",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab",
        OK + b"Connection: close\r\nContent-Length: 2\r\n\r\nab",
        OK + b"Connection: x, Close\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
    ],
)
async def test_a_connection_that_is_not_to_be_kept_is_not(client: HttpClient, text: bytes) -> None:
    ends = b"\r\n\r\nab" in text and b"Content-Length" not in text
    async with ScriptedServer(writes(text, ends=ends)) as server:
        for _ in range(2):
            assert (await client.send(ask(server))).body == b"ab"
    assert server.connections == 2


async def test_a_head_alone_is_all_of_an_answer_to_head(client: HttpClient) -> None:
    async with ScriptedServer(writes(OK + b"Content-Length: 2000000000\r\n\r\n")) as server:
        for _ in range(3):
            response = await client.send(ask(server, "HEAD"))
            assert (response.body, response.headers["content-length"]) == (b"", "2000000000")
        server.behaviour = answers(200, {})
        assert (await client.send(ask(server))).body == b"{}"
    assert server.connections == 1


REFUSED = {
    "more than announced": OK + b"Content-Length: 2\r\n\r\nabc",
    "another answer": OK + b"Content-Length: 2\r\n\r\nab" + OK + b"Content-Length: 0\r\n\r\n",
    "two lengths": OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nab",
    "a list of lengths": OK + b"Content-Length: 2, 3\r\n\r\nab",
    "a signed length": OK + b"Content-Length: +2\r\n\r\nab",
    "no length": OK + b"Content-Length:\r\n\r\nab",
    "a huge length": OK + b"Content-Length: 99999999999999999999\r\n\r\nab",
    "length and chunks": OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
    "chunks and length": OK + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\nab\r\n0\r\n\r\n",
    "chunked twice": OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "another coding": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "an unknown coding": OK + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a bad size": CHUNKED + b"0x2\r\nab\r\n0\r\n\r\n",
    "a negative size": CHUNKED + b"-2\r\nab\r\n0\r\n\r\n",
    "a huge size": CHUNKED + b"fffffffffffffffff\r\nab",
    "a length after the chunks": CHUNKED + b"2\r\nab\r\n0\r\nContent-Length: 9\r\n\r\n",
    "a longer chunk": CHUNKED + b"2\r\nabc\r\n0\r\n\r\n",
    "bare line feeds": OK.replace(b"\r", b"") + b"Content-Length: 2\n\nab",
    "a line feed after a field": OK + b"A: b\nContent-Length: 2\r\n\r\nab",
    "line feeds around chunks": CHUNKED + b"2\nab\n0\n\n",
    "a line feed in an extension": CHUNKED + b"2;a\nb\r\nab\r\n0\r\n\r\n",
    "a carriage return in a field": OK + b"A: b\rc\r\nContent-Length: 0\r\n\r\n",
    "a zero in a field": OK + b"A: b\0c\r\nContent-Length: 0\r\n\r\n",
    "a folded field": OK + b"A: b\r\n c\r\nContent-Length: 0\r\n\r\n",
    "a space before the colon": OK + b"Content-Length : 0\r\n\r\n",
    "a body where none may be": b"HTTP/1.1 204 None\r\n\r\nab",
    "an empty line first": b"\r\n" + OK + b"Content-Length: 0\r\n\r\n",
    "another protocol": b"RTSP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "another version": b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "an old version": b"HTTP/0.9 200 OK\r\nContent-Length: 0\r\n\r\n",
    "no status": b"HTTP/1.1 OK\r\n\r\n",
    "a status below all": b"HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n",
    "another protocol from here on": b"HTTP/1.1 101 On\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nabc",
    "a long line": OK + b"A: " + b"a" * 20_000 + b"\r\nContent-Length: 0\r\n\r\n",
    "a long head": OK + (b"A: " + b"a" * 1000 + b"\r\n") * 80 + b"Content-Length: 0\r\n\r\n",
    "a head without end": OK + b"A: " + b"a" * 200_000,
    "hints without end": b"HTTP/1.1 103 Early\r\nLink: a\r\n\r\n" * 20_000,
    "a long trailer": CHUNKED + b"2\r\nab\r\n0\r\n" + (b"A: " + b"a" * 1000 + b"\r\n") * 80 + b"\r\n",
    "an extension without end": CHUNKED + b"2;" + b"a" * 400_000,
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
async def test_what_is_not_clearly_one_answer_is_unreadable_and_its_connection_closed(
    client: HttpClient, text: bytes
) -> None:
    async with ScriptedServer(in_turn(writes(text), answers(200, {}))) as server:
        with pytest.raises(ResponseUnreadable) as failure:
            await client.send(ask(server))
        assert failure.value.sent
        assert (await client.send(ask(server))).body == b"{}"
    assert server.connections == 2


async def test_an_answer_to_head_with_a_body_is_unreadable(client: HttpClient) -> None:
    async with ScriptedServer(writes(OK + b"Content-Length: 5\r\n\r\nhello")) as server:
        with pytest.raises(ResponseUnreadable):
            await client.send(ask(server, "HEAD"))


async def test_what_a_server_says_unasked_is_never_an_answer(client: HttpClient) -> None:
    """A second answer, sent after the first was read, must not become the answer to the next request."""
    said = asyncio.Event()

    async def twice(request: Received, writer: asyncio.StreamWriter) -> None:
        await answers(200, {"n": 1})(request, writer)
        await said.wait()
        await answers(200, {"forged": True})(request, writer)
        await asyncio.Event().wait()

    async with ScriptedServer(in_turn(twice, answers(200, {"n": 2}))) as server:
        assert (await client.send(ask(server))).body == b'{"n": 1}'
        said.set()
        await until_closed(client)
        assert (await client.send(ask(server))).body == b'{"n": 2}'
    assert server.connections == 2


async def test_a_connection_that_the_server_closed_while_idle_is_not_used(client: HttpClient) -> None:
    async with ScriptedServer(writes(OK + b"Content-Length: 0\r\n\r\n", ends=True)) as server:
        for _ in range(3):
            await client.send(ask(server, "POST", body=b"x"))
            await until_closed(client)
    assert (server.connections, len(server.received)) == (3, 3)


@pytest.mark.parametrize(
    ("text", "begun"),
    [
        (b"", False),
        (b"HTTP/1.1 20", False),
        (OK + b"Content-Length: 2\r\n", False),
        (OK + b"Content-Length: 2\r\n\r\na", True),
        (CHUNKED + b"2\r\nab\r\n", True),
        (CHUNKED + b"2\r\nab\r\n0\r\n", True),
        (b"HTTP/1.1 100 Continue\r\n\r\n", False),
    ],
)
async def test_an_answer_that_ends_anywhere_before_its_end_is_lost(
    client: HttpClient, text: bytes, begun: bool
) -> None:
    async with ScriptedServer(says(text)) as server:
        with pytest.raises(HttpLost) as failure:
            await client.send(ask(server, "PUT", body=b"x"))
        assert (failure.value.sent, failure.value.begun) == (True, begun)
        assert len(server.received) == 1


async def test_a_body_until_the_end_that_breaks_instead_is_lost(client: HttpClient) -> None:
    async def begins(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(OK + b"\r\nab")
        await writer.drain()
        await resets()(request, writer)

    async with ScriptedServer(begins) as server:
        with pytest.raises(HttpLost):
            await client.send(ask(server))


CUT = (
    b"HTTP/1.1 100 Continue\r\nX-A: b\r\n\r\n"
    b"HTTP/1.1 201 Made\r\nContent-Type: Application/JSON; charset=utf-8\r\nX-E: \xc3\xa9\xff\r\n"
    b"Set-Cookie: a\r\nset-cookie: b\r\nTransfer-Encoding: chunked\r\n\r\n"
    b'5\r\n{"a":\r\n3;x="y"\r\n 1}\r\n0\r\nX-After: z\r\n\r\n'
)


@pytest.mark.parametrize("loop", LOOPS)
@settings(max_examples=60, deadline=None)
@given(cuts=st.lists(st.integers(1, len(CUT) - 1), max_size=12, unique=True))
def test_an_answer_reads_alike_wherever_it_is_cut(loop: str, cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(CUT)]
    parts = [CUT[start:end] for start, end in itertools.pairwise(edges)]

    async def exchange() -> None:
        async with HttpClient() as client, ScriptedServer(writes(*parts)) as server:
            for _ in range(2):
                response = await client.send(ask(server))
                assert (response.status, response.media_type, response.body) == (201, "application/json", b'{"a": 1}')
                assert response.headers["X-E"] == "é\udcff"
                assert response.headers["SET-COOKIE"] == "a"
            async with client.stream(ask(server)) as stream:
                assert b"".join([part async for part in stream.parts()]) == b'{"a": 1}'
        assert server.connections == 1

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(exchange())


async def test_every_byte_may_come_by_itself(client: HttpClient) -> None:
    async with ScriptedServer(slowly(writes(CUT), pieces=len(CUT), pause=0)) as server:
        assert (await client.send(ask(server))).body == b'{"a": 1}'


@pytest.mark.parametrize("loop", LOOPS)
@given(text=st.binary(max_size=200), begun=st.booleans())
@settings(max_examples=60, deadline=None)
def test_no_bytes_lead_to_anything_but_an_answer_or_a_failure(loop: str, text: bytes, begun: bool) -> None:
    async def exchange() -> None:
        async with HttpClient() as client, ScriptedServer(says(CHUNKED + text if begun else text)) as server:
            with contextlib.suppress(HttpFailure):
                await client.send(ask(server))

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(exchange())


async def test_the_parts_of_a_stream_are_given_as_they_come(client: HttpClient) -> None:
    go_on = asyncio.Event()

    async def behave(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(CHUNKED + b"3\r\none\r\n")
        await go_on.wait()
        writer.write(b"3\r\ntwo\r\n0\r\n\r\n")

    async with ScriptedServer(behave) as server:
        async with client.stream(ask(server)) as stream:
            assert stream.status == 200
            parts = stream.parts()
            assert await anext(parts) == b"one"
            go_on.set()
            assert [part async for part in parts] == [b"two"]
        await client.send(ask(server))
    assert server.connections == 1
    assert server.received[0].headers["accept-encoding"] == "identity"


async def test_a_stream_that_is_left_early_is_closed(client: HttpClient) -> None:
    left = asyncio.Event()

    async def talks(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(CHUNKED)
        await talks_until_left(left)(request, writer)

    async with ScriptedServer(in_turn(talks, answers(200, {}))) as server:
        async with client.stream(ask(server)) as stream:
            assert await anext(stream.parts())
        async with asyncio.timeout(5):
            await left.wait()
        with pytest.raises(HttpLost):
            await stream.whole()
        assert (await client.send(ask(server))).body == b"{}"
    assert server.connections == 2


async def test_a_slow_reader_holds_the_writer_back(client: HttpClient) -> None:
    """What an endless answer fills is bounded by what is held for its reader, not by what the server has."""
    written = 0

    async def endless(_: Received, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        writer.write(CHUNKED)
        while True:
            writer.write(b"10000\r\n" + b" " * 65536 + b"\r\n")
            await writer.drain()
            written += 65536

    async with (
        ScriptedServer(endless) as server,
        client.stream(ask(server, max_bytes=1 << 40)) as stream,
    ):
        parts = stream.parts()
        read = len(await anext(parts))
        before = -1
        while written > before:  # until it is held back
            before = written
            await asyncio.sleep(0.1)
        assert written < 40 << 20
        while read <= written:  # and it goes on when it is read
            read += len(await anext(parts))
            await asyncio.sleep(0)
            if read > before + (4 << 20):
                break
        assert written > before


async def test_a_stream_is_bounded_as_a_whole(client: HttpClient) -> None:
    async with ScriptedServer(streams()) as server:
        async with client.stream(ask(server)) as stream:
            with pytest.raises(ResponseTooLarge):
                _ = [part async for part in stream.parts()]
        async with client.stream(ask(server)) as stream:
            with pytest.raises(ResponseTooLarge):
                await stream.whole()


@pytest.mark.parametrize("text", [b"", OK, CHUNKED, CHUNKED + b"2\r\nab\r\n"])
async def test_silence_is_given_up_on_by_its_own_limit(client: HttpClient, text: bytes) -> None:
    async with ScriptedServer(writes(text)) as server:
        with pytest.raises(HttpTimedOut, match="nothing came") as failure:
            await client.send(ask(server, timeout=30.0, idle=0.1))
    assert failure.value.begun == text.startswith(CHUNKED)


async def test_a_reader_that_is_slow_is_not_silence(client: HttpClient) -> None:
    go_on = asyncio.Event()

    async def behave(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(CHUNKED + b"3\r\none\r\n")
        await go_on.wait()
        writer.write(b"0\r\n\r\n")

    async with ScriptedServer(behave) as server, client.stream(ask(server, timeout=30.0, idle=0.2)) as stream:
        parts = stream.parts()
        assert await anext(parts) == b"one"
        await asyncio.sleep(0.5)
        go_on.set()
        assert [part async for part in parts] == []


async def test_a_large_body_is_sent_whole(client: HttpClient) -> None:
    body = bytes(range(256)) * 20_000
    async with ScriptedServer(answers(200, {})) as server:
        for _ in range(2):
            await client.send(ask(server, "POST", body=body))
    assert [one.body for one in server.received] == [body, body]
    assert server.connections == 1


async def test_an_answer_before_the_request_was_read_is_taken_and_the_connection_is_not(client: HttpClient) -> None:
    async def hasty(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Large\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        await left.wait()
        writer.transport.abort()

    left = asyncio.Event()
    server = await asyncio.start_server(hasty, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    response = await client.send(HttpRequest("POST", url, body=b" " * 50_000_000, timeout=10.0))
    assert response.status == 413
    await until_closed(client)
    left.set()
    server.close()


@pytest.mark.parametrize(
    "headers",
    [
        {"X-A": "b\r\nX-C: d"},
        {"X-A": "b\nX-C: d"},
        {"X-A": "b\0"},
        {"X-A\r\nX-B": "c"},
        {"X A": "b"},
        {"": "b"},
        {"X-A:": "b"},
        {"X-A": "\ud800"},
        {"Content-Length": "7"},
        {"Content-Length": "2", "content-length": "2"},
        {"Host": "a", "host": "b"},
        {"Transfer-Encoding": "chunked"},
    ],
)
async def test_a_head_that_would_not_be_what_it_seems_is_never_sent(
    client: HttpClient, headers: dict[str, str]
) -> None:
    async with ScriptedServer(answers(200, {})) as server:
        with pytest.raises(HttpUnreachable) as failure:
            await client.send(ask(server, "POST", headers=headers, body=b"{}"))
        assert not failure.value.sent
        with pytest.raises(HttpUnreachable):
            await client.send(ask(server, "GET / HTTP/1.1\r\nX-A: b\r\n\r\nGET"))
        assert server.connections == 0


async def test_a_request_says_what_it_must_and_nothing_else(client: HttpClient) -> None:
    async with ScriptedServer(answers(200, {})) as server:
        await client.send(ask(server))
        own = {"ACCEPT": "text/plain", "host": "erp.example", "X-E": "é"}
        await client.send(ask(server, "post", headers=own))
    plain, given_ = server.received
    assert plain.headers == {
        "host": server.url.removeprefix("http://"),
        "accept": "*/*",
        "accept-encoding": "gzip",
        "user-agent": "interlock",
    }
    assert given_.method == "POST"
    assert given_.headers == {
        "accept": "text/plain",
        "host": "erp.example",
        "x-e": "é".encode().decode("latin-1"),
        "content-length": "0",
        "accept-encoding": "gzip",
        "user-agent": "interlock",
    }


async def test_a_list_that_comes_in_several_fields_is_whole() -> None:
    head = OK + b"Content-Length: 0\r\nLink: <a>; rel=prev\r\nX-One: 1\r\nlink: <b>; rel=next\r\nX-One: 2\r\n\r\n"
    async with ScriptedServer(writes(head)) as server, HttpClient() as client:
        headers = (await client.send(ask(server))).headers
    assert (headers["Link"], headers["x-one"]) == ("<a>; rel=prev, <b>; rel=next", "1")
