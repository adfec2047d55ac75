"""YAML that others wrote: read as YAML 1.2 has it, and never at more cost than its own size."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.foundation.documents import ForeignInvalid, foreign

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 60), 1 << 60)
    | st.text(st.characters(exclude_categories=["Cs", "Cc"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc<~0", min_size=1), inner, max_size=4),
    max_leaves=20,
)


def read(text: str) -> Any:
    return foreign(text.encode(), deepest=50)


@given(values)
def test_what_is_written_comes_back(value: Any) -> None:
    assert read(json.dumps(value, ensure_ascii=False, indent=1)) == value


def test_words_and_dates_are_texts_and_keys_are_too() -> None:
    text = (
        "{no: on, 200: yes, a: 2020-13-45, b: 1_000, c: True, d: ~, e: 1.50, f: '1', g: !!str 1, h: 1e3, i: -0x1, j: }"
    )
    assert read(text) == {
        "no": "on",
        "200": "yes",
        "a": "2020-13-45",
        "b": "1_000",
        "c": True,
        "d": None,
        "e": 1.5,
        "f": "1",
        "g": "1",
        "h": 1000.0,
        "i": "-0x1",
        "j": None,
    }
    assert read("a: " + "9" * 5000) == {"a": "9" * 5000}


def test_anchors_and_merge_keys_are_followed() -> None:
    text = "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: {y: 4, <<: [*a, {z: 5, x: 9}]}\nd: [*a, &t hi, *t]\n"
    assert read(text) == {
        "a": {"x": 1, "y": 2},
        "b": {"x": 1, "y": 3},
        "c": {"x": 1, "y": 4, "z": 5},
        "d": [{"x": 1, "y": 2}, "hi", "hi"],
    }


def doubling(line: str, first: str) -> str:
    return "\n".join([f"x0: &x0 {first}", *(line.format(n=number, m=number - 1) for number in range(1, 40))])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (doubling("x{n}: &x{n} [*x{m}, *x{m}]", "[1]"), "many times"),
        (doubling("x{n}: &x{n} {{<<: [*x{m}, *x{m}], k{n}: *x{m}}}", "{a: 1}"), "many times"),
        ("x: " + "[" * 300_000, "deeper than 50 levels"),
        ("a:\n" + "".join(f"{' ' * depth}- \n" for depth in range(1, 60)), "deeper than 50 levels"),
        ("a: &a [*a]", "holds itself"),
        ("? [a]\n: b", "no text"),
        ("? *a\n: b", "holds itself"),
        ("a: &a b\n? *a\n: c", "no text"),
        ("a: [", "not valid YAML"),
        ("a: 1\n---\nb: 2", "more than one"),
        ("<<: [1]", "no mapping"),
        ("a: \x00", "not valid YAML"),
    ],
)
def test_what_would_cost_too_much_or_cannot_be_read_is_refused(text: str, why: str) -> None:
    began = time.process_time()
    with pytest.raises(ForeignInvalid, match=why):
        read(text)
    assert time.process_time() - began < 5
