"""Masking: nothing that is not admitted comes through, nothing that is admitted is changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.governance.labels import (
    Echoes,
    FieldLabels,
    Mask,
    Masks,
    is_masked,
    mask_arguments,
    masked,
    masked_places,
)
from interlock.values.clearances import EVERY, EVERYTHING, USUAL, Clearance
from interlock.values.labels import Category, Confidentiality, Label
from interlock.values.operations import Effect, FieldLabel, Operation, OutputTrust

SECRET = Label(Confidentiality.restricted, frozenset({Category.financial}))
PLAIN, HEALTH = Label(), Label(Confidentiality.confidential, frozenset({Category.health}))
WORDS = "[masked: restricted, financial]"
LABELS = (PLAIN, SECRET, HEALTH, Label(Confidentiality.public))
CLEARANCES = (
    USUAL,
    EVERYTHING,
    Clearance(),
    Clearance(Confidentiality.internal),
    Clearance(Confidentiality.confidential, frozenset({Category.personal})),
    Clearance(Confidentiality.restricted, frozenset({Category.health})),
)

names = st.sampled_from("abcd")
leaves = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5))
outputs = st.recursive(
    leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=4)),
    max_leaves=20,
)
pointers = st.lists(st.sampled_from(["a", "b", "c", "*", "0", "1"]), min_size=1, max_size=3).map(
    lambda parts: "/" + "/".join(parts)
)
patterns = st.one_of(names, pointers, st.just(""))
field_labels = st.lists(st.builds(FieldLabel, patterns, st.sampled_from(LABELS)), max_size=4).map(tuple)


@st.composite
def operations(draw: st.DrawFn) -> Operation:
    return operation(*draw(field_labels), label=draw(st.sampled_from(LABELS)))


def operation(*labels: FieldLabel, label: Label = PLAIN, schema: Any = None) -> Operation:
    return Operation("crm", "get", Effect.read, label=label, output=OutputTrust(labels=labels), output_schema=schema)


def hides(**fields: Label) -> Operation:
    return operation(*(FieldLabel(name, label) for name, label in fields.items()))


def paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Every single value with its path; an empty object or list is one."""
    members: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        members = list(value.items())
    elif isinstance(value, list):
        members = list(enumerate(value))
    if not members:
        yield path, value
    for step, member in members:
        yield from paths(member, (*path, step))


def at(value: Any, path: tuple[str | int, ...]) -> Any:
    """What stands at *path*, or the mask that stands above it."""
    for step in path:
        if is_masked(value):
            return value
        value = value[step]
    return value


@given(operations(), st.sampled_from(CLEARANCES), outputs)
def test_every_single_value_is_shown_exactly_if_its_label_is_admitted(
    labelled: Operation, clearance: Clearance, output: Any
) -> None:
    seen, fields = Mask(labelled, clearance).apply(output), FieldLabels(labelled)
    for path, value in paths(output):
        label = fields.of(path)
        if clearance.admits(label) or (path == () and value is None):
            assert at(seen, path) == value
            assert type(at(seen, path)) is type(value)
        elif not isinstance(value, (dict, list)):  # an empty object may stay where something in it would be shown
            assert is_masked(at(seen, path))


@given(operations(), st.sampled_from(CLEARANCES), outputs)
def test_masking_twice_is_masking_once(labelled: Operation, clearance: Clearance, output: Any) -> None:
    mask = Mask(labelled, clearance)
    once = mask.apply(output)
    assert mask.apply(once) == once


@given(operations(), st.sampled_from(CLEARANCES), outputs)
def test_what_is_given_is_never_changed_and_comes_back_itself_where_nothing_is_hidden(
    labelled: Operation, clearance: Clearance, output: Any
) -> None:
    before = repr(output)
    seen = Mask(labelled, clearance).apply(output)
    assert repr(output) == before
    assert (seen is output) is (repr(seen) == before)


@given(operations(), outputs)
def test_whoever_is_cleared_for_everything_sees_everything(labelled: Operation, output: Any) -> None:
    mask = Mask(labelled, EVERYTHING)
    assert mask.open
    assert mask.apply(output) is output


