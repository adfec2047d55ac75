"""XML-RPC: values there and back by the standard library's server, and documents that no honest system sends."""

from __future__ import annotations

import base64
import xmlrpc.client
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.integration.connectors.rpc.jsonrpc import JsonRpc
from interlock.integration.connectors.rpc.protocols import Fault, ReplyUnfit, Returned
from interlock.integration.connectors.rpc.xmlrpc import XmlRpc
from interlock.integration.connectors.templates import Template, Unsendable
from interlock.integration.systems import FAILED, UNKNOWN
from interlock.testing.servers import ScriptedServer, answers
from tests.integration.connectors.rpc.desk import xml_desk, xml_system
from tests.integration.connectors.rpc.test_rpc import ORDER, connected, write

TEXTS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff") | st.sampled_from("\t\n\r")
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=10,
)


@given(VALUES)
def test_the_standard_library_reads_what_is_written(value: Any) -> None:
    (found,), method = xmlrpc.client.loads(XmlRpc().write("a.b", [value], 1))
    assert method == "a.b"
    assert found == value


@given(VALUES)
def test_what_the_standard_library_writes_is_read(value: Any) -> None:
    # It leaves a bare return sign to be read as the end of a line, and has no form for large numbers.
    written = XmlRpc().write("a", [value], 1).decode()
    body = written.replace("<methodName>a</methodName>", "").replace("methodCall", "methodResponse")
    assert XmlRpc().read(body.encode(), 1) == Returned(value)


@given(st.binary(max_size=300))
def test_nothing_else_is_taken_for_a_reply(body: bytes) -> None:
    with pytest.raises(ReplyUnfit):
        XmlRpc().read(body, 1)


def reply(value: str) -> bytes:
    return f"<methodResponse><params><param><value>{value}</value></param></params></methodResponse>".encode()


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("plain", "plain"),
        (" <int> 5 </int> ", 5),
        ("<i4>-7</i4>", -7),
        ("<i8>9000000000</i8>", 9_000_000_000),
        ("<ex:i8>5</ex:i8>", 5),
        ("<ex:nil/>", None),
        ("<bigdecimal>20.00</bigdecimal>", "20.00"),
        ("<biginteger>20</biginteger>", 20),
        ("<double>1e3</double>", 1000.0),
        ("<double>-.5</double>", -0.5),
        ("<string/>", ""),
        ("", ""),
        ("<string>a&lt;b&#13;</string>", "a<b\r"),
        ("<dateTime.iso8601>20260131T10:00:00</dateTime.iso8601>", "2026-01-31T10:00:00"),
        ("<dateTime.iso8601>2026-01-31T10:00:00</dateTime.iso8601>", "2026-01-31T10:00:00"),
        ("<base64>aGVs\n bG8=</base64>", "aGVsbG8="),
        ("<array><data/></array>", []),
        ("<struct/>", {}),
    ],
)
def test_forms_of_values(written: str, read: Any) -> None:
    assert XmlRpc().read(reply(written), 1) == Returned(read)


LAUGHS = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>' + reply("&b;")
OUTSIDE = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + reply("&a;")
LETTER_BOX = b'<!DOCTYPE methodResponse SYSTEM "http://127.0.0.1:1/x.dtd">' + reply("x")


@pytest.mark.parametrize(
    "body",
    [
        LAUGHS,
        OUTSIDE,
        LETTER_BOX,
        reply("&a;"),
        reply("<array><data>" + "<value><array><data>" * 300),
        reply("<value>" * 150 + "</value>" * 150),
        reply("<array><data>" + "<value/>" * 200_001 + "</data></array>"),
        reply("<int>5"),
        reply("<int>2147483648</int>"),
        reply("<int>" + "9" * 5000 + "</int>"),
        reply("<int>1_0</int>"),
        reply("<int></int>"),
        reply("<double>nan</double>"),
        reply("<double>1e999</double>"),
        reply("<boolean>true</boolean>"),
        reply("<nil>x</nil>"),
        reply("<base64>*</base64>"),
        reply("<dateTime.iso8601>never</dateTime.iso8601>"),
        reply("<int>1</int><int>2</int>"),
        reply("x<int>1</int>"),
        reply("<lost/>"),
        reply("<bigdecimal>NaN</bigdecimal>"),
        reply("<string><b/></string>"),
        reply("<array/>"),
        reply("<array><data><int>1</int></data></array>"),
        reply("<struct><member><name>a</name></member></struct>"),
        reply("<struct>" + "<member><name>a</name><value/></member>" * 2 + "</struct>"),
        b"<methodResponse/>",
        b"<methodResponse><params/></methodResponse>",
        b"<methodCall/>",
        b"<methodResponse><fault><value>x</value></fault></methodResponse>",
        b'<?xml version="1.0" encoding="utf-7"?>' + reply("x"),
        b'<?xml version="1.0" encoding="big5"?>' + reply("x"),
        b"\xff" + reply("x"),
    ],
    ids=str,
)
def test_documents_that_are_no_reply(body: bytes) -> None:
    with pytest.raises(ReplyUnfit):
        XmlRpc().read(body, 1)


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, "a\x00", "\ud800", "\ufffe", float("inf"), {"a\x01": 1}, b"x"])
def test_what_xml_has_no_form_for_is_not_sent(value: Any) -> None:
    with pytest.raises(Unsendable):
        XmlRpc().write("a", [value], 1)


