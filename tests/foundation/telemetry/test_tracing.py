"""Spans: the names others expect, the caller's trace continued, and nothing built when nobody listens."""

from __future__ import annotations

import sys

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from interlock.foundation.settings.errors import SettingInvalid
from interlock.foundation.settings.project import TelemetrySettings
from interlock.foundation.telemetry import NO_SPAN, OFF, NoTracing, PrometheusMetrics, Telemetry
from interlock.foundation.telemetry.errors import TelemetryUnavailable
from interlock.foundation.telemetry.otel import OtelTracing

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Watched:
    """Telemetry whose spans end up in a list."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.telemetry = Telemetry(tracing=OtelTracing(provider))

    def spans(self) -> dict[str, ReadableSpan]:
        return {span.name: span for span in self._exporter.get_finished_spans()}


def test_a_whole_path_hangs_together_under_the_names_of_the_conventions() -> None:
    watched = Watched()
    telemetry = watched.telemetry
    with (
        telemetry.request("POST", "/v1/actions", traceparent=PARENT),
        telemetry.agent("support", session="ses_1"),
        telemetry.chat("gpt-x", provider="openai"),
        telemetry.action("billing.pay", action="act_1", session="ses_1", agent="support") as action,
        telemetry.span("decide", {"interlock.decision.outcome": "allow"}),
        telemetry.system_call("billing", "billing.pay"),
    ):
        action.set("interlock.action.state", "succeeded")
    spans = watched.spans()
    assert list(spans) == [
        "call billing.pay",
        "decide",
        "execute_tool billing.pay",
        "chat gpt-x",
        "invoke_agent support",
        "POST /v1/actions",
    ]
    assert {format(span.context.trace_id, "032x") for span in spans.values() if span.context} == {PARENT.split("-")[1]}
    assert dict(spans["execute_tool billing.pay"].attributes or {}) == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "billing.pay",
        "gen_ai.tool.type": "function",
        "gen_ai.tool.call.id": "act_1",
        "gen_ai.conversation.id": "ses_1",
        "gen_ai.agent.id": "support",
        "interlock.action.state": "succeeded",
    }
    assert (spans["chat gpt-x"].attributes or {})["gen_ai.provider.name"] == "openai"
    assert [spans[name].kind.name for name in ("POST /v1/actions", "chat gpt-x", "decide")] == [
        "SERVER",
        "CLIENT",
        "INTERNAL",
    ]
    root = spans["POST /v1/actions"]
    assert root.parent is not None
    assert format(root.parent.span_id, "016x") == PARENT.split("-")[2]


def test_mcp_requests_carry_mcp_names() -> None:
    watched = Watched()
    with watched.telemetry.mcp("tools/call", tool="billing.pay", version="2026-07-28"):
        pass
    with watched.telemetry.mcp("tools/list"):
        pass
    spans = watched.spans()
    assert dict(spans["tools/call billing.pay"].attributes or {}) == {
        "mcp.method.name": "tools/call",
        "mcp.protocol.version": "2026-07-28",
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "billing.pay",
    }
    assert dict(spans["tools/list"].attributes or {}) == {"mcp.method.name": "tools/list"}


def test_the_trace_goes_on_into_calls_that_we_make() -> None:
    watched = Watched()
    assert watched.telemetry.tracing.headers() == {}
    with watched.telemetry.request("POST", "/x", traceparent=PARENT):
        headers = watched.telemetry.tracing.headers()
    span = watched.spans()["POST /x"]
    assert span.context is not None
    assert headers["traceparent"] == f"00-{PARENT.split('-')[1]}-{span.context.span_id:016x}-01"


@pytest.mark.parametrize(
    "traceparent", ["", "garbage", "00-0-0-00", PARENT.upper() + "-x", "00-" + "0" * 32 + "-b7ad6b7169203331-01"]
)
def test_a_broken_parent_starts_a_trace_of_our_own(traceparent: str) -> None:
    watched = Watched()
    with watched.telemetry.request("GET", "/x", traceparent=traceparent):
        pass
    assert watched.spans()["GET /x"].parent is None


def test_failures_are_marked_by_code_and_never_by_their_text() -> None:
    watched = Watched()
    with pytest.raises(SettingInvalid), watched.telemetry.span("ours"):
        raise SettingInvalid("hunter2")
    with pytest.raises(KeyError), watched.telemetry.span("theirs"):
        raise KeyError("hunter2")
    with watched.telemetry.span("told") as span:
        span.fail("timeout")
    spans = watched.spans()
    assert [(spans[name].attributes or {})["error.type"] for name in ("ours", "theirs", "told")] == [
        "setting_invalid",
        "KeyError",
        "timeout",
    ]
    assert all(span.status.status_code.name == "ERROR" for span in spans.values())
    assert all(not span.events for span in spans.values())
    assert "hunter2" not in repr([span.to_json() for span in spans.values()])


def test_off_hands_out_one_object_and_does_nothing() -> None:
    spans = {
        id(span)
        for span in (
            OFF.span("x"),
            OFF.request("GET", "/x", traceparent=PARENT),
            OFF.action("a.b", action="act_1"),
            OFF.agent("a"),
            OFF.chat("m", provider="p"),
            OFF.mcp("tools/list"),
            OFF.system_call("s", "s.o"),
            NoTracing().span("x"),
        )
    }
    assert spans == {id(NO_SPAN)}
    with NO_SPAN as span:
        span.set("a", 1)
        span.fail("b")
    assert OFF.tracing.headers() == {}
    OFF.tracing.close()


def test_a_project_decides_what_is_watched() -> None:
    plain = Telemetry.of(TelemetrySettings(), version="1")
    assert isinstance(plain.metrics, PrometheusMetrics)
    assert not plain.tracing.enabled
    assert not Telemetry.of(TelemetrySettings(metrics=False), version="1").metrics.render()[0]
    traced = Telemetry.of(TelemetrySettings(otlp_endpoint="http://127.0.0.1:9"), version="1")
    assert traced.tracing.enabled
    traced.tracing.close()


def test_a_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(TelemetryUnavailable) as caught:
        Telemetry.of(TelemetrySettings(otlp_endpoint="http://127.0.0.1:9"), version="1")
    assert "interlock-control[telemetry]" in caught.value.fix
