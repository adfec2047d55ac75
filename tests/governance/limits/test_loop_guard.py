"""The loop guard."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.governance.limits import LoopGuard

GUARD = LoopGuard(actions=5, repeats=2, operation_calls=4)


@pytest.mark.parametrize(
    ("usage", "rule"),
    [
        ({}, None),
        ({"session_actions": 4, "operation_calls": 3, "repeats": 1}, None),
        ({"session_actions": 4, "operation_calls": 3, "repeats": 2}, "loop-repeats"),
        ({"session_actions": 4, "operation_calls": 4, "repeats": 0}, "loop-operation"),
        ({"session_actions": 5, "operation_calls": 0, "repeats": 0}, "loop-session"),
    ],
)
def test_one_too_many_is_refused_by_the_rule_that_it_breaks(usage: dict[str, int], rule: str | None) -> None:
    guard = GUARD.check(usage)
    assert (guard and guard["rule"]) == rule
    if guard:
        assert guard["outcome"] == "deny"
        assert "the limit is" in guard["text"]


COUNTS = st.integers(0, 9)
GUARDS = st.builds(LoopGuard, COUNTS, COUNTS, COUNTS)
USAGE = st.fixed_dictionaries({"session_actions": COUNTS, "operation_calls": COUNTS, "repeats": COUNTS})


@given(GUARDS, GUARDS, USAGE)
def test_the_stricter_of_two_refuses_whatever_one_of_them_refuses(
    one: LoopGuard, other: LoopGuard, usage: dict[str, int]
) -> None:
    both = one.stricter(other)
    assert bool(both.check(usage)) == bool(one.check(usage) or other.check(usage))


@given(USAGE)
def test_zero_stands_for_no_limit(usage: dict[str, int]) -> None:
    assert LoopGuard().check(usage) is None
