"""Sessions that a login begins: once for many calls, again when they run out, never at the price of a second write."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from interlock.foundation.http import HttpResponse
from interlock.foundation.secrets import SecretStore
from interlock.integration.connectors.rpc.access import AccessDenied, Login, Session
from interlock.integration.connectors.rpc.protocols import Fault, Returned
from interlock.integration.connectors.templates import Template
from interlock.integration.systems import FAILED, SUCCEEDED, UNKNOWN, Connector
from interlock.testing.servers import (
    Behaviour,
    ScriptedServer,
    answers,
    cuts_off,
    free_port,
    hangs,
    in_turn,
    redirects,
    resets,
    streams,
)
from tests.integration.connectors.rpc.desk import PASSWORD, SESSION, Desk, desk
from tests.integration.connectors.rpc.test_rpc import ORDER, connected, described, read, write

ONE = "jsonrpc-1.0"


@asynccontextmanager
async def at(behaviour: Behaviour, **session: Any) -> AsyncIterator[tuple[Connector, ScriptedServer]]:
    async with ScriptedServer(behaviour) as listener:
        content = desk(listener.port, protocol=ONE, auth={"session": SESSION | session})
        async with connected(content) as connector:
            yield connector, listener


async def test_many_calls_at_once_log_in_once() -> None:
    system = Desk(sessions=True)
    async with at(system) as (connector, _):
        found = await asyncio.gather(*(read(connector, number) for number in range(1, 9)))
    assert [answer.output["id"] for answer in found] == list(range(1, 9))
    assert system.logins == 1


async def test_a_session_that_ran_out_is_begun_again_and_the_write_made_once() -> None:
    system = Desk(sessions=True)
    async with at(system) as (connector, _):
        assert (await read(connector)).succeeded
        system.valid.clear()
        assert (await write(connector)).status == SUCCEEDED
        assert (system.logins, system.effects) == (2, 1)
        system.valid.clear()
        found = await asyncio.gather(*(read(connector) for _ in range(5)))
    assert all(answer.succeeded for answer in found)
    assert system.logins == 3


async def test_a_system_that_says_expired_for_ever_is_asked_twice() -> None:
    system = Desk(sessions=True)

    async def behave(request: Any, writer: Any) -> None:
        await system(request, writer)
        system.valid.clear()

    async with at(behave) as (connector, listener):
        answer = await write(connector)
    assert answer.problem is not None
    assert (answer.status, answer.problem["code"], system.effects) == (FAILED, "access_denied", 0)
    assert [one.json()["method"] for one in listener.received] == ["login", "order.place"] * 2


@pytest.mark.parametrize("lost", [resets(), answers(500), answers(200, {"id": 2, "result": None, "error": None})])
async def test_a_write_that_may_have_happened_is_not_made_again(lost: Behaviour) -> None:
    system = Desk(sessions=True)

    async def behave(request: Any, writer: Any) -> None:
        await (system if request.json()["method"] == "login" else lost)(request, writer)

    async with at(behave) as (connector, listener):
        await write(connector)
    assert [one.json()["method"] for one in listener.received] == ["login", "order.place"]


async def test_a_result_beside_a_status_of_expiry_is_in_doubt() -> None:
    system = Desk(sessions=True)
    odd = answers(401, {"id": 2, "result": {"id": 1}})

    async def behave(request: Any, writer: Any) -> None:
        await (system if request.json()["method"] == "login" else odd)(request, writer)

    async with at(behave) as (connector, listener):
        answer = await write(connector)
    assert (answer.status, len(listener.received)) == (UNKNOWN, 2)


async def test_codes_of_expiry_are_as_good_as_the_status() -> None:
    system = Desk(sessions=True)
    calls = in_turn(answers(200, {"id": 2, "error": ["SessionGone", ""]}), system)

    async def behave(request: Any, writer: Any) -> None:
        await (system if request.json()["method"] == "login" else calls)(request, writer)

    async with at(behave, expired=["SessionGone"]) as (connector, _):
        assert (await write(connector)).succeeded
    assert (system.logins, system.effects) == (2, 1)


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        (answers(401), "access_denied"),
        (answers(200, {"id": 1, "error": ["LoginException", ["x"]]}), "access_denied"),
        (answers(200, {"id": 1, "result": False}), "access_denied"),
        (answers(200, {"id": 1, "result": None}), "access_denied"),
        (answers(403), "access_denied"),
        (answers(429), "rate_limited"),
        (answers(404), "not_found"),
        (answers(503), "system_error"),
        (answers(200, {"id": 1, "error": {"code": -32601}}), "method_unknown"),
        (answers(200, {"id": 1, "result": [7]}), "result_breaks_contract"),
        (answers(200, {"id": 1, "result": [7, ["token"]]}), "result_breaks_contract"),
        (answers(200, b"<html>"), "result_breaks_contract"),
        (resets(), "connection_lost"),
        (cuts_off(), "connection_lost"),
        (streams(), "response_too_large"),
        (redirects(302, "/elsewhere"), "redirected"),
        (hangs(), "timed_out"),
    ],
)
async def test_a_login_that_fails_leaves_the_call_unsent(behaviour: Behaviour, code: str) -> None:
    async with at(behaviour) as (connector, listener):
        answer = await connector.call("write", ORDER, key="", timeout=1.0)
    assert answer.problem is not None
    assert (answer.status, answer.sent, answer.problem["code"]) == (FAILED, False, code)
    assert PASSWORD not in str(answer)
    assert {one.json()["method"] for one in listener.received} == {"login"}


async def test_nobody_there_to_log_in_to() -> None:
    async with connected(desk(free_port(), protocol=ONE, auth={"session": SESSION})) as connector:
        answer = await write(connector)
    assert answer.problem is not None
    assert (answer.status, answer.sent, answer.problem["code"]) == (FAILED, False, "unreachable")


async def test_refused_credentials_are_not_tried_again_until_later_or_changed() -> None:
    now, asked = 0.0, []

    async def ask(_: Login, values: Any, __: float) -> Any:
        asked.append(values["password"])
        reply = Returned([7, "token"]) if values["password"] == "right" else Fault(words=("no",), certain=False)
        return _response(), reply

    environment = {"INTERLOCK_SECRET_DESK": "wrong"}
    secrets = SecretStore.standard(environment=environment)
    session = Session(SESSION, Login("login", Template([]), ""), ask, secrets, clock=lambda: now)
    answers_given = [await refusal(session) for _ in range(3)]
    assert asked == ["wrong"]
    assert "a moment ago" in answers_given[-1].problem["detail"]
    now = 31.0
    await refusal(session)
    assert asked == ["wrong"] * 2
    environment["INTERLOCK_SECRET_DESK"] = "right"
    assert (await session.identity(1)).values["session.token"] == "token"
    assert asked == ["wrong", "wrong", "right"]


async def refusal(session: Session) -> Any:
    with pytest.raises(AccessDenied) as caught:
        await session.identity(1)
    return caught.value.answer


def _response() -> HttpResponse:
    return HttpResponse(200, "application/json", {}, b"")


async def test_without_the_secret_nothing_is_sent() -> None:
    async with ScriptedServer(Desk()) as listener:
        content = desk(listener.port, protocol=ONE, auth={"session": SESSION | {"password": "secret:none"}})
        async with connected(content) as connector:
            answer = await write(connector)
    assert (answer.status, answer.sent, listener.received) == (FAILED, False, [])


async def test_what_is_kept_can_be_sent_as_a_parameter() -> None:
    """As with Odoo, where each call carries the user's number and the password."""
    system = Desk()
    async with ScriptedServer(system) as listener:
        session = {name: one for name, one in SESSION.items() if name != "header"}
        content = desk(listener.port, protocol=ONE, auth={"session": session})
        params = ["{id}", "{session.user}", "{session.password}", "{session.token}"]
        content["operations"]["read"]["options"]["params"] = params
        async with connected(content) as connector:
            answer = await read(connector)
            assert PASSWORD not in repr(connector)
    assert answer.succeeded
    assert system.calls[-1]["params"] == [1, 7, PASSWORD, "session-token-1"]


