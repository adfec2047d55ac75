"""The metrics of the one path, for Prometheus: all listed once, counted cheaply, with bounded labels."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate
from typing import Any, Protocol

MOST_SERIES = 2000
"""How many combinations of label values one metric keeps apart; all beyond count as `other`."""

_FAST = (0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0)
_SLOW = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class MetricKind(StrEnum):
    """How a metric behaves: only up, up and down, or spread over buckets."""

    counter = "counter"
    gauge = "gauge"
    histogram = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: its name with the unit at its end, what it says, its labels, a histogram's bounds."""

    name: str
    kind: MetricKind
    text: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


METRICS = (
    Metric("interlock_actions_total", MetricKind.counter, "Actions by what became of them.", ("operation", "outcome")),
    Metric("interlock_decision_seconds", MetricKind.histogram, "Time to decide one action.", (), _FAST),
    Metric(
        "interlock_overhead_seconds",
        MetricKind.histogram,
        "Time that Interlock itself added to one action.",
        (),
        _SLOW,
    ),
    Metric(
        "interlock_system_call_seconds",
        MetricKind.histogram,
        "Time that a business system took for one call.",
        ("system",),
        _SLOW,
    ),
    Metric(
        "interlock_system_errors_total",
        MetricKind.counter,
        "Calls that a business system did not answer as it should.",
        ("system", "code"),
    ),
    Metric(
        "interlock_breaker_state",
        MetricKind.gauge,
        "A system's circuit breaker: 0 closed, 1 half open, 2 open.",
        ("system",),
    ),
    Metric(
        "interlock_system_held",
        MetricKind.gauge,
        "For how many seconds a system is left alone, as it said that its limit is used up; 0 for none.",
        ("system",),
    ),
    Metric("interlock_approvals_waiting", MetricKind.gauge, "Approvals that wait for a person."),
    Metric("interlock_escalations_waiting", MetricKind.gauge, "Escalations that wait for a person's answer."),
    Metric(
        "interlock_escalations_oldest", MetricKind.gauge, "How many seconds the oldest of them has waited; 0 for none."
    ),
    Metric(
        "interlock_journal_commit_seconds",
        MetricKind.histogram,
        "Time for one group of journal records to become durable.",
        (),
        _SLOW,
    ),
    Metric("interlock_journal_records_total", MetricKind.counter, "Journal records made durable."),
    Metric("interlock_in_doubt", MetricKind.gauge, "Actions of which nobody knows yet whether they happened."),
    Metric("interlock_sessions_open", MetricKind.gauge, "Sessions that are open."),
    Metric("interlock_store_failures_total", MetricKind.counter, "Times the database could not be asked."),
    Metric(
        "interlock_model_tokens_total",
        MetricKind.counter,
        "Tokens of answered model calls: input, output, and of these cached and reasoning.",
        ("route", "model", "kind"),
    ),
    Metric(
        "interlock_model_cost_total",
        MetricKind.counter,
        "Known cost of answered model calls, in the currency of prices.yaml.",
        ("route", "model", "currency"),
    ),
    Metric(
        "interlock_model_usage_alarms_total",
        MetricKind.counter,
        "Model calls whose cost is not what it should be: missing, contradictory, lost, unpriced, overrun.",
        ("reason",),
    ),
    Metric(
        "interlock_model_cache_total",
        MetricKind.counter,
        "Requests to routes that keep answers: hit, alike, stale (in place of a slow model), miss.",
        ("route", "result"),
    ),
    Metric(
        "interlock_model_degraded_total",
        MetricKind.counter,
        "Answers that stood in for a route that had not begun to answer in time.",
        ("route", "by"),
    ),
    Metric("interlock_budget_refusals_total", MetricKind.counter, "Model calls refused by a budget.", ("budget",)),
    Metric("interlock_budget_warnings_total", MetricKind.counter, "Soft limits of budgets passed.", ("budget",)),
    Metric("interlock_events_total", MetricKind.counter, "Events sent here, by outcome.", ("system", "outcome")),
    Metric("interlock_facade_answers_total", MetricKind.counter, "Answers of facades that may be kept.", ("outcome",)),
    Metric("interlock_unauthenticated_total", MetricKind.counter, "Refused credentials by why.", ("reason",)),
)
"""Every metric there is."""


