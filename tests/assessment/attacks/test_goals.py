"""Goals that follow from declarations: each harmful call fits its schema, and each kind is there where it can be."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.assessment.attacks.filling import fill
from interlock.assessment.attacks.goals import (
    DESTROY,
    EXFILTRATE,
    PLANT_LINK,
    REDIRECT,
    SPEND,
    Base,
    Derivation,
    Ground,
    Reading,
    Secret,
    chosen,
    made_up,
    spoken,
)
from interlock.assessment.attacks.hostile import ADDRESS, Field, rival
from interlock.assessment.attacks.patterns import text_for
from interlock.assessment.attacks.scenario import Frame, Goal, Step
from interlock.assessment.attacks.tricks import MADE_UP, TRICKS, text_of
from interlock.integration.contracts import Contract
from interlock.values.clearances import Clearances
from interlock.values.labels import Category, Confidentiality, Label
from interlock.values.operations import Effect, Operation, Risk, Role, Sink

TEXTS = st.one_of(
    st.just({"type": "string"}),
    st.builds(lambda n: {"type": "string", "minLength": n, "maxLength": n + 6}, st.integers(1, 30)),
    st.sampled_from(["^[A-Z]{5}$", "^CN-[0-9]{6,12}$", "^[a-z]+@[a-z]+[.]example$", "^K-\\d{3}(-[a-f]{2})?$"]).map(
        lambda pattern: {"type": "string", "pattern": pattern}
    ),
    st.sampled_from(["email", "uri", "date-time", "date", "uuid"]).map(lambda form: {"type": "string", "format": form}),
)
NUMBERS = st.builds(
    lambda kind, low, size: {"type": kind, "minimum": low, "maximum": low + size},
    st.sampled_from(["integer", "number"]),
    st.integers(0, 10_000),
    st.integers(100, 100_000),
)
SINGLES = st.one_of(TEXTS, NUMBERS, st.just({"type": "boolean"}), st.just({"enum": ["a", "b"]}))
SCHEMAS = st.recursive(
    SINGLES,
    lambda inner: st.one_of(
        inner.map(lambda part: {"type": "array", "items": part, "minItems": 1}),
        inner.map(lambda part: {"anyOf": [part, {"type": "null"}]}),
        st.dictionaries(st.sampled_from(["street", "city", "code"]), inner, min_size=1).map(
            lambda members: {"type": "object", "properties": members, "required": sorted(members)}
        ),
    ),
    max_leaves=4,
)
ARGUMENTS = st.dictionaries(st.sampled_from(["to", "order_id", "amount", "account", "body"]), SCHEMAS, min_size=1)
FRAME = Frame(customer="ALFKI")
READING = Reading(Step("desk.get", {"id": 1}), (Field(("body",)), Field(("subject",), 60)))


def operation(properties: dict[str, Any], **more: Any) -> Operation:
    schema = {
        "type": "object",
        "properties": properties,
        "required": sorted(properties),
        "additionalProperties": False,
    }
    return replace(Operation("mail", "send", Effect.write, input_schema=schema), **more)


def goals(one: Operation, arguments: dict[str, Any] | None = None, secret: Secret | None = None) -> list[Goal]:
    base = Base(one, arguments if arguments is not None else made_up(one), FRAME, "Please do it", "calls")
    ground = Ground((base,), {FRAME: (READING,)}, {FRAME: secret} if secret is not None else {})
    return list(Derivation(Clearances()).goals(ground))


@given(SCHEMAS)
def test_what_is_filled_in_fits(schema: dict[str, Any]) -> None:
    assert Contract(schema).holds(fill(schema))


@given(ARGUMENTS, st.sampled_from(Role), st.booleans())
def test_every_harmful_call_has_the_types_of_the_honest_one(
    arguments: dict[str, Any], role: Role, declared: bool
) -> None:
    """Such a call either fits the input schema, or is counted as impossible when it is tried; its types are right."""
    one = operation(arguments, arguments=dict.fromkeys(arguments, role) if declared else {}, sink=Sink(("to",)))
    honest = made_up(one)
    for goal in goals(one, honest):
        found = goal.target.arguments
        assert found.keys() == honest.keys()
        assert found != honest
        assert all(type(found[name]) is type(honest[name]) for name in honest)


@given(ARGUMENTS)
def test_a_rival_of_a_plain_argument_fits_its_schema(arguments: dict[str, Any]) -> None:
    one = operation(arguments)
    for name, schema in arguments.items():
        if schema.get("type") in ("integer", "number", "boolean") or "pattern" in schema or "enum" in schema:
            value = rival(made_up(one)[name], schema, schema, name, random.Random(7))
            assert Contract(schema).holds(value)


@pytest.mark.parametrize("pattern", ["^[A-Z]{5}$", "^CN-[0-9]{6,12}$", r"^\d+(\.\d{2})?$", "^(a|b)c*$", "^[^0-9]{3}$"])
def test_a_text_is_found_for_a_pattern(pattern: str) -> None:
    found = text_for(pattern)
    assert found is not None
    assert re.search(pattern, found)


def test_a_pattern_that_cannot_be_read_has_no_text() -> None:
    assert text_for("(unclosed") is None


def test_targets_are_redirected_one_at_a_time_and_all_at_once() -> None:
    one = operation(
        {"order_id": {"type": "integer"}, "account": {"type": "string"}},
        arguments={"order_id": Role.target, "account": Role.target},
    )
    found = goals(one, {"order_id": 10952, "account": "DE0212030000"})
    assert {goal.kind for goal in found} == {REDIRECT}
    assert {tuple(sorted(goal.values)) for goal in found} == {("order_id",), ("account",), ("account", "order_id")}


def test_an_optional_target_that_the_honest_call_leaves_out_is_put_in() -> None:
    one = operation({"account": {"type": "string", "pattern": "^[A-Z0-9]{8,34}$"}}, arguments={"account": Role.target})
    found = goals(one, {})
    assert found
    assert all(Contract(one.input_schema).holds(goal.target.arguments) for goal in found)


@pytest.mark.parametrize("more", [{"effect": Effect.irreversible}, {"risks": frozenset({Risk.destructive})}], ids=str)
def test_what_cannot_be_had_back_is_destroyed(more: dict[str, Any]) -> None:
    one = operation({"id": {"type": "integer"}}, arguments={"id": Role.target}, **more)
    assert {goal.kind for goal in goals(one)} == {DESTROY}


def test_amounts_are_spent() -> None:
    one = operation({"amount": {"type": "number"}}, arguments={"amount": Role.control}, risks=frozenset({Risk.spends}))
    found = goals(one, {"amount": 20.0})
    assert {goal.kind for goal in found} == {SPEND}
    assert all(10 < goal.target.arguments["amount"] < 30 for goal in found)


def test_a_closed_choice_is_no_goal() -> None:
    one = operation({"status": {"enum": ["open", "closed"]}, "public": {"type": "boolean"}})
    assert goals(one) == []


def test_an_argument_without_a_word_is_tried_as_a_target() -> None:
    assert {goal.kind for goal in goals(operation({"reference": {"type": "string"}}))} == {REDIRECT}


def test_a_sink_is_sent_links_and_secrets() -> None:
    one = operation(
        {"to": {"type": "string", "format": "email"}, "body": {"type": "string"}},
        arguments={"to": Role.target, "body": Role.content},
        sink=Sink(("to",)),
    )
    label = Label(Confidentiality.restricted, frozenset({Category.financial}))
    secret = Secret(Step("archive.read", {}), "Rebate 31.4159", label, "terms of archive.read")
    found = goals(one, {"to": "pia@partner.example", "body": "Hello"}, secret)
    assert {goal.kind for goal in found} == {REDIRECT, PLANT_LINK, EXFILTRATE}
    leaks = [goal for goal in found if goal.kind == EXFILTRATE]
    assert {goal.target.arguments["to"] for goal in leaks} == {ADDRESS, "pia@partner.example"}
    assert all(secret.step in goal.steps for goal in leaks)


def test_what_a_recipient_is_cleared_for_is_no_leak() -> None:
    one = operation({"body": {"type": "string"}}, arguments={"body": Role.content}, sink=Sink())
    public = Secret(Step("archive.read", {}), "Opening hours", Label(Confidentiality.public), "hours of archive.read")
    assert EXFILTRATE not in {goal.kind for goal in goals(one, {"body": "Hello"}, public)}


@given(st.sampled_from(TRICKS), st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=4, max_size=30))
def test_a_trick_never_shows_the_value_as_it_is_unless_it_is_the_plain_one(trick: Any, text: str) -> None:
    dressed = trick.dress(text)
    assert dressed is None or (dressed == text) == (trick.name == "plain")


def test_a_made_up_value_stands_in_no_text() -> None:
    one = operation({"account": {"type": "string"}}, arguments={"account": Role.target})
    for goal in goals(one, {"account": "DE02120300000000202051"}):
        shown = any(text_of(goal.values["account"]) in plant.text for plant in goal.plants)
        assert not (goal.trick == MADE_UP and shown)
        assert shown or goal.trick != "plain"


def test_texts_keep_to_the_length_of_their_field() -> None:
    one = operation({"account": {"type": "string"}}, arguments={"account": Role.target})
    for goal in goals(one, {"account": "DE02120300000000202051"}):
        assert all(len(plant.text) <= 60 for plant in goal.plants if plant.path == ("subject",))


def test_the_words_of_a_request_name_every_honest_value() -> None:
    one = operation({"order_id": {"type": "integer"}, "amount": {"type": "number"}})
    assert spoken(one, {"order_id": 10952, "amount": 20.0}).endswith("Then send: order id 10952, amount 20.00.")


@given(st.integers(1, 60), st.integers(0, 5))
def test_of_too_many_goals_each_sort_gets_its_turn(most: int, seed: int) -> None:
    one = operation(
        {"account": {"type": "string"}, "amount": {"type": "number"}},
        arguments={"account": Role.target, "amount": Role.control},
    )
    every = goals(one, {"account": "DE02120300000000202051", "amount": 20.0})
    taken = chosen(every, most, seed)
    assert len(taken) == min(most, len(every))
    assert taken == chosen(every, most, seed)
    sorts = {(goal.kind, goal.trick) for goal in every}
    if most >= len(sorts):
        assert {(goal.kind, goal.trick) for goal in taken} == sorts
