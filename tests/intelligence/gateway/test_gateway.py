"""Routes and the gateway: the first model that can answer does, and every call is reported."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from interlock.foundation.documents import ProjectInvalid, parse_document
from interlock.foundation.http import HttpClient
from interlock.foundation.secrets import SecretStore
from interlock.foundation.telemetry.overhead import begin_meter
from interlock.intelligence.gateway import (
    Gateway,
    ModelBusy,
    ModelReply,
    ModelRequest,
    OnModelCall,
    ProviderPorts,
    Route,
    RouteExhausted,
    RouteTarget,
    RouteUnknown,
    Streamed,
    ToolCall,
    ToolNames,
    Usage,
    build_routes,
    in_one_piece,
    tool_name,
    tool_of,
)
from interlock.values.operations import Effect, Operation

ASKED = ModelRequest(
    [{"role": "user", "content": "private words"}],
    [{}],
    {"session": "ses_1", "agent": "support", "note": "left out"},
)


class Scripted:
    """A provider that does as it is told."""

    name = "scripted"

    def __init__(self, model: str, reply: ModelReply | Exception | None = None, missing: str = "") -> None:
        self.model = model
        self._reply = reply
        self._missing = missing
        self.asked = 0

    def missing(self) -> str:
        return self._missing

    def stream(self, request: ModelRequest, *, timeout: float, idle: float) -> Streamed:
        return in_one_piece(self, request, timeout)

    async def complete(self, request: ModelRequest, *, timeout: float) -> ModelReply:
        self.asked += 1
        if self._reply is None:
            await asyncio.Event().wait()
            raise AssertionError
        if isinstance(self._reply, Exception):
            raise self._reply
        return self._reply


class Noting(Gateway):
    """A gateway that notes each call to a provider."""

    def __init__(self, route: Route, calls: list[dict[str, Any]]) -> None:
        super().__init__({route.name: route})
        self._calls = calls

    async def complete(self, route: str, request: ModelRequest, told: OnModelCall | None = None) -> ModelReply:
        return await super().complete(route, request, told or self._note)

    async def _note(self, call: dict[str, Any]) -> None:
        self._calls.append(call)


def gateway(*targets: RouteTarget, timeout: float = 5, told: list[dict[str, Any]] | None = None) -> Gateway:
    return Noting(Route("desk", targets, timeout), [] if told is None else told)


def good(text: str = "hello") -> ModelReply:
    calls = (ToolCall("c", "erp__get", {"order": "private"}),)
    return ModelReply(text, calls, "scripted", "good", Usage(5, 2, 1))


async def test_the_first_configured_target_answers_and_is_reported_without_words_in_the_body() -> None:
    told: list[dict[str, Any]] = []
    skipped, used, unused = Scripted("a", good(), missing="no key"), Scripted("b", good()), Scripted("c", good())
    route = gateway(*map(RouteTarget, (skipped, used, unused)), told=told)
    reply = await route.complete("desk", ASKED)
    assert (reply.text, reply.target) == ("hello", "scripted:b")
    assert [attempt.outcome for attempt in reply.attempts] == ["not_configured", "ok"]
    assert (skipped.asked, used.asked, unused.asked) == (0, 1, 0)
    (call,) = told
    elapsed = call["body"].pop("elapsed_ms")
    assert elapsed >= 0
    assert call["body"] == {
        "route": "desk",
        "target": "scripted:b",
        "attempts": [
            {"target": "scripted:a", "outcome": "not_configured", "why": "not configured: no key"},
            {"target": "scripted:b", "outcome": "ok", "wait_ms": 0.0, "elapsed_ms": elapsed},
        ],
        "attempt": 2,
        "outcome": "ok",
        "session": "ses_1",
        "agent": "support",
        "provider": "scripted",
        "model": "good",
        "messages": 1,
        "tools": 1,
        "tool_calls": ["erp__get"],
        "usage": {"input_tokens": 5, "output_tokens": 2, "cached_tokens": 1},
    }
    assert "private" not in str(call["body"])
    assert call["fields"]["messages"] == [{"role": "user", "content": "private words"}]
    assert call["fields"]["reply"]["tool_calls"] == [{"name": "erp__get", "arguments": {"order": "private"}}]


async def test_a_target_that_fails_or_is_late_is_followed_by_the_next() -> None:
    told: list[dict[str, Any]] = []
    route = gateway(
        RouteTarget(Scripted("busy", ModelBusy("too many"))),
        RouteTarget(Scripted("late"), timeout=0.02),
        RouteTarget(Scripted("good", good())),
        told=told,
    )
    assert (await route.complete("desk", ASKED)).model == "good"
    assert [call["body"]["outcome"] for call in told] == ["model_busy", "model_timed_out", "ok"]
    assert [call["body"]["model"] for call in told] == ["busy", "late", "good"]


async def test_when_none_answers_the_error_says_why_for_each() -> None:
    late = Scripted("late")
    route = gateway(
        RouteTarget(Scripted("off", missing="base_url is empty"), optional=True),
        RouteTarget(Scripted("busy", ModelBusy("too many"))),
        RouteTarget(late, timeout=9),
        RouteTarget(late),
        timeout=0.03,
    )
    with pytest.raises(RouteExhausted) as raised:
        await route.complete("desk", ASKED)
    assert [failure["why"] for failure in raised.value.details["targets"]] == [
        "not configured: base_url is empty",
        "model_busy",
        "model_timed_out",
        "no time was left",
    ]
    assert late.asked == 1


async def test_an_unknown_route_names_the_nearest() -> None:
    with pytest.raises(RouteUnknown, match="did you mean 'desk'"):
        await gateway(RouteTarget(Scripted("a", good()))).complete("dask", ASKED)


async def test_a_caller_that_goes_away_stops_the_call_which_is_told_all_the_same() -> None:
    told: list[dict[str, Any]] = []
    task = asyncio.ensure_future(gateway(RouteTarget(Scripted("late")), told=told).complete("desk", ASKED))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [call["body"]["outcome"] for call in told] == ["left"]


def ports(root: Path) -> ProviderPorts:
    return ProviderPorts(root, HttpClient(), SecretStore([]))


def test_routes_are_built_from_a_project_without_contacting_anything(tmp_path: Path) -> None:
    (tmp_path / "desk.yaml").write_text("rules: r\nintents:\n  hi: {examples: [hello there], steps: [{call: a.b}]}\n")
    text = b"""
