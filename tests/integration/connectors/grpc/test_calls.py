"""Calls to systems that speak gRPC: what is sent, what an end means, and servers that break the rules."""

from __future__ import annotations

import gzip
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import orjson
import pytest
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]  # it ships no types

from interlock.foundation.documents import parse_document
from interlock.foundation.http import HttpClient
from interlock.foundation.secrets import SecretStore
from interlock.integration.connectors.errors import SourceUnfit
from interlock.integration.connectors.grpc import plugin
from interlock.integration.systems import FAILED, SUCCEEDED, UNKNOWN, Ports
from interlock.integration.systems.declarations import declare
from interlock.testing.connectors import Condition, ConnectorContract, Rig
from interlock.testing.servers import free_port
from tests.integration.connectors.grpc.calling import PLACED, code, connected, read, working, write
from tests.integration.connectors.grpc.shop import PROTO, TOKEN, Shop, files, serving, shop
from tests.integration.connectors.grpc.wire import GOOD, Stream, breaking, said
from tests.integration.connectors.relay import Relay

ORDER = b"\x08\x01"
Code = grpc.StatusCode


def lost(stream: Stream) -> None:
    stream.abort()


def silent(_stream: Stream) -> None:
    """Say nothing."""


def endless(stream: Stream) -> None:
    stream.headers(GOOD)
    stream.raw(b"\0\x7f\xff\xff\xff" + bytes(1 << 20))


def truncated(stream: Stream) -> None:
    stream.headers(GOOD)
    stream.raw(b"\0\0\0\0\x09\x08")
    stream.abort()


def misread(stream: Stream) -> None:
    stream.headers(GOOD)
    stream.message(b"\xff\xff\xff\xff")
    stream.status(0)


def mistyped(stream: Stream) -> None:
    stream.headers(GOOD)
    stream.message(b"\x08\x07\x10\x05")  # a number where a text is declared
    stream.status(0)


def throttled(stream: Stream) -> None:
    stream.headers(GOOD)
    stream.status(8, grpc_message="slow down", grpc_retry_pushback_ms="1000")


def expired(stream: Stream) -> None:
    stream.headers(GOOD)
    stream.status(16, grpc_message="the token has expired")


class TestContract(ConnectorContract):
    plugin = "interlock.integration.connectors.grpc:plugin"
    drivers = ("grpc",)
    conditions = frozenset(Condition) - {
        Condition.unending,
        Condition.partial,
    }

    @asynccontextmanager
    async def rig(self, condition: Condition, root: Path) -> AsyncIterator[Rig]:
        service = Shop(files(root))
        if condition is Condition.changed:
            (root / "live").mkdir()
            service = Shop(files(root / "live", PROTO.replace("string customer = 2;", "string client = 2;")))
        async with self.server(condition, service) as port:
            yield Rig(shop(port), {"id": "7"}, PLACED, {"shop": TOKEN}, lambda: service.effects)

    @asynccontextmanager
    async def server(self, condition: Condition, service: Shop) -> AsyncIterator[int]:
        ends = {
            Condition.lost: lost,
            Condition.silent: silent,
            Condition.endless: endless,
            Condition.truncated: truncated,
            Condition.garbled: misread,
            Condition.mistyped: mistyped,
            Condition.throttled: throttled,
            Condition.expired: expired,
        }
        if condition in ends:
            async with breaking(ends[condition]) as port:
                yield port
        elif condition is Condition.refused:
            yield free_port()
        elif condition is Condition.slow:
            async with serving(service, reflects=True) as port, Relay(port, b"", "slow") as stands:
                yield stands.port
        else:
            async with serving(service, reflects=True) as port:
                yield port


# --- what is sent and what comes -------------------------------------------------------------------------------------


async def test_a_call_is_a_message_there_and_back(tmp_path: Path) -> None:
    async with working(tmp_path) as (_, connector):
        assert (await read(connector)).output == {"id": "7", "customer": "Ada", "status": "OPEN"}
        assert (await write(connector)).output == {"id": str(2**40), "customer": "Ada", "status": "OPEN"}
        assert (await connector.call("shout", {"value": "hi"}, key="", timeout=5)).output == "HI"
        assert (await connector.call("ping", {}, key="", timeout=5)).output == {}


async def test_metadata_says_who_calls_and_under_which_key(tmp_path: Path) -> None:
    metadata = {"x-tenant": "acme", "x-token": "secret:shop"}
    async with working(tmp_path, metadata=metadata) as (service, connector):
        await write(connector, key="key-1")
        seen = service.seen
        assert seen["authorization"] == f"Bearer {TOKEN}"
        assert (seen["x-tenant"], seen["x-token"], seen["idempotency-key"]) == ("acme", TOKEN, "key-1")
        assert seen["user-agent"].startswith("interlock ")
        await read(connector)
        assert "idempotency-key" not in service.seen


