"""Operations of GraphQL documents: what is described, and what an answer with data, errors or both means."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLError, build_schema, get_introspection_query, graphql_sync

from interlock.foundation.documents import parse_document
from interlock.foundation.http import HttpClient
from interlock.foundation.secrets import SecretStore
from interlock.integration.connectors.graphql import plugin
from interlock.integration.connectors.surveys import Source, Surveyor
from interlock.integration.contracts import Contract, Definition
from interlock.integration.systems import FAILED, SUCCEEDED, UNKNOWN, Answer, Connector, Description, Ports
from interlock.integration.systems.declarations import declare
from interlock.testing.connectors import Condition, ConnectorContract, Rig, over_http
from interlock.testing.servers import (
    Behaviour,
    ScriptedServer,
    answers,
    cuts_off,
    free_port,
    redirects,
)
from tests.integration.connectors.graphql.shop import DOCUMENTS, SCHEMA, Shop, shop

ORDER = {"customer": "C1", "count": 1}
JSON = "application/json"
STRICT = "application/graphql-response+json"
CHANGED = SCHEMA.replace("placed: Date", "placed: String").replace("total: Float", "sum: Float")


class TestContract(ConnectorContract):
    plugin = "interlock.integration.connectors.graphql:plugin"
    conditions = frozenset(Condition) - {Condition.unending}  # a document asks for one page

    @asynccontextmanager
    async def rig(self, condition: Condition, root: Path) -> AsyncIterator[Rig]:
        system = Shop(CHANGED if condition is Condition.changed else SCHEMA)
        files(root)
        behaviour = system if condition is Condition.changed else over_http(condition, system)
        async with ScriptedServer(behaviour) as listener:
            port = free_port() if condition is Condition.refused else listener.port
            yield Rig(shop(port), {"id": "O1"}, {"order": ORDER}, {"shop": "hidden-token"}, lambda: system.effects)


def files(root: Path, schema: str = SCHEMA) -> None:
    (root / "shop.graphql").write_text(schema, encoding="utf-8")
    (root / "operations.graphql").write_text(DOCUMENTS, encoding="utf-8")


def described(root: Path, content: dict[str, Any]) -> Description:
    return plugin.describe(declare(parse_document(json.dumps(content).encode(), "system", environment={})), root)


@asynccontextmanager
async def connected(root: Path, behaviour: Behaviour, **connection: Any) -> AsyncIterator[Connector]:
    files(root)
    async with ScriptedServer(behaviour) as listener, HttpClient() as http:
        content = json.dumps(shop(listener.port, **connection)).encode()
        system = declare(parse_document(content, "system", environment={}))
        secrets = SecretStore.standard(environment={"INTERLOCK_SECRET_SHOP": "hidden-token"})
        yield plugin.build(system, plugin.describe(system, root).definitions, Ports(http, secrets, root))


async def write(connector: Connector) -> Answer:
    return await connector.call("write", {"order": ORDER}, key="", timeout=5)


async def read(connector: Connector) -> Answer:
    return await connector.call("read", {"id": "O1"}, key="", timeout=5)


# --- describing ------------------------------------------------------------------------------------------------------


@pytest.fixture
def definitions(tmp_path: Path) -> dict[str, Definition]:
    files(tmp_path)
    found = described(tmp_path, shop(1))
    assert not found.troubles
    return dict(found.definitions)


@pytest.mark.parametrize(
    ("operation", "arguments", "fits"),
    [
        ("read", {"id": "O1"}, True),
        ("read", {}, False),
        ("read", {"id": None}, False),
        ("orders", {}, True),
        ("orders", {"where": None, "notes": None}, True),
        ("orders", {"where": {"all": [{"status": "OPEN"}, {"not": {"limit": 3}}]}}, True),
        ("orders", {"where": {"all": [{"status": "LOST"}]}}, False),
        ("orders", {"where": {"limit": None}}, False),
        ("orders", {"where": {"limit": 2**31}}, False),
        ("write", {"order": ORDER}, True),
        ("write", {"order": {"customer": "C1"}}, False),
        ("write", {"order": {**ORDER, "price": 1}}, False),
    ],
)
def test_variables_are_the_arguments(
    definitions: dict[str, Definition], operation: str, arguments: dict[str, Any], fits: bool
) -> None:
    assert Contract(definitions[operation].input_schema).holds(arguments) is fits


LINE = {"id": "O1", "status": "OPEN", "placed": "2026-01-02"}


@pytest.mark.parametrize(
    ("operation", "result", "fits"),
    [
        ("read", {"order": None}, True),
        ("read", {"order": {**LINE, "customer": {"name": "Ada"}}}, True),
        ("read", {"order": {**LINE, "customer": None}}, False),
        ("read", {"order": {**LINE, "status": "GONE", "customer": {"name": "Ada"}}}, False),
        ("read", {"order": LINE}, False),
        ("orders", {"orders": [{"id": "O1"}]}, True),
        ("orders", {"orders": [{"id": "O1", "note": None}]}, True),
        ("orders", {"orders": [None]}, False),
        ("find", {"find": [{"__typename": "Customer", "id": "C1"}]}, True),
        ("find", {"find": [{"__typename": "Order", "id": "O1", "total": 1.5}]}, True),
        ("find", {"find": [{"__typename": "Customer", "id": "C1", "total": 1.5}]}, False),
    ],
)
def test_the_selection_is_the_result(
    definitions: dict[str, Definition], operation: str, result: dict[str, Any], fits: bool
) -> None:
    output = definitions[operation].output_schema
    assert output is not None
    assert Contract(output).holds(result) is fits


@pytest.mark.parametrize(
    ("operation", "says"),
    [
        ({"from": "Lost", "effect": "read"}, "there are: Find, OneOrder, Orders, Place, Two"),
        ({"from": "Place", "effect": "read"}, "is a mutation"),
        ({"from": "OneOrder", "effect": "write"}, "is a query"),
        ({"from": "Two", "effect": "write"}, "must change one thing"),
        ({"from": "query { order }", "effect": "read"}, "does not fit the schema"),
        ({"from": "query {", "effect": "read"}, "is no GraphQL document"),
        ({"from": "{" + "a{" * 5000, "effect": "read"}, "is"),
        ({"from": "{ __schema { description } }", "effect": "read"}, "asks for the schema"),
        ({"from": "subscription { order }", "effect": "read"}, "fit"),
        ({"from": "mutation { cancel(id: 1) @skip(if: true) }", "effect": "write"}, "must change one thing, always"),
    ],
    ids=["unknown", "mutation", "query", "two", "unfit", "broken", "deep", "introspection", "subscription", "perhaps"],
)
def test_what_cannot_be_declared_is_a_trouble(tmp_path: Path, operation: dict[str, Any], says: str) -> None:
    files(tmp_path)
    found = described(tmp_path, {**shop(1), "operations": {"one": operation}})
    assert not found.definitions
    assert says in found.troubles[0].message
    assert found.troubles[0].pointer.startswith("/operations/one/from")


@pytest.mark.parametrize("content", ["", "{}", "{", "type Query { a: Lost }", '{"__schema": {"types": 1}}', "\x00"])
def test_a_schema_that_is_none_is_a_trouble(tmp_path: Path, content: str) -> None:
    files(tmp_path, content)
    found = described(tmp_path, shop(1))
    assert [one.pointer for one in found.troubles] == ["/connection/schema"]


def test_files_outside_the_project_are_refused(tmp_path: Path) -> None:
    files(tmp_path)
    assert described(tmp_path, shop(1, schema="../x")).troubles[0].pointer == "/connection/schema"
    assert described(tmp_path, shop(1, documents=["../x"])).troubles[0].pointer == "/connection/documents/0"


def test_an_introspection_result_describes_the_same(tmp_path: Path, definitions: dict[str, Definition]) -> None:
    query = get_introspection_query(input_value_deprecation=True)
    files(tmp_path, json.dumps(graphql_sync(build_schema(SCHEMA), query).formatted))
    found = described(tmp_path, shop(1)).definitions
    assert {n: d.digest for n, d in found.items()} == {n: d.digest for n, d in definitions.items()}


# --- answers ---------------------------------------------------------------------------------------------------------


async def test_calls_are_executed_by_a_real_server(tmp_path: Path) -> None:
    system = Shop()
    async with connected(tmp_path, system) as connector:
        answer = await connector.call("find", {"text": "C7"}, key="", timeout=5)
        assert answer.output["find"][0] == {"__typename": "Customer", "id": "C7"}
        assert (await write(connector)).output == {"place": {"id": "O9", "status": "OPEN", "placed": None}}
    assert system.requests[-1]["operationName"] == "Place"
    assert "OneOrder" not in system.requests[-1]["query"], "only the operation itself is sent"


async def test_a_mutation_that_fails_half_way_is_in_doubt(tmp_path: Path) -> None:
    system = Shop(failing=GraphQLError("stock of Ada's street 5 is gone", extensions={"code": "NO_STOCK"}))
    async with connected(tmp_path, system) as connector:
        answer = await write(connector)
    assert system.effects == 1
    assert (answer.status, answer.output) == (UNKNOWN, None)
    assert answer.problem is not None
    assert answer.problem["system"] == {"code": "NO_STOCK"}
    assert "Ada" not in str(answer), "a system's sentences may repeat data"


async def test_a_code_that_the_declaration_calls_a_refusal_is_one(tmp_path: Path) -> None:
    system = Shop(failing=GraphQLError("no", extensions={"code": "NO_STOCK"}))
    async with connected(tmp_path, system, refusals=["NO_STOCK"]) as connector:
        assert (await write(connector)).status == FAILED


PLACED = {"place": LINE}
BELOW = {"message": "x", "path": ["place", "placed"]}
AT = {"message": "x", "path": ["place"]}
CODED = {"message": "x", "extensions": {"code": "BAD_USER_INPUT"}}
INVALID = {"message": "x", "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"}}


@pytest.mark.parametrize(
    ("body", "media", "status"),
    [
        ({"data": PLACED}, JSON, SUCCEEDED),
        ({"data": {"place": None}}, JSON, SUCCEEDED),
        ({"data": PLACED, "errors": [BELOW]}, JSON, SUCCEEDED),
        ({"data": PLACED, "errors": [BELOW, CODED]}, JSON, UNKNOWN),
        ({"data": PLACED, "errors": [AT]}, JSON, UNKNOWN),
        ({"data": {"place": None}, "errors": [AT]}, JSON, UNKNOWN),
        ({"data": None, "errors": [CODED]}, JSON, UNKNOWN),
        ({"errors": [CODED]}, JSON, UNKNOWN),
        ({"errors": [CODED]}, STRICT, FAILED),
        ({"errors": [AT]}, STRICT, UNKNOWN),
        ({"errors": [INVALID]}, JSON, FAILED),
        ({"errors": []}, JSON, UNKNOWN),
        ({"errors": "no"}, JSON, UNKNOWN),
        ({"errors": ["no"], "data": PLACED}, JSON, UNKNOWN),
        ({"data": {}}, JSON, UNKNOWN),
        ({"data": []}, JSON, UNKNOWN),
        ({}, JSON, UNKNOWN),
        ([], JSON, UNKNOWN),
    ],
    ids=[
        *("data", "null", "below", "below-and-none", "at", "null-at", "no-data", "before", "before-strict"),
        *("path-strict", "invalid", "no-errors", "errors-text", "errors-texts", "no-field", "list", "empty", "array"),
    ],
)
async def test_partial_success_never_passes_for_success(tmp_path: Path, body: Any, media: str, status: str) -> None:
    async with connected(tmp_path, answers(200, body, media_type=media)) as connector:
        assert (await write(connector)).status == status


async def test_a_change_whose_result_has_gaps_is_done_and_says_where_they_are(tmp_path: Path) -> None:
    """A null in the result may be an error rather than nothing; whether it was done is not in doubt."""
    odd = {"message": "Ada's street 5", "path": ["place", "lines", 3, "Ada's street 5"]}
    body = {"data": PLACED, "errors": [BELOW, BELOW, odd]}
    async with connected(tmp_path, answers(200, body)) as connector:
        answer = await write(connector)
    assert (answer.status, answer.output, (answer.problem or {})["code"]) == (SUCCEEDED, PLACED, "partly_read")
    assert (answer.problem or {})["detail"].endswith(": place.placed, place.lines.3.?")
    assert "street" not in str(answer.problem)


async def test_a_limit_that_is_used_up_is_heard_of(tmp_path: Path) -> None:
    said = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "7"}
    async with connected(tmp_path, answers(200, {"data": PLACED}, headers=said)) as connector:
        assert (await write(connector)).rest == 7


async def test_a_read_with_any_error_has_failed(tmp_path: Path) -> None:
    body = {"data": {"order": None}, "errors": [{"message": "x", "extensions": {"code": "FORBIDDEN"}}]}
    async with connected(tmp_path, answers(200, body)) as connector:
        answer = await read(connector)
    assert (answer.status, answer.output) == (FAILED, None)
    assert answer.problem is not None
    assert answer.problem["code"] == "access_denied"


@pytest.mark.parametrize(
    ("behaviour", "code", "status"),
    [
        (answers(401, {"errors": [CODED]}), "access_denied", FAILED),
        (answers(429, {"errors": [CODED]}, headers={"Retry-After": "7"}), "rate_limited", FAILED),
        (answers(400, {"errors": [INVALID]}), "refused", FAILED),
        (answers(400, {"data": None, "errors": [AT]}), "partly_done", UNKNOWN),
        (answers(500, {"errors": [CODED]}), "system_error", UNKNOWN),
        (answers(503, {}), "system_error", UNKNOWN),
        (cuts_off(), "connection_lost", UNKNOWN),
        (redirects(302, "/elsewhere"), "redirected", UNKNOWN),
        (answers(200, b"\xff\xfe{"), "result_breaks_contract", UNKNOWN),
        (answers(200, b"<html>", media_type="text/html"), "result_breaks_contract", UNKNOWN),
        (answers(200, {"data": {"place": "x" * 70_000}}), "", UNKNOWN),
    ],
    ids=["expired", "limited", "400", "executed", "500", "503", "truncated", "redirect", "encoding", "page", "huge"],
)
async def test_faults_of_transport(tmp_path: Path, behaviour: Behaviour, code: str, status: str) -> None:
    async with connected(tmp_path, behaviour) as connector:
        answer = await write(connector)
    assert answer.problem is not None
    assert answer.status == status, answer.problem
    assert not code or answer.problem["code"] == code


async def test_credentials_that_the_system_repeats_are_masked(tmp_path: Path) -> None:
    body = {"data": {"place": {**LINE, "id": "hidden-token"}}}
    async with connected(tmp_path, answers(200, body)) as connector:
        assert "hidden-token" not in str((await write(connector)).output)


# --- drift and surveys -----------------------------------------------------------------------------------------------


async def test_a_changed_schema_is_noticed(tmp_path: Path, definitions: dict[str, Definition]) -> None:
    async with connected(tmp_path, Shop(CHANGED)) as connector:
        live = await connector.definitions()
    assert live is not None
    assert set(live) == {"read", "orders", "write"}, "find selects what is gone"
    assert live["orders"].digest == definitions["orders"].digest
    assert live["read"].digest != definitions["read"].digest


async def test_a_server_that_keeps_its_schema_has_no_live_definitions(tmp_path: Path) -> None:
    async with connected(tmp_path, Shop(closed=True)) as connector:
        assert await connector.definitions() is None
        assert (await connector.probe(timeout=30)).succeeded


async def test_every_offer_of_a_survey_can_be_declared(tmp_path: Path) -> None:
    assert isinstance(plugin, Surveyor)
    source = Source("shop.graphql", SCHEMA.encode())
    assert plugin.recognises(source)
    assert not plugin.recognises(Source("x.yaml", b"openapi: 3.1.0"))
    async with HttpClient() as http, ScriptedServer(Shop()) as listener:
        ports = Ports(http, SecretStore.standard(environment={}), tmp_path)
        found = await plugin.survey(source, ports)
        live = await plugin.survey(Source(f"http://127.0.0.1:{listener.port}/graphql"), ports)
    assert [(one.name, one.effect) for one in live.offers] == [(one.name, one.effect) for one in found.offers]
    assert {one.name for one in found.offers} == {"order", "orders", "find", "node", "place", "cancel"}
    operations = {one.name: {"from": one.origin, "effect": str(one.effect)} for one in found.offers}
    (tmp_path / "shop.graphql").write_bytes(found.files["schema.graphql"])
    content = {**shop(1), "operations": operations}
    del content["connection"]["documents"]
    result = described(tmp_path, content)
    assert not result.troubles
    assert set(result.definitions) == set(operations)
