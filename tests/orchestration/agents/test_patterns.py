"""The patterns of teams, as functions of what has been said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.foundation.documents import ProjectInvalid, parse_document
from interlock.orchestration.agents import Due, Outcome, Said, team_from_document
from interlock.orchestration.agents.patterns import Pattern, concurrent, discussion, sequential

AGENTS = ("ann", "bob", "cid")
WORDS = "What now?"


def said(*pairs: tuple[str, str]) -> list[Said]:
    return [Said(agent, answer) for agent, answer in pairs]


def played(pattern: Pattern, answers: dict[str, list[str]]) -> tuple[list[str], Outcome]:
    """Play a pattern to its end; return who was asked, in order, and what came of it."""
    so_far: list[Said] = []
    while True:
        step = pattern(WORDS, so_far)
        if isinstance(step, Outcome):
            return [one.agent for one in so_far], step
        so_far += [Said(agent, answers[agent].pop(0)) for agent, _ in step.asked]


def test_in_a_sequence_each_hears_the_request_and_the_last_one_answers() -> None:
    pattern = sequential(AGENTS)
    assert pattern(WORDS, []) == Due((("ann", WORDS),))
    assert played(pattern, {"ann": ["a"], "bob": ["b"], "cid": ["c"]}) == (["ann", "bob", "cid"], Outcome("c"))


def test_a_sequence_stops_at_the_first_without_an_answer() -> None:
    assert sequential(AGENTS)(WORDS, [Said("ann", "I stopped.", answered=False)]) == Outcome("I stopped.", "stopped")


@pytest.mark.parametrize(
    ("merge", "answers", "outcome"),
    [
        ("all", "abc", Outcome("ann: a\nbob: b\ncid: c")),
        ("first", "abc", Outcome("a")),
        ("majority", ("Yes.", "no", " yes"), Outcome("Yes.")),
        ("majority", "abc", Outcome("There is no majority.\nann: a\nbob: b\ncid: c", "no_agreement")),
    ],
    ids=str,
)
def test_answers_that_came_at_once_are_merged_as_declared(merge: str, answers: str, outcome: Outcome) -> None:
    given_answers = dict(zip(AGENTS, ([one] for one in answers), strict=True))
    assert played(concurrent(AGENTS, merge), given_answers) == (list(AGENTS), outcome)


def test_half_is_no_majority() -> None:
    two = [Said("ann", "yes"), Said("bob", "I stopped.", answered=False)]
    found = concurrent(("ann", "bob"), "majority")(WORDS, two)
    assert isinstance(found, Outcome)
    assert found.ended == "no_agreement"


def test_an_agent_may_merge_and_is_shown_those_that_answered() -> None:
    pattern = concurrent(("ann", "bob"), "agent", "cid")
    both = [Said("ann", "a"), Said("bob", "I stopped.", answered=False)]
    step = pattern(WORDS, both)
    assert isinstance(step, Due)
    ((agent, words),) = step.asked
    assert agent == "cid"
    assert "ann: a" in words
    assert "I stopped" not in words
    assert pattern(WORDS, [*both, Said("cid", "so a")]) == Outcome("so a")


def test_where_nobody_answered_it_is_told() -> None:
    silent = [Said(agent, "I stopped.", answered=False) for agent in AGENTS]
    found = concurrent(AGENTS, "first")(WORDS, silent)
    assert isinstance(found, Outcome)
    assert found.ended == "stopped"


def test_a_moderator_ends_a_discussion_or_lets_it_go_on() -> None:
    answers = {"ann": ["a1", "a2"], "bob": ["b1", "b2"], "mod": ["next", "It is b2."]}
    asked, outcome = played(discussion(("ann", "bob"), "mod", 5), answers)
    assert asked == ["ann", "bob", "mod", "ann", "bob", "mod"]
    assert outcome == Outcome("It is b2.")


def test_a_discussion_has_an_end_even_if_its_moderator_has_none() -> None:
    answers = {"ann": ["a"] * 9, "bob": ["b"] * 9, "mod": ["NEXT"] * 9}
    asked, outcome = played(discussion(("ann", "bob"), "mod", 2), answers)
    assert len(asked) == 6
    assert outcome.answer == "NEXT"


def test_each_speaker_hears_what_was_said_before() -> None:
    step = discussion(("ann", "bob"), "mod", 2)(WORDS, said(("ann", "I would wait.")))
    assert isinstance(step, Due)
    assert step.asked[0] == ("bob", f"{WORDS}\n\nThe discussion so far:\nann: I would wait.")


@given(
    st.sampled_from(["sequential", "concurrent", "discussion"]),
    st.lists(st.sampled_from(["yes", "no", "NEXT", ""]), min_size=40, max_size=40),
    st.integers(1, 5),
)
def test_every_pattern_ends(kind: str, answers: list[str], rounds: int) -> None:
    patterns = {
        "sequential": sequential(AGENTS),
        "concurrent": concurrent(AGENTS, "majority"),
        "discussion": discussion(AGENTS, "mod", rounds),
    }
    asked, _ = played(patterns[kind], {agent: list(answers) for agent in (*AGENTS, "mod")})
    assert len(asked) <= 4 * rounds or kind != "discussion"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pattern: discussion\nagents: [a, b]", "has a `moderator`"),
        ("pattern: sequential\nagents: [a, b]\nmerge: all", "only a team of the pattern concurrent"),
        ("pattern: concurrent\nagents: [a, b]\nrounds: 2", "only a team of the pattern discussion"),
        ("pattern: concurrent\nagents: [a]", "at least 2"),
        ("pattern: chaos\nagents: [a, b]", "pattern"),
    ],
)
def test_a_wrong_team_file_is_told(text: str, message: str) -> None:
    with pytest.raises(ProjectInvalid) as raised:
        team_from_document(parse_document(f"team: t\n{text}\n".encode(), "team", environment={}))
    assert message in str(raised.value.findings[0])