def test_a_field_is_replaced_by_words_that_name_its_label() -> None:
    mask = Mask(hides(iban=SECRET), USUAL)
    assert mask.apply({"id": 1, "iban": "DE1", "old": [{"iban": None}]}) == {
        "id": 1,
        "iban": WORDS,
        "old": [{"iban": WORDS}],
    }
    assert masked(HEALTH) == "[masked: confidential, health]"


def test_a_category_alone_can_hide_a_field() -> None:
    narrow = Clearance(Confidentiality.restricted, EVERY - {Category.health})
    assert Mask(hides(illness=HEALTH), narrow).apply({"illness": "flu"}) == {
        "illness": "[masked: confidential, health]"
    }


def test_a_hidden_object_is_replaced_as_a_whole_unless_something_in_it_may_be_seen() -> None:
    account = {"account": {"iban": "DE1", "bank": {"city": "Bonn"}}}
    assert Mask(operation(FieldLabel("/account", SECRET)), USUAL).apply(account) == {"account": WORDS}
    opened = operation(FieldLabel("/account", SECRET), FieldLabel("/account/bank", PLAIN))
    assert Mask(opened, USUAL).apply(account) == {"account": {"iban": WORDS, "bank": {"city": "Bonn"}}}


def test_an_operation_that_is_not_admitted_at_all_shows_that_it_answered() -> None:
    mask = Mask(operation(label=SECRET), USUAL)
    assert mask.apply([{"id": 1}]) == WORDS
    assert mask.apply(None) is None


def test_its_label_is_that_of_what_may_be_seen() -> None:
    labelled = operation(FieldLabel("iban", SECRET), FieldLabel("illness", HEALTH))
    assert Mask(labelled, USUAL).label == HEALTH
    assert Mask(labelled, EVERYTHING).label == SECRET.join(HEALTH)
    assert labelled.returns == SECRET.join(HEALTH)


def test_a_mask_is_made_once_for_an_operation_and_a_clearance() -> None:
    masks, labelled = Masks(), hides(iban=SECRET)
    mask = masks.of(labelled, USUAL)
    assert masks.of(labelled, Clearance(Confidentiality.confidential, EVERY)) is mask
    assert masks.of(labelled, EVERYTHING) is not mask
    assert masks.of(replace(labelled), USUAL) is not mask, "a changed definition has a mask of its own"


# --- arguments -------------------------------------------------------------------------------------------------------


def test_an_argument_is_hidden_as_a_whole_for_where_it_came_from() -> None:
    arguments = {"iban": "DE1", "amount": 5, "text": "to DE1 please"}
    labels = {"iban": SECRET.to_json(), "text": SECRET.to_json(), "gone": SECRET.to_json()}
    assert mask_arguments(arguments, labels, USUAL) == {"iban": WORDS, "amount": 5, "text": WORDS}
    assert mask_arguments(arguments, labels, EVERYTHING) is arguments
    assert mask_arguments(arguments, {}, USUAL) is arguments


def test_an_argument_without_a_label_is_taken_for_one_of_the_house() -> None:
    assert mask_arguments({"id": 7}, {}, Clearance()) == {"id": "[masked: internal]"}


def test_what_repeats_a_hidden_argument_is_hidden_too() -> None:
    arguments = {"iban": "DE1234", "to": ["Ann Other", 77777], "short": "x", "yes": True}
    echoes = Echoes()
    echoes.learn(arguments, mask_arguments(arguments, dict.fromkeys(arguments, SECRET.to_json()), USUAL))
    shown = {"said": "sent to DE1234.", "parts": [77777, 77777.0, 7, True, None, "x"], "who": "Ann"}
    assert echoes.apply(shown) == {"said": WORDS, "parts": [WORDS, WORDS, 7, True, None, "x"], "who": "Ann"}
    assert echoes.words == WORDS
    nothing = Echoes()
    nothing.learn(arguments, arguments)
    assert nothing.apply(shown) is shown
    assert nothing.words == ""


