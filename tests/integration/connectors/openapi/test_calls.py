"""Calls over HTTP to systems that answer well, badly, or not at all."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from interlock.foundation.http import HttpClient, HttpRequest, HttpResponse
from interlock.foundation.secrets import SecretStore
from interlock.integration.connectors.errors import TokenDelayed, TokenRefused
from interlock.integration.connectors.interface import OperationDeclaration, Ports, SystemDeclaration
from interlock.integration.connectors.web.answers import interpret
from interlock.integration.connectors.web.connector import Call, WebConnector
from interlock.integration.connectors.web.request import RequestTemplate
from interlock.integration.systems import FAILED, SUCCEEDED, UNKNOWN, Answer, Systems
from interlock.testing.servers import (
    Behaviour,
    ScriptedServer,
    announces,
    answers,
    cuts_off,
    free_port,
    hangs,
    in_turn,
    redirects,
    resets,
    says,
    streams,
)
from interlock.values.operations import Effect
from tests.integration.conftest import Workbench

REFUND = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "amount": {"type": "number"}},
    "required": ["id", "amount"],
}


def parameter(name: str, place: str, schema: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "in": place, "required": place == "path", "schema": schema} | more


def good(schema: Any) -> dict[str, Any]:
    return {"200": {"description": "ok", "content": {"application/json": {"schema": schema}}}}


TEXTS = {"type": "array", "items": {"type": "string"}}
DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Billing", "version": "1"},
    "paths": {
        "/refunds": {
            "post": {
                "requestBody": {"required": True, "content": {"application/json": {"schema": REFUND}}},
                "responses": good(REFUND),
            }
        },
        "/refunds/{id}": {
            "get": {"parameters": [parameter("id", "path", {"type": "string"})], "responses": good(REFUND)}
        },
        "/search": {
            "get": {
                "parameters": [
                    parameter("q", "query", {"type": "string"}),
                    parameter("tag", "query", TEXTS),
                    parameter("ids", "query", TEXTS, explode=False),
                    parameter("where", "query", {"type": "object"}, style="deepObject"),
                    parameter("limit", "query", {"type": "integer"}),
                    parameter("exact", "query", {"type": "boolean"}),
                    parameter("X-Trace", "header", {"type": "string"}),
                ],
                "responses": good({"type": "object"}),
            }
        },
        "/motd": {"get": {"responses": {"200": {"description": "ok", "content": {"text/plain": {}}}}}},
    },
}


def billing(port: int, **more: Any) -> dict[str, Any]:
    return {
        "system": "billing",
        "connector": "openapi",
        "connection": {
            "spec": "b.json",
            "base_url": f"http://127.0.0.1:{port}/v1/",
            "auth": {"bearer": "secret:billing"},
        },
        "limits": {"timeout": "5s", "retries": 0, "response": "64KiB", "failures": 100},
        "operations": {
            "issue": {"from": "POST /refunds", "effect": "write", "idempotency": {"header": "Idempotency-Key"}},
            "pay": {"from": "POST /refunds", "effect": "irreversible"},
            "get": {"from": "GET /refunds/{id}", "effect": "read"},
            "search": {"from": "GET /search", "effect": "read"},
            "motd": {"from": "GET /motd", "effect": "read"},
        },
    } | more


Serve = Callable[..., Awaitable[Systems]]


@pytest.fixture
def serve(bench: Workbench) -> Serve:
    async def serve(port: int, **more: Any) -> Systems:
        bench.write("b.json", DOCUMENT)
        bench.secrets["INTERLOCK_SECRET_BILLING"] = "hidden-token"
        return await bench.serve(billing(port, **more))

    return serve


async def issue(systems: Systems, operation: str = "issue", **more: Any) -> Answer:
    return await systems.call(f"billing.{operation}", {"id": "R1", "amount": 5.5}, key="key-1", **more)


async def get(systems: Systems, name: str = "R1", **more: Any) -> Answer:
    return await systems.call("billing.get", {"id": name}, **more)


async def test_a_write_is_sent_with_its_key_and_credentials(serve: Serve) -> None:
    async with ScriptedServer(answers(200, {"id": "R1", "amount": 5.5})) as server:
        answer = await issue(await serve(server.port))
    assert (answer.status, answer.output) == (SUCCEEDED, {"id": "R1", "amount": 5.5})
    assert answer.elapsed_ms > 0
    [request] = server.received
    assert (request.method, request.target) == ("POST", "/v1/refunds")
    assert request.json() == {"id": "R1", "amount": 5.5}
    assert request.headers["idempotency-key"] == "key-1"
    assert request.headers["authorization"] == "Bearer hidden-token"


@pytest.mark.parametrize("foreseen", [False, True])
@pytest.mark.parametrize("status", [206, 207])
async def test_an_answer_in_parts_is_one_only_if_it_is_foreseen(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, status: int, foreseen: bool
) -> None:
    if foreseen:
        responses = good(REFUND) | {str(status): good(REFUND)["200"]}
        paths = DOCUMENT["paths"]
        monkeypatch.setitem(paths["/refunds"]["post"], "responses", responses)
    async with ScriptedServer(answers(status, {"id": "R1", "amount": 5.5})) as server:
        answer = await issue(await serve(server.port))
    assert answer.status == (SUCCEEDED if foreseen else UNKNOWN)
    assert foreseen or (answer.problem or {})["code"] == "partly_done"


async def test_a_key_is_sent_only_where_the_system_takes_one(serve: Serve) -> None:
    async with ScriptedServer(answers(200, {"id": "R1", "amount": 5.5})) as server:
        await issue(await serve(server.port), "pay")
    assert "idempotency-key" not in server.received[0].headers


async def test_a_rotated_secret_counts_at_once(serve: Serve, bench: Workbench) -> None:
    async with ScriptedServer(answers(200, {"id": "R1", "amount": 1})) as server:
        systems = await serve(server.port)
        await get(systems)
        bench.secrets["INTERLOCK_SECRET_BILLING"] = "second"
        await get(systems)
    assert [request.headers["authorization"] for request in server.received] == ["Bearer hidden-token", "Bearer second"]


async def test_a_missing_secret_sends_nothing(serve: Serve, bench: Workbench) -> None:
    async with ScriptedServer(answers(200, {})) as server:
        systems = await serve(server.port)
        bench.secrets.clear()
        answer = await issue(systems)
    assert (answer.status, answer.sent) == (FAILED, False)
    assert answer.problem is not None
    assert answer.problem["code"] == "secret_missing"
    assert not server.received


async def test_queries_and_headers_are_written_as_the_document_says(serve: Serve) -> None:
    arguments = {
        "q": "a b&c=d/é",
        "tag": ["x", "y z"],
        "ids": ["1", "2,3"],
        "where": {"a": "1&2"},
        "limit": 3,
        "exact": True,
        "x_trace": "t",
    }
    async with ScriptedServer(answers(200, {})) as server:
        assert (await (await serve(server.port)).call("billing.search", arguments)).succeeded
    [request] = server.received
    assert request.target == (
        "/v1/search?q=a%20b%26c%3Dd%2F%C3%A9&tag=x&tag=y%20z&ids=1,2%2C3&where%5Ba%5D=1%262&limit=3&exact=true"
    )
    assert request.headers["x-trace"] == "t"


@pytest.mark.parametrize("value", ["..", ".", "", "../admin", "a/../../b", "..\\b", "a/..", "x\x00y"])
async def test_an_argument_cannot_leave_its_place_in_the_path(serve: Serve, value: str) -> None:
    async with ScriptedServer(answers(200, {})) as server:
        answer = await get(await serve(server.port), value)
    assert (answer.status, answer.sent) == (FAILED, False)
    assert not server.received


@pytest.mark.parametrize(
    ("value", "written"),
    [("a/b", "a%2Fb"), ("a?b#c", "a%3Fb%23c"), ("%2e%2e", "%252e%252e"), ("..a", "..a"), ("ü", "%C3%BC")],
)
async def test_a_path_argument_is_one_segment(serve: Serve, value: str, written: str) -> None:
    async with ScriptedServer(answers(200, {"id": "x", "amount": 1})) as server:
        await get(await serve(server.port), value)
    assert server.received[0].target == f"/v1/refunds/{written}"


async def test_a_header_argument_cannot_carry_a_line_break(serve: Serve) -> None:
    async with ScriptedServer(answers(200, {})) as server:
        answer = await (await serve(server.port)).call("billing.search", {"x_trace": "a\r\nb: c"})
    assert answer.problem is not None
    assert (answer.problem["code"], answer.sent, server.received) == ("argument_unsendable", False, [])


async def test_what_cannot_be_json_is_not_sent(serve: Serve) -> None:
    async with ScriptedServer(answers(200, {})) as server:
        systems = await serve(server.port)
        answer = await systems.call("billing.issue", {"id": "R\ud800", "amount": 1}, key="k")
    assert (answer.status, answer.sent) == (FAILED, False)


async def test_arguments_that_break_the_contract_are_not_sent(serve: Serve) -> None:
    async with ScriptedServer(answers(200, {})) as server:
        systems = await serve(server.port)
        answer = await systems.call("billing.issue", {"id": "R1", "amount": "hidden", "extra": 1}, key="k")
    assert answer.problem is not None
    assert (answer.status, answer.sent, answer.problem["code"]) == (FAILED, False, "input_invalid")
    assert {breach["pointer"] for breach in answer.problem["breaches"]} == {"/amount", ""}
    assert "hidden" not in str(answer.problem)
    assert not server.received


async def test_text_is_returned_as_text(serve: Serve) -> None:
    async with ScriptedServer(answers(200, "grüß".encode(), media_type="text/plain; charset=utf-8")) as server:
        assert (await (await serve(server.port)).call("billing.motd", {})).output == "grüß"


REFUSALS = [
    (400, "refused"),
    (401, "access_denied"),
    (403, "access_denied"),
    (404, "not_found"),
    (409, "conflict"),
    (412, "conflict"),
    (418, "refused"),
    (422, "refused"),
    (429, "rate_limited"),
]


@pytest.mark.parametrize(("status", "code"), REFUSALS)
async def test_a_refusal_is_a_failure(serve: Serve, status: int, code: str) -> None:
    async with ScriptedServer(answers(status, {"title": "No"})) as server:
        answer = await issue(await serve(server.port))
    assert answer.problem is not None
    assert (answer.status, answer.problem["code"], answer.problem["status"]) == (FAILED, code, status)


async def test_of_a_refusal_only_fixed_words_are_kept(serve: Serve) -> None:
    problem = {
        "type": "urn:x",
        "code": "amount_too_high",
        "title": "The amount is above what was paid",
        "detail": "Maria Anders paid 12.00",
        "instance": {"iban": "DE00"},
    }
    async with ScriptedServer(answers(422, problem, media_type="application/problem+json")) as server:
        answer = await issue(await serve(server.port))
    assert answer.problem is not None
    assert answer.problem["system"] == {"code": "amount_too_high", "title": "The amount is above what was paid"}
    assert "Maria" not in str(answer)
    assert "DE00" not in str(answer)


@pytest.mark.parametrize("title", ["Ask maria@example.com", "Account 12345678 is closed", "x" * 200, "a\nb"])
async def test_a_title_that_may_hold_data_is_left_out(serve: Serve, title: str) -> None:
    async with ScriptedServer(answers(422, {"title": title, "code": "c d"})) as server:
        answer = await issue(await serve(server.port))
    assert answer.problem is not None
    assert "system" not in answer.problem


# What a call's fate is when no good answer comes: (behaviour, problem, status of a read, status of a write)
FATES: list[tuple[Behaviour, str, str, str]] = [
    (answers(500), "system_error", FAILED, UNKNOWN),
    (answers(503), "system_error", FAILED, UNKNOWN),
    (answers(408), "system_error", FAILED, UNKNOWN),
    (resets(), "connection_lost", FAILED, UNKNOWN),
    (cuts_off(), "connection_lost", FAILED, UNKNOWN),
    (hangs(), "timed_out", FAILED, UNKNOWN),
    (streams(b" ", pause=0.02), "timed_out", FAILED, UNKNOWN),
    (streams(), "response_too_large", FAILED, UNKNOWN),
    (streams(b" " * 1_000_000, packed=True), "response_too_large", FAILED, UNKNOWN),
    (announces(10_000_000_000), "response_too_large", FAILED, UNKNOWN),
    (says(b"nonsense\r\n\r\n"), "response_unreadable", FAILED, UNKNOWN),
    (answers(200, b"<html>", media_type="text/html"), "result_breaks_contract", FAILED, UNKNOWN),
    (answers(200, b"{'id': 1}"), "result_breaks_contract", FAILED, UNKNOWN),
    (answers(200, {"id": 7}), "result_breaks_contract", FAILED, UNKNOWN),
    (answers(204), "result_breaks_contract", FAILED, UNKNOWN),
    (redirects(303, "http://127.0.0.1:1/"), "redirected", FAILED, UNKNOWN),
    (redirects(302, "http://127.0.0.1:1/"), "redirected", FAILED, UNKNOWN),
    (redirects(307, "http://127.0.0.1:1/"), "redirected", FAILED, FAILED),
    (redirects(308, "http://127.0.0.1:1/"), "redirected", FAILED, FAILED),
    (answers(304), "redirected", FAILED, FAILED),
]


@pytest.mark.parametrize(("behaviour", "code", "read", "write"), FATES)
async def test_no_good_answer_is_told_as_it_is(
    serve: Serve, behaviour: Behaviour, code: str, read: str, write: str
) -> None:
    async with ScriptedServer(behaviour) as server:
        systems = await serve(server.port)
        for answer, status in (
            (await get(systems, timeout=1.0), read),
            (await issue(systems, "pay", timeout=1.0), write),
        ):
            assert answer.problem is not None
            assert (answer.status, answer.problem["code"]) == (status, code)
            assert answer.output is None
            assert "hidden-token" not in repr(answer)
    assert len(server.received) == 2


async def test_nobody_listening_is_a_failure_that_was_not_sent(serve: Serve) -> None:
    systems = await serve(free_port())
    answer = await issue(systems, "pay")
    assert answer.problem is not None
    assert (answer.status, answer.sent, answer.problem["code"]) == (FAILED, False, "unreachable")


@pytest.mark.parametrize("health", [None, "/health"])
async def test_probing_has_no_effect_and_tells_what_is_wrong(serve: Serve, health: str | None) -> None:
    connection = {"spec": "b.json", "auth": {"bearer": "secret:billing"}} | ({"health": health} if health else {})
    async with ScriptedServer(in_turn(answers(200, {}), answers(500), answers(401))) as server:
        systems = await serve(server.port, connection=connection | {"base_url": server.url})
        results = [await systems.probe("billing") for _ in range(3)]
    assert [result.status for result in results] == [SUCCEEDED, FAILED, FAILED]
    assert {request.method for request in server.received} == {"GET"}
    assert {request.target for request in server.received} == {health or "/"}


@pytest.mark.parametrize(
    ("auth", "header", "expected"),
    [
        ({"api_key": {"header": "X-Key", "value": "secret:billing"}}, "x-key", "hidden-token"),
        ({"basic": {"username": "me", "password": "secret:billing"}}, "authorization", "Basic bWU6aGlkZGVuLXRva2Vu"),
        ({"api_key": {"cookie": "sid", "value": "secret:billing"}}, "cookie", "sid=hidden-token"),
        ("none", "authorization", None),
    ],
)
async def test_other_ways_to_say_who_we_are(serve: Serve, auth: Any, header: str, expected: str | None) -> None:
    async with ScriptedServer(answers(200, {"id": "R1", "amount": 1})) as server:
        await get(await serve(server.port, connection={"spec": "b.json", "base_url": server.url, "auth": auth}))
    assert server.received[0].headers.get(header) == expected


async def test_a_key_in_the_query_is_neither_told_nor_repeated(serve: Serve) -> None:
    auth = {"api_key": {"query": "api_key", "value": "secret:billing"}}
    repeats = answers(200, {"id": "key hidden-token", "amount": 1})
    async with ScriptedServer(repeats) as server:
        systems = await serve(server.port, connection={"spec": "b.json", "base_url": server.url, "auth": auth})
        answer = await get(systems)
        await systems.call("billing.search", {"q": "x"})
    assert server.received[0].target == "/refunds/R1?api_key=hidden-token"
    assert server.received[1].target == "/search?q=x&api_key=hidden-token"
    assert "hidden-token" not in repr(answer)


# --- OAuth 2.0 -------------------------------------------------------------------------------------------------------


class TokenServer:
    """A token endpoint that counts, and a system that takes the newest token alone."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.basic: list[str] = []
        self.life: Any = 3600
        self.refusals = 0
        self.answer: Behaviour | None = None

    async def __call__(self, request: Any, writer: Any) -> None:
        if request.target == "/token":
            self.asked.append(dict(parse_qsl(request.body.decode())))
            self.basic.append(request.headers.get("authorization", ""))
            told = {"access_token": f"token-number-{len(self.asked)}", "token_type": "Bearer", "expires_in": self.life}
            told["refresh_token"] = f"refresh-{len(self.asked)}"
            await (self.answer or answers(200, told))(request, writer)
            return
        good = request.headers.get("authorization") == f"Bearer token-number-{len(self.asked)}" and not self.refusals
        self.refusals = max(self.refusals - 1, 0)
        await (answers(200, {"id": "R1", "amount": 1}) if good else answers(401))(request, writer)


