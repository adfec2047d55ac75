"""Raw HTTP against `/mcp`: what is refused before a message is looked at, and how faults are told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from interlock.experience.mcp import Mcp
from interlock.foundation.telemetry import NO_SPAN, NoTracing, Span, Telemetry
from tests.experience.mcp.conftest import FILES, Shop, open_shop, write_shop

PING = {"jsonrpc": "2.0", "id": 7, "method": "ping"}


async def test_without_a_credential_the_client_is_led_to_the_metadata(shop: Shop) -> None:
    answer = await shop.send(PING, key="")
    assert answer.status == 401
    challenge = answer.headers["www-authenticate"]
    assert challenge.startswith("Bearer ")
    assert 'resource_metadata="http://127.0.0.1:8640/.well-known/oauth-protected-resource/mcp"' in challenge
    assert answer.json["error"]["data"]["code"] == "unauthenticated"


@pytest.mark.parametrize("path", ["/mcp", ""])
async def test_the_metadata_names_the_resource_its_address_is_made_from(shop: Shop, path: str) -> None:
    well_known = f"/.well-known/oauth-protected-resource{path}"
    answer = await shop.send(b"", key="", method="GET", path=well_known)
    assert answer.status == 200
    assert answer.json["resource"] == f"http://127.0.0.1:8640{path}"
    assert answer.json["bearer_methods_supported"] == ["header"]


async def test_no_other_well_known_document_is_there(shop: Shop) -> None:
    assert (await shop.send(b"", key="", method="GET", path="/.well-known/openid-configuration")).status == 404


async def test_a_key_that_may_not_act_lists_tools_but_calls_none(shop: Shop) -> None:
    assert (await shop.old("tools/list", key="looker")).status == 200
    answer = await shop.old("tools/call", {"name": "shop.get_order", "arguments": {"id": 1}}, key="looker")
    assert answer.status == 403
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
    assert answer.json["id"] == 1


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "OPTIONS"])
async def test_only_posting_does_something(shop: Shop, method: str) -> None:
    answer = await shop.send(b"", method=method)
    assert answer.status == 405
    assert answer.headers["allow"] == "POST, DELETE"


async def test_ending_a_session_that_was_never_kept_is_fine(shop: Shop) -> None:
    assert (await shop.send(b"", method="DELETE")).status == 200


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"host": "attacker.example"}, 421, "host_refused"),
        ({"origin": "http://attacker.example"}, 403, "origin_refused"),
        ({"accept": "text/html"}, 406, "not_acceptable"),
        ({"content-type": "text/plain"}, 415, "media_type_unsupported"),
        ({"content-length": "99999999"}, 413, "request_too_large"),
    ],
)
async def test_requests_refused_as_a_whole(shop: Shop, headers: dict[str, str], status: int, code: str) -> None:
    answer = await shop.send(PING, headers=headers)
    assert answer.status == status
    assert answer.json["error"]["data"]["code"] == code


@pytest.mark.parametrize(
    ("body", "number"),
    [
        (b"", -32700),
        (b"{", -32700),
        (b"\xff\xfe", -32700),
        (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":' + b'{"a":' * 20 + b"1" + b"}" * 21, -32700),
        (b"[]", -32600),
        (orjson.dumps([PING, PING]), -32600),
        (b"7", -32600),
        (b'{"jsonrpc":"1.0","method":"ping"}', -32600),
        (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600),
    ],
)
async def test_bodies_that_are_no_message(shop: Shop, body: bytes, number: int) -> None:
    answer = await shop.send(body)
    assert answer.status == 400
    assert answer.fault == number
    assert answer.json["id"] is None


async def test_a_body_that_is_too_large(shop: Shop) -> None:
    answer = await shop.send(b" " * 70_000)
    assert answer.status == 413


async def test_parameters_of_the_wrong_shape_are_told_to_the_request(shop: Shop) -> None:
    answer = await shop.send({**PING, "params": [1]})
    assert (answer.status, answer.json["id"], answer.fault) == (200, 7, -32602)


@pytest.mark.parametrize("method", ["resources/list", "prompts/get", "logging/setLevel", "server/discover"])
async def test_methods_that_the_handshake_revisions_do_not_have_here(shop: Shop, method: str) -> None:
    answer = await shop.old(method)
    assert (answer.status, answer.fault) == (200, -32601)


@pytest.mark.parametrize("method", ["initialize", "ping", "subscriptions/listen", "resources/list"])
async def test_methods_that_the_stateless_revision_does_not_have_here(shop: Shop, method: str) -> None:
    answer = await shop.new(method)
    assert (answer.status, answer.fault, answer.json["id"]) == (404, -32601, "a")


async def test_a_stateless_request_with_other_headers_is_a_mismatch(shop: Shop) -> None:
    params = {"name": "shop.get_order", "arguments": {"id": 1}, "_meta": _envelope()}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    headers = {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "shop.drop_order"}
    answer = await shop.send(body, headers=headers)
    assert (answer.status, answer.fault) == (400, -32020)
    headers["mcp-name"] = "shop.get_order"
    twice = await shop.send(body, headers=headers, more=[(b"mcp-name", b"shop.get_order")])
    assert (twice.status, twice.fault) == (400, -32020)
    assert (await shop.send(body, headers=headers)).status == 200


async def test_a_version_that_is_not_served_is_told_what_is(shop: Shop) -> None:
    meta = {**_envelope(), "io.modelcontextprotocol/protocolVersion": "2027-03-01"}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": meta}}
    answer = await shop.send(body, headers={"mcp-protocol-version": "2027-03-01", "mcp-method": "tools/list"})
    assert (answer.status, answer.fault) == (400, -32022)
    assert "2026-07-28" in answer.json["error"]["data"]["supported"]


@pytest.mark.parametrize("version", ["2025-11-25", "2026-07-28", None])
async def test_notifications_and_answers_are_taken_without_a_word(shop: Shop, version: str | None) -> None:
    headers = {"mcp-protocol-version": version} if version else {}
    for body in (
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}},
    ):
        answer = await shop.send(body, headers=headers)
        assert (answer.status, answer.body) == (202, b"")


@pytest.mark.parametrize(
    ("asked", "agreed"),
    [
        ("2025-11-25", "2025-11-25"),
        ("2025-06-18", "2025-06-18"),
        ("2025-03-26", "2025-03-26"),
        ("2024-11-05", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
        ("later", "2025-11-25"),
        (["2025-11-25"], "2025-11-25"),
    ],
)
async def test_the_handshake_agrees_on_a_revision(shop: Shop, asked: Any, agreed: str) -> None:
    body = {**PING, "method": "initialize", "params": {"protocolVersion": asked, "capabilities": {}, "clientInfo": {}}}
    answer = await shop.send(body)
    assert answer.result["protocolVersion"] == agreed
    assert answer.result["capabilities"] == {"tools": {}}
    assert "mcp-session-id" not in answer.headers


async def test_discovery(shop: Shop) -> None:
    found = (await shop.new("server/discover")).result
    assert found["resultType"] == "complete"
    assert found["supportedVersions"] == ["2026-07-28"]
    assert found["cacheScope"] == "private"


async def test_the_layers_own_cost_is_told(shop: Shop) -> None:
    assert float((await shop.send(PING)).headers["x-interlock-overhead-ms"]) >= 0


async def test_tokens_of_a_projects_issuers_are_named_to_clients(tmp_path: Path) -> None:
    identity = """
