"""Prices: the nearest line decides, integers all the way, and no line is no price."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from interlock.foundation.documents.document import parse_document
from interlock.intelligence.gateway import ModelRequest, Usage
from interlock.intelligence.usage import Price, Prices, prices_of
from interlock.intelligence.usage.worst import IMAGE_TOKENS, input_tokens, output_tokens

TEXT = """
source: invented
date: 2026-01-31
currency: EUR
models:
  "gpt*": {input: 1, output: 2}
  "gpt-mini*": {input: 0.1, output: 0.2, cached_input: 0.05}
  "azure:gpt-mini": {input: 9, output: 9}
  gpt-mini: {input: 3, output: 3}
"""


def listed() -> Prices:
    return prices_of(parse_document(TEXT.encode(), "prices", name="prices.yaml"))


def test_the_nearest_line_decides() -> None:
    prices = listed()
    asked = [("openai", "gpt-mini"), ("azure", "gpt-mini"), ("openai", "gpt-mini-2026"), ("openai", "gpt-4")]
    found = [price.input for price in (prices.of(*one) for one in asked) if price is not None]
    assert found == [3_000_000, 9_000_000, 100_000, 1_000_000]
    assert prices.of("openai", "other") is None
    assert prices.of("rules", "other") == Price(0, 0, 0, 0)


def test_a_cost_is_rounded_up_once() -> None:
    price = Price(100_000, 200_000, 50_000, 200_000)
    assert price.cost(Usage(1, 0)) == 1
    assert price.cost(Usage(10, 5, 10)) == 2  # 0.5 and 1.0
    assert price.cost(Usage()) == 0


TOKENS = st.integers(0, 10**7)
AMOUNT = st.integers(0, 10**8)


@given(price=st.builds(Price, AMOUNT, AMOUNT, AMOUNT, AMOUNT), counts=st.tuples(TOKENS, TOKENS, TOKENS, TOKENS))
def test_no_usage_within_the_worst_case_costs_more(price: Price, counts: tuple[int, int, int, int]) -> None:
    read, said, cached, reasoned = counts
    usage = Usage(read, said, min(cached, read), min(reasoned, said))
    assert 0 <= price.cost(usage) <= price.most(read, said)


@given(words=st.text())
def test_no_text_has_more_tokens_than_are_reserved(words: str) -> None:
    assert input_tokens(ModelRequest([{"role": "user", "content": words}])) >= len(words.encode(errors="replace"))


def test_the_answer_is_as_long_as_the_call_says_times_what_it_wants() -> None:
    for name in ("max_tokens", "max_completion_tokens", "max_output_tokens"):
        assert output_tokens(ModelRequest([], parameters={name: 7, "n": 3}), 100) == 21
    assert output_tokens(ModelRequest([], parameters={"max_tokens": True}), 100) == 100


def test_an_image_counts_for_what_it_may_take_and_not_for_its_bytes() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 100_000}}
    message = {"role": "user", "content": [{"type": "text", "text": "Look"}, image]}
    assert IMAGE_TOKENS < input_tokens(ModelRequest([message])) < IMAGE_TOKENS + 200