def oauth(server: ScriptedServer, **more: Any) -> dict[str, Any]:
    settings = {"token_url": f"{server.url}/token", "client_id": "me:1", "client_secret": "secret:billing", **more}
    return {"spec": "b.json", "base_url": server.url, "auth": {"oauth2": settings}}


async def test_a_token_is_fetched_once_for_all_who_wait(serve: Serve) -> None:
    tokens = TokenServer()
    async with ScriptedServer(tokens) as server:
        systems = await serve(server.port, connection=oauth(server, scope="read write", audience="shop"))
        found = await asyncio.gather(*(get(systems) for _ in range(20)))
    assert all(answer.succeeded for answer in found)
    assert tokens.asked == [{"grant_type": "client_credentials", "scope": "read write", "audience": "shop"}]
    assert base64.b64decode(tokens.basic[0].removeprefix("Basic ")) == b"me%3A1:hidden-token"


async def test_a_token_that_is_near_its_end_or_refused_is_fetched_again(serve: Serve) -> None:
    tokens = TokenServer()
    async with ScriptedServer(tokens) as server:
        systems = await serve(server.port, connection=oauth(server, client_in="body"))
        assert (await get(systems)).succeeded
        tokens.refusals = 1
        assert (await issue(systems, "pay")).succeeded  # it was surely not carried out when it was refused
        assert len(tokens.asked) == 2
        tokens.refusals = 5
        refused = await issue(systems, "pay")
        assert (refused.status, (refused.problem or {})["code"]) == (FAILED, "access_denied")
        assert len(tokens.asked) == 3
        tokens.refusals, tokens.life = 1, 10  # less than is left before the end
        await get(systems)
        count = len(tokens.asked)
        await get(systems)
        assert len(tokens.asked) == count  # a short life is used too, up to its half
    assert tokens.asked[0]["client_secret"] == "hidden-token"
    assert tokens.basic[0] == ""


