"""A shelf is bounded whatever is put on it, gives nothing that is too old, and keeps only what is worth it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.intelligence.cache import Question, Shelf, worth_keeping
from interlock.intelligence.cache.shelf import MOST_COMPARED
from interlock.intelligence.gateway import Attempt, ModelReply, ToolCall
from interlock.intelligence.gateway.caching import CachePlan, Likeness
from interlock.testing.clock import FixedClock

OK = Attempt("t", "ok", asked=True)
WHOLE = ModelReply("Well", provider="scripted", model="m", finish="stop", attempts=(OK,))


def shelf(**plan: Any) -> tuple[Shelf, FixedClock]:
    clock = FixedClock()
    return Shelf(CachePlan(**{"ttl": 60.0, **plan}), clock.monotonic), clock


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3000)), max_size=60))
def test_it_holds_no_more_than_it_may_however_it_is_filled(puts: list[tuple[int, int]]) -> None:
    kept, _ = shelf(entries=4, size=8000)
    for key, length in puts:
        kept.put(bytes([key]), replace(WHOLE, text="x" * length))
        assert len(kept) <= 4
        assert 0 <= kept.size <= 8000
    assert (kept.size == 0) == (len(kept) == 0)


def test_what_was_used_last_goes_last() -> None:
    kept, _ = shelf(entries=2)
    kept.put(b"a", WHOLE)
    kept.put(b"b", WHOLE)
    kept.get(b"a")
    kept.put(b"c", WHOLE)
    assert [kept.get(key) is not None for key in (b"a", b"b", b"c")] == [True, False, True]


def test_what_is_too_old_is_given_only_where_old_will_do_and_at_last_not_at_all() -> None:
    kept, clock = shelf(stale=100.0)
    kept.put(b"a", WHOLE)
    clock.advance(59)
    found = kept.get(b"a")
    assert found is not None
    assert found.age == 59
    clock.advance(1)
    assert kept.get(b"a") is None
    assert kept.get(b"a", stale=True) is not None
    clock.advance(100)
    assert kept.get(b"a", stale=True) is None
    assert (len(kept), kept.size) == (0, 0)


def test_one_that_takes_more_than_all_may_is_not_kept() -> None:
    kept, _ = shelf(size=2000)
    kept.put(b"a", WHOLE)
    kept.put(b"b", replace(WHOLE, text="x" * 2000))
    assert kept.get(b"a") is not None
    assert kept.get(b"b") is None


def test_the_most_alike_is_found_within_its_scope_and_threshold_and_time() -> None:
    kept, clock = shelf(semantic=Likeness("near", 0.9, ttl=30.0))
    here, there = Question("words", b"here"), Question("words", b"there")
    kept.put(b"a", replace(WHOLE, text="east"), here, [2.0, 0.0])
    kept.put(b"b", replace(WHOLE, text="north-east"), here, [1.0, 0.4])
    found = kept.like(here, [10.0, 4.0])
    assert found is not None
    assert (found.reply.text, round(found.alike, 3)) == ("north-east", 1.0)
    assert kept.like(here, [0.0, 1.0]) is None
    assert kept.like(there, [2.0, 0.0]) is None
    assert kept.like(here, [2.0, 0.0, 0.0]) is None, "vectors of another length are of another model"
    assert kept.like(here, [0.0, 0.0]) is None
    clock.advance(30)
    assert kept.like(here, [2.0, 0.0]) is None
    assert kept.get(b"a") is not None, "the same request still has its answer"


def test_only_so_many_questions_are_compared() -> None:
    kept, _ = shelf(semantic=Likeness("near", 0.9))
    for number in range(MOST_COMPARED + 1):
        vector = [1.0, 0.0] if number == 0 else [0.0, 1.0]
        kept.put(number.to_bytes(2, "big"), WHOLE, Question("words", b"here"), vector)
    assert kept.like(Question("words", b"here"), [1.0, 0.0]) is None
    assert len(kept) == MOST_COMPARED + 1


@pytest.mark.parametrize(
    "reply",
    [
        replace(WHOLE, tool_calls=(ToolCall("1", "a"),)),
        replace(WHOLE, declined=True),
        replace(WHOLE, text=""),
        replace(WHOLE, finish="length"),
        replace(WHOLE, finish="content_filter"),
        replace(WHOLE, provider="rules"),
        replace(WHOLE, attempts=()),
        replace(WHOLE, attempts=(replace(OK, why="pinned is v1, reported was v2"),)),
        replace(WHOLE, attempts=(replace(OK, outcome="left"),)),
    ],
    ids=["tools", "declined", "nothing", "cut short", "filtered", "no model", "unknown", "changed", "left"],
)
def test_what_is_not_worth_it_is_not_kept(reply: ModelReply) -> None:
    assert worth_keeping(WHOLE)
    assert not worth_keeping(reply)
