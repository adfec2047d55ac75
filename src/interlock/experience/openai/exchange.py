"""A request with whose it is, and what is known of it while it is answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from time import perf_counter

from interlock.experience.openai.shapes import ChatRequest
from interlock.foundation.telemetry.overhead import Meter
from interlock.values.principals import Principal

UNKNOWN = "unknown"


@dataclass(slots=True)
class Exchange:
    """What is known of a request so far; its headers are sent with an error as well."""

    meter: Meter
    started: float
    session: str = ""
    route: str = ""
    target: str = ""
    attempts: int = 0
    cost: str = ""
    cache: str = ""
    degraded: str = ""
    actions: list[str] = field(default_factory=list)

    def overhead(self) -> float:
        """Return the milliseconds that the layer itself has taken so far."""
        return max((perf_counter() - self.started) * 1000 - self.meter.waited, 0.0)

    def answering(self, target: str, attempts: int) -> None:
        """Take note of who answers, and of how often a model was asked for it."""
        self.target = target
        self.attempts += attempts

    def kept(self, cache: str, degraded: str) -> None:
        """Take note of whether an answer was a kept one, and of what stood in for a route that was too slow.

        Where a model was asked several times, one answer that was not kept makes the whole a new one.
        """
        self.cache = "miss" if "miss" in (self.cache, cache) else cache or self.cache
        self.degraded = degraded or self.degraded

    def paid(self, cost: str) -> None:
        """Take note of what a model's answer cost: decimal text, or `unknown`, which then is the sum as well."""
        if not cost or self.cost == UNKNOWN:
            return
        self.cost = cost if not self.cost or cost == UNKNOWN else str(Decimal(self.cost) + Decimal(cost))

    def touch(self, action: str) -> None:
        """Take note of an action that was proposed, reported or met again."""
        if action not in self.actions:
            self.actions.append(action)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request with whose it is. *session*, *key* and *use_case* are empty where the client names none; so is *cache*,
    the word by which it passes around kept answers.
    """

    principal: Principal
    request: ChatRequest
    session: str = ""
    key: str = ""
    use_case: str = ""
    cache: str = ""
