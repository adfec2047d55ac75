"""What descriptors say of operations: schemas, the JSON form of messages, and descriptions that cannot be used."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import orjson
import pytest
from google.protobuf import any_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interlock.foundation.documents import parse_document
from interlock.governance.policy.types import record_of
from interlock.integration.connectors import packages
from interlock.integration.connectors.errors import PackageMissing
from interlock.integration.connectors.grpc import plugin
from interlock.integration.connectors.grpc.compiling import compile_protos
from interlock.integration.connectors.grpc.descriptors import Descriptors, DescriptorsInvalid
from interlock.integration.connectors.grpc.messages import MessageUnfit, MessageVast, read, written
from interlock.integration.connectors.grpc.schemas import Received, Sent, schema_of
from interlock.integration.contracts import Contract, Definition
from interlock.integration.systems import Description
from interlock.integration.systems.declarations import declare
from tests.integration.connectors.grpc.shop import PROTO, SERVICE, files, shop


def described(root: Path, content: dict[str, Any]) -> Description:
    return plugin.describe(declare(parse_document(orjson.dumps(content), "system", environment={})), root)


@pytest.fixture
def definitions(tmp_path: Path) -> dict[str, Definition]:
    files(tmp_path)
    found = described(tmp_path, shop(1))
    assert not found.troubles
    return dict(found.definitions)


# --- schemas ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "fits"),
    [
        ({}, True),
        ({"aNumber": 2**31 - 1}, True),
        ({"aNumber": 2**31}, False),
        ({"a_number": 1}, False),
        ({"large": str(2**64 - 1)}, True),
        ({"large": 5}, False),
        ({"large": "-1"}, False),
        ({"many": ["-5", "0"]}, True),
        ({"many": ["1.5"]}, False),
        ({"real": 1e300, "small": 3.4e38}, True),
        ({"small": 3.5e38}, False),
        ({"raw": base64.b64encode(b"any").decode()}, True),
        ({"raw": "not base64"}, False),
        ({"status": "OPEN"}, True),
        ({"status": 1}, False),
        ({"byNumber": {"-7": {"id": "1"}}}, True),
        ({"byNumber": {"seven": {}}}, False),
        ({"byTruth": {"true": "x"}}, True),
        ({"byTruth": {"yes": "x"}}, False),
        ({"word": "x"}, True),
        ({"word": "x", "figure": "1"}, False),
        ({"figure": "1", "order": {}}, False),
        ({"perhaps": "x"}, True),
        ({"perhaps": None}, False),
        ({"at": "2026-01-02T03:04:05.5Z"}, True),
        ({"at": "yesterday"}, False),
        ({"lasts": "1.5s"}, True),
        ({"lasts": 1.5}, False),
        ({"mask": "aNumber,order.id"}, True),
        ({"object": {"a": [1, None]}, "value": None, "list": [1, "x"]}, True),
        ({"object": []}, False),
        ({"boxed": "7"}, True),
        ({"any": {"@type": "type.googleapis.com/acme.shop.v1.Order", "id": "1"}}, True),
        ({"any": {}}, True),
        ({"inner": {"inner": {"inner": {"aNumber": 1}}}}, True),
        ({"inner": {"inner": {"inner": {"aNumber": "1"}}}}, False),
        ({"nothing": None}, True),
        ({"old": {"Custom": "x"}}, True),
        ({"old": {"ownName": "x"}}, False),
        ({"unknown": 1}, False),
    ],
)
def test_messages_are_described_by_their_json_form(
    definitions: dict[str, Definition], arguments: dict[str, Any], fits: bool
) -> None:
    assert Contract(definitions["mirror"].input_schema).holds(arguments) is fits


def test_what_cannot_be_absent_is_required_of_a_result_and_of_no_argument(definitions: dict[str, Definition]) -> None:
    read_, write = definitions["read"], definitions["write"]
    assert "required" not in write.input_schema
    assert read_.output_schema is not None
    assert read_.output_schema["required"] == ["customer", "id", "status"]
    assert read_.description == "One order, by its number."
    assert write.input_schema["properties"]["customer"]["description"] == "Who orders."


def test_a_message_that_is_no_object_is_one_argument(definitions: dict[str, Definition]) -> None:
    shout = definitions["shout"]
    assert Contract(shout.input_schema).holds({"value": "x"})
    assert not Contract(shout.input_schema).holds({})
    assert shout.output_schema == {"type": "string"}
    assert definitions["ping"].input_schema["properties"] == {}


def test_a_stream_is_a_list_of_messages_and_whether_it_is_all(definitions: dict[str, Definition]) -> None:
    output = definitions["list"].output_schema
    assert output is not None
    order = {"id": "1", "customer": "", "status": "OPEN"}
    assert Contract(output).holds({"messages": [order] * 3, "complete": False})
    assert not Contract(output).holds({"messages": [order] * 4, "complete": False})
    assert not Contract(output).holds({"messages": [order]})


def test_no_schema_has_at_its_top_what_providers_of_models_refuse(definitions: dict[str, Definition]) -> None:
    for definition in definitions.values():
        assert not {"oneOf", "anyOf", "allOf"} & definition.input_schema.keys()


def compiled(folder: Path, body: str, syntax: str = 'syntax = "proto3";') -> Descriptors:
    (folder / "made.proto").write_text(f"{syntax}\npackage made;\n{body}", encoding="utf-8")
    return compile_protos([folder / "made.proto"], [])


def test_schemas_stay_small_however_messages_hold_each_other(tmp_path: Path) -> None:
    held = "\n".join(
        f"message M{number} {{ M{number + 1} a = 1; M{number + 1} b = 2; M{number + 1} c = 3; }}"
        for number in range(60)
    )
    pool = compiled(tmp_path, f"{held}\nmessage M60 {{ string text = 1; }}").pool
    schema = schema_of(pool.FindMessageTypeByName("made.M0"), Sent(), {})
    assert len(orjson.dumps(schema)) < 50_000
    nested: dict[str, Any] = {"text": "x"}
    for _ in range(60):
        nested = {"b": nested}
    assert Contract(schema).holds(nested)
    nested["b"]["b"]["b"] = {"text": "x"}
    assert not Contract(schema).holds(nested)


def test_a_message_without_an_end_is_refused(tmp_path: Path) -> None:
    fields = "".join(f"bool field_{number} = {number}; " for number in range(1, 5000))
    wide = "\n".join(f"message W{number} {{ {fields} W{number + 1} next = 5000; }}" for number in range(4))
    pool = compiled(tmp_path, f"{wide}\nmessage W4 {{ {fields} }}").pool
    with pytest.raises(DescriptorsInvalid, match="more than 20000 members"):
        schema_of(pool.FindMessageTypeByName("made.W0"), Sent(), {})
    schema_of(pool.FindMessageTypeByName("made.W1"), Sent(), {})


def test_proto2_says_what_is_required_and_what_others_may_add(tmp_path: Path) -> None:
    body = "message Note { required int32 id = 1; optional Kind kind = 2; extensions 100 to 200;"
    body += " optional group Part = 3 { optional string a = 4; } }"
    pool = compiled(tmp_path, f"{body} enum Kind {{ GOOD = 1; }}", 'syntax = "proto2";').pool
    kind = pool.FindMessageTypeByName("made.Note")
    assert schema_of(kind, Sent(), {})["required"] == ["id"]
    received = Contract(schema_of(kind, Received(), {}))
    assert received.holds({"id": 1, "kind": "GOOD", "[made.more]": {}, "part": {"a": "x"}})
    assert not received.holds({"id": 1, "kind": 7})
    with pytest.raises(MessageUnfit):
        written(pool, kind, {"kind": "GOOD"}, wrapped=False)


# --- messages --------------------------------------------------------------------------------------------------------

whole = st.integers(-(2**63), 2**63 - 1).map(str)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
plain = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
orders = st.fixed_dictionaries(
    {}, optional={"id": whole, "customer": texts, "status": st.sampled_from(["OPEN", "SHIPPED", "STATUS_UNSPECIFIED"])}
)
members: dict[str, st.SearchStrategy[Any]] = {
    "aNumber": st.integers(-(2**31), 2**31 - 1),
    "large": st.integers(0, 2**64 - 1).map(str),
    "real": st.floats(allow_nan=False, allow_infinity=False),
    "small": st.floats(-(2.0**100), 2.0**100, width=32),
    "yes": st.booleans(),
    "text": texts,
    "raw": st.binary(max_size=9).map(lambda content: base64.b64encode(content).decode()),
    "many": st.lists(whole, max_size=3),
    "byNumber": st.dictionaries(st.integers(-(2**31), 2**31 - 1).map(str), orders, max_size=2),
    "byTruth": st.dictionaries(st.sampled_from(["true", "false"]), texts),
    "perhaps": texts,
    "at": st.datetimes().map(lambda moment: f"{moment.isoformat()}Z"),
    "lasts": st.integers(-(10**9), 10**9).map(lambda seconds: f"{seconds}s"),
    "object": st.dictionaries(texts, plain, max_size=3),
    "value": plain,
    "list": st.lists(plain, max_size=3),
    "boxed": whole,
    "fixed": st.integers(0, 2**32 - 1),
}
choices: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({}), texts.map(lambda text: {"word": text}), whole.map(lambda figure: {"figure": figure}),
    orders.map(lambda order: {"order": order}),
)  # fmt: skip
everything = st.recursive(
    st.builds(lambda one, choice: one | choice, st.fixed_dictionaries({}, optional=members), choices),
    lambda inner: inner.map(lambda one: {"inner": one}),
    max_leaves=3,
)


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Descriptors:
    return files(tmp_path_factory.mktemp("mirror"))


def _counted(value: Any) -> int:
    """Return how many members of objects and arrays there are in *value*."""
    if isinstance(value, dict):
        return len(value) + sum(map(_counted, value.values()))
    return len(value) + sum(map(_counted, value)) if isinstance(value, list) else 0


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(message=everything)
def test_what_fits_is_written_and_read_back_as_it_was(mirror: Descriptors, message: dict[str, Any]) -> None:
    kind = mirror.method(f"{SERVICE}/Mirror").input_type
    assert Contract(schema_of(kind, Sent(), {})).holds(message)
    content = written(mirror.pool, kind, message, wrapped=False)
    back, members = read(mirror.pool, kind, content)
    assert members >= _counted(back)
    with pytest.raises(MessageVast):
        read(mirror.pool, kind, content, members - 1)
    assert Contract(schema_of(kind, Received(), {})).holds(back)
    assert written(mirror.pool, kind, back, wrapped=False) == content
    for name in ("large", "raw", "many", "text", "boxed", "perhaps"):
        assert back.get(name) == message.get(name, back.get(name))


@settings(max_examples=200, deadline=None)
@given(content=st.binary(max_size=60))
def test_any_bytes_are_a_message_or_none(mirror: Descriptors, content: bytes) -> None:
    kind = mirror.method(f"{SERVICE}/Mirror").output_type
    try:
        found, _ = read(mirror.pool, kind, content)
    except MessageUnfit:
        return
    broken = {one.pointer.rpartition("/")[2] for one in Contract(schema_of(kind, Received(), {})).breaches(found)}
    assert broken <= {"status", "real", "small"}, "values that are not described, and what is no number"


def test_every_value_of_a_result_has_one_type_that_a_policy_can_speak_of(
    definitions: dict[str, Definition], mirror: Descriptors
) -> None:
    output = definitions["mirror"].output_schema
    assert output is not None
    attributes = record_of(output, output).fields
    names = {name: str(attributes[name].type.cedar()) for name in ("aNumber", "real", "text", "status", "large", "yes")}
    assert names == {
        "aNumber": "Long", "real": "decimal", "text": "String", "status": "String", "large": "String", "yes": "Bool",
    }  # fmt: skip
    for content in (b"\x40\x63", b"\x19\x00\x00\x00\x00\x00\x00\xf8\x7f"):  # a new value, and NaN
        found, _ = read(mirror.pool, mirror.method(f"{SERVICE}/Mirror").output_type, content)
        assert not Contract(output).holds(found)


@pytest.mark.parametrize(
    "packed",
    [
        {"@type": "type.googleapis.com/acme.shop.v1.Order", "id": "7", "customer": "Ada", "status": "OPEN"},
        {"@type": "type.googleapis.com/google.protobuf.Duration", "value": "1.500s"},
    ],
)
def test_any_holds_what_is_described(mirror: Descriptors, packed: dict[str, Any]) -> None:
    kind = mirror.method(f"{SERVICE}/Mirror").input_type
    assert read(mirror.pool, kind, written(mirror.pool, kind, {"any": packed}, wrapped=False))[0]["any"] == packed
    with pytest.raises(MessageUnfit):
        written(mirror.pool, kind, {"any": {"@type": "type.googleapis.com/acme.Lost"}}, wrapped=False)


@pytest.mark.parametrize("levels", [19, 25, 5000])
def test_any_in_any_is_bounded(mirror: Descriptors, levels: int) -> None:
    packed = any_pb2.Any()
    for _ in range(levels):
        outer = any_pb2.Any()
        outer.Pack(packed)
        packed = outer
    kind = mirror.pool.FindMessageTypeByName("google.protobuf.Any")
    if levels < 20:
        assert read(mirror.pool, kind, packed.SerializeToString())[0]["@type"].endswith("Any")
    else:
        with pytest.raises(MessageUnfit):
            read(mirror.pool, kind, packed.SerializeToString())


@pytest.mark.parametrize(
    "content",
    [
        b"\x82\x01\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f",  # a moment no calendar has
        b"\x8a\x01\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f",  # a duration too
        b"\xba\x01\x06\x0a\x04x/no",  # an Any of a message that nobody described
        b"\xa2\x01\x09\x11\x00\x00\x00\x00\x00\x00\xf8\x7f",  # a number of JSON that is none
    ],
)
def test_what_has_no_json_form_is_no_message(mirror: Descriptors, content: bytes) -> None:
    with pytest.raises(MessageUnfit):
        read(mirror.pool, mirror.method(f"{SERVICE}/Mirror").output_type, content)


def test_nesting_is_bounded_both_ways(mirror: Descriptors) -> None:
    kind = mirror.method(f"{SERVICE}/Mirror").input_type
    deep: dict[str, Any] = {}
    for _ in range(500):
        deep = {"inner": deep}
    with pytest.raises(MessageUnfit):
        written(mirror.pool, kind, deep, wrapped=False)
    content = b""
    for _ in range(500):
        size, head = len(content), b"\xc2\x01"
        content = head + (bytes([size]) if size < 128 else bytes([size % 128 + 128, size // 128])) + content
    with pytest.raises(MessageUnfit):
        read(mirror.pool, kind, content)


# --- declarations ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "says"),
    [
        ({"from": "Lost", "effect": "read"}, "must be written as package.Service/Method"),
        ({"from": "acme.Lost/Get", "effect": "read"}, f"there are: {SERVICE}"),
        ({"from": f"{SERVICE}/Lost", "effect": "read"}, "there are: GetOrder, ImportOrders"),
        ({"from": f"{SERVICE}/UploadOrders", "effect": "write"}, "takes a stream of messages"),
        ({"from": f"{SERVICE}/GetOrder", "effect": "write"}, "has no side effects"),
        ({"from": f"{SERVICE}/GetOrder", "effect": "read", "options": {"messages": 1}}, "answers with one message"),
        ({"from": f"{SERVICE}/ListOrders", "effect": "read", "options": {"messages": 0}}, "must be at least 1"),
        ({"from": f"{SERVICE}/ListOrders", "effect": "read", "options": {"pages": 1}}, "pages"),
    ],
)
def test_what_cannot_be_declared_is_said_with_its_place(tmp_path: Path, operation: dict[str, Any], says: str) -> None:
    files(tmp_path)
    (trouble,) = described(tmp_path, {**shop(1), "operations": {"one": operation}}).troubles
    assert trouble.pointer in {"/operations/one/from", "/operations/one/options"}
    assert says in trouble.message


@pytest.mark.parametrize(
    ("connection", "pointer", "says"),
    [
        ({"target": "https://shop:1"}, "/connection/target", "HOST:PORT"),
        ({"protos": ["../shop.proto"]}, "/connection/protos/0", "in the project"),
        ({"protos": ["gone.proto"]}, "/connection/protos/0", "No such file"),
        ({"protos": ["bad.proto"]}, "/connection/protos", "bad.proto, line 2"),
        ({"protos": ["importing.proto"]}, "/connection/protos", "gone.proto: File not found"),
        ({"descriptors": "bad.proto"}, "/connection/descriptors", "is no descriptor set"),
        ({"descriptors": "partial.binpb"}, "/connection/descriptors", "lacks gone.proto"),
        ({"descriptors": "empty.binpb"}, "/connection/descriptors", "holds no description"),
        ({"tls": {"ca": "gone.pem"}}, "/connection/tls/ca", "not there"),
        ({"tls": {"ca": "../x.pem"}}, "/connection/tls/ca", "of the project"),
        ({"metadata": {"grpc-timeout": "1"}}, "/connection/metadata/grpc-timeout", "not for a declaration"),
        ({"metadata": {"authorization": "x"}}, "/connection/metadata/authorization", "`auth`"),
        ({"metadata": {"x-name": "\u00e9"}}, "/connection/metadata/x-name", "ASCII"),
        ({"metadata": {"x-y-bin": "x"}}, "/connection/metadata/x-y-bin", "not for a declaration"),
        ({"auth": {"api_key": {"header": "X!", "value": "secret:x"}}}, "/connection/auth/api_key/header", "no name"),
        ({"max_request": "much"}, "/connection/max_request", "64MiB"),
    ],
)
def test_a_connection_that_cannot_be_used_is_said_with_its_place(
    tmp_path: Path, connection: dict[str, Any], pointer: str, says: str
) -> None:
    files(tmp_path)
    (tmp_path / "bad.proto").write_text('syntax = "proto3";\nmessage A { B b = ; }')
    (tmp_path / "importing.proto").write_text('syntax = "proto3"; import "gone.proto";')
    partial = FileDescriptorSet(file=[FileDescriptorProto(name="a.proto", dependency=["gone.proto"])])
    (tmp_path / "partial.binpb").write_bytes(partial.SerializeToString())
    (tmp_path / "empty.binpb").write_bytes(b"")
    (trouble,) = described(tmp_path, shop(1, **connection)).troubles
    assert trouble.pointer == pointer
    assert says in trouble.message


@pytest.mark.parametrize("header", ["Key-Bin", "grpc-key", "Key!"])
def test_an_idempotency_key_needs_a_name_that_metadata_may_have(tmp_path: Path, header: str) -> None:
    files(tmp_path)
    system = shop(1)
    system["operations"]["write"]["idempotency"] = {"header": header}
    (trouble,) = described(tmp_path, system).troubles
    assert trouble.pointer == "/operations/write/idempotency/header"


@pytest.mark.parametrize(
    ("connection", "fits"),
    [
        ({"protos": ["a.proto"]}, True),
        ({"descriptors": "a.binpb"}, True),
        ({"descriptors": "a.binpb", "protos": ["a.proto"]}, False),
        ({"descriptors": "a.binpb", "imports": ["protos"]}, False),
        ({}, False),
        ({"protos": ["a.proto"], "tls": "none"}, True),
        ({"protos": ["a.proto"], "tls": "starttls"}, False),
        ({"protos": ["a.proto"], "tls": {"certificate": "a.pem"}}, False),
        ({"protos": ["a.proto"], "tls": {"certificate": "a.pem", "key": "secret:key"}}, True),
        ({"protos": ["a.proto"], "tls": {"certificate": "a.pem", "key": "the key itself"}}, False),
        ({"protos": ["a.proto"], "metadata": {"X-Upper": "x"}}, False),
    ],
)
def test_the_form_of_a_connection(connection: dict[str, Any], fits: bool) -> None:
    assert Contract(plugin.connection_schema).holds({"target": "shop:1", **connection}) is fits


@pytest.mark.parametrize(("package", "name"), [("grpc_tools", "grpcio-tools"), ("google.protobuf", "protobuf")])
def test_a_missing_package_names_the_extra_that_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str, name: str
) -> None:
    files(tmp_path)
    monkeypatch.setattr(packages, "find_spec", lambda one: None if one == package else True)
    (trouble,) = described(tmp_path, shop(1)).troubles
    assert (trouble.pointer, name in trouble.message) == ("/connector", True)
    assert "interlock-control[grpc]" in trouble.message
    system = declare(parse_document(orjson.dumps(shop(1)), "system", environment={}))
    with pytest.raises(PackageMissing):
        plugin.build(system, {}, None)  # type: ignore[arg-type]  # nothing of it is looked at


def test_protos_and_their_descriptor_set_mean_the_same(tmp_path: Path, definitions: dict[str, Definition]) -> None:
    again = described(tmp_path, shop(1, descriptors="shop.binpb")).definitions
    assert {name: one.digest for name, one in again.items()} == {name: one.digest for name, one in definitions.items()}


def test_a_number_that_changes_on_the_wire_changes_the_definition(
    tmp_path: Path, definitions: dict[str, Definition]
) -> None:
    for old, new in (("string customer = 2;", "string customer = 12;"), ("OPEN = 1;", "OPEN = 7;")):
        files(tmp_path, PROTO.replace(old, new))
        changed = described(tmp_path, shop(1)).definitions
        assert changed["read"].output_schema == definitions["read"].output_schema
        assert changed["read"].digest != definitions["read"].digest
        assert changed["shout"].digest == definitions["shout"].digest


def test_protos_import_by_folders_of_the_project(tmp_path: Path) -> None:
    (tmp_path / "protos" / "acme").mkdir(parents=True)
    (tmp_path / "protos" / "acme" / "money.proto").write_text('syntax = "proto3"; package acme; message Money {}')
    content = 'syntax = "proto3"; package acme; import "acme/money.proto"; import "google/api/annotations.proto";'
    content += 'service Bank { rpc Pay(Money) returns (Money) { option (google.api.http) = {get: "/v1/pay"}; } }'
    (tmp_path / "protos" / "acme" / "bank.proto").write_text(content)
    system = shop(1, protos=["protos/acme/bank.proto"]) | {
        "operations": {"pay": {"from": "acme.Bank/Pay", "effect": "write"}}
    }
    assert "acme/money.proto: File not found" in described(tmp_path, system).troubles[0].message
    system["connection"]["imports"] = ["protos"]
    assert described(tmp_path, system).definitions["pay"].binding["method"] == "/acme.Bank/Pay"
