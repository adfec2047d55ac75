"""A route of real HTTP targets whose upstream does everything that upstreams do: the other target answers, once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest

from interlock.foundation.documents import parse_document
from interlock.foundation.http import HttpClient
from interlock.foundation.secrets import SecretStore
from interlock.intelligence.gateway import (
    Gateway,
    ModelReply,
    ModelRequest,
    ProviderPorts,
    Route,
    RouteExhausted,
    RouteRefused,
    Usage,
    build_routes,
)
from interlock.testing.models import Stage
from interlock.testing.servers import (
    Behaviour,
    Received,
    ScriptedServer,
    announces,
    answers,
    cuts_off,
    free_port,
    hangs,
    in_turn,
    resets,
    says,
    streams,
)

ASKED = ModelRequest([{"role": "user", "content": "hello"}])
RETRIES = "retries: {times: 2, wait: 1s, longest: 8s}"
USAGE = {"prompt_tokens": 7, "completion_tokens": 3}


def answer(text: str, *, model: str = "m-1", headers: Mapping[str, str] | None = None, usage: Any = USAGE) -> Behaviour:
    choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return answers(200, {"model": model, "choices": [choice], "usage": usage}, headers=headers)


@dataclass
class Rig:
    """A route with a flawed target `a` and a good one `b`."""

    flawed: ScriptedServer
    good: ScriptedServer
    stage: Stage
    gateway: Gateway
    client: HttpClient
    secrets: dict[str, str]

    async def ask(self) -> ModelReply:
        return await self.gateway.complete("desk", ASKED)

    async def tried(self) -> list[tuple[str, str]]:
        return [(attempt.target, attempt.outcome) for attempt in (await self.ask()).attempts]

    def routes(self, *keys: str, limit: str = "5s", base: str = "") -> dict[str, Route]:
        base = base or self.flawed.url
        text = f"""routes:
  desk:
    {"; ".join(keys[:1]) or "timeout: 20s"}
    targets:
      - {{provider: openai, name: a, base_url: "{base}", model: m, key: "secret:model", timeout: {limit}}}
      - {{provider: openai, name: b, base_url: "{self.good.url}", model: m}}
