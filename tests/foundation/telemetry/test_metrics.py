"""Metrics: all listed, counted in the right place, bounded, and nothing when off."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from prometheus_client.parser import text_string_to_metric_families

from interlock.foundation.telemetry import METRICS, OFF, MetricKind, NoMetrics, PrometheusMetrics
from interlock.foundation.telemetry.metrics import MOST_SERIES


def samples(metrics: PrometheusMetrics) -> dict[tuple[str, tuple[str, ...]], float]:
    body, content_type = metrics.render()
    assert content_type.startswith("text/plain")
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }


def test_names_carry_the_product_and_the_unit() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    for metric in METRICS:
        assert re.fullmatch(r"interlock_[a-z_]+", metric.name)
        assert metric.text.endswith(".")
        assert (metric.kind is MetricKind.counter) == metric.name.endswith("_total")
        assert (metric.kind is MetricKind.histogram) == bool(metric.buckets) == metric.name.endswith("_seconds")
        assert list(metric.buckets) == sorted(metric.buckets)


def test_what_is_counted_is_rendered() -> None:
    metrics = PrometheusMetrics()
    metrics.count("interlock_actions_total", "billing.pay", "succeeded")
    metrics.count("interlock_actions_total", "billing.pay", "succeeded", by=2)
    metrics.count("interlock_journal_records_total", by=5)
    metrics.observe("interlock_decision_seconds", 0.00015)
    metrics.observe("interlock_system_call_seconds", 0.2, "billing")
    metrics.set("interlock_breaker_state", 2, "billing")
    metrics.set("interlock_approvals_waiting", 7)
    found = samples(metrics)
    assert found["interlock_actions_total", ("billing.pay", "succeeded")] == 3
    assert found["interlock_journal_records_total", ()] == 5
    assert found["interlock_decision_seconds_bucket", ("0.0001",)] == 0
    assert found["interlock_decision_seconds_bucket", ("0.0002",)] == 1
    assert found["interlock_system_call_seconds_count", ("billing",)] == 1
    assert found["interlock_breaker_state", ("billing",)] == 2
    assert found["interlock_approvals_waiting", ()] == 7
    assert found["interlock_in_doubt", ()] == 0
    assert found["process_resident_memory_bytes", ()] > 0


def test_labels_are_bounded_and_nothing_is_lost() -> None:
    metrics = PrometheusMetrics()
    extra = 50
    for number in range(MOST_SERIES + extra):
        metrics.count("interlock_actions_total", f"made.up_{number}", "denied")
    found = samples(metrics)
    counted = {key: value for key, value in found.items() if key[0] == "interlock_actions_total"}
    assert len(counted) == MOST_SERIES + 1
    assert counted["interlock_actions_total", ("other", "other")] == extra
    metrics.count("interlock_actions_total", "made.up_0", "denied")
    assert samples(metrics)["interlock_actions_total", ("made.up_0", "denied")] == 2


def test_a_mistake_in_our_own_code_is_loud() -> None:
    metrics = PrometheusMetrics()
    with pytest.raises(KeyError):
        metrics.count("interlock_unheard_of_total")
    with pytest.raises(ValueError, match="label"):
        metrics.count("interlock_actions_total", "billing.pay")


def test_two_registries_do_not_mix() -> None:
    one, other = PrometheusMetrics(), PrometheusMetrics()
    one.set("interlock_sessions_open", 3)
    assert samples(other)["interlock_sessions_open", ()] == 0


def test_off_counts_nothing() -> None:
    metrics = NoMetrics()
    metrics.count("interlock_actions_total", "a", "b")
    metrics.observe("interlock_decision_seconds", 1)
    metrics.set("interlock_in_doubt", 1)
    assert metrics.render()[0] == b""
    assert OFF.metrics.render()[0] == b""


def test_no_heavy_package_is_imported_until_it_is_used() -> None:
    code = (
        "import sys, interlock.foundation.telemetry, interlock.governance.credentials, interlock.foundation.documents\n"
        "print([name for name in ('prometheus_client', 'opentelemetry', 'jwt', 'jsonschema_rs', 'cryptography') "
        "if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"
