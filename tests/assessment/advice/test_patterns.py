"""Which pattern is advised for use cases as people describe them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.app.main import main
from interlock.assessment.advice import PATTERNS, Answers, Knowledge, Relation, Risk, Steps, advise

DOCUMENTS, SYSTEMS = Knowledge.documents, Knowledge.systems
KNOWN, OPEN = Steps.known, Steps.open
IN_ORDER, DEPENDS = Relation.in_order, Relation.depends
INDEPENDENT, CONTESTED = Relation.independent, Relation.contested

# What somebody wants, what they answered, the pattern, and whether it should be waited for.
CASES: list[tuple[str, Answers, str | None, bool]] = [
    ("Send back a form that lacks a field", Answers(declared=True), "rules", False),
    ("Look up an order by its number", Answers(declared=True, knowledge=SYSTEMS, steps=KNOWN), "rules", False),
    ("Say which desk a mail is for", Answers(wait=5), "job", False),
    ("Read order number and amount out of a mail", Answers(risk=Risk.medium), "job", False),
    ("Summarize a call for the file", Answers(wait=30), "job", False),
    ("Draft a reply that a person sends", Answers(risk=Risk.high), "job", False),
    ("Sort two million mails a day", Answers(volume=2_000_000), "job", True),
    ("Answer what the returns policy says", Answers(knowledge=DOCUMENTS, wait=10), "retrieval", False),
    ("Answer from contracts, with the clause", Answers(knowledge=DOCUMENTS, risk=Risk.high), "retrieval", False),
    ("Answer where my order is, in any words", Answers(knowledge=SYSTEMS, steps=OPEN), "agent", False),
    ("Give a credit that a ticket asks for", Answers(knowledge=SYSTEMS, acts=True, steps=OPEN), "agent", False),
    ("Change a delivery address", Answers(acts=True, risk=Risk.high, steps=KNOWN), "agent", False),
    ("Close 50 accounts a day by a checklist", Answers(declared=True, acts=True, steps=KNOWN), "rules", False),
    (
        "Check a claim, then pay it, by different rights",
        Answers(knowledge=SYSTEMS, acts=True, steps=KNOWN, skills=2, relation=IN_ORDER, risk=Risk.high),
        "sequential",
        True,
    ),
    (
        "Research, write and proofread an offer",
        Answers(knowledge=DOCUMENTS, steps=KNOWN, skills=3, relation=IN_ORDER, wait=600),
        "sequential",
        True,
    ),
    (
        "First line that passes on to billing or shipping",
        Answers(knowledge=SYSTEMS, acts=True, steps=OPEN, skills=3, relation=DEPENDS),
        "hand-off",
        True,
    ),
    (
        "Look at a supplier from law, price and quality",
        Answers(knowledge=DOCUMENTS, steps=OPEN, skills=3, relation=INDEPENDENT, wait=120),
        "concurrent",
        True,
    ),
    (
        "Second opinion on a diagnosis code",
        Answers(knowledge=SYSTEMS, skills=2, relation=INDEPENDENT, risk=Risk.high, wait=20),
        "concurrent",
        True,
    ),
    (
        "Weigh safety against cost of a recall",
        Answers(knowledge=SYSTEMS, steps=OPEN, skills=3, relation=CONTESTED, wait=3600, risk=Risk.high),
        "discussion",
        True,
    ),
    ("Complete a word while somebody types", Answers(wait=0.2), None, True),
    (
        "Decide on a card payment in 100 ms by limits",
        Answers(declared=True, wait=0.1, volume=5_000_000),
        "rules",
        False,
    ),
    ("Let an agent act within a second", Answers(acts=True, steps=OPEN, wait=1), None, True),
    (
        "Let four experts discuss while a caller waits",
        Answers(skills=4, relation=CONTESTED, wait=15),
        None,
        True,
    ),
    ("Translate a product text over night", Answers(wait=8 * 3600, volume=40_000), "job", False),
]


@pytest.mark.parametrize(("wish", "answers", "pattern", "asynchronous"), CASES, ids=[case[0] for case in CASES])
def test_the_lightest_that_fits_is_advised(
    wish: str, answers: Answers, pattern: str | None, asynchronous: bool
) -> None:
    found = advise(answers)
    assert (found.pattern.name if found.pattern else None, found.asynchronous) == (pattern, asynchronous), wish
    lighter = [one.name for one in PATTERNS]
    expected = lighter[: lighter.index(pattern)] if pattern else lighter
    assert [name for name, _ in found.passed_over] == expected


def test_there_are_cases_of_every_pattern() -> None:
    assert len(CASES) >= 20
    assert {case[2] for case in CASES} == {None, *(pattern.name for pattern in PATTERNS)}


ANSWERS = st.builds(
    Answers,
    declared=st.booleans(),
    knowledge=st.sampled_from(Knowledge),
    acts=st.booleans(),
    steps=st.sampled_from(Steps),
    skills=st.integers(1, 5),
    relation=st.sampled_from(Relation),
    wait=st.floats(0.01, 1e6),
    volume=st.integers(0, 10_000_000),
    risk=st.sampled_from(Risk),
)


@given(ANSWERS)
def test_every_lighter_pattern_has_an_objection(answers: Answers) -> None:
    found = advise(answers)
    assert all(because for _, because in found.passed_over)
    assert len(found.passed_over) == (PATTERNS.index(found.pattern) if found.pattern else len(PATTERNS))


@given(ANSWERS, st.floats(1, 100))
def test_more_patience_never_asks_for_a_heavier_pattern(answers: Answers, longer: float) -> None:
    from dataclasses import replace

    before, after = advise(answers), advise(replace(answers, wait=answers.wait * longer))
    if before.pattern is not None:
        assert after.pattern is not None
        assert PATTERNS.index(after.pattern) <= PATTERNS.index(before.pattern)


@given(ANSWERS)
def test_what_acts_at_high_risk_begins_with_people(answers: Answers) -> None:
    found = advise(answers)
    if found.pattern is not None and answers.acts and answers.risk is Risk.high:
        assert any("draft" in caution for caution in found.cautions)


def test_the_command_tells_it(capsys: pytest.CaptureFixture[str]) -> None:
    words = "advise pattern --knowledge systems --acts --steps open --risk high --json".split()
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out)["pattern"] == "agent"
    assert main("advise pattern --wait 200ms".split()) == 1
    assert "none" in capsys.readouterr().out
    for wrong in ("--skills 2", "--relation depends", "--wait soon"):
        assert main(["advise", "pattern", *wrong.split()]) == 2