"""
        secrets = SecretStore.standard(environment=self.secrets)
        return build_routes(
            parse_document(text.encode(), "models", environment={}), ProviderPorts(Path(), self.client, secrets)
        )


@asynccontextmanager
async def rig(behaviour: Behaviour, *keys: str, limit: str = "5s", refused: bool = False) -> AsyncIterator[Rig]:
    stage = Stage()
    async with ScriptedServer(behaviour) as flawed, ScriptedServer(answer("good")) as good, HttpClient() as client:
        made = Rig(flawed, good, stage, Gateway({}), client, {"INTERLOCK_SECRET_MODEL": "k-1"})
        base = f"http://127.0.0.1:{free_port()}" if refused else ""
        made.gateway = Gateway(made.routes(*keys, limit=limit, base=base), surroundings=stage.surroundings)
        yield made


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        (cuts_off(), "model_cut_off"),
        (answers(200, b"<html>Welcome</html>", media_type="text/html"), "model_unreadable"),
        (answers(200, b'{"choices": [{"message": {"con'), "model_unreadable"),
        (answers(200, {"error": {"message": "overloaded"}}), "model_unreadable"),
        (announces(50 << 20), "model_unreadable"),
        (streams(), "model_unreadable"),
        (says(b"SSH-2.0-OpenSSH_9\r\n"), "model_unreadable"),
        (answers(401), "model_denied"),
        (answers(404), "model_denied"),
        (answers(400), "model_refused"),
    ],
)
async def test_what_is_not_to_be_asked_again_is_followed_by_the_next_target(behaviour: Behaviour, code: str) -> None:
    async with rig(behaviour, RETRIES) as route:
        assert await route.tried() == [("a", code), ("b", "ok")]
        assert (len(route.flawed.received), len(route.good.received)) == (1, 1)
        assert not route.stage.pauses


@pytest.mark.parametrize("behaviour", [resets(), says(b""), answers(500), answers(503), answers(408)])
async def test_what_may_be_asked_again_is_and_no_more_often_than_declared(behaviour: Behaviour) -> None:
    async with rig(behaviour, RETRIES) as route:
        assert await route.tried() == [("a", "model_failed")] * 3 + [("b", "ok")]
        assert len(route.flawed.received) == 3
        assert route.stage.pauses == [0.5, 1.0]


async def test_a_port_where_nobody_listens_is_asked_again_and_followed_by_the_next() -> None:
    async with rig(hangs(), RETRIES, refused=True) as route:
        assert await route.tried() == [("a", "model_failed")] * 3 + [("b", "ok")]


async def test_a_reset_that_passes_is_hidden_by_one_retry() -> None:
    async with rig(in_turn(resets(), answer("after all")), RETRIES) as route:
        assert (await route.ask()).text == "after all"
        assert not route.good.received


@pytest.mark.parametrize("behaviour", [hangs(), streams(b" ", pause=0.01)])
async def test_a_stalled_answer_ends_at_the_limit_and_is_not_asked_again(behaviour: Behaviour) -> None:
    async with rig(behaviour, RETRIES, limit="100ms") as route:
        assert await route.tried() == [("a", "model_timed_out"), ("b", "ok")]
        assert len(route.flawed.received) == 1


@pytest.mark.parametrize(
    ("headers", "pauses"),
    [
        ({}, [0.5, 1.0]),
        ({"retry-after": "5"}, [5.5, 6]),
        ({"retry-after-ms": "2500"}, [3.0, 3.5]),
        ({"date": "Tue, 21 Jul 2026 07:00:00 GMT", "retry-after": "Tue, 21 Jul 2026 07:00:07 GMT"}, [7.5, 8]),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "6s"}, [6.5, 7]),
        ({"retry-after": "3600"}, []),
        ({"retry-after": "soon"}, [0.5, 1.0]),
    ],
)
async def test_429_is_waited_for_as_it_asks_but_not_for_long(headers: dict[str, str], pauses: list[float]) -> None:
    async with rig(answers(429, headers=headers), RETRIES) as route:
        assert await route.tried() == [("a", "model_busy")] * (len(pauses) + 1) + [("b", "ok")]
        assert route.stage.pauses == pauses


async def test_a_target_with_no_requests_left_is_not_asked_until_they_are_back() -> None:
    gone = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1m30s"}
    async with rig(answer("last", headers=gone)) as route:
        assert (await route.ask()).text == "last"
        assert await route.tried() == [("a", "resting"), ("b", "ok")]
        route.stage.clock.advance(90)
        assert (await route.ask()).text == "last"


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        (USAGE, Usage(7, 3)),
        (None, Usage()),
        ("many", Usage()),
        ({"prompt_tokens": -5, "completion_tokens": "3"}, Usage()),
        ({"prompt_tokens": True, "completion_tokens": 1.5}, Usage()),
        ({"prompt_tokens": 10**30, "completion_tokens": 1 << 40}, Usage()),
        (
            {"prompt_tokens": 7, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 900}},
            Usage(7, 3, 900),
        ),
        ({"prompt_tokens": 7, "completion_tokens": 3, "prompt_tokens_details": [1]}, Usage(7, 3)),
    ],
)
async def test_wrong_usage_never_counts_as_more_than_nothing(usage: Any, counted: Usage) -> None:
    body = orjson.loads(orjson.dumps({"choices": [{"message": {"content": "x"}}]}))
    if usage is not None:
        body["usage"] = usage
    async with rig(answers(200, body)) as route:
        reply = await route.ask()
        assert (reply.usage, reply.reported) == (counted, "")


async def test_a_key_that_is_revoked_while_running_moves_calls_on_and_ejects_the_target() -> None:
    async with rig(answer("fine"), "health: {failures: 2, pause: 1m}") as route:
        assert (await route.ask()).text == "fine"
        route.flawed.behaviour = answers(401)
        assert await route.tried() == [("a", "model_denied"), ("b", "ok")]
        assert await route.tried() == [("a", "model_denied"), ("b", "ok")]
        assert await route.tried() == [("a", "ejected"), ("b", "ok")]
        route.flawed.behaviour = answer("a new key")
        route.stage.clock.advance(60)
        assert (await route.ask()).text == "a new key"


async def test_a_key_that_is_taken_out_of_the_secrets_leaves_the_target_unasked() -> None:
    async with rig(answer("fine")) as route:
        route.secrets.clear()
        assert await route.tried() == [("a", "not_configured"), ("b", "ok")]
        assert not route.flawed.received


async def test_a_route_that_changes_while_a_call_is_under_way_leaves_that_call_alone() -> None:
    began, may_end = asyncio.Event(), asyncio.Event()

    async def slow(request: Received, writer: asyncio.StreamWriter) -> None:
        began.set()
        await may_end.wait()
        await answer("the old way")(request, writer)

    async with rig(slow) as route:
        under_way = asyncio.ensure_future(route.ask())
        await began.wait()
        route.gateway = route.gateway.with_routes({"desk": Route("desk", route.routes()["desk"].targets[1:])})
        assert await route.tried() == [("b", "ok")]
        may_end.set()
        reply = await under_way
        assert (reply.text, reply.target) == ("the old way", "a")
        assert len(route.flawed.received) == 1


async def test_a_caller_that_goes_away_frees_the_target() -> None:
    began = asyncio.Event()

    async def silent(_: Received, __: asyncio.StreamWriter) -> None:
        began.set()
        await asyncio.Event().wait()

    async with rig(silent) as route:
        under_way = asyncio.ensure_future(route.ask())
        await began.wait()
        under_way.cancel()
        with pytest.raises(asyncio.CancelledError):
            await under_way
        route.flawed.behaviour = answer("at once")
        assert (await route.ask()).text == "at once"


async def test_when_nobody_answers_the_error_holds_no_word_of_what_was_said_or_sent() -> None:
    page = b"<html>my key is k-1, you said hello</html>"
    async with rig(answers(400, page, media_type="text/html")) as route:
        route.good.behaviour = answers(422, page)
        with pytest.raises(RouteExhausted) as raised:
            await route.ask()
        assert isinstance(raised.value, RouteRefused)
        assert "k-1" not in str(raised.value.problem())
        assert "hello" not in str(raised.value.problem())
