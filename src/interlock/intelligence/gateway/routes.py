"""Routes: names for models, each with its targets and how to go from one to the next."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass, field

from interlock.governance.limits import BreakerLimits
from interlock.intelligence.gateway.caching import CachePlan
from interlock.intelligence.gateway.conditions import ALWAYS, Condition
from interlock.intelligence.gateway.guards import NO_GUARDS, Guards
from interlock.intelligence.gateway.hedging import Hedge
from interlock.intelligence.gateway.latency import NONE, Latencies
from interlock.intelligence.gateway.messages import RouteKind
from interlock.intelligence.gateway.pins import UNPINNED, Pin
from interlock.intelligence.gateway.provider import Provider
from interlock.intelligence.gateway.retries import NO_RETRIES, Retries
from interlock.intelligence.gateway.strategies import STRATEGIES, Strategy
from interlock.intelligence.gateway.terms import Residency
from interlock.values.clearances import EVERYTHING, Clearance

ALWAYS_NEXT = "change"
DECLINED = "declined"
REFUSAL = "refusal"
FALL_BACK = frozenset({"error", REFUSAL})


@dataclass(frozen=True, slots=True)
class Instance:
    """One of the interchangeable servers of a target. *identity* tells it from all others, over reloads too."""

    name: str
    provider: Provider
    identity: Hashable = field(default_factory=object, repr=False)


@dataclass(frozen=True, slots=True)
class RouteTarget:
    """One model that a route may use. *optional*: passed over in silence while it is not configured.

    *timeout* are the seconds for a whole answer, *first* those until a streamed one begins, and *idle* those between
    two parts of it.
    *warm* are the seconds that getting ready may take, ahead of a first call; 0 where it is not wanted.
    *clearance* is how confidential the data may be that it is shown, *region* where it stands.
    *instances* are the servers that answer for it, of which the least busy is asked; by default *provider* alone.
    """

    provider: Provider
    optional: bool = False
    timeout: float = 30.0
    name: str = ""
    weight: float = 1.0
    when: Condition = ALWAYS
    pin: Pin = UNPINNED
    instances: tuple[Instance, ...] = ()
    first: float = math.inf
    idle: float = 30.0
    warm: float = 0.0
    clearance: Clearance = EVERYTHING
    region: str = ""

    def __post_init__(self) -> None:
        name = self.name or f"{self.provider.name}:{self.provider.model}"
        object.__setattr__(self, "name", name)
        if not self.instances:
            object.__setattr__(self, "instances", (Instance(name, self.provider),))

    def missing(self) -> str:
        """Return what is not configured where no instance can be called; else the empty string."""
        found = [instance.provider.missing() for instance in self.instances]
        return found[0] if all(found) else ""


@dataclass(frozen=True, slots=True)
class Route:
    """A name for a model: its targets, the seconds that all may take, and how to go from one to the next.

    *fall_back_on* holds the causes after which the next target is asked: `error`, `refusal` (the provider refused what
    was asked), `declined` (the model answered that it will not).
    """

    name: str
    targets: tuple[RouteTarget, ...]
    timeout: float = 60.0
    strategy: Strategy = STRATEGIES["ordered"]
    retries: Retries = NO_RETRIES
    fall_back_on: frozenset[str] = FALL_BACK
    health: BreakerLimits = field(default_factory=BreakerLimits)
    kind: RouteKind = RouteKind.chat
    cache: CachePlan | None = None
    hedge: Hedge | None = None
    latency: Latencies = NONE
    guards: Guards = NO_GUARDS
    residency: tuple[Residency, ...] = ()
    bounded: bool = field(init=False)
    """Whether what a call holds has a say in which target is asked."""

    def __post_init__(self) -> None:
        bounded = bool(self.residency) or any(target.clearance != EVERYTHING for target in self.targets)
        object.__setattr__(self, "bounded", bounded)

    def goes_on(self, cause: str) -> bool:
        """Return whether the next target is asked after *cause*."""
        return cause in self.fall_back_on or cause == ALWAYS_NEXT