async def test_a_secret_that_comes_back_is_masked(tmp_path: Path) -> None:
    async with working(tmp_path) as (service, connector):
        service.echoes = True
        answer = await read(connector)
        assert answer.output["customer"] == f"said Bearer {'*' * len(TOKEN)}"


@pytest.mark.parametrize(("secret", "says"), [("secret:gone", "secret"), ("secret:broken", "signs")])
async def test_a_secret_that_cannot_be_sent_is_said_so(tmp_path: Path, secret: str, says: str) -> None:
    async with working(tmp_path, metadata={"x-token": secret}) as (service, connector):
        answer = await write(connector)
        assert (answer.status, answer.sent, service.effects) == (FAILED, False, 0)
        assert says in str(answer.problem)


async def test_a_key_that_metadata_cannot_hold_is_not_sent(tmp_path: Path) -> None:
    async with working(tmp_path) as (service, connector):
        answer = await write(connector, key="kéy")
        assert (answer.status, answer.sent, service.effects) == (FAILED, False, 0)


async def test_arguments_that_no_message_takes_are_not_sent(tmp_path: Path) -> None:
    async with working(tmp_path) as (service, connector):
        for arguments in ({"count": 2**31}, {"customer": 1}, {"nothing": 1}, {"customer": "\ud800"}):
            answer = await connector.call("write", arguments, key="", timeout=5)
            assert (code(answer), answer.sent) == ("argument_unsendable", False)
        assert service.effects == 0


async def test_a_message_larger_than_max_request_is_not_sent(tmp_path: Path) -> None:
    async with working(tmp_path, max_request="1KiB") as (service, connector):
        answer = await connector.call("write", {"customer": "x" * 1025}, key="", timeout=5)
        assert (code(answer), answer.sent, service.effects) == ("argument_unsendable", False, 0)
        assert (await write(connector)).succeeded


async def test_a_file_that_changed_since_it_was_described_is_not_used(tmp_path: Path) -> None:
    descriptors = files(tmp_path)
    system = declare(parse_document(orjson.dumps(shop(1)), "system", environment={}))
    definitions = plugin.describe(system, tmp_path).definitions
    assert descriptors.services()
    proto = (tmp_path / "shop.proto").read_text()
    secrets = SecretStore.standard(environment={})
    async with HttpClient() as http:
        ports = Ports(http, secrets, tmp_path)
        (tmp_path / "shop.proto").write_text(proto.replace("string customer = 1", "string customer = 9"))
        with pytest.raises(SourceUnfit, match="changed"):
            plugin.build(system, definitions, ports)
        (tmp_path / "shop.proto").write_text("nothing")
        with pytest.raises(SourceUnfit, match="cannot be read any more"):
            plugin.build(system, definitions, ports)


# --- streams ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("there", "complete"), [(0, True), (2, True), (3, False), (1000, False)])
async def test_so_many_messages_of_a_stream_are_read(tmp_path: Path, there: int, complete: bool) -> None:
    async with working(tmp_path) as (service, connector):
        service.stream = there
        answer = await connector.call("list", {}, key="", timeout=5)
        assert [int(one["id"]) for one in answer.output["messages"]] == list(range(min(there, 3)))
        assert answer.output["complete"] is complete


async def test_a_stream_that_rests_after_enough_is_not_waited_for(tmp_path: Path) -> None:
    async with working(tmp_path) as (service, connector):
        service.stream, service.idle = 3, True
        assert (await connector.call("list", {}, key="", timeout=30)).output["complete"] is False
        service.stream = 2
        answer = await connector.call("list", {}, key="", timeout=1.0)
        assert (answer.status, code(answer)) == (FAILED, "timed_out")


@pytest.mark.parametrize(("there", "status"), [(2, SUCCEEDED), (3, SUCCEEDED), (4, UNKNOWN)])
async def test_a_writing_stream_succeeds_only_with_its_end(tmp_path: Path, there: int, status: str) -> None:
    async with working(tmp_path) as (service, connector):
        service.stream = there
        answer = await connector.call("import", PLACED, key="", timeout=5)
        assert answer.status == status
        assert answer.succeeded or code(answer) == "stream_unfinished"


