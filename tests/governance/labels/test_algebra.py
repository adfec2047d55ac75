"""The laws of labels, and what more words and more results can and cannot do to an origin."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from hypothesis import example, given
from hypothesis import strategies as st

from interlock.governance.labels import Memory, MemoryLimits
from interlock.values.labels import (
    PUBLIC,
    TRUSTED_SOURCES,
    Category,
    Confidentiality,
    Integrity,
    Label,
    Origin,
    Source,
)
from interlock.values.operations import Effect, Operation, OutputTrust, Role

ACT = Operation("desk", "act", Effect.write, arguments={"target": Role.target, "text": Role.content})
OUTPUT = OutputTrust(("/good",), ("/bad",))

labels = st.builds(
    Label,
    st.sampled_from(Confidentiality),
    st.frozensets(st.sampled_from(Category)),
    st.sampled_from(Integrity),
)
origins = st.builds(Origin, st.lists(st.sampled_from(Source), min_size=1, unique=True).map(tuple), label=labels)

# Few values in many forms, so that the events of one session meet.
written = st.sampled_from(
    """10643|#10,643|10 643|10643.00|ALFKI|alfki|ALFKI's|ALFK|20|20.00|-20|007|1997-08-25|25 August 1997|3/4/1998
    |DE89 3704 0044 0532 0130 00|DE89370400440532013000|DE893704|maria@example.com|Maria <maria@example.com>
    |maria@example.com.evil.example|https://evil.example/pay|evil.example|https://acme.example@evil.example/
    |1 Evil Road, Badtown|Evil Road|Road Badtown|\u0435vil99|evil99|ev\u200bil99|true|delete all""".split("|")
).map(str.strip)
plain = st.one_of(written, st.integers(-30, 30), st.sampled_from([10643, 20.0, 0.5, True, False]))
texts = st.lists(st.one_of(written, st.text(max_size=8)), min_size=1, max_size=4).map(" ".join)
values = st.one_of(plain, texts, st.text(min_size=1, max_size=20))
nested = st.recursive(
    values, lambda some: st.lists(some, max_size=4) | st.dictionaries(written, some, max_size=3), max_leaves=6
)


class Event(NamedTuple):
    """One thing that a session hears or sees."""

    how: str
    value: Any
    label: Label = PUBLIC

    def happen(self, memory: Memory) -> None:
        if self.how == "heard":
            memory.hear(str(self.value))
        elif self.how == "known":
            memory.know("fact", self.value)
        else:
            read = Operation("desk", "read", Effect.read, output=OUTPUT, label=self.label)
            memory.remember(read, {self.how: self.value})


heard = st.builds(Event, st.just("heard"), texts)
known = st.builds(Event, st.just("known"), plain)
trusted = st.builds(Event, st.just("good"), values, labels)
untrusted = st.builds(Event, st.just("bad"), nested, labels)
events = st.lists(st.one_of(heard, known, trusted, untrusted), max_size=6)


def after(*happened: Event, limits: MemoryLimits | None = None) -> Memory:
    memory = Memory(limits) if limits else Memory()
    for event in happened:
        event.happen(memory)
    return memory


def judged(memory: Memory, value: Any) -> tuple[Origin, Origin]:
    """Return the origin of a value as a target and as a free text."""
    found = memory.origins(ACT, {"target": value, "text": value})
    return found["target"], found["text"]


def caution(origin: Origin) -> int:
    """Return 0 if a value is vouched for, 1 if anything in it is of unknown origin, 2 if it is an outsider's."""
    if origin.untrusted:
        return 2
    vouched = TRUSTED_SOURCES.intersection(origin.sources) and Source.unknown not in origin.sources
    return 0 if vouched else 1


def cautions(memory: Memory, value: Any) -> tuple[int, int]:
    target, text = judged(memory, value)
    return caution(target), caution(text)


def flows(one: Label, other: Label) -> bool:
    """Return whether what is labelled *one* may be labelled *other* without losing any strictness."""
    return one.join(other) == other


@given(labels, labels, labels)
def test_joining_is_associative_commutative_and_idempotent(one: Label, two: Label, three: Label) -> None:
    assert one.join(two).join(three) == one.join(two.join(three))
    assert one.join(two) == two.join(one)
    assert one.join(one) == one


@given(labels)
def test_public_is_neutral(label: Label) -> None:
    assert PUBLIC.join(label) == label.join(PUBLIC) == label


@given(labels, labels)
def test_joining_lowers_nothing(one: Label, two: Label) -> None:
    joined = one.join(two)
    assert joined.confidentiality >= max(one.confidentiality, two.confidentiality)
    assert joined.categories >= one.categories | two.categories
    assert joined.integrity is Integrity.trusted or Integrity.untrusted in (one.integrity, two.integrity)
    assert joined.integrity is Integrity.untrusted or Integrity.untrusted not in (one.integrity, two.integrity)


@given(labels, labels, labels)
def test_flowing_is_a_partial_order(one: Label, two: Label, three: Label) -> None:
    assert flows(one, one)
    assert one == two or not (flows(one, two) and flows(two, one))
    assert flows(one, three) or not (flows(one, two) and flows(two, three))
    assert flows(PUBLIC, one)


@given(labels, labels, labels)
def test_a_join_is_the_least_label_above_both(one: Label, two: Label, three: Label) -> None:
    joined = one.join(two)
    assert flows(one, joined)
    assert flows(two, joined)
    assert flows(joined, three) is (flows(one, three) and flows(two, three))