@pytest.mark.parametrize("wrap", [lambda inner: [inner], lambda inner: {"a": inner}])
def test_arguments_nest_only_so_deep(wrap: Callable[[Any], Any]) -> None:
    value: Any = 1
    for _ in range(900):
        value = wrap(value)
    with pytest.raises(Unsendable):
        XmlRpc().write("a", [value], 1)
    with pytest.raises(Unsendable):
        JsonRpc().write("a", [value], 1)


async def test_times_and_bytes_are_sent_as_such() -> None:
    with xml_desk() as (port, ledger):
        content = xml_system(port)
        content["operations"]["write"] = {
            "from": "order.echo",
            "effect": "write",
            "input": {"properties": {"at": {"type": "string"}, "file": {"type": "string"}}},
            "options": {"params": [[{"$dateTime": "{at}"}, {"$base64": "{file}"}, {"$base64": "aGk="}, {"x": "{at}"}]]},
        }
        async with connected(content) as connector:
            arguments = {"at": "2026-01-31T10:00:00", "file": base64.b64encode(b"\x00\x01").decode()}
            answer = await connector.call("write", arguments, key="", timeout=5)
            zoned = await connector.call("write", arguments | {"at": "2026-01-31T10:00:00Z"}, key="", timeout=5)
            torn = await connector.call("write", arguments | {"file": "*"}, key="", timeout=5)
    when, file, constant, _ = ledger.given[0]
    assert isinstance(when, xmlrpc.client.DateTime)
    assert when == datetime(2026, 1, 31, 10)  # noqa: DTZ001 - the protocol has no zones
    assert (file.data, constant.data) == (b"\x00\x01", b"hi")
    assert answer.output == ["2026-01-31T10:00:00", "AAE=", "aGk=", {"x": "2026-01-31T10:00:00"}]
    assert [(one.status, one.sent) for one in (zoned, torn)] == [(FAILED, False)] * 2
    assert len(ledger.given) == 1


FAULT = (
    "<methodResponse><fault><value><struct><member><name>faultCode</name><value>{}</value></member>"
    "<member><name>faultString</name><value>Ada owes money</value></member></struct></value></fault></methodResponse>"
)


@pytest.mark.parametrize(
    ("written", "code", "status"),
    [
        ("<int>2</int>", "refused", FAILED),
        ("<int>1</int>", "system_error", UNKNOWN),
        ("<int>-32601</int>", "method_unknown", FAILED),
        ("<int>-32602</int>", "refused", FAILED),
        ("<int>-32603</int>", "system_error", UNKNOWN),
        ("<int>-32500</int>", "system_error", UNKNOWN),
        ("NoMoney", "refused", FAILED),
        ("Other", "system_error", UNKNOWN),
        ("<double>1</double>", "result_breaks_contract", UNKNOWN),
    ],
)
async def test_codes_of_faults(written: str, code: str, status: str) -> None:
    body = FAULT.format(written).encode()
    behaviour = answers(200, body, media_type="text/xml")
    async with (
        ScriptedServer(behaviour) as listener,
        connected(xml_system(listener.port, refusals=[2, "NoMoney"])) as connector,
    ):
        answer = await write(connector)
    assert answer.problem is not None
    assert (answer.problem["code"], answer.status) == (code, status)
    assert "Ada" not in str(answer)


async def test_the_standard_librarys_server_is_called() -> None:
    with xml_desk() as (port, ledger):
        async with connected(xml_system(port)) as connector:
            assert (await connector.call("write", ORDER, key="", timeout=5)).output == {"id": 1}
            assert (await connector.call("read", {"id": 3}, key="", timeout=5)).output == {"id": 3, "state": "draft"}
            assert (await connector.probe(timeout=30)).succeeded
    assert ledger.effects == 1


def test_a_fault_is_told_from_a_result() -> None:
    assert XmlRpc().read(FAULT.format("<int>4</int>").encode(), 1) == Fault(4)


def test_templates_of_the_protocols_own_values() -> None:
    template = Template([{"$base64": "{file}"}, {"$base64": "{file}", "b": 1}], XmlRpc.kinds)
    assert template.places == {"file"}
    assert b"<base64>aGk=</base64>" in XmlRpc().write("a", template.fill({"file": "aGk="}), 1)
