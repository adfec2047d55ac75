"""Rules of a session's memory that hold for any words, any results and any amount of forgetting."""

from __future__ import annotations

import string
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.governance.labels import Memory, MemoryLimits
from interlock.values.labels import Origin
from interlock.values.operations import Effect, Operation, OutputTrust, Role

READ = Operation("desk", "read", Effect.read, output=OutputTrust(("/good",), ("/bad",)))
ACT = Operation("desk", "act", Effect.write, arguments={"target": Role.target, "text": Role.content})

letters = st.text(string.ascii_letters, min_size=1, max_size=8)
identifiers = st.from_regex(r"[A-Z]{1,4}-?[1-9][0-9]{2,6}", fullmatch=True)
mails = st.from_regex(r"[a-z]{1,6}@[a-z]{2,6}\.(com|example)", fullmatch=True)
integers = st.integers(0, 10**9)
money = st.decimals(0, 10**6, places=2).map(float)
phrases = st.lists(st.one_of(letters, integers.map(str)), min_size=2, max_size=5).map(" ".join)
anything = st.text(min_size=1, max_size=30).filter(lambda text: bool(text.strip()))
values = st.one_of(letters, identifiers, mails, integers, money, phrases, anything)
filler = st.lists(letters, max_size=4).map(" ".join)


def target(memory: Memory, value: Any) -> Origin:
    return memory.origins(ACT, {"target": value})["target"]


def written(value: Any) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)


@given(values, filler, filler, st.lists(values, max_size=5))
def test_a_value_written_by_the_person_is_never_untrusted(
    value: Any, before: str, after: str, others: list[Any]
) -> None:
    memory = Memory()
    memory.hear(f"{before} {written(value)} {after}")
    memory.remember(READ, {"bad": [value, written(value), *others]})
    assert not target(memory, value).untrusted
    assert not target(memory, [value, value]).untrusted


@given(values, filler, filler)
def test_a_value_only_in_an_untrusted_field_is_always_untrusted(value: Any, before: str, after: str) -> None:
    whole = Memory()
    whole.remember(READ, {"bad": value, "good": "unrelated"})
    assert target(whole, value).untrusted
    assert target(whole, {"deep": [value]}).untrusted
    inside = Memory()
    inside.remember(READ, {"bad": f"{before} {written(value)} {after}"})
    found = target(inside, value)
    assert found.untrusted or not any(sign.isalnum() for sign in written(value))


@given(st.lists(st.tuples(st.booleans(), values), min_size=1, max_size=40), values)
@settings(deadline=None)
def test_forgetting_only_makes_answers_more_cautious(seen: list[tuple[bool, Any]], unseen: Any) -> None:
    full, small = Memory(), Memory(MemoryLimits(trusted=600, untrusted=900))
    for trusted, value in seen:
        for memory in (full, small):
            memory.remember(READ, {"good" if trusted else "bad": value})
    for value in [*(value for _, value in seen), unseen]:
        before, after = target(full, value), target(small, value)
        if before.untrusted:
            assert after.untrusted
        if before.unknown:
            assert after.unknown or after.untrusted


@given(st.recursive(values | st.none() | st.booleans(), lambda some: st.lists(some) | st.dictionaries(letters, some)))
def test_any_json_is_remembered_and_judged(value: Any) -> None:
    memory = Memory()
    memory.know("fact", value)
    memory.remember(READ, value, {"target": value})
    origins = memory.origins(ACT, {"target": value, "text": value})
    for origin in origins.values():
        assert origin.sources
        origin.to_json()
    memory.label(ACT, {"target": value}, origins)


@given(st.lists(values, min_size=1, max_size=6), st.data())
def test_a_text_with_an_untrusted_address_is_untrusted(others: list[Any], data: st.DataObject) -> None:
    address = data.draw(mails.map(lambda mail: "zz9" + mail))
    memory = Memory()
    memory.hear(" ".join(map(written, others)))
    memory.remember(READ, {"bad": f"write to {address} please"})
    text = " ".join([*map(written, others), address])
    found = memory.origins(ACT, {"text": text})["text"]
    assert found.untrusted


@given(st.lists(st.tuples(st.sampled_from(["good", "bad", "heard"]), values), max_size=6), values, values, phrases)
def test_origins_known_from_the_decision_change_no_answer(
    before: list[tuple[str, Any]], one: Any, other: Any, text: str
) -> None:
    asked, told = Memory(), Memory()
    for memory in (asked, told):
        for how, value in before:
            if how == "heard":
                memory.hear(written(value))
            else:
                memory.remember(READ, {how: value})
    arguments = {"target": one, "text": f"{text} {written(other)}", "parts": [one, other]}
    output = {"good": [one, other, text]}
    asked.remember(ACT, output, arguments)
    told.remember(ACT, output, arguments, told.origins(ACT, arguments))
    for value in (one, other, text, arguments["text"]):
        assert target(asked, value).to_json() == target(told, value).to_json()
