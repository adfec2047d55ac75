"""Which revision a message is in: headers and body must say the same, whoever routes by either."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.experience.mcp.errors import ProtocolFault
from interlock.experience.mcp.messages import message_of
from interlock.experience.mcp.revisions import CAPABILITIES_KEY, SERVED, VERSION_KEY, Revision, encoded, revision_of

NEW = "2026-07-28"


def envelope(
    method: str = "tools/call", *, version: Any = NEW, capabilities: Any = None, **params: Any
) -> dict[str, Any]:
    meta = {VERSION_KEY: version, CAPABILITIES_KEY: capabilities if capabilities is not None else {}}
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": {"_meta": meta, **params}}


def headers(version: str = NEW, method: str = "tools/call", name: str = "") -> list[tuple[bytes, bytes]]:
    given = [(b"mcp-protocol-version", version.encode()), (b"mcp-method", method.encode())]
    return [*given, (b"mcp-name", encoded(name).encode())] if name else given


def read(body: dict[str, Any], raw: list[tuple[bytes, bytes]]) -> Revision:
    return revision_of(message_of(body), dict(raw), raw)


def fault(body: dict[str, Any], raw: list[tuple[bytes, bytes]]) -> ProtocolFault:
    with pytest.raises(ProtocolFault) as caught:
        read(body, raw)
    return caught.value


def test_a_request_that_speaks_for_itself() -> None:
    found = read(envelope(name="shop.get"), headers(name="shop.get"))
    assert found == Revision(NEW, stateless=True, asks=False)


@pytest.mark.parametrize("header", ["2025-11-25", "2025-06-18", "2025-03-26"])
def test_a_request_after_a_handshake(header: str) -> None:
    found = read({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}, [(b"mcp-protocol-version", header.encode())])
    assert found == Revision(header, stateless=False)


def test_without_any_sign_it_is_the_oldest_with_a_handshake() -> None:
    assert read({"jsonrpc": "2.0", "id": 1, "method": "ping"}, []) == Revision("2025-03-26", stateless=False)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param([], id="no header"),
        pytest.param(headers("2025-11-25", name="shop.get"), id="another version"),
        pytest.param(headers(method="tools/list", name="shop.get"), id="another method"),
        pytest.param(headers(), id="no name"),
        pytest.param(headers(name="shop.drop"), id="another name"),
        pytest.param([*headers(name="shop.get"), (b"mcp-name", b"shop.get")], id="twice"),
        pytest.param([*headers(), (b"mcp-name", b"=?base64?c2hvcC5nZXQ?=")], id="not canonical base64"),
        pytest.param([*headers(), (b"mcp-name", b"=?base64?/w==?=")], id="not UTF-8"),
    ],
)
def test_headers_that_say_something_else_are_a_mismatch(raw: list[tuple[bytes, bytes]]) -> None:
    assert fault(envelope(name="shop.get"), raw).number == -32020


@pytest.mark.parametrize("lacking", [VERSION_KEY, CAPABILITIES_KEY])
def test_an_envelope_that_lacks_a_part_names_it(lacking: str) -> None:
    body = envelope(name="shop.get")
    del body["params"]["_meta"][lacking]
    found = fault(body, headers(name="shop.get"))
    assert found.number == -32602
    assert lacking in found.what


def test_a_version_that_is_not_served_is_told_what_is() -> None:
    found = fault(envelope("tools/list", version="2027-01-01"), headers("2027-01-01", "tools/list"))
    assert found.number == -32022
    assert found.data == {"supported": list(SERVED), "requested": "2027-01-01"}


def test_a_notification_in_a_version_that_is_not_served() -> None:
    body = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    assert fault(body, [(b"mcp-protocol-version", b"1999-01-01")]).number == -32022


@pytest.mark.parametrize(
    ("capabilities", "asks"),
    [
        ({}, False),
        ({"elicitation": {}}, True),
        ({"elicitation": {"form": {}}}, True),
        ({"elicitation": {"url": {}}}, False),
        ({"elicitation": True}, False),
        ([], False),
    ],
)
def test_only_a_client_with_forms_can_ask_its_person(capabilities: Any, asks: bool) -> None:
    found = read(envelope("tools/list", capabilities=capabilities), headers(method="tools/list"))
    assert found.asks is asks


@given(st.text(min_size=1).filter(lambda name: all(not 0xD800 <= ord(char) <= 0xDFFF for char in name)))
def test_any_name_survives_its_header(name: str) -> None:
    value = encoded(name).encode("ascii")
    assert b"\n" not in value
    assert read(envelope(name=name), [*headers(), (b"mcp-name", value)]).stateless


@pytest.mark.parametrize(
    ("body", "number"),
    [
        ([{"jsonrpc": "2.0", "id": 1, "method": "ping"}], -32600),
        ("ping", -32600),
        ({"id": 1, "method": "ping"}, -32600),
        ({"jsonrpc": "2.0", "id": None, "method": "ping"}, -32600),
        ({"jsonrpc": "2.0", "id": True, "method": "ping"}, -32600),
        ({"jsonrpc": "2.0", "id": 1.5, "method": "ping"}, -32600),
        ({"jsonrpc": "2.0", "id": 1, "method": 7}, -32600),
        ({"jsonrpc": "2.0", "id": 1}, -32600),
        ({"jsonrpc": "2.0", "id": 1, "method": "ping", "params": []}, -32602),
    ],
)
def test_what_is_no_message_is_refused(body: Any, number: int) -> None:
    with pytest.raises(ProtocolFault) as caught:
        message_of(body)
    assert caught.value.number == number