def test_masked_places_are_named_by_pointers() -> None:
    value = {"a/b": WORDS, "list": [1, {"x": WORDS}], "plain": "[masked"}
    assert list(masked_places(value)) == ["/a~1b", "/list/1/x"]


# --- the schema ------------------------------------------------------------------------------------------------------

PERSON: dict[str, Any] = {
    "type": "object",
    "required": ["id", "iban"],
    "additionalProperties": False,
    "properties": {
        "id": {"type": "integer"},
        "iban": {"type": "string", "maxLength": 5},
        "old": {"type": "array", "items": {"$ref": "#/$defs/account"}, "uniqueItems": True},
        "kind": {"oneOf": [{"type": "object", "properties": {"iban": {"const": 1}}}, {"type": "null"}]},
        "next": {"$ref": "#"},
        "more": {"type": "object", "additionalProperties": {"type": "integer"}},
    },
    "$defs": {
        "account": {"allOf": [{"type": "object", "required": ["iban"]}, {"$ref": "#/$defs/iban"}]},
        "iban": {"properties": {"iban": {"type": "integer"}, "of": {"$ref": "#/$defs/account"}}},
    },
}
PEOPLE = [
    {"id": 1, "iban": "DE1"},
    {"id": 1, "iban": "DE1", "old": [{"iban": 1, "of": {"iban": 3}}, {"iban": 2}], "more": {"iban": 1, "b": 2}},
    {"id": 1, "iban": "DE1", "kind": {"iban": 1}, "next": {"id": 2, "iban": "DE2", "kind": None}},
]


@pytest.mark.parametrize(
    "labels",
    [
        (FieldLabel("iban", SECRET),),
        (FieldLabel("/old", SECRET), FieldLabel("/old/*/of", PLAIN)),
        (FieldLabel("/old/1/iban", SECRET),),
        (FieldLabel("/*/iban", SECRET), FieldLabel("/kind", SECRET)),
        (FieldLabel("", SECRET), FieldLabel("/id", PLAIN)),
        (FieldLabel("", SECRET),),
        (FieldLabel("/more/b", SECRET),),
    ],
)
def test_masked_outputs_fit_the_masked_schema(labels: tuple[FieldLabel, ...]) -> None:
    mask = Mask(operation(*labels, schema=PERSON), USUAL)
    assert mask.schema is mask.schema
    for person in PEOPLE:
        jsonschema_rs.validate(PERSON, person)
        assert mask.apply(person) != person or labels[0].pattern not in ("iban", "")
        jsonschema_rs.validate(dict(mask.schema or {}), mask.apply(person))


@given(operations(), st.sampled_from(CLEARANCES), outputs)
def test_any_masked_output_fits_whatever_its_schema_was(labelled: Operation, clearance: Clearance, output: Any) -> None:
    """The schema that describes one output exactly is the strictest that it fits."""
    mask = Mask(replace(labelled, output_schema=exactly(output)), clearance)
    jsonschema_rs.validate(dict(mask.schema or {}), mask.apply(output) if output is not None else "")


def exactly(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        members = {name: exactly(member) for name, member in value.items()}
        return {"type": "object", "properties": members, "required": list(value), "additionalProperties": False}
    if isinstance(value, list):
        members_of = {"prefixItems": [exactly(member) for member in value]} if value else {}
        return {"type": "array", **members_of, "items": False}
    return {"const": value} if value is not None else {}


def test_a_hidden_field_is_published_as_text_and_the_rest_as_it_was() -> None:
    mask = Mask(operation(FieldLabel("/id", SECRET), schema=PERSON), USUAL)
    assert mask.schema is not None
    assert mask.schema["properties"]["id"]["type"] == "string"
    assert mask.schema["properties"]["iban"] == PERSON["properties"]["iban"]
    assert Mask(operation(schema=PERSON), USUAL).schema is PERSON
    assert Mask(operation(FieldLabel("/id", SECRET)), USUAL).schema is None
