"""Labels of places only ever grow, but for a declassification; and that lowers what it names, as far as it says."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.governance.labels import (
    Declassification,
    FieldPlace,
    Held,
    Lowering,
    Memory,
    declassification_from_json,
    field_place,
    is_steered,
    joined,
    lowering_from_json,
)
from interlock.values.labels import Category, Confidentiality, Integrity, Label, Source
from interlock.values.operations import Effect, FieldLabel, Operation, OutputTrust, Role

RESTRICTED = Label(Confidentiality.restricted, frozenset({Category.personal}))
READ = Operation(
    "desk",
    "read",
    Effect.read,
    output=OutputTrust(("/good",), ("/bad", "/items/*/text"), (FieldLabel("/items/*/pay", RESTRICTED),)),
    label=Label(Confidentiality.confidential, frozenset({Category.financial})),
)
WRITE = Operation(
    "desk",
    "write",
    Effect.write,
    output=OutputTrust(("/id",), ("/echo",)),
    arguments={"target": Role.target, "text": Role.content},
)

labels = st.builds(
    Label, st.sampled_from(Confidentiality), st.frozensets(st.sampled_from(Category)), st.sampled_from(Integrity)
)
lowerings = st.builds(
    Lowering,
    st.none() | st.sampled_from(Confidentiality),
    st.none() | st.frozensets(st.sampled_from(Category)),
    st.none() | st.sampled_from(Integrity),
)
places = st.sampled_from(
    """desk.read#/good desk.read#/bad desk.read#/* desk.read#/items/*/pay desk.read#/items/*/text desk.read#
    desk.read#/bad/deeper desk.write#/id desk.write#/echo other.read#/bad""".split()
)
rules = st.builds(
    Declassification,
    places.map(field_place),
    lowerings,
    labels,
    st.just("It was looked at"),
    st.just("person:lena"),
    st.just(0.0),
)
values = st.sampled_from(["A-100", "B-666", "pay B-666 now", "GB33BUKB20201555555555", 20, 666, "hello"])
results = st.fixed_dictionaries(
    {},
    optional={
        "good": values,
        "bad": values,
        "odd": st.dictionaries(st.sampled_from(["a", "x y"]), values, max_size=2),
        "items": st.lists(st.fixed_dictionaries({"pay": values, "text": values}), max_size=2),
    },
)
events = st.lists(
    st.one_of(
        st.tuples(st.just("hear"), values.map(str)),
        st.tuples(st.just("know"), values),
        st.tuples(st.just("read"), results),
        st.tuples(st.just("write"), st.fixed_dictionaries({"target": values, "text": values})),
    ),
    max_size=8,
)


def happen(how: str, value: Any, memory: Memory, *, as_decided_in: Memory | None = None) -> None:
    if how == "hear":
        memory.hear(value)
    elif how == "know":
        memory.know("fact", value)
    elif how == "read":
        memory.remember(READ, value)
    else:
        decided = as_decided_in or memory
        steered = is_steered(WRITE, value, decided.origins(WRITE, value))
        memory.remember(WRITE, {"id": value["target"], "echo": value["text"]}, value, steered=steered)


def held(memory: Memory) -> dict[FieldPlace, Held]:
    return dict(memory.places())


@given(events)
@settings(deadline=None)
def test_without_a_declassification_nothing_lowers_the_label_of_a_place(happened: list[tuple[str, Any]]) -> None:
    memory = Memory()
    for how, value in happened:
        before, seen, tainted = held(memory), memory.seen, memory.tainted
        happen(how, value, memory)
        after = held(memory)
        assert all(there.now.flows(after[place].now) for place, there in before.items())
        assert seen.flows(memory.seen)
        assert memory.tainted or not tainted


