"""Metrics and traces of the one path."""

from __future__ import annotations

from interlock.foundation.telemetry.metrics import METRICS, Metric, MetricKind, Metrics, NoMetrics, PrometheusMetrics
from interlock.foundation.telemetry.telemetry import OFF, Telemetry
from interlock.foundation.telemetry.tracing import NO_SPAN, NoTracing, Span, SpanKind, Tracing

__all__ = [
    "METRICS",
    "NO_SPAN",
    "OFF",
    "Metric",
    "MetricKind",
    "Metrics",
    "NoMetrics",
    "NoTracing",
    "PrometheusMetrics",
    "Span",
    "SpanKind",
    "Telemetry",
    "Tracing",
]