async def test_a_refresh_token_is_replaced_as_the_server_says(serve: Serve, bench: Workbench) -> None:
    tokens = TokenServer()
    tokens.life = 0
    bench.secrets["INTERLOCK_SECRET_USER"] = "first-refresh"
    async with ScriptedServer(tokens) as server:
        systems = await serve(server.port, connection=oauth(server, refresh_token="secret:user"))
        for _ in range(3):
            assert (await get(systems)).succeeded
    assert [one["refresh_token"] for one in tokens.asked] == ["first-refresh", "refresh-1", "refresh-2"]


WITHOUT_TOKEN = [
    answers(400, {"error": "invalid_client", "error_description": "hidden-token is wrong"}),
    answers(200, {"token_type": "bearer"}),
    answers(200, {"access_token": "t\n", "token_type": "bearer"}),
    answers(200, {"access_token": "t", "token_type": "mac"}),
    answers(200, b"<html>"),
    answers(200, [1]),
    redirects(307, "http://elsewhere.example/token"),
    answers(503),
    resets(),
    hangs(),
]


@pytest.mark.parametrize("answer", WITHOUT_TOKEN)
async def test_without_a_token_nothing_is_sent(serve: Serve, answer: Behaviour) -> None:
    tokens = TokenServer()
    tokens.answer = answer
    limits = {"timeout": "1s", "retries": 0, "failures": 100}
    async with ScriptedServer(tokens) as server:
        systems = await serve(server.port, connection=oauth(server), limits=limits)
        refused = await issue(systems, "pay")
    later = answer in WITHOUT_TOKEN[-3:]
    code = TokenDelayed.code if later else TokenRefused.code
    assert (refused.status, refused.sent, (refused.problem or {})["code"]) == (FAILED, False, code)
    assert refused.transient is later
    assert "hidden-token" not in repr(refused)
    assert {request.target for request in server.received} == {"/token"}