server: {public_url: "https://interlock.acme.example"}
identity:
  oidc:
    - {issuer: "https://login.acme.example", audience: [interlock], jwks_url: "https://login.acme.example/keys"}
"""
    write_shop(tmp_path, {**FILES, "interlock.yaml": FILES["interlock.yaml"] + identity})
    async with open_shop(tmp_path) as shop:
        path = "/.well-known/oauth-protected-resource/mcp"
        document = (await shop.send(b"", key="", method="GET", path=path)).json
        assert document["resource"] == "https://interlock.acme.example/mcp"
        assert document["authorization_servers"] == ["https://login.acme.example"]
        challenge = (await shop.send(PING, key="")).headers["www-authenticate"]
        assert f'resource_metadata="https://interlock.acme.example{path}"' in challenge
        assert (await shop.send(PING, headers={"host": "interlock.acme.example"})).status == 200


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_the_metadata_is_only_read(shop: Shop, method: str) -> None:
    path = "/.well-known/oauth-protected-resource"
    assert (await shop.send(b"", key="", method=method, path=path)).status == 405
    refused = await shop.send(b"", key="", method="GET", path=path, headers={"host": "attacker.example"})
    assert refused.json["code"] == "host_refused"


@pytest.mark.parametrize("stateless", [False, True])
async def test_what_nobody_expected_is_told_without_a_word_of_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, *, stateless: bool
) -> None:
    async def breaks(*_: Any) -> None:
        raise RuntimeError("the account of ada is 4711")

    monkeypatch.setattr(shop.installation.actions, "propose", breaks)
    params = {"name": "shop.get_order", "arguments": {"id": 1}}
    answer = await (shop.new if stateless else shop.old)("tools/call", params)
    assert (answer.status, answer.fault) == (500 if stateless else 200, -32603)
    assert b"4711" not in answer.body
    assert "RuntimeError" in caplog.text
    assert "4711" not in caplog.text


async def test_a_call_is_traced_under_the_clients_own_trace(shop: Shop) -> None:
    recording = Recording()
    traced = Mcp(replace(shop.installation, telemetry=Telemetry(tracing=recording)))
    shop.mcp, parent = traced, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    await shop.call("shop.get_order", {"id": 1}, meta={"traceparent": parent})
    await shop.old("no/such/method", {"_meta": {"traceparent": 7}})
    assert recording.spans[0] == ("tools/call shop.get_order", "2026-07-28", parent)
    assert recording.spans[1] == ("unknown", "2025-11-25", "")


@pytest.mark.parametrize("params", [{"name": []}, {"name": {}}, {"arguments": 1}, {"_meta": 7}, {"_meta": []}])
@pytest.mark.parametrize("method", ["tools/call", "tools/list", "initialize", "ping"])
async def test_no_shape_of_parameters_breaks_it(shop: Shop, method: str, params: Any) -> None:
    shop.mcp = Mcp(replace(shop.installation, telemetry=Telemetry(tracing=Recording())))
    answer = await shop.old(method, params)
    assert answer.status == 200
    assert "error" not in answer.json or answer.fault == -32602


class Recording(NoTracing):
    """Keeps each span's name, revision and parent."""

    __slots__ = ("spans",)

    def __init__(self) -> None:
        self.spans: list[tuple[str, str, str]] = []

    @property
    def enabled(self) -> bool:
        return True

    def span(self, name: str, attributes: Any = None, *, kind: object = "", traceparent: str = "") -> Span:
        self.spans.append((name, attributes["mcp.protocol.version"], traceparent))
        return NO_SPAN


def _envelope() -> dict[str, Any]:
    return {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    }
