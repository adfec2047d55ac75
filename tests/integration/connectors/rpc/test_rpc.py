"""Calls by JSON-RPC and XML-RPC: what is described and sent, and what results, faults and nonsense mean."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from interlock.foundation.documents import parse_document
from interlock.foundation.http import HttpClient
from interlock.foundation.secrets import SecretStore
from interlock.integration.connectors.errors import SourceUnfit, SystemUnreachable
from interlock.integration.connectors.rpc import plugin
from interlock.integration.connectors.surveys import Source, Surveyor
from interlock.integration.contracts import Contract
from interlock.integration.systems import FAILED, SUCCEEDED, UNKNOWN, Answer, Connector, Description, Ports
from interlock.integration.systems.declarations import declare
from interlock.testing.servers import (
    Behaviour,
    ScriptedServer,
    answers,
    cuts_off,
    free_port,
    hangs,
    redirects,
    resets,
)
from tests.integration.connectors.rpc.desk import OPENRPC, Desk, desk, xml_desk, xml_system

ORDER = {"customer": "Ada"}


def described(content: dict[str, Any]) -> Description:
    return plugin.describe(declare(parse_document(json.dumps(content).encode(), "system", environment={})), Path())


@asynccontextmanager
async def connected(content: dict[str, Any]) -> AsyncIterator[Connector]:
    system = declare(parse_document(json.dumps(content).encode(), "system", environment={}))
    secrets = SecretStore.standard(environment={"INTERLOCK_SECRET_DESK": "hidden-password"})
    description = plugin.describe(system, Path())
    assert not description.troubles
    async with HttpClient() as http:
        yield plugin.build(system, description.definitions, Ports(http, secrets, Path()))


@asynccontextmanager
async def at(behaviour: Behaviour, **connection: Any) -> AsyncIterator[Connector]:
    async with ScriptedServer(behaviour) as listener, connected(desk(listener.port, **connection)) as connector:
        yield connector


async def write(connector: Connector) -> Answer:
    return await connector.call("write", ORDER, key="", timeout=5)


async def read(connector: Connector, number: int = 1) -> Answer:
    return await connector.call("read", {"id": number}, key="", timeout=5)


# --- describing ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "connection", "pointer", "says"),
    [
        ({"from": "a b"}, {}, "from", "no name of a method"),
        ({"from": "rpc.x"}, {}, "from", "keeps for itself"),
        ({"from": "a-b"}, {"protocol": "xmlrpc"}, "from", "letters, digits"),
        ({"options": {"params": {"a": 1}}}, {"protocol": "xmlrpc"}, "options", "must be a list"),
        ({"options": {"params": {"a": 1}}}, {"protocol": "jsonrpc-1.0"}, "options", "must be a list"),
        ({"options": {"params": "x"}}, {}, "options", "unless it is one place"),
        ({"options": {"params": ["{lost}"]}}, {}, "options", "`input` does not declare"),
        ({"options": {"params": ["{session.token}"]}}, {}, "options", "which no login keeps"),
        ({"options": {"params": []}, "input": {"properties": {"a": {}}}}, {}, "input", "have no place"),
        ({"input": {"type": "array"}}, {}, "input", "of type object"),
        ({"input": {"properties": {"a": {"type": "lost"}}}}, {}, "input", "no JSON Schema"),
        ({"output_schema": {"type": "lost"}}, {}, "output_schema", "no JSON Schema"),
        ({"options": {"lost": 1}}, {}, "options", "unknown members"),
        ({"options": {"result": "x"}}, {}, "options", "must match"),
    ],
)
def test_what_cannot_be_declared_is_a_trouble(
    operation: dict[str, Any], connection: dict[str, Any], pointer: str, says: str
) -> None:
    content = desk(1, **connection) | {"operations": {"one": {"effect": "read"} | operation}}
    found = described(content)
    assert not found.definitions
    assert found.troubles[0].pointer == f"/operations/one/{pointer}"
    assert says in found.troubles[0].message


@pytest.mark.parametrize(
    ("url", "says"), [("ftp://x", "begins with http"), ("http://a:b@x", "must not hold credentials"), ("x", "http")]
)
def test_addresses_are_checked(url: str, says: str) -> None:
    found = described(desk(1, url=url))
    assert [(one.pointer, says in one.message) for one in found.troubles] == [("/connection/url", True)]


def test_a_probe_without_what_fills_it_is_a_trouble() -> None:
    found = described(desk(1, probe={"method": "x", "params": ["{id}"]}))
    assert [one.pointer for one in found.troubles] == ["/connection/probe"]


def test_templates_nest_only_so_deep() -> None:
    deep: Any = "x"
    for _ in range(33):
        deep = [deep]
    content = desk(1) | {"operations": {"one": {"effect": "read", "options": {"params": deep}}}}
    assert "deeper" in described(content).troubles[0].message


# --- what is sent ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "arguments", "sent"),
    [
        (None, {"a": 1}, {"a": 1}),
        (None, {"a": 1, "b": None}, {"a": 1, "b": None}),
        (["{a}", "{b}"], {"a": 1}, [1]),
        (["{a}", "{b}"], {"a": {"x": [1.5]}, "b": "t"}, [{"x": [1.5]}, "t"]),
        ([[{"no": "{a}", "is": "{b}", "in": ["{b}"]}], {}], {"a": 0}, [[{"no": 0, "in": []}], {}]),
        (
            ["{{a}}", "a{a}", True, None, {"$base64": "{a}"}, "{b}"],
            {"a": 2},
            ["{a}", "a{a}", True, None, {"$base64": 2}],
        ),
        ("{a}", {"a": [1, 2]}, [1, 2]),
        (["{d}", "{a}"], {"a": 3}, ["usual", 3]),
        (["{a}"], {"a": "{b}"}, ["{b}"]),
    ],
    ids=["named", "null", "tail", "whole", "nested", "constants", "one", "default", "no-second-look"],
)
async def test_arguments_take_their_places(params: Any, arguments: dict[str, Any], sent: Any) -> None:
    used = {"a": {}, "b": {}, "d": {"default": "usual"}}
    text = json.dumps(params)
    properties = {name: one for name, one in used.items() if (params is None and name != "d") or f"{{{name}}}" in text}
    system = Desk()
    async with ScriptedServer(system) as listener:
        content = desk(listener.port)
        options = {} if params is None else {"options": {"params": params}}
        content["operations"] = {"one": {"effect": "read", "input": {"properties": properties}, **options}}
        async with connected(content) as connector:
            await connector.call("one", arguments, key="", timeout=5)
    assert system.calls[0]["params"] == sent
    assert system.calls[0]["method"] == "one"


async def test_an_argument_in_the_middle_cannot_be_left_out() -> None:
    async with ScriptedServer(Desk()) as listener:
        content = desk(listener.port)
        content["operations"]["read"] = {
            "effect": "read",
            "input": {"properties": {"a": {}, "b": {}}},
            "options": {"params": ["{a}", "{b}"]},
        }
        async with connected(content) as connector:
            answer = await connector.call("read", {"b": 1}, key="", timeout=5)
    assert (answer.status, answer.sent, listener.received) == (FAILED, False, [])
    assert answer.problem is not None
    assert answer.problem["code"] == "argument_unsendable"


async def test_a_key_goes_into_its_header() -> None:
    async with ScriptedServer(Desk()) as listener:
        content = desk(listener.port)
        content["operations"]["write"]["idempotency"] = {"header": "Idempotency-Key"}
        async with connected(content) as connector:
            await connector.call("write", ORDER, key="key-1", timeout=5)
    assert listener.received[0].headers["idempotency-key"] == "key-1"
    assert listener.received[0].headers["authorization"] == "Bearer hidden-password"


# --- what answers mean -----------------------------------------------------------------------------------------------


async def test_part_of_the_result_is_taken() -> None:
    async with at(Desk()) as connector:
        assert (await read(connector)).output == {"id": 1, "state": "draft"}
        nothing = await read(connector, 0)
    assert nothing.problem is not None
    assert (nothing.status, nothing.problem["code"]) == (FAILED, "not_found")


NAMED = {
    "code": 200,
    "message": "Ada's mail is ada@acme.example",
    "data": {"name": "shop.errors.NoStock", "debug": "x"},
}


@pytest.mark.parametrize(
    ("error", "code", "status", "shown"),
    [
        ({"code": -32700, "message": "x"}, "refused", FAILED, -32700),
        ({"code": -32600, "message": "x"}, "refused", FAILED, -32600),
        ({"code": -32601, "message": "x"}, "method_unknown", FAILED, -32601),
        ({"code": -32602, "message": "x"}, "refused", FAILED, -32602),
        ({"code": -32603, "message": "x"}, "system_error", UNKNOWN, -32603),
        ({"code": -32000, "message": "x"}, "system_error", UNKNOWN, -32000),
        ({"code": 17, "message": "Ada"}, "refused", FAILED, 17),
        ({"code": 18, "message": "Ada"}, "system_error", UNKNOWN, 18),
        (NAMED, "refused", FAILED, 200),
        ({**NAMED, "data": {"name": "shop.errors.Other"}}, "system_error", UNKNOWN, 200),
        ({"message": "x"}, "result_breaks_contract", UNKNOWN, None),
        ({"code": True}, "result_breaks_contract", UNKNOWN, None),
        ("no", "result_breaks_contract", UNKNOWN, None),
        (["NoStock", "x"], "result_breaks_contract", UNKNOWN, None),
    ],
)
async def test_codes_of_faults_are_told_apart(error: Any, code: str, status: str, shown: int | None) -> None:
    system = Desk(error=error)
    async with at(system, refusals=[17, "shop.errors.NoStock"]) as connector:
        answer = await write(connector)
    assert answer.problem is not None
    assert (answer.status, answer.problem["code"], answer.problem.get("fault")) == (status, code, shown)
    assert system.effects == 1, "it was called once"
    assert "Ada" not in str(answer), "a system's sentences may repeat data"


@pytest.mark.parametrize(
    ("error", "status", "word"),
    [
        (["UserError", ["Ada has no address", "", None]], FAILED, "UserError"),
        (["UserWarning", ["ada", "Ada owes", ""]], UNKNOWN, None),
        (["Ada", "Traceback"], UNKNOWN, None),
        ("UserError", FAILED, "UserError"),
        ({"code": -32601}, FAILED, None),
        ({"code": "UserError"}, FAILED, "UserError"),
        ({"code": "NoMoney"}, UNKNOWN, "NoMoney"),
        (5, UNKNOWN, None),
        ([], UNKNOWN, None),
    ],
)
async def test_errors_of_version_one_have_any_form(error: Any, status: str, word: str | None) -> None:
    async with at(Desk(error=error), protocol="jsonrpc-1.0", refusals=["UserError"]) as connector:
        answer = await write(connector)
    assert answer.problem is not None
    assert (answer.status, answer.problem.get("system", {}).get("code")) == (status, word)
    assert "Ada" not in str(answer)


GOOD = {"jsonrpc": "2.0", "id": 1, "result": {"id": 1}}


@pytest.mark.parametrize(
    ("protocol", "http", "body", "code", "status"),
    [
        ("jsonrpc", 200, GOOD, "", SUCCEEDED),
        ("jsonrpc", 200, {**GOOD, "id": 2}, "result_breaks_contract", UNKNOWN),
        ("jsonrpc", 200, {**GOOD, "id": "1"}, "result_breaks_contract", UNKNOWN),
        ("jsonrpc", 200, {**GOOD, "id": True}, "result_breaks_contract", UNKNOWN),
        ("jsonrpc", 200, {**GOOD, "id": None}, "result_breaks_contract", UNKNOWN),
        ("jsonrpc", 200, {**GOOD, "error": None}, "result_breaks_contract", UNKNOWN),
        ("jsonrpc", 200, {"id": 1, "result": 1}, "result_breaks_contract", UNKNOWN),
        ("jsonrpc", 200, [GOOD], "result_breaks_contract", UNKNOWN),
        ("jsonrpc", 200, {"jsonrpc": "2.0", "id": 1}, "result_breaks_contract", UNKNOWN),
        ("jsonrpc", 200, {"jsonrpc": "2.0", "id": 2, "error": {"code": -32601}}, "result_breaks_contract", UNKNOWN),
        ("jsonrpc", 400, {"jsonrpc": "2.0", "id": None, "error": {"code": -32700}}, "refused", FAILED),
        ("jsonrpc", 404, {"jsonrpc": "2.0", "id": 1, "error": {"code": -32601}}, "method_unknown", FAILED),
        ("jsonrpc", 403, {"jsonrpc": "2.0", "id": 1, "error": {"code": 9}}, "access_denied", FAILED),
        ("jsonrpc", 500, {"jsonrpc": "2.0", "id": 1, "error": {"code": 9}}, "system_error", UNKNOWN),
        ("jsonrpc", 400, {"jsonrpc": "2.0", "id": 1, "error": {"code": 9}}, "system_error", UNKNOWN),
        ("jsonrpc", 500, GOOD, "result_breaks_contract", UNKNOWN),
        ("jsonrpc", 401, {}, "access_denied", FAILED),
        ("jsonrpc", 429, {}, "rate_limited", FAILED),
        ("jsonrpc", 503, b"<html>", "system_error", UNKNOWN),
        ("jsonrpc", 200, b"", "result_breaks_contract", UNKNOWN),
        ("jsonrpc", 200, b"\xff\xfe{", "result_breaks_contract", UNKNOWN),
        ("jsonrpc", 200, b"[" * 60_000, "result_breaks_contract", UNKNOWN),
        ("jsonrpc", 200, b"x" * 70_000, "response_too_large", UNKNOWN),
        ("jsonrpc-1.0", 200, {"id": 1, "result": {"id": 1}, "error": None}, "", SUCCEEDED),
        ("jsonrpc-1.0", 200, {"id": 1, "result": {"id": 1}}, "", SUCCEEDED),
        ("jsonrpc-1.0", 200, {"id": 1, "error": None}, "result_breaks_contract", UNKNOWN),
        ("jsonrpc-1.0", 200, {"id": 1, "result": 1, "error": 1}, "result_breaks_contract", UNKNOWN),
        ("jsonrpc-1.0", 200, {"id": 3, "result": 1}, "result_breaks_contract", UNKNOWN),
        ("jsonrpc-1.0", 200, {"id": None, "error": {"code": -32601}}, "result_breaks_contract", UNKNOWN),
        ("jsonrpc-1.0", 200, {"id": 1}, "result_breaks_contract", UNKNOWN),
    ],
)
async def test_only_a_reply_to_the_call_is_one(protocol: str, http: int, body: Any, code: str, status: str) -> None:
    async with at(answers(http, body), protocol=protocol) as connector:
        answer = await write(connector)
    assert answer.status == status, answer.problem
    assert (answer.problem or {"code": ""})["code"] == code


@pytest.mark.parametrize(
    ("behaviour", "code", "status"),
    [
        (cuts_off(), "connection_lost", UNKNOWN),
        (resets(), "connection_lost", UNKNOWN),
        (hangs(), "timed_out", UNKNOWN),
        (redirects(302, "/elsewhere"), "redirected", UNKNOWN),
        (redirects(307, "/elsewhere"), "redirected", FAILED),
    ],
)
@pytest.mark.parametrize("protocol", ["jsonrpc", "xmlrpc"])
async def test_faults_of_transport(behaviour: Behaviour, code: str, status: str, protocol: str) -> None:
    async with ScriptedServer(behaviour) as listener:
        make = xml_system if protocol == "xmlrpc" else desk
        async with connected(make(listener.port)) as connector:
            answer = await connector.call("write", ORDER, key="", timeout=1.0)
    assert answer.problem is not None
    assert (answer.problem["code"], answer.status) == (code, status)


async def test_credentials_that_the_system_repeats_are_masked() -> None:
    async with at(answers(200, {**GOOD, "result": {"id": 1, "note": "hidden-password"}})) as connector:
        assert "hidden-password" not in str((await write(connector)).output)


@pytest.mark.parametrize(
    ("behaviour", "connection", "there"),
    [
        (Desk(), {}, True),
        (answers(200, {"jsonrpc": "2.0", "id": 1, "error": {"code": -32601}}), {}, True),
        (answers(200, b"<html>"), {}, False),
        (answers(503), {}, False),
        (answers(403, {"jsonrpc": "2.0", "id": 1, "error": {"code": 9}}), {}, False),
        (Desk(), {"probe": {"method": "order.get", "params": [1]}}, True),
        (Desk(), {"probe": {"method": "order.lost"}}, False),
    ],
)
async def test_probes(behaviour: Behaviour, connection: dict[str, Any], there: bool) -> None:
    async with at(behaviour, **connection) as connector:
        assert (await connector.probe(timeout=30)).succeeded is there


# --- surveys ---------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def ports() -> AsyncIterator[Ports]:
    async with HttpClient() as http:
        yield Ports(http, SecretStore.standard(environment={}), Path())


def declared(offers: Any, **connection: Any) -> Description:
    """What the offers of a survey become."""
    operations = {one.name: {"from": one.origin, "effect": "write", **one.settings} for one in offers}
    return described(desk(1, **connection) | {"operations": operations})


async def test_every_offer_of_a_document_can_be_declared() -> None:
    assert isinstance(plugin, Surveyor)
    source = Source("desk.json", json.dumps(OPENRPC).encode())
    assert plugin.recognises(source)
    assert not plugin.recognises(Source("x.json", b'{"openapi": "3.1.0"}'))
    async with ports() as given, ScriptedServer(Desk()) as listener:
        found = await plugin.survey(source, given)
        live = await plugin.survey(Source(f"http://127.0.0.1:{listener.port}/rpc"), given)
    assert live.offers == found.offers
    assert (found.title, [one.name for one in found.offers]) == ("Sales desk", ["order_get", "order_place"])
    assert any("order.bad" in note for note in found.notes)
    result = declared(found.offers, protocol="jsonrpc")
    assert not result.troubles
    output = result.definitions["order_get"].output_schema
    assert output is not None
    assert Contract(output).holds({"id": 1, "parts": [{"id": 2}]})
    assert not Contract(output).holds({"id": 1, "parts": [{"id": "2"}]})
    assert not Contract(result.definitions["order_place"].input_schema).holds({"note": 1})
    assert result.definitions["order_get"].binding["params"] == ["{id}"]


@pytest.mark.parametrize(
    "content", [b"{", b"[]", b'{"openrpc": "1", "methods": 1}', b'{"openrpc": "1"}', b"\xff"], ids=str
)
async def test_a_document_that_is_none_is_unfit(content: bytes) -> None:
    async with ports() as given:
        with pytest.raises(SourceUnfit):
            await plugin.survey(Source("x.json", content), given)


async def test_what_a_system_lists_by_xml_rpc_can_be_declared_and_called() -> None:
    async with ports() as given:
        with xml_desk() as (port, ledger):
            found = await plugin.survey(Source(f"http://127.0.0.1:{port}/rpc"), given)
            assert {one.name: one.description for one in found.offers} == {
                "order_echo": "Return what was given.",
                "order_get": "One order.",
                "order_place": "Place an order.",
            }
            operations = {one.name: {"from": one.origin, "effect": "write", **one.settings} for one in found.offers}
            content = desk(1) | {"operations": operations, "connection": dict(found.connection)}
            async with connected(content) as connector:
                answer = await connector.call("order_place", {"params": ["Ada"]}, key="", timeout=5)
    assert answer.output == {"id": 1}
    assert ledger.given == [("Ada", None)]


async def test_signatures_become_schemas() -> None:
    reply = "<methodResponse><params><param><value>{}</value></param></params></methodResponse>"
    array = "<array><data>{}</data></array>"
    words = "".join(f"<value>{word}</value>" for word in ("struct", "int", "dateTime.iso8601"))
    said = {
        b"listMethods": array.format("<value>order.move</value><value>system.x</value><value>a b</value>"),
        b"methodHelp": "Move  it.",
        b"methodSignature": array.format("<value>" + array.format(words) + "</value><value>none</value>"),
    }

    async def behave(request: Any, writer: Any) -> None:
        text = next((one for word, one in said.items() if word in request.body), "")
        await answers(200, reply.format(text).encode(), media_type="text/xml")(request, writer)

    async with ports() as given, ScriptedServer(behave) as listener:
        found = await plugin.survey(Source(listener.url), given)
    assert [(one.name, one.description) for one in found.offers] == [("order_move", "Move it.")]
    result = declared(found.offers, protocol="xmlrpc")
    assert not result.troubles
    assert result.definitions["order_move"].binding["params"] == ["{argument_1}", {"$dateTime": "{argument_2}"}]


@pytest.mark.parametrize("behaviour", [answers(200, b"<html>"), answers(401), answers(200, {"jsonrpc": "2.0"})])
async def test_a_system_that_lists_nothing_is_unfit(behaviour: Behaviour) -> None:
    async with ports() as given, ScriptedServer(behaviour) as listener:
        with pytest.raises(SourceUnfit):
            await plugin.survey(Source(listener.url), given)


async def test_a_system_that_is_away_cannot_be_surveyed() -> None:
    async with ports() as given:
        with pytest.raises(SystemUnreachable):
            await plugin.survey(Source(f"http://127.0.0.1:{free_port()}/"), given)
        with pytest.raises(SourceUnfit):
            await plugin.survey(Source("desk"), given)