@given(labels, labels)
def test_flowing_means_no_less_strict_in_any_part(one: Label, two: Label) -> None:
    parts = (
        one.confidentiality <= two.confidentiality,
        one.categories <= two.categories,
        one.integrity is Integrity.trusted or two.integrity is Integrity.untrusted,
    )
    assert flows(one, two) is all(parts)


@given(labels, labels)
def test_labels_that_differ_are_written_differently(one: Label, two: Label) -> None:
    assert (one.to_json() == two.to_json()) is (one == two)


@given(origins)
def test_an_origin_is_never_both_untrusted_and_unknown(origin: Origin) -> None:
    assert not (origin.untrusted and origin.unknown)
    assert origin.untrusted or origin.unknown or TRUSTED_SOURCES.intersection(origin.sources)


@given(origins, st.sampled_from(sorted(TRUSTED_SOURCES)))
def test_a_trusted_source_wins(origin: Origin, source: Source) -> None:
    assert not Origin((*origin.sources, source)).untrusted


@given(events, st.lists(nested, min_size=1, max_size=5), st.booleans())
def test_a_list_is_never_more_trusted_than_its_worst_member(
    happened: list[Event], members: list[Any], as_object: bool
) -> None:
    memory = after(*happened)
    whole: Any = {f"member {place}": member for place, member in enumerate(members)} if as_object else members
    target, text = judged(memory, whole)
    single = [judged(memory, member) for member in members]
    assert caution(target) >= max(caution(member) for member, _ in single)
    assert text.untrusted or not any(member.untrusted for _, member in single)
    for member, part in single:
        assert flows(member.label, target.label)
        assert flows(part.label, text.label)


@given(events, untrusted, nested)
def test_an_outsiders_result_never_makes_an_argument_less_cautious(
    happened: list[Event], event: Event, value: Any
) -> None:
    before, later = cautions(after(*happened), value), cautions(after(*happened, event), value)
    assert later[0] >= before[0]
    assert later[1] >= before[1]


@given(events, untrusted, values)
def test_an_outsiders_result_takes_away_nothing_that_is_vouched(
    happened: list[Event], event: Event, value: Any
) -> None:
    if cautions(after(*happened), value)[0] == 0:
        assert cautions(after(*happened, event), value)[0] == 0


@given(events, st.one_of(heard, known, trusted), nested)
def test_what_the_house_or_the_person_says_never_makes_a_target_more_cautious(
    happened: list[Event], event: Event, value: Any
) -> None:
    assert cautions(after(*happened, event), value)[0] <= cautions(after(*happened), value)[0]


@given(events, nested, st.data())
def test_the_order_of_events_does_not_matter(happened: list[Event], value: Any, data: st.DataObject) -> None:
    other = data.draw(st.permutations(happened))
    for one, two in zip(judged(after(*happened), value), judged(after(*other), value), strict=True):
        assert set(one.sources) == set(two.sources)
        assert caution(one) == caution(two)
        assert one.label == two.label


@given(events, st.one_of(trusted, untrusted), plain)
@example([Event("good", 20, Label(Confidentiality.restricted))], Event("good", "20.00"), "20.00")
def test_another_result_never_lowers_the_label_of_a_target(happened: list[Event], event: Event, value: Any) -> None:
    before, later = judged(after(*happened), value)[0], judged(after(*happened, event), value)[0]
    # Whoever vouches for a value first clears it of a suspicion, and the label of a suspicion is that of the text which
    # raised it: of several such texts the likeliest. What is vouched for keeps every label that it was seen under.
    if not TRUSTED_SOURCES.isdisjoint(before.sources):
        assert flows(replace(before.label, integrity=Integrity.trusted), later.label)
    elif before.untrusted:
        assert later.untrusted or not TRUSTED_SOURCES.isdisjoint(later.sources)


@given(events, st.lists(values, max_size=4), values)
def test_another_argument_never_lowers_what_flows_in(happened: list[Event], some: list[Any], more: Any) -> None:
    memory = after(*happened)
    few: dict[str, Any] = {f"argument{place}": value for place, value in enumerate(some)}
    many = {**few, "more": more}
    less = memory.label(ACT, few, memory.origins(ACT, few))
    assert flows(less, memory.label(ACT, many, memory.origins(ACT, many)))


@given(
    events,
    nested,
    st.builds(
        MemoryLimits,
        trusted=st.integers(200, 2000),
        untrusted=st.integers(200, 2000),
        words=st.integers(8, 60),
        result_values=st.integers(1, 6),
        text=st.integers(4, 40),
    ),
)
@example([Event("bad", ["", "evil99"])], "evil99", MemoryLimits(result_values=1))
@example([Event("heard", "10 643 10 643")], "10643", MemoryLimits(words=8))
@example([Event("good", "pay DE89370400440532013000")], "DE893704", MemoryLimits(text=12))
def test_forgetting_never_makes_an_argument_less_cautious(
    happened: list[Event], value: Any, limits: MemoryLimits
) -> None:
    full, small = cautions(after(*happened), value), cautions(after(*happened, limits=limits), value)
    assert small[0] >= full[0]


@given(events, nested)
def test_asking_changes_nothing(happened: list[Event], value: Any) -> None:
    memory = after(*happened)
    first = judged(memory, value)
    assert judged(memory, value) == first
    assert judged(after(*happened), value) == first


@given(events, trusted, values)
def test_what_is_sent_and_comes_back_is_no_more_vouched_than_before(
    happened: list[Event], event: Event, value: Any
) -> None:
    memory = after(*happened)
    before = cautions(memory, value)[0]
    echo = Operation("desk", "echo", Effect.read, output=OUTPUT, label=event.label)
    memory.remember(echo, {"good": value}, {"sent": value})
    assert cautions(memory, value)[0] >= before
