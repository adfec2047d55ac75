"""Latency budgets: within which time an answer must have begun, and what will do where none has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from interlock.foundation.settings.quantities import duration

ANY_USE = "*"
"""The use case of a request that names none, or one without a budget of its own."""


@dataclass(frozen=True, slots=True)
class AnotherRoute:
    """The answer of another route, such as one of smaller models."""

    route: str


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """The answer that was kept of the same request, even where it is too old to be given otherwise."""


@dataclass(frozen=True, slots=True)
class PreparedAnswer:
    """Words that were written before."""

    text: str


Resort = AnotherRoute | KeptAnswer | PreparedAnswer


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds within which an answer must have begun, of which the route itself has *wait*; and what will do *then*."""

    budget: float
    then: tuple[Resort, ...]
    wait: float

    @property
    def routes(self) -> int:
        """How many other routes may be asked."""
        return sum(isinstance(one, AnotherRoute) for one in self.then)


@dataclass(frozen=True, slots=True)
class Latencies:
    """The latency budgets of a route by use case."""

    by_use: Mapping[str, Latency] = field(default_factory=dict)

    def of(self, use_case: str) -> Latency | None:
        """Return the budget of *use_case*, or that of all others; None where there is neither."""
        return self.by_use.get(use_case) or self.by_use.get(ANY_USE)


NONE = Latencies()


def latencies_of(declared: Mapping[str, Any] | None) -> Latencies:
    """Return what a route's `latency` declares. Where it does not say how long to *wait*, all routes share the budget
    evenly.
    """
    return Latencies({use: _latency(one) for use, one in declared.items()}) if declared else NONE


def _latency(declared: Mapping[str, Any]) -> Latency:
    budget, then = duration(declared["budget"]), tuple(map(_resort, declared["then"]))
    found = Latency(budget, then, budget)
    wait = duration(declared["wait"]) if "wait" in declared else budget / (found.routes + 1)
    return Latency(budget, then, wait)


def _resort(declared: Any) -> Resort:
    if declared == "cached":
        return KeptAnswer()
    return AnotherRoute(declared["route"]) if "route" in declared else PreparedAnswer(declared["say"])
