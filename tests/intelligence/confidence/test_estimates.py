"""Estimates of confidence: log probabilities, agreement of samples, grounding."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.intelligence.confidence import agreement, grounding, leaves, likelihood
from interlock.intelligence.gateway import Extras, ModelReply


def reply(*tokens: tuple[str, float]) -> ModelReply:
    content = [{"token": text, "logprob": math.log(chance)} for text, chance in tokens]
    return ModelReply("".join(text for text, _ in tokens), extras=Extras(choice={"logprobs": {"content": content}}))


ANSWER = reply(('{"result"', 1.0), (':{"class":"', 1.0), ("dam", 0.9), ("aged", 0.5), ('"},"abstained":null}', 0.2))


def test_a_choice_is_as_likely_as_the_tokens_that_write_it_together() -> None:
    assert likelihood(ANSWER, "damaged") == pytest.approx(0.45)


def test_without_a_choice_it_is_the_mean_over_all_tokens() -> None:
    assert likelihood(ANSWER) == pytest.approx((0.9 * 0.5 * 0.2) ** (1 / 5))
    assert likelihood(ANSWER, "late") == likelihood(ANSWER)


def test_the_last_place_of_the_choice_counts() -> None:
    twice = reply(('"late"', 0.1), (" or ", 1.0), ('"late"', 0.7))
    assert likelihood(twice, "late") == pytest.approx(0.7)


@pytest.mark.parametrize(
    "told",
    [
        None,
        {},
        {"content": None},
        {"content": []},
        {"content": ["a"]},
        {"content": [{"token": "a"}]},
        {"content": [{"token": "a", "logprob": "high"}]},
        {"content": [{"token": "a", "logprob": True}]},
        {"content": [{"token": "a", "logprob": float("nan")}]},
        {"content": [{"token": 1, "logprob": -0.1}]},
    ],
    ids=lambda told: repr(told)[:40],
)
def test_what_is_no_log_probability_is_no_confidence(told: object) -> None:
    assert likelihood(ModelReply("a", extras=Extras(choice={"logprobs": told})), "a") is None
    assert likelihood(ModelReply("a")) is None


@given(st.lists(st.tuples(st.text(max_size=5), st.floats(1e-6, 1.0)), min_size=1), st.text(max_size=5))
def test_a_likelihood_is_a_probability(tokens: list[tuple[str, float]], choice: str) -> None:
    found = likelihood(reply(*tokens), choice)
    assert found is not None
    assert 0.0 <= found <= 1.0


@pytest.mark.parametrize(
    ("keys", "place", "share"),
    [
        ([], -1, 0.0),
        ([None, None], -1, 0.0),
        (["a", "b", "a"], 0, 2 / 3),
        (["b", "a", "a"], 1, 2 / 3),
        (["a", "b"], 0, 0.5),
        (["a", None, None, None], 0, 0.25),
    ],
    ids=str,
)
def test_most_samples_decide_and_a_failed_one_agrees_with_none(
    keys: list[str | None], place: int, share: float
) -> None:
    found, shared = agreement(keys)
    assert found == place
    assert shared == pytest.approx(share)


@pytest.mark.parametrize(
    ("answer", "source", "share"),
    [
        ("order 11011", "about Order 11011.", 1.0),
        ("order 11012", "about order 11011", 0.5),
        ("397.50", "Thirty at 13.25 are 397.5", 1.0),
        ("397.05", "Thirty at 13.25 are 397.5", 0.0),
        ("1,000.00", "a thousand: 1000", 1.0),
        ("1.000,50", "1000.5 euros", 1.0),
        ("10.00", "100", 0.0),
        ("Gutiérrez", "gutierrez wrote", 1.0),
        ("tins", "a tin", 1.0),
        ("a of an", "nothing of it", None),
        ("", "text", None),
    ],
    ids=lambda value: str(value)[:30],
)
def test_words_and_figures_must_stand_in_the_source(answer: str, source: str, share: float | None) -> None:
    assert grounding([answer], [source]) == share


@given(st.text(max_size=200))
def test_a_text_is_grounded_in_itself(text: str) -> None:
    assert grounding([text], [text]) in (None, 1.0)


@given(st.text(max_size=80), st.text(max_size=80), st.text(max_size=80))
def test_more_source_never_grounds_less(answer: str, source: str, more: str) -> None:
    found, further = grounding([answer], [source]), grounding([answer], [source, more])
    assert (found is None) == (further is None)
    assert (further or 0.0) >= (found or 0.0)


def test_leaves_are_texts_and_numbers_wherever_they_stand() -> None:
    assert list(leaves({"a": [1, None, True, {"b": "x"}], "c": 2.5})) == ["1", "x", "2.5"]
