"""Broken messages to the other doors, MCP and the console: an error of their own kind, never a fault of ours."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.journeys.caller import Reply
from tests.journeys.hostile.test_bodies import LARGEST, UNREADABLE
from tests.journeys.place import Place

PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS = -32700, -32600, -32601, -32602
MESSAGE: dict[str, Any] = {"jsonrpc": "2.0", "id": 1}
WRONG: dict[str, tuple[Any, int]] = {
    "no message": ({}, INVALID_REQUEST),
    "a text": ("tools/list", INVALID_REQUEST),
    "another protocol": ({**MESSAGE, "jsonrpc": "1.0", "method": "tools/list"}, INVALID_REQUEST),
    "a method that is a number": ({**MESSAGE, "method": 5}, INVALID_REQUEST),
    "an unknown method": ({**MESSAGE, "method": "tools/delete"}, METHOD_NOT_FOUND),
    "parameters that are a list": ({**MESSAGE, "method": "tools/call", "params": []}, INVALID_REQUEST),
    "no tool": ({**MESSAGE, "method": "tools/call", "params": {}}, INVALID_PARAMS),
    "an unknown tool": ({**MESSAGE, "method": "tools/call", "params": {"name": "billing.everything"}}, INVALID_PARAMS),
    "arguments that are a text": (
        {**MESSAGE, "method": "tools/call", "params": {"name": "billing.find", "arguments": "x"}},
        INVALID_PARAMS,
    ),
    "a session that is a list": (
        {**MESSAGE, "method": "tools/call", "params": {"name": "billing.find", "_meta": {"io.interlock/session": []}}},
        INVALID_PARAMS,
    ),
}


def send(town: Place, holder: str = "helper", path: str = "/mcp", **more: Any) -> Reply:
    return town[holder].send("POST", path, **more)


@pytest.mark.parametrize("case", UNREADABLE)
def test_a_message_that_cannot_be_read(town: Place, case: str) -> None:
    reply = send(town, raw=UNREADABLE[case])
    assert reply.body["error"]["code"] == PARSE_ERROR
    assert reply.status < 500


@pytest.mark.parametrize("case", WRONG)
def test_a_message_that_is_wrong(town: Place, case: str) -> None:
    message, code = WRONG[case]
    reply = send(town, raw=json.dumps(message).encode())
    assert reply.body["error"]["code"] in (code, INVALID_REQUEST, INVALID_PARAMS), reply.content
    assert reply.status < 500


def test_a_message_that_is_too_large(town: Place) -> None:
    assert send(town, raw=b'{"jsonrpc":"' + b"x" * LARGEST + b'"}').status == 413


def test_a_message_without_a_key(town: Place) -> None:
    reply = town.server.caller().send("POST", "/mcp", {**MESSAGE, "method": "tools/list"})
    assert reply.status == 401
    assert "resource_metadata" in reply.headers["www-authenticate"]


@pytest.mark.parametrize(
    ("header", "status"), [({"host": "evil.example"}, 421), ({"origin": "https://evil.example"}, 403)]
)
def test_a_message_from_a_page_of_another_site(town: Place, header: dict[str, str], status: int) -> None:
    assert send(town, body={**MESSAGE, "method": "tools/list"}, headers=header).status == status


@pytest.mark.parametrize("state", ["", "x", "AAAA", 5, None, {"a": 1}])
def test_a_forged_answer_of_a_person(town: Place, state: Any) -> None:
    version = "2026-07-28"
    meta = {
        "io.modelcontextprotocol/protocolVersion": version,
        "io.modelcontextprotocol/clientCapabilities": {"elicitation": {}},
    }
    params = {"name": "billing.credit", "arguments": {}, "requestState": state, "_meta": meta}
    params["inputResponses"] = {"confirm": {"action": "accept", "content": {"confirm": True}}}
    headers = {"mcp-protocol-version": version, "mcp-method": "tools/call", "mcp-name": "billing.credit"}
    reply = send(town, "carla", body={**MESSAGE, "method": "tools/call", "params": params}, headers=headers)
    if state is None:  # no answer at all: a call like any other, whose arguments break the contract
        assert reply.body["result"]["structuredContent"]["code"] == "input_invalid"
    else:
        assert reply.body["error"]["code"] == INVALID_PARAMS
    assert reply.status < 500


@pytest.mark.parametrize(
    "form", [b"", b"key=", b"key=x&token=y", b"%ff=%ff", b"a=1&" * 5000, b"key=" + b"x" * (2 << 20), b"\x00"]
)
def test_a_form_that_nobody_filled_in(town: Place, form: bytes) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    for page in ("sign-in", "sign-out", "switches/set", "approvals/apr_x/decide"):
        reply = town.server.caller().send("POST", f"/console/{page}", raw=form, headers=headers)
        assert 300 <= reply.status < 500, (page, reply.status)
        assert b"Traceback" not in reply.content


@pytest.mark.parametrize(
    "cookie", ["interlock-console=x", "interlock-console=" + "A" * 400, "interlock-console", ";=;"]
)
def test_a_forged_cookie_is_nobody(town: Place, cookie: str) -> None:
    reply = town.server.caller().send("GET", "/console/approvals", headers={"cookie": cookie})
    assert (reply.status, reply.headers["location"].partition("?")[0]) == (303, "/console/sign-in")
