"""What servers may answer, honest and hostile: bounded, and never taken for done or undone without a reason."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.foundation.http import HttpResponse
from interlock.integration.connectors.soap.answers import Expected, interpret
from interlock.integration.systems import FAILED, SUCCEEDED, UNKNOWN, Answer, Connector
from interlock.testing.servers import Behaviour, ScriptedServer, answers, cuts_off, hangs, redirects, resets, streams
from interlock.values.operations import Effect
from interlock.values.secrets import MASK
from tests.integration.connectors.soap.catalogue import NS, files
from tests.integration.connectors.soap.ledger import PASSWORD, connected, system

OPERATIONS = {
    "read": {"from": "Old/Ping", "effect": "read"},
    "write": {"from": "Old/Ping", "effect": "write", "idempotency": {"header": "X-Key"}},
    "newer": {"from": "New/Ping", "effect": "write"},
    "tell": {"from": "Old/Tell", "effect": "write"},
    "add": {"from": "Sums/Add", "effect": "write"},
}
SOAP = {"1.1": "http://schemas.xmlsoap.org/soap/envelope/", "1.2": "http://www.w3.org/2003/05/soap-envelope"}
GOOD = f'<c:Ping xmlns:c="{NS}">pong</c:Ping>'
MEDIA = {"1.1": "text/xml; charset=utf-8", "1.2": "application/soap+xml"}


def envelope(inner: str, version: str = "1.1", head: str = "") -> bytes:
    return f'{head}<s:Envelope xmlns:s="{SOAP[version]}"><s:Body>{inner}</s:Body></s:Envelope>'.encode()


def fault(code: str, detail: str = "") -> str:
    inner = f"<detail>{detail}</detail>" if detail else ""
    return f"<s:Fault><faultcode>{code}</faultcode><faultstring>of {PASSWORD[:15]}</faultstring>{inner}</s:Fault>"


def newer_fault(code: str, sub: str = "") -> str:
    inner = f"<s:Subcode><s:Value>x:{sub}</s:Value></s:Subcode>" if sub else ""
    reason = '<s:Reason><s:Text xml:lang="en">no</s:Text></s:Reason>'
    return f"<s:Fault><s:Code><s:Value>s:{code}</s:Value>{inner}</s:Code>{reason}</s:Fault>"


def gives(content: bytes, status: int = 200, media_type: str = "text/xml; charset=utf-8", **headers: str) -> Behaviour:
    return answers(status, content, media_type=media_type, headers=headers)


@asynccontextmanager
async def calling(root: Path, behaviour: Behaviour, **more: Any) -> AsyncIterator[tuple[Connector, ScriptedServer]]:
    files(root)
    async with ScriptedServer(behaviour) as listener:
        content = system(listener.url, OPERATIONS, **more)
        async with connected(root, content) as connector:
            yield connector, listener


async def asked(root: Path, behaviour: Behaviour, operation: str = "write", timeout: float = 5) -> Answer:
    async with calling(root, behaviour) as (connector, _):
        arguments = {"a": 1, "node": {"name": "n"}} if operation == "add" else {"value": "ping"}
        return await connector.call(operation, arguments, key="", timeout=timeout)


def code(answer: Answer) -> str:
    assert answer.problem is not None
    return str(answer.problem["code"])


# --- what is sent ----------------------------------------------------------------------------------------------------


async def test_messages_of_both_versions_say_what_they_are(tmp_path: Path) -> None:
    async with calling(tmp_path, gives(envelope(GOOD)), headers={"X-Tenant": "acme"}) as (connector, listener):
        await connector.call("write", {"value": "a"}, key="k1", timeout=5)
        await connector.call("newer", {"value": "a"}, key="", timeout=5)
    older, newer = (one.headers for one in listener.received)
    assert (older["content-type"], older["soapaction"], older["x-key"]) == (MEDIA["1.1"], '"urn:Ping"', "k1")
    assert newer["content-type"] == 'application/soap+xml; charset=utf-8; action="urn:Ping"'
    assert "soapaction" not in newer
    assert older["x-tenant"] == newer["x-tenant"] == "acme"
    assert SOAP["1.1"].encode() in listener.received[0].body
    assert SOAP["1.2"].encode() in listener.received[1].body


async def test_addressing_is_said_where_it_is_wanted(tmp_path: Path) -> None:
    async with calling(tmp_path, gives(envelope(GOOD)), addressing=True) as (connector, listener):
        await connector.call("write", {"value": "a"}, key="", timeout=5)
        await connector.call("write", {"value": "a"}, key="", timeout=5)
    first, second = (one.body.decode() for one in listener.received)
    assert ">urn:Ping<" in first
    assert f">{listener.url}<" in first
    assert first != second, "each message has an id of its own"


async def test_rpc_wraps_by_the_operation(tmp_path: Path) -> None:
    answer = await asked(tmp_path, gives(envelope('<x:Whatever xmlns:x="urn:sums"><sum>3</sum></x:Whatever>')), "add")
    assert (answer.status, answer.output) == (SUCCEEDED, {"sum": 3})


# --- good answers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "behaviour",
    [
        gives(envelope(GOOD)),
        gives(envelope(GOOD, "1.2"), media_type=MEDIA["1.2"]),
        gives(envelope(GOOD).decode().encode("utf-16"), media_type="text/xml"),
        gives(envelope(GOOD).decode().encode("utf-16"), media_type="text/xml; charset=utf-8"),
        gives(envelope(GOOD, head='<?xml version="1.0" encoding="windows-1252"?>'), media_type="text/xml"),
        gives(envelope(GOOD, head='<?xml version="1.0" encoding="utf-16"?>'), media_type="text/xml; charset=utf-8"),
        gives(envelope(GOOD), media_type="application/xml"),
    ],
    ids=["1.1", "1.2", "utf-16", "mark-over-header", "windows", "header-over-document", "plain"],
)
async def test_a_good_answer_is_read(tmp_path: Path, behaviour: Behaviour) -> None:
    answer = await asked(tmp_path, behaviour)
    assert (answer.status, answer.output) == (SUCCEEDED, {"value": "pong"})


@pytest.mark.parametrize("behaviour", [gives(b"", 202), gives(b"", 200), gives(envelope(""))])
async def test_what_expects_no_answer_is_done_when_it_was_taken(tmp_path: Path, behaviour: Behaviour) -> None:
    answer = await asked(tmp_path, behaviour, "tell")
    assert (answer.status, answer.output) == (SUCCEEDED, None)


async def test_our_own_password_is_masked_wherever_it_comes_back(tmp_path: Path) -> None:
    ways = (f"<![CDATA[{PASSWORD}]]>", escape(PASSWORD), "".join(f"&#{ord(sign)};" for sign in PASSWORD))
    for way in ways:
        echo = gives(envelope(GOOD.replace("pong", f"it is {way}!")))
        async with calling(tmp_path, echo, security={"username": "u", "password": "secret:ledger"}) as (connector, _):
            answer = await connector.call("read", {"value": "a"}, key="", timeout=5)
        assert (answer.status, answer.output) == (SUCCEEDED, {"value": f"it is {MASK}!"})


# --- bad answers -----------------------------------------------------------------------------------------------------

LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>'


@pytest.mark.parametrize(
    ("content", "media_type", "says"),
    [
        (b"", "text/xml", "is no whole XML"),
        (b"<a", "text/xml", "is no whole XML"),
        (envelope(GOOD)[:-9], "text/xml", "is no whole XML"),
        (envelope(GOOD.replace("pong", "\x01")), "text/xml", "is no whole XML"),
        (b"\xff\xff", "text/xml", "is no whole XML"),
        (envelope(GOOD), "text/xml; charset=klingon", "encoding that is not known"),
        (envelope("&c;", head=LAUGHS), "text/xml", "declares a document type"),
        (envelope(GOOD.replace("pong", "&a;"), head=OUTSIDE), "text/xml", "declares a document type"),
        (envelope("<a>" * 100 + "</a>" * 100), "text/xml", "is nested deeper than 64 levels"),
        (b"<a/>", "text/xml", "is no envelope of SOAP"),
        (f'<s:Envelope xmlns:s="{SOAP["1.1"]}"/>'.encode(), "text/xml", "is no envelope of SOAP"),
        (envelope(""), "text/xml", "has no 'Ping'"),
        (envelope("<Ping>pong</Ping>"), "text/xml", "has no 'Ping'"),
        (b"{}", "application/json", "is not XML"),
        (b"<html/>", "text/html", "is not XML"),
        (b"--x", "multipart/related; boundary=x", "in several parts"),
    ],
)
async def test_an_answer_that_is_none_leaves_a_write_in_doubt(
    tmp_path: Path, content: bytes, media_type: str, says: str
) -> None:
    for operation, status in (("write", UNKNOWN), ("read", FAILED)):
        answer = await asked(tmp_path, gives(content, media_type=media_type), operation)
        assert answer.problem is not None
        assert (answer.status, answer.problem["code"]) == (status, "result_breaks_contract")
        assert says in answer.problem["detail"]


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        (hangs, "timed_out"),
        (resets, "connection_lost"),
        (cuts_off, "connection_lost"),
        (streams, "response_too_large"),
        (lambda: streams(packed=True), "response_too_large"),
        (lambda: redirects(302, "http://127.0.0.1:1/"), "redirected"),
    ],
)
async def test_no_answer_leaves_a_write_in_doubt(
    tmp_path: Path, behaviour: Callable[[], Behaviour], expected: str
) -> None:
    answer = await asked(tmp_path, behaviour(), timeout=1.0 if behaviour is hangs else 30)
    assert (answer.status, code(answer)) == (UNKNOWN, expected)


@pytest.mark.parametrize(
    ("status", "expected", "what"),
    [
        (400, FAILED, "refused"),
        (401, FAILED, "access_denied"),
        (404, FAILED, "not_found"),
        (429, FAILED, "rate_limited"),
        (500, UNKNOWN, "system_error"),
        (503, UNKNOWN, "system_error"),
    ],
)
@pytest.mark.parametrize("content", [b"", b"<html>", envelope(GOOD)])
async def test_without_a_fault_the_status_counts(
    tmp_path: Path, status: int, expected: str, what: str, content: bytes
) -> None:
    answer = await asked(tmp_path, gives(content, status))
    assert (answer.status, code(answer)) == (expected, what)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_answer_whatever_breaks_the_connector(data: st.DataObject) -> None:
    content = bytearray(envelope(GOOD + fault("s:Client", "<x/>"), head='<?xml version="1.0" encoding="utf-8"?>'))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content)))
        content[place : place + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=4))
    media_type = data.draw(st.sampled_from(["text/xml; charset=utf-8", "text/xml", "application/soap+xml; charset=a"]))
    response = HttpResponse(200, media_type.partition(";")[0], {"Content-Type": media_type}, bytes(content))
    output = {"element": f"{{{NS}}}Ping", "type": {"ref": "r"}}
    records = {"r": {"content": [], "text": {"kind": "string"}}}
    answer = interpret(response, Expected(Effect.write, output, records))
    assert answer.status in {SUCCEEDED, UNKNOWN}, "nothing here promises that nothing was done"


# --- faults ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("inner", "status", "what", "told"),
    [
        (fault("s:Client"), FAILED, "refused", "Client"),
        (fault("s:Client.OutOfStock"), FAILED, "refused", "Client.OutOfStock"),
        (fault("Client", "<Unwanted/>"), FAILED, "refused", "Unwanted"),
        (fault("s:Server"), UNKNOWN, "system_error", "Server"),
        (fault("s:Server", '<x:Late xmlns:x="urn:x"/>'), UNKNOWN, "system_error", "Late"),
        (fault("s:Server", "<Client/>"), UNKNOWN, "system_error", "Client"),  # a customer, not the code
        (fault("s:Server.Client"), UNKNOWN, "system_error", "Server.Client"),
        (fault("s:Server.FailedAuthentication"), UNKNOWN, "system_error", "Server.FailedAuthentication"),
        (fault("s:Server", "<MustUnderstand/>"), UNKNOWN, "system_error", "MustUnderstand"),
        (fault("x:Own"), UNKNOWN, "system_error", "Own"),
        (fault(""), UNKNOWN, "system_error", None),
        ("<s:Fault/>", UNKNOWN, "system_error", None),
        (fault("x" * 100), UNKNOWN, "system_error", None),
        (fault("s:VersionMismatch"), FAILED, "refused", "VersionMismatch"),
        (fault("s:MustUnderstand"), FAILED, "refused", "MustUnderstand"),
        (fault("wsse:FailedAuthentication"), FAILED, "access_denied", "FailedAuthentication"),
    ],
)
async def test_faults_of_the_older_version(
    tmp_path: Path, inner: str, status: str, what: str, told: str | None
) -> None:
    for http in (200, 500):
        answer = await asked(tmp_path, gives(envelope(inner), http))
        assert answer.problem is not None
        assert (answer.status, code(answer)) == (status, what)
        assert answer.problem.get("system", {}).get("code") == told
        assert "ledger" not in str(answer.problem)


@pytest.mark.parametrize(
    ("inner", "status", "what", "told"),
    [
        (newer_fault("Sender"), FAILED, "refused", "Sender"),
        (newer_fault("Sender", "Unwanted"), FAILED, "refused", "Unwanted"),
        (newer_fault("Receiver"), UNKNOWN, "system_error", "Receiver"),
        (newer_fault("Receiver", "Sender"), UNKNOWN, "system_error", "Sender"),
        (newer_fault("Receiver", "InvalidSecurity"), UNKNOWN, "system_error", "InvalidSecurity"),
        (newer_fault("DataEncodingUnknown"), FAILED, "refused", "DataEncodingUnknown"),
        (newer_fault("Sender", "ActionNotSupported"), FAILED, "refused", "ActionNotSupported"),
        (newer_fault("Sender", "InvalidSecurity"), FAILED, "access_denied", "InvalidSecurity"),
    ],
)
async def test_faults_of_the_newer_version(tmp_path: Path, inner: str, status: str, what: str, told: str) -> None:
    for http in (200, 400, 500):
        behaviour = gives(envelope(inner, "1.2"), http, MEDIA["1.2"])
        answer = await asked(tmp_path, behaviour, "newer")
        assert answer.problem is not None
        assert (answer.status, code(answer), answer.problem["system"]["code"]) == (status, what, told)


async def test_a_status_does_not_undo_what_a_fault_leaves_open(tmp_path: Path) -> None:
    answer = await asked(tmp_path, gives(envelope(fault("s:Server")), 400))
    assert (answer.status, code(answer)) == (UNKNOWN, "system_error")
    limited = await asked(tmp_path, gives(envelope(fault("s:Client")), 429, **{"retry-after": "7"}))
    assert (limited.status, code(limited), limited.retry_after) == (FAILED, "rate_limited", 7.0)


# --- probing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("behaviour", "good"),
    [
        (gives(b"<x/>"), True),
        (gives(b"", 405), True),
        (gives(b"", 500), True),
        (streams(), True),
        (gives(b"", 401), False),
        (gives(b"", 503), False),
        (resets(), False),
    ],
)
async def test_a_probe_sends_no_message(tmp_path: Path, behaviour: Behaviour, good: bool) -> None:
    async with calling(tmp_path, behaviour) as (connector, listener):
        assert (await connector.probe(timeout=30)).succeeded is good
        assert await connector.definitions() is None
    assert {(one.method, one.target, one.body) for one in listener.received} == {("GET", "/?wsdl", b"")}
