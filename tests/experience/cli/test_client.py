"""The small client: problems keep the server's words, and what is not Interlock is told apart."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from interlock.experience.client.connection import Connection, segment
from interlock.experience.client.errors import AddressInvalid, ServerProblem, ServerUnreachable
from interlock.testing.servers import Behaviour, ScriptedServer, answers, redirects

PROBLEM = {
    "type": "urn:interlock:error:action_unknown",
    "title": "No such action",
    "status": 404,
    "code": "action_unknown",
    "detail": "there is no such action",
    "why": "it is another tenant's",
    "fix": "list them",
}


async def _asked(behaviour: Behaviour, path: str = "/v1/systems") -> tuple[Any, ScriptedServer]:
    async with ScriptedServer(behaviour) as server:
        return await asyncio.to_thread(Connection(server.url, "ik_key", timeout=5.0).get, path), server


async def test_an_answer_is_its_json_and_the_key_is_sent() -> None:
    value, server = await _asked(answers(200, {"items": []}))
    assert value == {"items": []}
    assert server.received[0].headers["authorization"] == "Bearer ik_key"


async def test_a_problem_is_told_in_the_servers_own_words() -> None:
    with pytest.raises(ServerProblem) as caught:
        await _asked(answers(404, PROBLEM, media_type="application/problem+json"))
    assert str(caught.value) == "action_unknown: there is no such action (it is another tenant's)\nhint: list them"
    assert caught.value.problem() == PROBLEM


@pytest.mark.parametrize(
    "behaviour",
    [
        answers(200, b"<html>", media_type="text/html"),
        answers(502, b"bad gateway", media_type="text/plain"),
        answers(200, b"{broken", media_type="application/json"),
        answers(500, {"error": "something else"}),
        redirects(307, "http://127.0.0.1:9/elsewhere"),
    ],
)
async def test_what_is_not_interlock_is_not_believed(behaviour: Behaviour) -> None:
    with pytest.raises(ServerUnreachable, match="not Interlock"):
        await _asked(behaviour)


@pytest.mark.parametrize("url", ["ftp://example.com", "http://", "nowhere"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(AddressInvalid):
        Connection(url, "ik_key")


@pytest.mark.parametrize(
    ("url", "exposed"),
    [
        ("http://127.0.0.1:8640", False),
        ("http://localhost", False),
        ("https://control.example", False),
        ("http://control.example", True),
    ],
)
def test_a_key_in_the_clear_beyond_this_machine_is_noticed(url: str, exposed: bool) -> None:
    assert Connection(url, "ik_key").exposed is exposed


def test_an_id_cannot_leave_its_place_in_a_path() -> None:
    assert segment("act/../keys?x=1") == "act%2F..%2Fkeys%3Fx%3D1"