async def test_a_fetch_outlives_who_began_it(serve: Serve, bench: Workbench) -> None:
    """What the server has given in exchange may be the only refresh token that is still good."""
    tokens, let_go = TokenServer(), asyncio.Event()
    bench.secrets["INTERLOCK_SECRET_USER"] = "first-refresh"

    async def slow(request: Any, writer: Any) -> None:
        await let_go.wait()
        told = {"access_token": "token-number-1", "refresh_token": "refresh-1", "expires_in": 0}
        await answers(200, told)(request, writer)

    tokens.answer = slow
    limits = {"timeout": "500ms", "retries": 0, "failures": 100}
    async with ScriptedServer(tokens) as server:
        systems = await serve(server.port, connection=oauth(server, refresh_token="secret:user"), limits=limits)
        delayed = await get(systems)
        assert (delayed.sent, (delayed.problem or {})["code"]) == (False, TokenDelayed.code)
        tokens.answer = None
        waiting = asyncio.create_task(get(systems))
        await asyncio.sleep(0)
        let_go.set()
        assert (await waiting).succeeded
        assert (await get(systems)).succeeded
    assert [one["refresh_token"] for one in tokens.asked] == ["first-refresh", "refresh-1"]


async def test_a_token_that_is_refused_late_does_not_cost_the_newer_one(serve: Serve) -> None:
    tokens, let_go, arrived = TokenServer(), asyncio.Event(), asyncio.Event()

    async def desk(request: Any, writer: Any) -> None:
        if request.headers.get("authorization") == "Bearer token-number-1" and request.target == "/refunds/late":
            arrived.set()
            await let_go.wait()
        await tokens(request, writer)

    async with ScriptedServer(desk) as server:
        systems = await serve(server.port, connection=oauth(server))
        assert (await get(systems)).succeeded
        late = asyncio.create_task(systems.call("billing.get", {"id": "late"}))
        await arrived.wait()
        tokens.refusals = 1
        assert (await get(systems)).succeeded
        assert len(tokens.asked) == 2
        let_go.set()
        assert (await late).succeeded
    assert len(tokens.asked) == 2


