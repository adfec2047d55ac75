"""Contracts that name places and rules, digests that follow meaning, differences that can be undone."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.integration.contracts import Contract, Definition, SchemaInvalid, differences
from interlock.values.digests import canonical

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=20,
)

CLOSED = {"properties": {"amount": {}}, "additionalProperties": False}


@pytest.mark.parametrize(
    ("pattern", "fits", "breaks"),
    [
        (r"^(?!.*--)[a-z-]+$", "a-b", "a--b"),
        (r"^(\w)\1$", "aa", "ab"),
        (r"^\S+(?<!\.)$", "end", "end."),
    ],
)
def test_patterns_may_look_around_and_back(pattern: str, fits: str, breaks: str) -> None:
    contract = Contract({"type": "string", "pattern": pattern})
    assert contract.holds(fits)
    assert not contract.holds(breaks)
    assert [breach.reason for breach in contract.breaches(breaks)] == [f"must match the pattern {pattern}"]


def test_a_pattern_that_takes_too_many_steps_counts_as_not_matched() -> None:
    contract = Contract({"type": "string", "pattern": r"^(?:a(?!c)|a(?!d))*b$"})
    assert contract.holds("aab")
    endless = "a" * 5000 + "!"
    assert not contract.holds(endless)
    reasons = [breach.reason for breach in contract.breaches(endless)]
    assert reasons == ["takes too many steps to be compared with its pattern"]


@pytest.mark.parametrize(
    ("schema", "value", "reason"),
    [
        ({"type": "integer"}, "hidden", "must be of type integer"),
        ({"type": ["integer", "null"]}, "hidden", "must be of type integer or null"),
        ({"enum": ["a"]}, "hidden", "is not one of the allowed values"),
        ({"const": "a"}, "hidden", "is not one of the allowed values"),
        ({"minimum": 3}, 2, "must be at least 3"),
        ({"maxLength": 3}, "hidden", "must have at most 3 characters"),
        ({"pattern": "^a$"}, "hidden", "must match the pattern ^a$"),
        ({"format": "date"}, "hidden", "must be written as date"),
        ({"format": "date-time"}, "2026-01-01", "must be written as date-time"),
        ({"required": ["a"]}, {}, "lacks 'a'"),
        (CLOSED, {"hidden words": 1}, "has unknown members: (a name that is no plain word)"),
        (CLOSED, {"amuont": 1}, "has unknown members: amuont"),
        ({"additionalProperties": False}, {"hidden": 1}, "must have no members"),
        ({"uniqueItems": True}, [1, 1], "must not repeat a member"),
        ({"anyOf": [{"type": "null"}]}, "hidden", "fits none of the allowed forms"),
        ({"oneOf": [{"type": "null"}]}, "hidden", "fits none, or more than one, of the allowed forms"),
        ({"not": {}}, "hidden", "has a form that is not allowed"),
        ({"multipleOf": 0.01}, 0.001, "must be a multiple of 0.01"),
    ],
)
def test_a_breach_names_the_rule_and_not_the_value(schema: dict[str, Any], value: Any, reason: str) -> None:
    contract = Contract(schema)
    assert not contract.holds(value)
    [breach] = contract.breaches(value)
    assert breach.reason == reason
    assert "hidden" not in str(breach)


def test_a_breach_names_its_place() -> None:
    contract = Contract({"properties": {"a/b": {"items": {"type": "integer"}}}})
    assert [breach.pointer for breach in contract.breaches({"a/b": [1, "x", 2, "y"]})] == ["/a~1b/1", "/a~1b/3"]


def test_breaches_are_bounded() -> None:
    assert len(Contract({"items": {"type": "integer"}}).breaches(["x"] * 10_000)) == 20


def test_a_pattern_that_explodes_is_cut_short() -> None:
    assert not Contract({"pattern": "^(a+)+$"}).holds("a" * 5000 + "b")


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "strin"},
        {"$ref": "#/$defs/none"},
        {"$ref": "http://127.0.0.1:1/schema"},
        {"$ref": "file:///etc/hosts"},
        {"pattern": "("},
        {"properties": 3},
    ],
)
def test_a_schema_that_is_none_is_refused_and_nothing_is_fetched(schema: dict[str, Any]) -> None:
    with pytest.raises(SchemaInvalid):
        Contract(schema)


@given(JSON)
def test_a_value_does_not_differ_from_itself(value: Any) -> None:
    assert differences(value, value) == []


@given(JSON, JSON)
def test_values_differ_where_their_bytes_do(before: Any, after: Any) -> None:
    assert bool(differences(before, after)) == (canonical(before) != canonical(after))


def test_differences_are_told_place_by_place() -> None:
    before = {"properties": {"a": {"type": "integer", "maximum": 5}, "b": {}}, "required": ["a", "b"]}
    after = {"properties": {"a": {"type": "integer", "maximum": 9}, "c/d": {}}, "required": ["b", "c/d"]}
    assert [str(difference) for difference in differences(before, after)] == [
        "/properties/a/maximum: changed from 5 to 9",
        "/properties/b: removed {}",
        "/properties/c~1d: added {}",
        '/required: removed "a"',
        '/required: added "c/d"',
    ]


def test_the_order_of_names_is_no_difference() -> None:
    assert differences({"required": ["a", "b"]}, {"required": ["b", "a"]}) == []
    assert differences({"prefixItems": ["a", "b"]}, {"prefixItems": ["b", "a"]}) != []


def test_differences_are_bounded() -> None:
    assert len(differences({}, {str(n): n for n in range(1000)})) == 200


def test_a_definitions_digest_follows_all_of_it() -> None:
    first = Definition({"type": "object"}, {"type": "null"}, {"path": "/a"}, "words")
    same = Definition({"type": "object"}, {"type": "null"}, {"path": "/a"}, "words")
    others = [
        Definition({"type": "object", "title": "x"}, {"type": "null"}, {"path": "/a"}, "words"),
        Definition({"type": "object"}, None, {"path": "/a"}, "words"),
        Definition({"type": "object"}, {"type": "null"}, {"path": "/b"}, "words"),
        Definition({"type": "object"}, {"type": "null"}, {"path": "/a"}, "Words"),
    ]
    assert first.digest == same.digest
    assert len({first.digest, *(other.digest for other in others)}) == 5