# --- what an end means -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "says", "wrote"),
    [
        (Code.INVALID_ARGUMENT, "refused", FAILED),
        (Code.OUT_OF_RANGE, "refused", FAILED),
        (Code.NOT_FOUND, "not_found", FAILED),
        (Code.ALREADY_EXISTS, "conflict", FAILED),
        (Code.FAILED_PRECONDITION, "conflict", FAILED),
        (Code.ABORTED, "conflict", FAILED),
        (Code.UNAUTHENTICATED, "access_denied", FAILED),
        (Code.PERMISSION_DENIED, "access_denied", FAILED),
        (Code.UNIMPLEMENTED, "method_unknown", FAILED),
        (Code.RESOURCE_EXHAUSTED, "rate_limited", FAILED),
        (Code.DEADLINE_EXCEEDED, "timed_out", UNKNOWN),
        (Code.CANCELLED, "connection_lost", UNKNOWN),
        (Code.UNAVAILABLE, "connection_lost", UNKNOWN),
        (Code.UNKNOWN, "system_error", UNKNOWN),
        (Code.INTERNAL, "system_error", UNKNOWN),
        (Code.DATA_LOSS, "system_error", UNKNOWN),
    ],
)
async def test_a_status_says_whether_it_was_done(tmp_path: Path, status: Any, says: str, wrote: str) -> None:
    async with working(tmp_path) as (service, connector):
        service.refusal = (status, "words that repeat what Ada sent", ())
        for answer, expected in ((await read(connector), FAILED), (await write(connector), wrote)):
            assert (answer.status, code(answer), answer.sent) == (expected, says, True)
            assert answer.problem is not None
            assert answer.problem["status"] == status.name
            assert "Ada" not in str(answer.problem)


def details(reason: str, seconds: int) -> bytes:
    info, retry = any_pb2.Any(), any_pb2.Any()
    info.Pack(error_details_pb2.ErrorInfo(reason=reason))
    retry.Pack(error_details_pb2.RetryInfo(retry_delay=duration_pb2.Duration(seconds=seconds)))
    content: bytes = status_pb2.Status(details=[info, retry]).SerializeToString()
    return content


@pytest.mark.parametrize(
    ("trailing", "reason", "wait"),
    [
        ((("grpc-status-details-bin", details("QUOTA_SPENT", 7)),), "QUOTA_SPENT", 7),
        ((("grpc-status-details-bin", details("see ada@acme.example", 99_999)),), None, 3600),
        ((("grpc-status-details-bin", details("", -5)),), None, 0),
        ((("grpc-status-details-bin", b"\xff\xff\xff"),), None, 0),
        ((("grpc-retry-pushback-ms", "1500"),), None, 1.5),
        ((("grpc-retry-pushback-ms", "-1"),), None, 0),
        ((), None, 0),
    ],
)
async def test_a_limit_says_when_to_come_again(tmp_path: Path, trailing: Any, reason: str | None, wait: float) -> None:
    async with working(tmp_path) as (service, connector):
        service.refusal = (Code.RESOURCE_EXHAUSTED, "slow down", trailing)
        answer = await write(connector)
        assert (answer.status, answer.transient, answer.retry_after) == (FAILED, True, wait)
        assert answer.problem is not None
        assert answer.problem.get("system") == ({"code": reason} if reason else None)


BOMB = gzip.compress(bytes(64 << 20))


def bad_status(stream: Stream) -> None:
    stream.headers(GOOD)
    stream.status(99)


def reset(number: int) -> Callable[[Stream], None]:
    def answer(stream: Stream) -> None:
        stream.headers(GOOD)
        stream.reset(number)

    return answer


def http(status: str) -> Callable[[Stream], None]:
    def answer(stream: Stream) -> None:
        stream.headers({":status": status, "content-type": "text/html"})
        stream.raw(b"<html>no</html>")
        stream.headers({"x": "y"}, end=True)

    return answer


def messages(*contents: bytes, status: int = 0, **head: str) -> Callable[[Stream], None]:
    def answer(stream: Stream) -> None:
        stream.headers(GOOD | {key.replace("_", "-"): value for key, value in head.items()})
        for content in contents:
            stream.message(content, packed=bool(head))
        stream.status(status)

    return answer


def cut(stream: Stream) -> None:
    stream.headers(GOOD)
    stream.raw(b"\0\0\0\0\x09\x08")
    stream.status(0)


def without_status(stream: Stream) -> None:
    stream.headers(GOOD)
    stream.message(ORDER)
    stream.headers({"x": "y"}, end=True)


def left(stream: Stream) -> None:
    stream.headers(GOOD)
    stream.goaway(0)
    stream.abort()


