"""Systems that tell their services by reflection, and files that describe them: surveys, and drift."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import orjson
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc import aio
from grpc_reflection.v1alpha import reflection_pb2

from interlock.app.main import main
from interlock.foundation.documents import parse_document
from interlock.foundation.http import HttpClient
from interlock.foundation.secrets import SecretStore
from interlock.integration.connectors.errors import SourceUnfit, SystemUnreachable
from interlock.integration.connectors.grpc import plugin
from interlock.integration.connectors.grpc.descriptors import descriptors_of
from interlock.integration.connectors.surveys import Source, Survey, Surveyor
from interlock.integration.systems import Ports
from interlock.integration.systems.declarations import declare
from interlock.testing.servers import free_port
from interlock.values.operations import Effect
from tests.integration.connectors.grpc.calling import connected
from tests.integration.connectors.grpc.shop import PROTO, SERVICE, TOKEN, Shop, files, serving, shop
from tests.integration.connectors.grpc.wire import GOOD, Stream, breaking

NAMES = ["get_order", "place_order", "list_orders", "import_orders", "mirror", "shout", "ping"]


async def surveyed(root: Path, source: Source) -> Survey:
    async with HttpClient() as http:
        return await plugin.survey(source, Ports(http, SecretStore.standard(environment={}), root))


# --- surveys ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "known"),
    [
        (Source("grpc://shop:1"), True),
        (Source("grpcs://shop:1"), True),
        (Source("shop:1"), False),
        (Source("https://shop:1"), False),
        (Source("services/shop.proto"), False),
        (Source("services/shop.proto", b"syntax"), True),
        (Source("services/shop.binpb", b"\x0a"), True),
        (Source("services/shop.json", b"{}"), False),
        (Source("https://shop/x.proto", b"syntax"), False),
    ],
)
def test_what_is_of_this_kind_is_seen_by_its_address(source: Source, known: bool) -> None:
    assert isinstance(plugin, Surveyor)
    assert plugin.recognises(source) is known


@pytest.mark.parametrize("address", ["grpc://127.0.0.1:{port}", "127.0.0.1:{port}", "localhost:{port}"])
async def test_a_system_that_tells_is_surveyed(tmp_path: Path, address: str) -> None:
    async with serving(Shop(files(tmp_path)), reflects=True) as port:
        found = await surveyed(tmp_path, Source(address.format(port=port)))
        assert found.connection == {
            "target": f"{'localhost' if 'localhost' in address else '127.0.0.1'}:{port}",
            "tls": "none",
            "descriptors": "FILES/services.binpb",
        }
    assert [one.name for one in found.offers] == NAMES
    by_name = {one.name: one for one in found.offers}
    assert by_name["get_order"].origin == f"{SERVICE}/GetOrder"
    assert (by_name["get_order"].effect, by_name["place_order"].effect) == (Effect.read, None)
    assert (by_name["mirror"].idempotent, by_name["place_order"].idempotent) == (True, None)
    assert (by_name["shout"].deprecated, by_name["ping"].deprecated) == (True, False)
    assert any(f"left out {SERVICE}/UploadOrders" in note for note in found.notes)
    (tmp_path / "services.binpb").write_bytes(found.files["services.binpb"])
    operations = {one.name: {"from": one.origin, "effect": str(one.effect or Effect.write)} for one in found.offers}
    system = shop(1, descriptors="services.binpb") | {"operations": operations}
    result = plugin.describe(declare(parse_document(orjson.dumps(system), "system", environment={})), tmp_path)
    assert not result.troubles
    assert list(result.definitions) == NAMES


async def test_files_are_surveyed(tmp_path: Path) -> None:
    files(tmp_path)
    proto = await surveyed(tmp_path, Source("shop.proto", PROTO.encode()))
    described = await surveyed(tmp_path, Source("shop.binpb", (tmp_path / "shop.binpb").read_bytes()))
    assert [one.name for one in proto.offers] == [one.name for one in described.offers] == NAMES
    assert proto.offers[0].description == "One order, by its number."
    assert descriptors_of(proto.files["services.binpb"]).services()[0].full_name == SERVICE
    assert any("write `target`" in note for note in proto.notes)
    for name, content in (("bad.proto", b"syntax"), ("bad.binpb", b"\xff")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(SourceUnfit):
            await surveyed(tmp_path, Source(name, content))


async def test_what_does_not_tell_is_not_surveyed(tmp_path: Path) -> None:
    async with serving(Shop(files(tmp_path))) as port:
        with pytest.raises(SourceUnfit, match="does not tell"):
            await surveyed(tmp_path, Source(f"127.0.0.1:{port}"))
        with pytest.raises(SystemUnreachable) as caught:
            await surveyed(tmp_path, Source(f"grpcs://127.0.0.1:{port}"))
        assert "grpc://127.0.0.1" in caught.value.fix
    with pytest.raises(SystemUnreachable, match="refused"):
        await surveyed(tmp_path, Source(f"127.0.0.1:{free_port()}"))
    with pytest.raises(SourceUnfit, match="HOST:PORT"):
        await surveyed(tmp_path, Source("grpc://shop"))
    with pytest.raises(SystemUnreachable, match="not connected to"):
        await surveyed(tmp_path, Source("grpc://169.254.169.254:80"))


def test_a_system_is_connected_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = tmp_path / "project"
    assert main(["init", str(project)]) == 0
    files(tmp_path)
    words = ["connect", str(tmp_path / "shop.proto"), "--name", "store", "--owner", "me@acme.example"]
    capsys.readouterr()
    assert main([*words, "--project", str(project), "--all", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert "services/store/services.binpb" in report["files"]
    assert main(["check", str(project)]) == 0


# --- drift -----------------------------------------------------------------------------------------------------------


async def test_a_changed_service_is_noticed(tmp_path: Path) -> None:
    changed = PROTO.replace("string customer = 2;", "string client = 2;")
    changed = changed.replace("rpc Ping(", "rpc Pong(").replace(
        "rpc Mirror(Everything)", "rpc Mirror(stream Everything)"
    )
    (tmp_path / "live").mkdir()
    (tmp_path / "live" / "shop.proto").write_text(changed)
    service = Shop(files(tmp_path / "live", changed))
    async with serving(service, reflects=True) as port, connected(tmp_path, port) as connector:
        described = connector._definitions  # type: ignore[attr-defined]  # what it was built from
        live = await connector.definitions()
    assert live is not None
    assert set(live) == {"read", "write", "list", "import", "shout"}, "ping is gone, and mirror takes a stream"
    assert live["shout"].digest == described["shout"].digest
    assert live["read"].digest != described["read"].digest
    assert live["read"].description == "One order, by its number."


async def test_a_system_that_does_not_tell_has_no_live_definitions(tmp_path: Path) -> None:
    async with serving(Shop(files(tmp_path))) as port, connected(tmp_path, port) as connector:
        assert await connector.definitions() is None
    async with connected(tmp_path, free_port()) as connector:
        with pytest.raises(SystemUnreachable, match="refused"):
            await connector.definitions()


async def test_reflection_is_asked_with_our_credentials_and_only_for_what_is_declared(tmp_path: Path) -> None:
    files(tmp_path)
    talker = Talker([])
    async with talking(talker) as port, connected(tmp_path, port) as connector:
        assert await connector.definitions() == {}
    assert talker.seen["authorization"] == f"Bearer {TOKEN}"
    assert [one.file_containing_symbol for one in talker.asked] == [SERVICE]
    assert talker.path.startswith("/grpc.reflection.v1.")


# --- hostile reflection ----------------------------------------------------------------------------------------------


class Talker(grpc.GenericRpcHandler):  # type: ignore[misc]  # the package ships no types
    """A service of reflection (v1) that says what it is told to; *says* maps a question to bytes."""

    def __init__(self, files: list[FileDescriptorProto], says: Callable[[Any], bytes] | None = None) -> None:
        self._files = files
        self._says = says
        self.asked: list[Any] = []
        self.seen: dict[str, str] = {}
        self.path = ""

    def service(self, details: Any) -> Any:
        if not details.method.startswith("/grpc.reflection.v1."):
            return None
        self.path, self.seen = details.method, dict(details.invocation_metadata)
        return grpc.stream_stream_rpc_method_handler(self._talk)

    async def _talk(self, questions: AsyncIterator[bytes], _context: Any) -> AsyncIterator[bytes]:
        async for question in questions:
            asked = reflection_pb2.ServerReflectionRequest.FromString(question)
            self.asked.append(asked)
            yield self._says(asked) if self._says is not None else self.answer(asked)

    def answer(self, asked: Any) -> bytes:
        answer = reflection_pb2.ServerReflectionResponse()
        if asked.list_services:
            answer.list_services_response.service.add(name=SERVICE)
        elif self._files:
            answer.file_descriptor_response.file_descriptor_proto.extend(one.SerializeToString() for one in self._files)
        else:
            answer.error_response.error_code = 5
        content: bytes = answer.SerializeToString()
        return content


@asynccontextmanager
async def talking(talker: Talker) -> AsyncIterator[int]:
    server = aio.server(options=[("grpc.max_send_message_length", -1)])
    server.add_generic_rpc_handlers((talker,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield port
    finally:
        await server.stop(None)


def endless(asked: Any) -> bytes:
    """Tell a file that imports yet another one, large ones, without end."""
    number = int(asked.file_by_filename.partition(".")[0] or 0)
    file = FileDescriptorProto(name=f"{number}.proto", dependency=[f"{number + 1}.proto"], package="x" * 300_000)
    if asked.list_services:
        return Talker([]).answer(asked)
    return Talker([file]).answer(asked)


def failing(_asked: Any) -> bytes:
    answer = reflection_pb2.ServerReflectionResponse()
    answer.error_response.error_code = 13
    answer.error_response.error_message = "hidden words"
    content: bytes = answer.SerializeToString()
    return content


def of_no_file(asked: Any) -> bytes:
    answer = reflection_pb2.ServerReflectionResponse()
    answer.file_descriptor_response.file_descriptor_proto.append(b"\xff\xff")
    content: bytes = answer.SerializeToString()
    return Talker([]).answer(asked) if asked.list_services else content


@pytest.mark.parametrize(
    ("talker", "says"),
    [
        (Talker([], endless), "more than 16 MiB"),
        (Talker([], failing), "status 13"),
        (Talker([], of_no_file), "cannot be read"),
        (Talker([], lambda _: b"\xff\xff"), "no message of reflection"),
        (Talker([FileDescriptorProto(name="a.proto", dependency=["b.proto"])]), "another imports"),
        (Talker([FileDescriptorProto(name=f"{number}.proto") for number in range(2001)]), "more than 2000 files"),
        (Talker([FileDescriptorProto(name="a.proto", dependency=["a.proto"])]), "import itself"),
        (Talker([FileDescriptorProto(name="a.proto", syntax="proto9")]), "cannot be used"),
    ],
)
async def test_a_conversation_that_leads_nowhere_ends(tmp_path: Path, talker: Talker, says: str) -> None:
    async with talking(talker) as port:
        with pytest.raises(SystemUnreachable, match=says) as caught:
            await surveyed(tmp_path, Source(f"127.0.0.1:{port}"))
        assert "hidden" not in str(caught.value)


def abort(stream: Stream) -> None:
    stream.abort()


def end(stream: Stream) -> None:
    stream.headers(GOOD)
    stream.status(0)


def refuse(stream: Stream) -> None:
    stream.headers(GOOD | {"grpc-status": "3"}, end=True)


@pytest.mark.parametrize(
    ("behave", "says"), [(abort, "with UNAVAILABLE"), (end, "without a word"), (refuse, "with INVALID_ARGUMENT")]
)
async def test_a_conversation_that_breaks_off_is_said(
    tmp_path: Path, behave: Callable[[Stream], None], says: str
) -> None:
    async with breaking(behave) as port:
        with pytest.raises(SystemUnreachable, match=says):
            await surveyed(tmp_path, Source(f"127.0.0.1:{port}"))