async def test_many_calls_ask_a_failing_server_of_tokens_once(serve: Serve) -> None:
    tokens = TokenServer()
    tokens.answer = answers(429, headers={"Retry-After": "3600"})
    async with ScriptedServer(tokens) as server:
        systems = await serve(server.port, connection=oauth(server))
        found = await asyncio.gather(*(get(systems) for _ in range(20)))
        assert {(answer.problem or {})["code"] for answer in found} == {TokenDelayed.code}
        tokens.answer = None
        assert (await get(systems)).transient  # it said for how long, and is not asked before
    assert len(tokens.asked) == 1


async def test_a_refresh_token_that_is_replaced_by_hand_counts_at_once(serve: Serve, bench: Workbench) -> None:
    tokens = TokenServer()
    tokens.life = 0
    bench.secrets["INTERLOCK_SECRET_USER"] = "first-refresh"
    async with ScriptedServer(tokens) as server:
        systems = await serve(server.port, connection=oauth(server, refresh_token="secret:user"))
        await get(systems)
        bench.secrets["INTERLOCK_SECRET_USER"] = "second-refresh"
        for _ in range(2):
            assert (await get(systems)).succeeded
    assert [one["refresh_token"] for one in tokens.asked] == ["first-refresh", "second-refresh", "refresh-2"]


