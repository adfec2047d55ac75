"""YAML as Interlock reads it: values, lines, limits, and every problem found."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from interlock.foundation.documents.syntax import MAX_DEPTH, MAX_VALUES, Parsed, parse


def read(text: str, **environment: str) -> Parsed:
    return parse(text, name="f.yaml", environment=environment)


def messages(text: str, **environment: str) -> list[str]:
    return [str(finding) for finding in read(text, **environment).findings]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("null", None),
        ("~", None),
        ("", None),
        ("12", 12),
        ("-3", -3),
        ("1.50", 1.5),
        ("1e3", 1000.0),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775809", float(-(2**63))),
        ("99999999999999999999", 1e20),
        ("no", "no"),
        ("on", "on"),
        ("True", "True"),
        ("007", "007"),
        ("1_000", "1_000"),
        ("0x10", "0x10"),
        (".inf", ".inf"),
        ("1e999", "1e999"),
        ("2026-01-02", "2026-01-02"),
        ("12:30", "12:30"),
        ("'12'", "12"),
        ('"true"', "true"),
    ],
)
def test_only_what_json_would_call_a_number_or_word_is_one(text: str, value: Any) -> None:
    found = read(f"a: {text}\n")
    assert found.findings == []
    assert found.data == {"a": value}
    assert type(found.data["a"]) is type(value)


TEXT = st.characters(codec="utf-8")
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**18), 10**18) | st.text(TEXT, max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("a/~ 0", max_size=4), inner),
    max_leaves=20,
)


@given(PLAIN)
def test_whatever_yaml_writes_is_read_back_and_every_member_has_its_line(value: Any) -> None:
    text = yaml.safe_dump(value, sort_keys=False)
    if "${" in text:
        return
    found = read(text)
    assert found.findings == []
    assert found.data == value
    if isinstance(value, dict):
        for index, key in enumerate(value):
            pointer = "/" + key.replace("~", "~0").replace("/", "~1")
            assert index < found.lines[pointer] <= len(text.splitlines())


def test_lines_are_those_of_keys_and_members() -> None:
    found = read("# first\na:\n  b: 1\n  c:\n    - x\n    - y: 2\n")
    assert found.lines == {"": 2, "/a": 2, "/a/b": 3, "/a/c": 4, "/a/c/0": 5, "/a/c/1": 6, "/a/c/1/y": 6}


def test_a_key_that_stands_twice_is_found_and_the_first_one_counts() -> None:
    found = read("a: 1\nb: 2\na: {x: {y: 3}}\n")
    assert [str(finding) for finding in found.findings] == ["f.yaml:3: key 'a' stands twice (first at line 1)"]
    assert found.data == {"a": 1, "b": 2}
    assert "/a/x" not in found.lines


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("a: !!python/object:os.system x", "tags are not supported"),
        ("a: !secret x", "tags are not supported"),
        ("a: !!set {x, y}", "tags are not supported"),
        ("? [1, 2]\n: 3", "a key must be text"),
        ("? {a: 1}\n: {b: [2]}\nc: 1", "a key must be text"),
        ("a: &k x\n*k : 2", "an alias is not allowed as a key"),
        ("a: &x [*x]", "names nothing that is complete"),
        ("a: 1\n---\nb: 2", "another begins at line 2"),
        ("a: [1", "not YAML"),
        ("a: b: c", "not YAML"),
        ("a: \x07", "does not allow"),
    ],
)
def test_what_is_not_plain_data_is_refused_with_its_line(text: str, part: str) -> None:
    found = messages(text)
    assert any(part in message for message in found), found


def test_aliases_may_be_used_within_the_limits() -> None:
    found = read("a: &x {k: [1, 2]}\nb: *x\n")
    assert found.findings == []
    assert found.data == {"a": {"k": [1, 2]}, "b": {"k": [1, 2]}}


def test_aliases_that_multiply_are_stopped() -> None:
    text = "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
    for before, name in zip("abcdef", "bcdefg", strict=True):
        text += f"{name}: &{name} [{', '.join(['*' + before] * 10)}]\n"
    found = read(text)
    assert found.data is None
    assert f"more than {MAX_VALUES} values" in found.findings[0].message


def test_depth_is_limited_without_recursion() -> None:
    assert read("[" * MAX_DEPTH + "]" * MAX_DEPTH).findings == []
    found = read("[" * 100_000)
    assert f"deeper than {MAX_DEPTH}" in found.findings[0].message


def test_variables_are_filled_in_and_unquoted_ones_are_read_as_values() -> None:
    found = read(
        'a: ${PORT}\nb: "${PORT}"\nc: http://${HOST:-localhost}:${PORT}/x\nd: $${PORT}\ne: ${NONE:-}\n',
        PORT="80",
    )
    assert found.findings == []
    assert found.data == {"a": 80, "b": "80", "c": "http://localhost:80/x", "d": "${PORT}", "e": None}
    assert found.interpolated == {"/a", "/b", "/c", "/d", "/e"}


def test_an_empty_variable_counts_as_not_set_only_where_a_default_is_given() -> None:
    assert read('a: "${X}"\nb: "${X:-y}"', X="").data == {"a": "", "b": "y"}


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (
            "a:\n  b: x ${BILLING_URL}",
            "f.yaml:2: a.b: variable BILLING_URL is not set (looked in the environment",
        ),
        ("a: ${", "needs a variable's name"),
        ("a: ${1x}", "needs a variable's name"),
        ("a: ${A-b}", "needs a variable's name"),
    ],
)
def test_a_variable_that_cannot_be_filled_in_is_a_finding(text: str, part: str) -> None:
    assert part in messages(text)[0]


def test_what_a_variable_holds_is_never_read_as_yaml() -> None:
    assert read('a: "${X}"\nb: ${X}', X="x: [1, !!python/name:os {").data == {"a": "x: [1, !!python/name:os {"} | {
        "b": "x: [1, !!python/name:os {"
    }