class Metrics(Protocol):
    """Where numbers go. *labels* are the values of the metric's labels, in order."""

    def count(self, name: str, *labels: str, by: float = 1.0) -> None:
        """Add to a counter."""
        ...

    def observe(self, name: str, seconds: float, *labels: str) -> None:
        """Put one duration into a histogram."""
        ...

    def set(self, name: str, value: float, *labels: str) -> None:
        """Say what a gauge stands at."""
        ...

    def render(self) -> tuple[bytes, str]:
        """Return everything in the text format of Prometheus, and its content type."""
        ...


class NoMetrics:
    """Counts nothing."""

    __slots__ = ()

    def count(self, name: str, *labels: str, by: float = 1.0) -> None: ...

    def observe(self, name: str, seconds: float, *labels: str) -> None: ...

    def set(self, name: str, value: float, *labels: str) -> None: ...

    def render(self) -> tuple[bytes, str]:
        return b"", "text/plain; version=0.0.4; charset=utf-8"


class _Spread:
    """How often a duration fell under each bound and beyond the last, and the sum of all."""

    __slots__ = ("_bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, seconds: float) -> None:
        """Count one duration; a bound belongs to its bucket."""
        self.counts[bisect_left(self._bounds, seconds)] += 1
        self.total += seconds


class _Spreads:
    """A histogram that the registry asks for its figures, instead of one that locks twice for each of them.

    Several are counted for every action. Counting belongs to one thread, that of the event loop.
    """

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._by_labels: dict[tuple[str, ...], _Spread] = {}
        self._bounds = (*map(str, metric.buckets), "+Inf")

    def labels(self, *labels: str) -> _Spread:
        """Return the durations under these label values. Raises `ValueError` for the wrong number of them."""
        if len(labels) != len(self._metric.labels):
            raise ValueError(f"{self._metric.name} has {len(self._metric.labels)} labels, not {len(labels)}")
        return self._by_labels.setdefault(labels, _Spread(self._metric.buckets))

    def collect(self) -> Iterator[Any]:
        """Yield the family, as `prometheus_client` asks a collector for it."""
        from prometheus_client.core import HistogramMetricFamily

        family = HistogramMetricFamily(self._metric.name, self._metric.text, labels=self._metric.labels)
        for labels, spread in self._by_labels.items():
            buckets = list(zip(self._bounds, accumulate(spread.counts), strict=True))
            family.add_metric(labels, buckets, spread.total)
        yield family


class PrometheusMetrics:
    """Counts in memory, in a registry of its own together with the process's memory and processor time.

    Raises `KeyError` for a metric that is not in `METRICS`, `ValueError` for the wrong number of labels.
    """

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector

        self._registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=self._registry)
        self._families: dict[str, Any] = {}
        self._bound: dict[tuple[str, ...], Callable[[float], None]] = {}
        self._series = dict.fromkeys((metric.name for metric in METRICS), 0)
        for metric in METRICS:
            if metric.kind is MetricKind.histogram:
                self._families[metric.name] = spreads = _Spreads(metric)
                self._registry.register(spreads)
            else:
                make = Counter if metric.kind is MetricKind.counter else Gauge
                self._families[metric.name] = make(metric.name, metric.text, metric.labels, registry=self._registry)
            if not metric.labels:
                self._bind((metric.name,))

    def count(self, name: str, *labels: str, by: float = 1.0) -> None:
        bound = self._bound.get((name, *labels))
        (bound or self._bind((name, *labels)))(by)

    def observe(self, name: str, seconds: float, *labels: str) -> None:
        bound = self._bound.get((name, *labels))
        (bound or self._bind((name, *labels)))(seconds)

    def set(self, name: str, value: float, *labels: str) -> None:
        bound = self._bound.get((name, *labels))
        (bound or self._bind((name, *labels)))(value)

    def render(self) -> tuple[bytes, str]:
        from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

        return generate_latest(self._registry), CONTENT_TYPE_LATEST

    def _bind(self, key: tuple[str, ...]) -> Callable[[float], None]:
        name, labels = key[0], key[1:]
        family = self._families[name]
        if self._series[name] >= MOST_SERIES:
            key, labels = (name, *("other" for _ in labels)), tuple("other" for _ in labels)
            known = self._bound.get(key)
            if known is not None:
                return known
        self._series[name] += 1
        child = family.labels(*labels) if labels or isinstance(family, _Spreads) else family
        use: Callable[[float], None] = getattr(child, "observe", None) or getattr(child, "set", None) or child.inc
        self._bound[key] = use
        return use