@pytest.mark.parametrize("echo", ["a+b/c d==", "a%2Bb%2Fc%20d%3D%3D"])
async def test_a_key_is_not_repeated_in_any_writing(serve: Serve, bench: Workbench, echo: str) -> None:
    auth = {"api_key": {"query": "api_key", "value": "secret:key"}}
    bench.secrets["INTERLOCK_SECRET_KEY"] = "a+b/c d=="
    async with ScriptedServer(answers(200, {"id": f"key {echo}", "amount": 1})) as server:
        systems = await serve(server.port, connection={"spec": "b.json", "base_url": server.url, "auth": auth})
        assert (await get(systems)).output["id"] == "key ********"
    bench.secrets["INTERLOCK_SECRET_KEY"] = "correct-horse"
    auth = {"basic": {"username": "me", "password": "secret:key"}}
    async with ScriptedServer(answers(200, {"id": "correct-horse is wrong", "amount": 1})) as server:
        systems = await serve(server.port, connection={"spec": "b.json", "base_url": server.url, "auth": auth})
        assert (await get(systems)).output["id"] == "******** is wrong"


async def test_the_time_for_a_token_is_part_of_the_calls(tmp_path: Path) -> None:
    sent: list[HttpRequest] = []

    class Watched(HttpClient):
        async def send(self, request: HttpRequest) -> HttpResponse:
            sent.append(request)
            return await super().send(request)

    async with ScriptedServer(TokenServer()) as server, Watched() as http:
        operations = {"x": OperationDeclaration("x", Effect.read)}
        system = SystemDeclaration("billing", "openapi", connection=oauth(server), operations=operations)
        template = RequestTemplate({"method": "GET", "path": "/x", "parameters": [], "results": {}}, server.url)
        call = Call(template, partial(interpret, results={}), dict)
        ports = Ports(http, SecretStore.standard(environment={"INTERLOCK_SECRET_BILLING": "hidden-token"}), tmp_path)
        connector = WebConnector(system, server.url, {"x": call}, ports)
        assert (await connector.call("x", {}, key="", timeout=5.0)).succeeded
    assert [request.url.rpartition("/")[2] for request in sent] == ["token", "x"]
    assert sent[1].timeout < 5.0
