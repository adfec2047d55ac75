"""Calibration: what estimates have been worth, and that it can be relied on."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.intelligence.confidence import Calibration, Outcome, reliability
from interlock.intelligence.confidence.calibration import LEAST

OUTCOMES = st.lists(
    st.builds(Outcome, st.floats(0, 1), st.booleans()),
    min_size=LEAST,
    max_size=120,
)


def overconfident(number: int, seed: int) -> list[Outcome]:
    """Answers given with more confidence than they deserve: of those with 0.9, six in ten are right."""
    chance = random.Random(seed)
    estimates = [chance.uniform(0.5, 1.0) for _ in range(number)]
    return [Outcome(estimate, chance.random() < estimate - 0.3) for estimate in estimates]


@given(OUTCOMES)
def test_a_calibrated_confidence_is_a_share_and_never_falls(outcomes: list[Outcome]) -> None:
    learnt = Calibration.fit(outcomes)
    assert learnt.learnt
    applied = [learnt.apply(step / 50) for step in range(51)]
    assert all(0.0 <= value <= 1.0 for value in applied)
    assert applied == sorted(applied)


@given(OUTCOMES, st.randoms(use_true_random=False))
def test_the_order_of_outcomes_does_not_matter(outcomes: list[Outcome], chance: random.Random) -> None:
    shuffled = list(outcomes)
    chance.shuffle(shuffled)
    one, other = Calibration.fit(outcomes), Calibration.fit(shuffled)
    for step in range(11):
        assert one.apply(step / 10) == pytest.approx(other.apply(step / 10))


@given(st.lists(st.builds(Outcome, st.floats(0, 1), st.booleans()), max_size=LEAST - 1), st.floats(-1, 2))
def test_few_outcomes_teach_nothing(outcomes: list[Outcome], estimate: float) -> None:
    learnt = Calibration.fit(outcomes)
    assert not learnt.learnt
    assert learnt.apply(estimate) == min(max(estimate, 0.0), 1.0)


def test_what_was_learnt_holds_for_answers_that_were_not_learnt_from() -> None:
    learnt = Calibration.fit(overconfident(1500, seed=1))
    fresh = overconfident(1500, seed=2)
    before = reliability(fresh)
    after = reliability([Outcome(learnt.apply(outcome.estimate), outcome.correct) for outcome in fresh])
    assert before.error is not None
    assert after.error is not None
    assert before.error == pytest.approx(0.3, abs=0.05)
    assert after.error < 0.05
    assert after.brier is not None
    assert before.brier is not None
    assert after.brier < before.brier


def test_a_few_lucky_answers_make_no_certainty() -> None:
    outcomes = [Outcome(0.3, False)] * 17 + [Outcome(0.9, True)] * 3
    assert Calibration.fit(outcomes).apply(0.9) < 0.75


def test_the_table_counts_each_answer_once() -> None:
    table = reliability([Outcome(0.05, False), Outcome(0.95, True), Outcome(1.0, True), Outcome(0.92, False)])
    assert [(row.low, row.count, row.accuracy) for row in table.bins] == [(0.0, 1, 0.0), (0.9, 3, pytest.approx(2 / 3))]
    assert table.count == 4
    assert table.accuracy == 0.5
    assert table.error == pytest.approx((0.05 + 3 * abs((0.95 + 1.0 + 0.92) / 3 - 2 / 3)) / 4)


def test_without_outcomes_nothing_is_claimed() -> None:
    assert reliability([]) == reliability([])
    assert reliability([]).error is None