async def test_what_a_login_gave_never_comes_back() -> None:
    system = Desk(sessions=True)
    leak = answers(200, {"id": 2, "result": {"id": 1, "a": "session-token-1", "b": PASSWORD}})

    async def behave(request: Any, writer: Any) -> None:
        await (system if request.json()["method"] == "login" else leak)(request, writer)

    async with at(behave) as (connector, _):
        answer = await write(connector)
    assert answer.succeeded
    assert "token" not in str(answer.output)
    assert PASSWORD not in str(answer.output)


async def test_a_token_that_fits_no_header_is_refused() -> None:
    header = {"name": "X-Token", "text": "{token}"}
    bad = answers(200, {"id": 1, "result": [7, "a\r\nX-Other: b"]})
    async with at(bad, header=header) as (connector, listener):
        answer = await write(connector)
    assert (answer.status, answer.sent, len(listener.received)) == (FAILED, False, 1)


@pytest.mark.parametrize(
    ("session", "pointer"),
    [
        ({"login": {"method": "a b", "params": []}}, "login"),
        ({"login": {"method": "login", "params": ["{lost}"]}}, "login/params"),
        ({"login": {"method": "login", "params": [], "url": "http://elsewhere.example/"}}, "login/url"),
        ({"login": {"method": "login", "params": [], "url": "http://u:p@127.0.0.1:1/"}}, "login/url"),
        ({"keep": {"username": ""}}, "keep/username"),
        ({"header": {"name": "X", "text": "{lost}"}}, "header"),
    ],
)
def test_a_session_that_cannot_be_begun_is_a_trouble(session: dict[str, Any], pointer: str) -> None:
    found = described(desk(1, protocol=ONE, auth={"session": SESSION | session}))
    assert f"/connection/auth/session/{pointer}" in [one.pointer for one in found.troubles]
