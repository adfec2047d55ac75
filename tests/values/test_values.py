"""The value types that every layer relies on: rules that hold for any value."""

from __future__ import annotations

import json
import os
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.values.actions import FOLLOWS, ActionState
from interlock.values.decisions import Mode, Requirement, add_up, parse_requirements
from interlock.values.digests import canonical, digest, salted_digest
from interlock.values.identifiers import new_id
from interlock.values.labels import PUBLIC, Category, Confidentiality, Integrity, Label, Origin, Source
from interlock.values.secrets import MASK, Secret, masked

labels = st.builds(
    Label,
    st.sampled_from(Confidentiality),
    st.frozensets(st.sampled_from(Category)),
    st.sampled_from(Integrity),
)
roles = st.from_regex(r"[a-z][a-z-]{0,10}", fullmatch=True)
requirements = st.one_of(
    st.just(Requirement("confirm")),
    st.builds(lambda level: Requirement("step-up", level), roles),
    st.builds(lambda role, count: Requirement("approval", role, count), roles, st.integers(1, 5)),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(labels, labels, labels)
def test_joining_labels_is_a_semilattice_that_only_gets_stricter(one: Label, two: Label, three: Label) -> None:
    assert one.join(two) == two.join(one)
    assert one.join(two).join(three) == one.join(two.join(three))
    assert one.join(one) == one
    assert one.join(PUBLIC) == one
    joined = one.join(two)
    assert joined.confidentiality >= one.confidentiality
    assert joined.categories >= one.categories
    assert joined.integrity is Integrity.untrusted or one.integrity is Integrity.trusted


@given(st.lists(st.sampled_from(Source), min_size=1, max_size=4, unique=True))
def test_a_value_is_untrusted_only_if_no_trusted_source_holds_it(sources: list[Source]) -> None:
    origin = Origin(tuple(sources))
    trusted = set(sources) - {Source.untrusted_field, Source.unknown}
    assert origin.untrusted is (Source.untrusted_field in sources and not trusted)


@given(st.lists(requirements, max_size=8), requirements)
def test_requirements_add_up_and_none_is_lost(known: list[Requirement], more: Requirement) -> None:
    before, after = add_up(known), add_up([*known, more])
    for requirement in (*before, more):
        (kept,) = [r for r in after if (r.kind, r.subject) == (requirement.kind, requirement.subject)]
        assert kept.count >= requirement.count
    assert add_up(list(after)) == after


@given(st.lists(requirements, min_size=1, max_size=4))
def test_a_requirement_reads_back_as_it_is_written(wanted: list[Requirement]) -> None:
    assert parse_requirements(" ; ".join(map(str, wanted))) == tuple(wanted)


@pytest.mark.parametrize(
    "text", ["confrim", "confirm:x", "approval", "approval:", "approval:r:0", "step-up", "step-up:a:2"]
)
def test_a_word_that_is_no_requirement_is_told_with_the_forms(text: str) -> None:
    with pytest.raises(ValueError, match="approval:ROLE:COUNT"):
        Requirement.parse(text)


def test_modes_are_ordered_from_strict_to_free() -> None:
    words = ["off", "shadow", "read-only", "draft", "approval", "automatic"]
    assert sorted(words, key=Mode.parse) == words
    assert [Mode.parse(word).word for word in words] == words
    with pytest.raises(KeyError):
        Mode.parse("on")


def test_nothing_follows_a_final_state() -> None:
    for state in ActionState:
        assert state.final or state in FOLLOWS
    assert FOLLOWS[ActionState.in_doubt] == {ActionState.succeeded, ActionState.failed}


@given(json_values)
def test_equal_values_have_equal_digests_however_they_are_written(value: object) -> None:
    shuffled = json.loads(json.dumps(value))
    if isinstance(shuffled, dict):
        shuffled = dict(reversed(shuffled.items()))
    assert digest(value) == digest(shuffled)
    assert json.loads(canonical(value)) == value
    assert salted_digest(b"a", value) != salted_digest(b"b", value)


def test_identifiers_are_unique_and_sort_by_time() -> None:
    made = [new_id("act") for _ in range(5000)]
    assert len(set(made)) == len(made)
    times = [text[4:13] for text in made]
    assert times == sorted(times)
    assert {len(text) for text in made} == {30}


def test_a_forked_process_makes_other_identifiers() -> None:
    new_id("act")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, new_id("act").encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 100).decode()[14:] != new_id("act")[14:]
    os.close(reading)
    os.close(writing)


def test_a_secret_shows_itself_only_on_purpose() -> None:
    secret = Secret("hunter2hunter2", name="billing")
    shown = [str(secret), repr(secret), f"{secret}", f"{secret:>20}", str({"key": secret}), str([secret])]
    assert not [text for text in shown if "hunter2" in text]
    assert masked({"a": [secret, 1], "b": {"c": secret}}) == {"a": [MASK, 1], "b": {"c": MASK}}
    assert secret == Secret("hunter2hunter2")
    assert secret != "hunter2hunter2"
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        json.dumps({"key": secret})
    assert secret.reveal() == "hunter2hunter2"
