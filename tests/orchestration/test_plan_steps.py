"""Plans as values: what fits a step and what does not, whatever is sent; which uses have a place; what is refused."""

from __future__ import annotations

import math
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.orchestration.sessions import Plan, PlanStep, SessionInvalid
from interlock.orchestration.sessions.plan import (
    LARGEST_STEP,
    MOST_STEPS,
    MOST_TIMES,
    OUTSIDE,
    check_plan,
    counted,
    fits,
    keeps,
    place_of,
    plan_of,
)
from interlock.values.operations import Effect, Operation

HUGE = 10**400
SCHEMA = {
    "type": "object",
    "properties": {"order_id": {"type": "integer"}, "amount": {"type": "number"}, "account": {"type": "string"}},
    "required": ["order_id", "amount"],
    "additionalProperties": False,
}
OPERATIONS = {
    operation.id: operation
    for operation in (
        Operation("erp", "get_order", Effect.read, input_schema=SCHEMA),
        Operation("erp", "get_customer", Effect.read, input_schema={"type": "object", "additionalProperties": False}),
        Operation("billing", "create_credit", Effect.write, input_schema=SCHEMA),
        Operation("mail", "send", Effect.write, input_schema={"type": "object", "additionalProperties": True}),
    )
}

SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.floats(), st.text(max_size=8))
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
)
FINITE = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
SINGLE = st.one_of(st.none(), st.booleans(), FINITE, st.text(max_size=8))
PATTERNS = st.one_of(
    SINGLE,
    st.lists(SINGLE, max_size=3),
    st.fixed_dictionaries({"any_of": st.lists(SINGLE, min_size=1, max_size=3)}),
    st.fixed_dictionaries({"at_most": FINITE}, optional={"at_least": FINITE}),
    st.fixed_dictionaries({"like": st.sampled_from(["*", "CN-*", "[ab]?", "a.b"])}),
)
STEPS = st.builds(
    PlanStep,
    st.sampled_from(["erp.get_order", "erp.*", "billing.create_credit", "*"]),
    st.integers(0, 4),
    st.dictionaries(st.sampled_from(["order_id", "amount", "account"]), PATTERNS, max_size=3),
)
PLANS = st.lists(STEPS, max_size=6).map(tuple)
USES = st.tuples(
    st.sampled_from(sorted(OPERATIONS)), st.dictionaries(st.sampled_from(["order_id", "amount", "account"]), VALUES)
)


@pytest.mark.parametrize(
    ("value", "pattern"),
    [
        (20, 20),
        (20.0, 20),
        ("20.00", 20),
        (20, "20.0"),
        (20.1, "20.10"),
        (" ALFKI ", "alfki"),
        ("00123", "00123"),
        (True, True),
        (None, None),
        ([1, "A"], [1.0, "a"]),
        (HUGE, HUGE),
        (10**22, 1e22),
        (49.99, {"at_most": 50}),
        (50, {"at_least": 10, "at_most": 50}),
        ("CN-000007", {"like": "cn-*"}),
        ("b", {"any_of": ["a", "b"]}),
        (None, {"any_of": [None, "b"]}),
    ],
)
def test_a_value_fits_its_pattern(value: Any, pattern: Any) -> None:
    assert fits(value, pattern)


@pytest.mark.parametrize(
    ("value", "pattern"),
    [
        (None, 20),
        (21, 20),
        (None, ""),
        ("", None),
        (0, None),
        ([], None),
        (True, 1),
        (1, True),
        (False, 0),
        ("true", True),
        ([True], [1]),
        ([[1]], [1]),
        ({"value": 20}, 20),
        ([20], 20),
        (20, [20]),
        ("123", "00123"),
        ("nan", math.nan),
        (math.nan, math.nan),
        (math.inf, math.inf),
        ("inf", "1e400"),
        ("1e400", "1e401"),
        (HUGE, HUGE + 1),
        (2**53, 2**53 + 1),
        ("12345678901234567890", "12345678901234567891"),
        ("1_000", 1000),
        ("１０", 10),
        (50.01, {"at_most": 50}),
        (HUGE, {"at_most": 50}),
        (-HUGE, {"at_least": 0}),
        (math.nan, {"at_most": 50}),
        (-math.inf, {"at_most": 50}),
        ("49", {"at_most": 50}),
        (True, {"at_most": 50}),
        ([1], {"at_most": 50}),
        ({}, {"at_most": 50}),
        (None, {"at_most": 50}),
        (7, {"like": "*"}),
        (None, {"like": "*"}),
        (["CN-1"], {"like": "*"}),
        ("a", {"any_of": []}),
        ("a", {}),
        (1, {"at_most": 50, "unheard_of": 1}),
        (1, {"any_of": "1"}),
        (1, {"at_most": True}),
        (1, {"at_most": math.nan}),
    ],
)
def test_what_is_odd_does_not_fit(value: Any, pattern: Any) -> None:
    assert not fits(value, pattern)


@given(VALUES, PATTERNS)
def test_any_value_is_judged_without_an_error(value: Any, pattern: Any) -> None:
    assert fits(value, pattern) in (True, False)


@given(st.one_of(st.booleans(), st.lists(VALUES), st.dictionaries(st.text(max_size=3), VALUES), st.none()), FINITE)
def test_only_a_number_is_within_a_bound(value: Any, bound: float) -> None:
    assert not fits(value, {"at_most": bound})
    assert not fits(value, {"at_least": bound})


@given(PLANS, USES)
def test_a_use_that_fits_no_step_is_never_in_the_plan(plan: Plan, use: tuple[str, dict[str, Any]]) -> None:
    place = place_of(plan, (), *use)
    assert (place != OUTSIDE) is any(step.covers(*use) for step in plan)
    assert place == OUTSIDE or keeps(plan, place, *use)


