"""Words for people: hidden characters are shown, origins and requirements are said in full."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.experience.words import (
    origin_mark,
    origin_words,
    plain,
    plan_words,
    principal_words,
    requirement_words,
    short,
    span,
    summary,
    until,
    visible,
)

HIDDEN = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}


@given(st.text())
def test_nothing_that_moves_or_hides_text_is_left(text: str) -> None:
    shown = visible(text)
    assert not [char for char in shown if unicodedata.category(char) in HIDDEN and char not in "\n\t"]


@given(st.text(alphabet=st.characters(whitelist_categories=["L", "N", "P", "S"])))
def test_what_can_be_seen_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


def test_a_line_that_would_be_turned_around_says_so() -> None:
    assert visible("pay \u202e001\u202c to Ada\x1b[2J") == "pay ⟨U+202E⟩001⟨U+202C⟩ to Ada⟨U+001B⟩[2J"


@pytest.mark.parametrize(
    ("origin", "words", "mark"),
    [
        (
            {"sources": ["untrusted_field"], "where": ["helpdesk.get_ticket#/messages/*/body"], "untrusted": True},
            "text that outsiders can write (messages.*.body of helpdesk.get_ticket)",
            "untrusted",
        ),
        (
            {"sources": ["unknown"], "where": [], "unknown": True},
            "seen nowhere before: made up by the model",
            "unknown",
        ),
        ({"sources": ["person"], "where": ["request"]}, "written by the person", ""),
        ({"sources": ["session"], "where": ["session.customer"]}, "a verified fact of the session", ""),
        ({"sources": ["session"], "where": ["session.approver"]}, "put in by an approver", ""),
    ],
)
def test_an_origin_is_said_in_one_phrase(origin: dict[str, object], words: str, mark: str) -> None:
    assert origin_words(origin) == words
    assert origin_mark(origin) == mark


@pytest.mark.parametrize(
    ("requirement", "words"),
    [
        ("approval:lead", "approval by one person in the role lead"),
        ("approval:lead:2", "approval by 2 people in the role lead"),
        ("step-up:strong", "the session verified to the level strong"),
        ("confirm", "the person's own confirmation"),
    ],
)
def test_a_requirement_is_said_in_full(requirement: str, words: str) -> None:
    assert requirement_words(requirement) == words


def test_a_person_has_a_name_where_one_is_known() -> None:
    assert principal_words("person:sam", {"sam": "Sam Green"}) == "Sam Green"
    assert principal_words("agent:sam", {"sam": "Sam Green"}) == "sam (agent)"


@pytest.mark.parametrize(
    ("seconds", "words"), [(40, "40 s"), (150, "2 min"), (12_000, "3 h 20 min"), (86_400 * 2 + 3600, "2 days 1 h")]
)
def test_a_span_is_told_by_its_largest_units(seconds: int, words: str) -> None:
    assert span(seconds) == words


def test_a_deadline_that_has_passed_says_so() -> None:
    assert until(100.0, 40.0) == "in 1 min"
    assert until(100.0, 700.0) == "10 min overdue"


def test_a_summary_names_single_values_first_and_never_grows_long() -> None:
    arguments = {"lines": [1, 2], "order": 7, "reason": "x" * 500, "paid": True, "a": 1, "b": 2}
    told = summary(arguments)
    assert told.startswith("order 7 · reason xxx")
    assert told.endswith("2 more")
    assert len(told) < 150


def test_a_value_is_one_line_of_text() -> None:
    assert plain(20.0) == "20"
    assert plain(0.1) == "0.1"
    assert plain(None) == "none"
    assert short("a\nb   c") == "a b c"


def test_a_plan_is_told_a_step_on_each_line() -> None:
    narrowed = {
        "amount": {"at_least": 1, "at_most": 50},
        "account": None,
        "id": {"any_of": ["A", None]},
        "text": "a\nb\u202e",
    }
    plan: list[Any] = [
        "erp.get_*",
        {"operation": "pay.out", "times": 1, "arguments": narrowed},
        {"operation": "x.y", "times": 3},
    ]
    amount, rest = "amount at least 1 and at most 50", "account not given, id one of A, not given, text a b⟨U+202E⟩"
    assert plan_words(plan).splitlines() == [
        "erp.get_*",
        f"pay.out, at most once, {amount}, {rest}",
        "x.y, at most 3 times",
    ]
    assert (plan_words(None), plan_words([])) == ("", "nothing at all")