def much_to_say(stream: Stream) -> None:
    stream.headers(GOOD)
    stream.message(ORDER)
    stream.status(0, x="y" * 20_000)


def garbled(stream: Stream) -> None:
    stream.headers(GOOD)
    stream.garble()


@pytest.mark.parametrize(
    ("behave", "says", "wrote"),
    [
        (reset(0), "system_error", UNKNOWN),
        (reset(2), "system_error", UNKNOWN),
        (reset(7), "connection_lost", UNKNOWN),
        (reset(8), "connection_lost", UNKNOWN),
        (reset(11), "connection_lost", UNKNOWN),
        (reset(12), "connection_lost", UNKNOWN),
        (http("200"), "system_error", UNKNOWN),
        (http("302"), "system_error", UNKNOWN),
        (http("401"), "access_denied", FAILED),
        (http("403"), "access_denied", FAILED),
        (http("404"), "method_unknown", FAILED),
        (http("502"), "connection_lost", UNKNOWN),
        (bad_status, "system_error", UNKNOWN),
        (said("seven"), "system_error", UNKNOWN),
        (said("8", "SERVER: Sent message larger than max (5 vs. 4)"), "response_too_large", UNKNOWN),
        (said("0"), "result_breaks_contract", UNKNOWN),
        (without_status, "system_error", UNKNOWN),
        (much_to_say, "connection_lost", UNKNOWN),
        (said("8", "received metadata size exceeds soft limit"), "connection_lost", UNKNOWN),
        (cut, "result_breaks_contract", UNKNOWN),
        (left, "connection_lost", UNKNOWN),
        (garbled, "system_error or connection_lost", UNKNOWN),
        (messages(ORDER, ORDER), "result_breaks_contract", UNKNOWN),
        (messages(ORDER, status=3), "partly_done", UNKNOWN),
        (messages(b"\xff\xff"), "result_breaks_contract", UNKNOWN),
        (messages(b"\x12\x01\xff"), "result_breaks_contract", UNKNOWN),
        (messages(BOMB, grpc_encoding="gzip"), "system_error", UNKNOWN),
        (messages(b"x" * (1 << 20)), "response_too_large", UNKNOWN),
    ],
)
async def test_a_broken_answer_settles_no_write(
    tmp_path: Path, behave: Callable[[Stream], None], says: str, wrote: str
) -> None:
    small = {"limits": {"response": "64KiB"}}
    calls: list[Stream] = []

    def counted(stream: Stream) -> None:
        calls.append(stream)
        behave(stream)

    async with breaking(counted) as port, connected(tmp_path, port, more=small) as connector:
        for answer, expected in ((await read(connector), FAILED), (await write(connector), wrote)):
            assert answer.status == expected, answer
            assert code(answer) in says.split(" or "), answer
            assert answer.sent
            assert answer.output is None
    assert len(calls) <= 2, "nothing is repeated"


async def test_all_messages_of_a_stream_together_are_bounded(tmp_path: Path) -> None:
    small = {"limits": {"response": "1KiB"}}
    answered = messages(*[b"\x12\x7f" + b"x" * 127] * 100)
    operations = shop(1)["operations"]
    operations["list"]["options"]["messages"] = 1000
    more = {**small, "operations": operations}
    async with breaking(answered) as port, connected(tmp_path, port, more=more) as connector:
        answer = await connector.call("list", {}, key="", timeout=5)
        assert (answer.status, code(answer)) == (FAILED, "response_too_large")


@pytest.mark.parametrize("one", [b"\xc2\x01\x00", b"\x52\x00", b"\xaa\x01\x02\x0a\x00"])
async def test_a_small_answer_does_not_become_a_huge_one(tmp_path: Path, one: bytes) -> None:
    repeated = PROTO.replace("Everything inner = 24", "repeated Everything inner = 24")
    repeated = repeated.replace("map<int32, Order> by_number", "repeated Everything by_number")
    answered = messages(one * (200_000 // len(one)))
    async with breaking(answered) as port, connected(tmp_path, port, proto=repeated) as connector:
        started = time.monotonic()
        answer = await connector.call("mirror", {}, key="", timeout=30)
        assert (answer.status, code(answer)) == (FAILED, "response_too_large")
        assert time.monotonic() - started < 60


async def test_a_member_that_is_not_described_is_dropped(tmp_path: Path) -> None:
    async with breaking(messages(b"\x08\x01\x18\x02\xf2\x06\x01x")) as port, connected(tmp_path, port) as connector:
        assert (await read(connector)).output == {"id": "1", "customer": "", "status": "SHIPPED"}