@given(events, st.lists(rules, max_size=3))
@settings(deadline=None)
def test_with_one_only_the_named_places_change_and_only_as_far_as_it_says(
    happened: list[tuple[str, Any]], declassified: list[Declassification]
) -> None:
    plain, lowered = Memory(), Memory(declassified=declassified)
    for how, value in happened:
        happen(how, value, lowered, as_decided_in=plain)
        happen(how, value, plain)
    before, after = held(plain), held(lowered)
    assert before.keys() == after.keys()
    for place, there in before.items():
        label = there.label
        for rule in declassified:
            if rule.place.covers(place.operation, place.steps):
                label = rule.lowered(label)
        assert after[place] == Held(label, there.steered)
        assert after[place].now.flows(there.now)
    assert lowered.seen.flows(plain.seen)
    assert plain.tainted or not lowered.tainted


@given(lowerings, labels)
def test_a_lowering_never_raises_and_leaves_what_it_does_not_name(to: Lowering, label: Label) -> None:
    lowered = to.apply(label)
    assert lowered.flows(label)
    assert to.apply(lowered) == lowered
    if to.confidentiality is None:
        assert lowered.confidentiality is label.confidentiality
    if to.categories is None:
        assert lowered.categories == label.categories
    if to.integrity is not Integrity.trusted:
        assert lowered.integrity is label.integrity


@given(rules, labels)
def test_a_stricter_label_than_it_was_given_for_is_not_lowered(rule: Declassification, label: Label) -> None:
    assert rule.lowered(label) == (rule.to.apply(label) if label.flows(rule.was) else label)


@given(rules)
def test_a_declassification_is_the_same_after_it_was_stored(rule: Declassification) -> None:
    again = declassification_from_json(rule.to_json())
    assert again == rule
    assert again.to_json() == rule.to_json()
    assert lowering_from_json(rule.to.to_json()) == rule.to


@given(st.lists(st.text(max_size=6), max_size=4))
def test_a_place_is_read_as_it_is_written(steps: list[str]) -> None:
    place = FieldPlace("desk.read", tuple(steps))
    assert field_place(str(place)) == place


@pytest.mark.parametrize("written", ["", "desk.read", "#/body", "desk.read#body", "desk.read/body"])
def test_what_names_no_place_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="operation#/pointer"):
        field_place(written)


def test_a_place_is_one_field_and_not_what_is_beneath() -> None:
    place = field_place("desk.read#/items/*/text")
    assert place.covers("desk.read", ("items", "*", "text"))
    assert place.covers("desk.read", ("items", "3", "text"))
    assert not place.covers("desk.read", ("items", "*", "text", "deeper"))
    assert not place.covers("desk.read", ("items", "*"))
    assert not place.covers("desk.other", ("items", "*", "text"))


def vouched(place: str, was: Label) -> Declassification:
    return Declassification(field_place(place), Lowering(integrity=Integrity.trusted), was, "Read", "person:lena", 0.0)


def test_what_a_person_vouches_for_is_trusted_and_no_more_than_that() -> None:
    was = Label(integrity=Integrity.untrusted)
    memory = Memory(declassified=[vouched("desk.write#/echo", was)])
    memory.hear("write to A-100")
    memory.remember(WRITE, {"id": 7, "echo": "AB-123"}, {"target": "A-100"}, steered=False)
    found = memory.origins(WRITE, {"target": "AB-123"})["target"]
    assert found.sources == (Source.trusted_field,), "it was not issued for the session's own write"
    assert memory.origins(WRITE, {"target": 7})["target"].sources == (Source.own,)


def test_what_outsiders_text_led_stays_theirs_whatever_a_person_says_of_the_field() -> None:
    memory = Memory(declassified=[vouched("desk.write#/echo", Label(integrity=Integrity.untrusted))])
    memory.remember(WRITE, {"id": 7, "echo": "AB-123"}, {"target": "B-666"}, steered=True)
    assert memory.origins(WRITE, {"target": "AB-123"})["target"].untrusted
    (echo,) = [there for place, there in memory.places().items() if place.steps == ("echo",)]
    assert echo.now.integrity is Integrity.untrusted


def test_places_join_what_several_results_held() -> None:
    label = Label(Confidentiality.confidential)
    assert Held(label).joined(Held(RESTRICTED, steered=True)) == Held(joined([label, RESTRICTED]), steered=True)
