"""What every part of the path is given to be watched by: metrics, and spans with the names that others
expect.

Names and attributes follow the OpenTelemetry conventions for generative AI (`gen_ai.*`) and MCP (`mcp.*`);
what those do not know is `interlock.*`. Inputs, outputs and words are never recorded.
"""

from __future__ import annotations

from collections.abc import Mapping

from interlock.foundation.settings.project import TelemetrySettings
from interlock.foundation.telemetry.metrics import Metrics, NoMetrics, PrometheusMetrics
from interlock.foundation.telemetry.otel import otel_tracing
from interlock.foundation.telemetry.tracing import NO_SPAN, NoTracing, Span, SpanKind, Tracing, Value
from interlock.values.labels import Label

_TOOL = "execute_tool"


class Telemetry:
    """Metrics and spans of one process; both may be switched off, and then cost next to nothing."""

    __slots__ = ("metrics", "tracing")

    def __init__(self, metrics: Metrics | None = None, tracing: Tracing | None = None) -> None:
        self.metrics: Metrics = metrics or NoMetrics()
        self.tracing: Tracing = tracing or NoTracing()

    @classmethod
    def of(cls, settings: TelemetrySettings, *, version: str) -> Telemetry:
        """Return what the project asks for. Raises `TelemetryUnavailable`."""
        metrics = PrometheusMetrics() if settings.metrics else None
        endpoint = settings.otlp_endpoint
        return cls(metrics, otel_tracing(endpoint, settings.service_name, version) if endpoint else None)

    def journal(self, seconds: float, records: int) -> None:
        """Count one group of journal records that became durable."""
        self.metrics.observe("interlock_journal_commit_seconds", seconds)
        self.metrics.count("interlock_journal_records_total", by=records)

    def span(self, name: str, attributes: Mapping[str, Value] | None = None) -> Span:
        """Return a span for a piece of inner work."""
        return self.tracing.span(name, attributes) if self.tracing.enabled else NO_SPAN

    def request(self, method: str, route: str, *, traceparent: str = "") -> Span:
        """Return the span of an HTTP request to us; *route* is the pattern, not the path."""
        if not self.tracing.enabled:
            return NO_SPAN
        attributes: dict[str, Value] = {"http.request.method": method, "http.route": route}
        return self.tracing.span(f"{method} {route}", attributes, kind=SpanKind.server, traceparent=traceparent)

    def action(self, operation: str, *, action: str, session: str = "", agent: str = "") -> Span:
        """Return the span of one action, `execute_tool {operation}`."""
        if not self.tracing.enabled:
            return NO_SPAN
        attributes: dict[str, Value] = {
            "gen_ai.operation.name": _TOOL,
            "gen_ai.tool.name": operation,
            "gen_ai.tool.type": "function",
            "gen_ai.tool.call.id": action,
        }
        if session:
            attributes["gen_ai.conversation.id"] = session
        if agent:
            attributes["gen_ai.agent.id"] = agent
        return self.tracing.span(f"{_TOOL} {operation}", attributes)

    def label(self, span: Span, label: Label | None) -> None:
        """Say on an action's span how confidential what it was given and returned is, and what it is about."""
        if label is None or not self.tracing.enabled:
            return
        span.set("interlock.data.confidentiality", label.confidentiality.name)
        if label.categories:
            span.set("interlock.data.categories", ",".join(sorted(label.categories)))

    def agent(self, agent: str, *, session: str = "") -> Span:
        """Return the span of one turn of an agent, `invoke_agent {agent}`."""
        if not self.tracing.enabled:
            return NO_SPAN
        attributes: dict[str, Value] = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.id": agent}
        attributes["gen_ai.agent.name"] = agent
        if session:
            attributes["gen_ai.conversation.id"] = session
        return self.tracing.span(f"invoke_agent {agent}", attributes)

    def chat(self, model: str, *, provider: str) -> Span:
        """Return the span of one call to a model, `chat {model}`."""
        if not self.tracing.enabled:
            return NO_SPAN
        attributes: dict[str, Value] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": provider,
            "gen_ai.request.model": model,
        }
        return self.tracing.span(f"chat {model}", attributes, kind=SpanKind.client)

    def mcp(self, method: str, *, tool: str = "", version: str = "", traceparent: str = "") -> Span:
        """Return the span of one MCP request to us, `tools/call {tool}`."""
        if not self.tracing.enabled:
            return NO_SPAN
        attributes: dict[str, Value] = {"mcp.method.name": method}
        if version:
            attributes["mcp.protocol.version"] = version
        if tool:
            attributes |= {"gen_ai.operation.name": _TOOL, "gen_ai.tool.name": tool}
        name = f"{method} {tool}".strip()
        return self.tracing.span(name, attributes, kind=SpanKind.server, traceparent=traceparent)

    def system_call(self, system: str, operation: str) -> Span:
        """Return the span of one call to a business system, `call {operation}`."""
        if not self.tracing.enabled:
            return NO_SPAN
        attributes: dict[str, Value] = {"interlock.system": system, "interlock.operation": operation}
        return self.tracing.span(f"call {operation}", attributes, kind=SpanKind.client)


OFF = Telemetry()
"""Watches nothing."""