@given(PLANS, st.lists(st.tuples(USES, st.integers(0, 1000)), max_size=30))
def test_no_step_foresees_more_than_it_counts(plan: Plan, uses: list[tuple[tuple[str, dict[str, Any]], int]]) -> None:
    taken: list[str] = []
    for use, turn in uses:
        place = place_of(plan, taken, *use, turn=turn)
        assert place not in taken, "two uses have one place"
        if counted(place):
            taken.append(place)
        if place == OUTSIDE:
            open_steps = [number for number, step in enumerate(plan, 1) if step.covers(*use)]
            for number in open_steps:
                assert sum(one.startswith(f"{number}.") for one in taken) == plan[number - 1].times > 0


@given(PLANS)
def test_a_plan_survives_its_storage(plan: Plan) -> None:
    stored = orjson.loads(orjson.dumps([step.to_json() for step in plan]))
    assert plan_of(stored) == plan_of(plan)
    assert [step.to_json() for step in plan_of(stored)] == stored


def test_a_place_that_is_given_back_is_free_again() -> None:
    plan = plan_of([{"operation": "erp.*", "times": 2}])
    use: tuple[str, dict[str, Any]] = ("erp.get_order", {})
    assert place_of(plan, {"1.1", "1.2"}, *use) == OUTSIDE
    assert place_of(plan, {"1.2"}, *use) == "1.1"


def test_the_first_step_that_has_a_place_left_takes_it() -> None:
    plan = plan_of([{"operation": "erp.get_order", "times": 1, "arguments": {"order_id": 7}}, "erp.get_*"])
    assert place_of(plan, (), "erp.get_order", {"order_id": 7}) == "1.1"
    assert place_of(plan, {"1.1"}, "erp.get_order", {"order_id": 7}) == "2"
    assert place_of(plan, (), "erp.get_order", {"order_id": 8}) == "2"
    assert not keeps(plan, "1.1", "erp.get_order", {"order_id": 8})
    assert not keeps((), "1.1", "erp.get_order", {})


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("erp.get_order", "list of steps"),
        ([7], "step 1"),
        ([""], "step 1"),
        ([{"times": 1}], "step 1"),
        (["erp.get_order", {"operation": "erp.get_order", "time": 1}], "did you mean 'times'"),
        ([{"operation": "erp.get_order", "times": -1}], "number of times"),
        ([{"operation": "erp.get_order", "times": True}], "number of times"),
        ([{"operation": "erp.get_order", "times": MOST_TIMES + 1}], "number of times"),
        ([{"operation": "erp.get_order", "times": 1.5}], "number of times"),
        ([{"operation": "erp.get_order", "arguments": []}], "step 1"),
        ([{"operation": "erp.get_order", "arguments": {"amount": {}}}], "nothing"),
        ([{"operation": "erp.get_order", "arguments": {"amount": {"at_mst": 5}}}], "at_mst"),
        ([{"operation": "erp.get_order", "arguments": {"amount": {"at_most": "5"}}}], "at_most"),
        ([{"operation": "erp.get_order", "arguments": {"amount": {"at_most": True}}}], "at_most"),
        ([{"operation": "erp.get_order", "arguments": {"amount": {"at_most": math.nan}}}], "at_most"),
        ([{"operation": "erp.get_order", "arguments": {"amount": math.inf}}], "a value that is none"),
        ([{"operation": "erp.get_order", "arguments": {"amount": [[1]]}}], "a value that is none"),
        ([{"operation": "erp.get_order", "arguments": {"amount": {"any_of": []}}}], "any_of"),
        ([{"operation": "erp.get_order", "arguments": {"amount": {"any_of": [{}]}}}], "any_of"),
        ([{"operation": "erp.get_order", "arguments": {"amount": {"any_of": [{"like": "*"}]}}}], "any_of"),
        ([{"operation": "erp.get_order", "arguments": {"amount": {"like": ""}}}], "like"),
        ([{"operation": "erp.get_order", "arguments": {7: 1}}], "'7'"),
        ([{"operation": "erp.get_order", "arguments": {"amount": HUGE}}], "JSON"),
        ([{"operation": "erp.get_order", "arguments": {"account": "\ud800"}}], "JSON"),
        ([{"operation": "erp.get_order", "arguments": {"account": "x" * LARGEST_STEP}}], "too large"),
        (["erp.get_order"] * (MOST_STEPS + 1), "at most"),
    ],
)
def test_what_is_no_plan_is_refused(written: Any, told: str) -> None:
    with pytest.raises(SessionInvalid) as error:
        plan_of(written)
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ("erp.get_ordr", "did you mean 'erp.get_order'?"),
        ("crm.*", "no system declares"),
        ("", "no system declares"),
        ({"operation": "billing.create_credit", "arguments": {"acount": None}}, "did you mean 'account'?"),
        ({"operation": "erp.*", "arguments": {"zzz": 1}}, "it takes account, amount, order_id"),
        ({"operation": "erp.get_customer", "arguments": {"id": 1}}, "it takes no arguments"),
    ],
)
def test_a_plan_that_fits_no_operation_is_refused_with_the_nearest_name(step: Any, told: str) -> None:
    plan = plan_of([step]) if step else (PlanStep(""),)
    with pytest.raises(SessionInvalid) as error:
        check_plan(plan, OPERATIONS)
    assert told in str(error.value)


@pytest.mark.parametrize(
    "step",
    [
        "*",
        "erp.get_*",
        {"operation": "*", "arguments": {"account": None}},
        {"operation": "mail.send", "arguments": {"anything": "x"}},
    ],
)
def test_a_plan_that_fits_is_taken(step: Any) -> None:
    check_plan(plan_of([step]), OPERATIONS)
