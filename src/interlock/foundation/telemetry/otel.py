"""Tracing by OpenTelemetry, sent by OTLP over HTTP; the packages come with the extra `telemetry`."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from interlock.foundation.telemetry.errors import TelemetryUnavailable
from interlock.foundation.telemetry.tracing import Span, SpanKind, Value
from interlock.values.errors import InterlockError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

FLUSH_MILLISECONDS = 3000


def otel_tracing(endpoint: str, service_name: str, version: str) -> OtelTracing:
    """Return tracing that sends to the OTLP *endpoint* (`http://host:4318`, with or without `/v1/traces`).

    The environment variables of OpenTelemetry (`OTEL_TRACES_SAMPLER`, `OTEL_EXPORTER_OTLP_HEADERS`, ...)
    count as usual. Raises `TelemetryUnavailable` if the packages are missing.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise TelemetryUnavailable(
            "traces are asked for, and the packages for it are not installed",
            why=f"{error.name} is missing",
            fix="pip install 'interlock-control[telemetry]', or take `telemetry.otlp_endpoint` out",
        ) from error
    url = endpoint if endpoint.rstrip("/").endswith("/v1/traces") else endpoint.rstrip("/") + "/v1/traces"
    resource = Resource.create({"service.name": service_name, "service.version": version})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=url)))
    return OtelTracing(provider)


class OtelTracing:
    """Spans of one provider; the process's global provider is left alone."""

    def __init__(self, provider: TracerProvider) -> None:
        from opentelemetry import trace
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._provider = provider
        self._tracer = provider.get_tracer("interlock")
        self._propagator = TraceContextTextMapPropagator()
        self._kinds = {
            SpanKind.internal: trace.SpanKind.INTERNAL,
            SpanKind.server: trace.SpanKind.SERVER,
            SpanKind.client: trace.SpanKind.CLIENT,
        }

    @property
    def enabled(self) -> bool:
        return True

    def span(
        self,
        name: str,
        attributes: Mapping[str, Value] | None = None,
        *,
        kind: SpanKind = SpanKind.internal,
        traceparent: str = "",
    ) -> Span:
        context = self._propagator.extract({"traceparent": traceparent}) if traceparent else None
        opened = self._tracer.start_as_current_span(
            name,
            context=context,
            kind=self._kinds[kind],
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        )
        return _OtelSpan(opened)

    def headers(self) -> Mapping[str, str]:
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier)
        return carrier

    def close(self) -> None:
        self._provider.force_flush(FLUSH_MILLISECONDS)
        self._provider.shutdown()


class _OtelSpan:
    """A span as the rest of Interlock knows it; it carries codes and names, never texts or values."""

    __slots__ = ("_opened", "_span")

    def __init__(self, opened: AbstractContextManager[Any]) -> None:
        self._opened = opened
        self._span: Any = None

    def set(self, name: str, value: Value) -> None:
        if self._span is not None:
            self._span.set_attribute(name, value)

    def fail(self, code: str) -> None:
        from opentelemetry.trace import Status, StatusCode

        if self._span is not None:
            self._span.set_attribute("error.type", code)
            self._span.set_status(Status(StatusCode.ERROR))

    def __enter__(self) -> Self:
        self._span = self._opened.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            code = error.code if isinstance(error, InterlockError) else type(error).__name__
            self.fail(code)
        self._opened.__exit__(kind, error, trace)