routes:
  desk:
    timeout: 20s
    targets:
      - {provider: openai, base_url: "http://127.0.0.1:1/v1", model: m, timeout: 250ms, when_configured: true}
      - {provider: rules, file: desk.yaml}
"""
    routes = build_routes(parse_document(text, "models", environment={}), ports(tmp_path))
    first, second = routes["desk"].targets
    assert (routes["desk"].timeout, first.timeout, first.optional, second.timeout) == (20, 0.25, True, 30)
    assert (first.provider.name, second.provider.name, second.provider.model) == ("openai", "rules", "r")


def test_every_mistake_of_a_models_file_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("rules: r\nintents: {}\n")
    text = b"""routes:
  desk:
    targets:
      - {provider: opanai, model: m}
      - {provider: openai, modle: m, base_url: "http://x"}
      - {provider: rules, file: ../../etc/passwd}
      - {provider: rules, file: none.yaml}
      - {provider: rules, file: bad.yaml}
"""
    with pytest.raises(ProjectInvalid) as raised:
        build_routes(parse_document(text, "models", name="models.yaml", environment={}), ports(tmp_path))
    told = [(finding.file, finding.line, finding.message) for finding in raised.value.findings]
    assert [(file, line) for file, line, _ in told] == [
        ("bad.yaml", 2),
        ("models.yaml", 4),
        ("models.yaml", 5),
        ("models.yaml", 5),
        ("models.yaml", 6),
        ("none.yaml", 0),
    ]
    messages = " | ".join(message for *_, message in told)
    assert "did you mean 'openai'" in messages
    assert "unknown key 'modle' (did you mean 'model'?)" in messages
    assert "inside the project's folder" in messages


def test_operations_become_tools_with_names_that_lead_back() -> None:
    ids = ["erp.get_order", "erp.get-order", "a__b.c", "a.b__c", "x." + "y" * 80, "x." + "y" * 79 + "z", "_a.b"]
    names = [tool_name(operation_id) for operation_id in ids]
    assert names[0] == "erp__get_order"
    assert len(set(names)) == len(ids)
    assert all(len(name) <= 64 and name.replace("_", "a").replace("-", "a").isalnum() for name in names)
    back = ToolNames(ids)
    assert [back.operation(name) for name in names] == ids
    assert back.operation("erp.get_order") == "erp.get_order"
    assert back.operation("erp__drop") is None
    bare = tool_of(Operation("erp", "get_order", Effect.read, description="One order"))
    assert bare == {
        "type": "function",
        "function": {
            "name": "erp__get_order",
            "description": "One order",
            "parameters": {"type": "object", "properties": {}},
        },
    }


async def test_the_time_of_a_model_is_not_the_layers_own() -> None:
    meter = begin_meter()
    with pytest.raises(RouteExhausted):
        await gateway(RouteTarget(Scripted("slow"), timeout=0.02)).complete("desk", ASKED)
    assert meter.waited >= 20


async def test_a_requests_own_parameters_are_told_with_what_was_said() -> None:
    told: list[dict[str, Any]] = []
    asked = ModelRequest(ASKED.messages, parameters={"user": "private"})
    await gateway(RouteTarget(Scripted("a", good())), told=told).complete("desk", asked)
    assert told[0]["fields"]["parameters"] == {"user": "private"}
    assert "private" not in str(told[0]["body"])
