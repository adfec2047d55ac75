"""In which order a route's targets are asked."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar


class Weighed(Protocol):
    """What can be put in order."""

    @property
    def weight(self) -> float:
        """Its share among the others; 0 for one that is asked only after them."""
        ...


T = TypeVar("T", bound=Weighed)


class Strategy(Protocol):
    """An order of targets, found anew for each call."""

    def order(self, targets: Sequence[T], chance: Callable[[], float]) -> Sequence[T]:
        """Return *targets*, each once, in the order in which they are to be asked."""
        ...


class Ordered:
    """As they stand in the file."""

    def order(self, targets: Sequence[T], chance: Callable[[], float]) -> Sequence[T]:
        del chance
        return targets


class Weighted:
    """By chance: each place goes to one of those left with a probability in proportion to its weight.

    Targets of weight 0 come last, as they stand in the file: they are there for when all others fail.
    """

    def order(self, targets: Sequence[T], chance: Callable[[], float]) -> Sequence[T]:
        drawn = [(_arrival(chance(), target.weight), place, target) for place, target in enumerate(targets)]
        return [target for *_, target in sorted(drawn, key=lambda one: one[:2])]


def _arrival(drawn: float, weight: float) -> float:
    """Return when the first event of a process of rate *weight* comes: who is first is so by its share."""
    return -math.log(1.0 - drawn) / weight if weight > 0 else math.inf


STRATEGIES: dict[str, Strategy] = {"ordered": Ordered(), "weighted": Weighted()}
"""The words after `strategy:` in models.yaml."""
