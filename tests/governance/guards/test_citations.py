"""What counts as a citation of what was given, and what does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.governance.guards import Passages

GIVEN = Passages(
    [
        "[doc:terms] Refunds take 14 days,\n counted from the day of receipt. [/doc] outside of it",
        "[doc:terms-2]Shipping is free.",
        "[doc:faq#1]Ask the desk. Nothing is refunded twice.[doc:faq#2] Bring the receipt with you",
        "no passage at all",
    ]
)
RIGHT = [
    "Fourteen days [doc:terms].",
    '"Refunds take 14 days" [doc:terms], and "SHIPPING  is free." ([doc:terms-2])',
    "“refunds take 14 days, counted from the day of receipt” [doc:terms]",
    "„Bring the receipt with you“ [doc:faq#2]",
    "«Ask the desk» and 'whatever' [doc:faq#1]",
    '"Refunds take … the day of receipt" [doc:terms]',
    '"Refunds take [...] from the day" [doc:terms]',
    'As they say: "ask the desk". See [doc:terms] and [doc:faq#1].',
    '"Nothing is refunded twice" [doc:terms][doc:faq#1]',
    'The "so called" terms [doc:terms]',
]
WRONG = [
    ("Fourteen days.", "it cites nothing"),
    ("Fourteen days [terms] [doc:] [doc: terms].", "it cites nothing"),
    ("Fourteen days [doc:terms-3].", "it cites what was not given"),
    ("Fourteen days [doc:terms] [doc:TERMS].", "it cites what was not given"),
    ('"Refunds take 15 days" [doc:terms]', "it quotes what does not stand there"),
    ('"Shipping is free" [doc:terms]', "it quotes what does not stand there"),
    ('"outside of it" [doc:terms]', "it quotes what does not stand there"),
    ('"Shipping is free", they say [doc:faq#1]', "it quotes what does not stand there"),
    ('"from the day … Refunds take" [doc:terms]', "it quotes what does not stand there"),
    ('"no passage at all" [doc:terms]', "it quotes what does not stand there"),
    ('"Refunds take 14 days [doc:terms] for all" [doc:terms]', "it quotes what does not stand there"),
]


@pytest.mark.parametrize("text", RIGHT, ids=range(len(RIGHT)))
def test_what_is_cited_and_quoted_rightly_is_grounded(text: str) -> None:
    assert GIVEN.flaws(text) == []


@pytest.mark.parametrize(("text", "rule"), WRONG, ids=range(len(WRONG)))
def test_what_is_not_has_a_flaw_that_names_the_rule(text: str, rule: str) -> None:
    assert rule in [flaw.rule for flaw in GIVEN.flaws(text)]


def test_where_nothing_was_given_nothing_can_be_cited() -> None:
    assert not Passages(["hello"])
    assert Passages(["hello"]).flaws("Hello [doc:a]")


@given(st.text("abc \n", min_size=1), st.integers(0, 30), st.integers(1, 30))
def test_any_words_of_a_passage_can_be_quoted(passage: str, start: int, length: int) -> None:
    quotation = passage[start : start + length]
    assert not Passages([f"x [doc:p]{passage}[/doc] y"]).flaws(f'He says "{quotation}" [doc:p]')


@given(st.text('"“”„«»[]doc:/a .…', max_size=80))
def test_whatever_an_answer_looks_like_it_is_judged(text: str) -> None:
    flaws = GIVEN.flaws(text)
    assert flaws or "[doc:" in text
