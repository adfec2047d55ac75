"""Calibration: what an estimate has been worth, learnt from outcomes, and the table that shows it.

An estimate is calibrated if of all answers given with 0.8, eight in ten are right. The map from an estimate to that
share is fitted by isotonic regression (pool adjacent violators; Zadrozny and Elkan, 2002), each pool drawn towards the
share of all as far as it is small, so that three lucky answers do not make a certainty.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

LEAST = 20
"""Outcomes below which nothing is learnt from them: an estimate is then taken as it is."""
_WEIGHT = 2.0
"""How many outcomes the share of all counts for in each pool."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """An estimate, 0 to 1, and whether the answer turned out to be right."""

    estimate: float
    correct: bool


@dataclass(frozen=True, slots=True)
class Calibration:
    """A non-decreasing map from estimates to how often such answers were right; without points, the identity."""

    points: tuple[tuple[float, float], ...] = ()
    outcomes: int = 0

    @property
    def learnt(self) -> bool:
        """Whether there were outcomes enough to learn from."""
        return bool(self.points)

    @classmethod
    def fit(cls, outcomes: Sequence[Outcome]) -> Calibration:
        """Return what *outcomes* teach, in any order; the identity for fewer than `LEAST`."""
        if len(outcomes) < LEAST:
            return cls((), len(outcomes))
        overall = sum(outcome.correct for outcome in outcomes) / len(outcomes)
        pools: list[_Pool] = []
        for outcome in sorted(outcomes, key=lambda each: each.estimate):
            if pools and pools[-1].highest == outcome.estimate:
                pools[-1] = pools[-1].merged(_Pool.of(outcome))
            else:
                pools.append(_Pool.of(outcome))
        # Drawing small pools towards the middle may turn two around: what is surer is never worth less.
        ordered = _in_order(pools)
        shares = accumulate((pool.drawn(overall) for pool in ordered), max)
        points = zip((pool.middle for pool in ordered), shares, strict=True)
        return cls(tuple(points), len(outcomes))

    def apply(self, estimate: float) -> float:
        """Return the calibrated confidence of *estimate*: straight between two points, outside as at the end."""
        if not self.points:
            return min(max(estimate, 0.0), 1.0)
        place = bisect_right(self.points, (estimate, 2.0))
        if place == 0:
            return self.points[0][1]
        if place == len(self.points):
            return self.points[-1][1]
        (left, low), (right, high) = self.points[place - 1], self.points[place]
        return low + (high - low) * (estimate - left) / (right - left)


@dataclass(frozen=True, slots=True)
class _Pool:
    """Neighbours that are given one share."""

    lowest: float
    highest: float
    total: float
    right: int
    size: int

    @classmethod
    def of(cls, outcome: Outcome) -> _Pool:
        return cls(outcome.estimate, outcome.estimate, outcome.estimate, int(outcome.correct), 1)

    @property
    def share(self) -> float:
        return self.right / self.size

    def drawn(self, overall: float) -> float:
        """Return the share, drawn towards *overall* as if so many more outcomes had come out like that."""
        return (self.right + _WEIGHT * overall) / (self.size + _WEIGHT)

    @property
    def middle(self) -> float:
        # Kept inside, whatever rounding makes of the sum: the points must be in order.
        return min(max(self.total / self.size, self.lowest), self.highest)

    def merged(self, other: _Pool) -> _Pool:
        return _Pool(
            min(self.lowest, other.lowest),
            max(self.highest, other.highest),
            self.total + other.total,
            self.right + other.right,
            self.size + other.size,
        )


def _in_order(pools: Sequence[_Pool]) -> list[_Pool]:
    """Return *pools*, by estimate, with neighbours merged until no share is below the one before it."""
    kept: list[_Pool] = []
    for pool in pools:
        kept.append(pool)
        while len(kept) > 1 and kept[-2].share >= kept[-1].share:
            last = kept.pop()
            kept[-1] = kept[-1].merged(last)
    return kept


@dataclass(frozen=True, slots=True)
class Bin:
    """One row of a reliability table: answers whose confidence was from *low* up to *high*."""

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """How far confidences can be relied on.

    *error* is the expected calibration error: the mean distance between confidence and accuracy over the rows, weighted
    by how many answers each holds (Naeini et al., 2015). *brier* is the mean squared distance of each confidence from
    what came of it. Both are 0 at best; both are None without outcomes.
    """

    bins: tuple[Bin, ...]
    count: int
    accuracy: float | None
    error: float | None
    brier: float | None


def reliability(outcomes: Sequence[Outcome], *, bins: int = 10) -> Reliability:
    """Return the table of *outcomes* in *bins* rows of equal width, without those that hold nothing."""
    held: list[list[Outcome]] = [[] for _ in range(bins)]
    for outcome in outcomes:
        held[min(int(outcome.estimate * bins), bins - 1)].append(outcome)
    rows = tuple(
        Bin(
            place / bins,
            (place + 1) / bins,
            len(row),
            sum(outcome.estimate for outcome in row) / len(row),
            sum(outcome.correct for outcome in row) / len(row),
        )
        for place, row in enumerate(held)
        if row
    )
    count = len(outcomes)
    if not count:
        return Reliability((), 0, None, None, None)
    return Reliability(
        rows,
        count,
        sum(outcome.correct for outcome in outcomes) / count,
        sum(row.count * abs(row.confidence - row.accuracy) for row in rows) / count,
        sum((outcome.estimate - outcome.correct) ** 2 for outcome in outcomes) / count,
    )
