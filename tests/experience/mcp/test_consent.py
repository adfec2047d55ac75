"""The question shows exactly what would run, and its answer cannot be moved to another caller or call."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.experience.mcp.consent import LIFETIME, Asked, Seal, answer_of, call_digest, question
from interlock.experience.mcp.errors import ProtocolFault
from interlock.orchestration.actions import Action
from interlock.values.actions import ActionState
from interlock.values.decisions import Decision, Outcome, Reason, Requirement
from interlock.values.principals import Kind, Principal

ADA = Principal(Kind.person, "ada", "main", present=True)
CALL = call_digest("shop.close", {"id": 1})
ASKED = Asked("act_1", "sha256:aa", CALL)
SEAL = Seal(b"k" * 32)


def test_a_state_comes_back_as_it_went() -> None:
    assert SEAL.open(SEAL.close(ASKED, ADA, 1000.0), ADA, call=CALL, now=1000.0) == ASKED


@pytest.mark.parametrize(
    ("who", "call", "now"),
    [
        (Principal(Kind.person, "bob", "main", present=True), CALL, 1000.0),
        (Principal(Kind.person, "ada", "other", present=True), CALL, 1000.0),
        (Principal(Kind.agent, "ada", "main"), CALL, 1000.0),
        (ADA, call_digest("shop.close", {"id": 2}), 1000.0),
        (ADA, call_digest("shop.drop", {"id": 1}), 1000.0),
        (ADA, CALL, 1000.0 + LIFETIME + 1),
    ],
)
def test_a_state_counts_for_one_caller_one_call_and_a_while(who: Principal, call: str, now: float) -> None:
    with pytest.raises(ProtocolFault) as caught:
        SEAL.open(SEAL.close(ASKED, ADA, 1000.0), who, call=call, now=now)
    assert caught.value.number == -32602


@given(st.data())
def test_no_changed_byte_is_let_through(data: st.DataObject) -> None:
    raw = bytearray(base64.urlsafe_b64decode(SEAL.close(ASKED, ADA, 1000.0)))
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ProtocolFault):
        SEAL.open(base64.urlsafe_b64encode(raw).decode(), ADA, call=CALL, now=1000.0)


@pytest.mark.parametrize("state", ["", "x", "é", 7, {}, "A" * 1000])
def test_what_is_no_state_is_refused(state: Any) -> None:
    with pytest.raises(ProtocolFault):
        SEAL.open(state, ADA, call=CALL, now=0.0)


def test_another_secret_opens_nothing() -> None:
    with pytest.raises(ProtocolFault):
        Seal(b"other").open(SEAL.close(ASKED, ADA, 0.0), ADA, call=CALL, now=0.0)


def test_the_question_shows_every_argument_and_no_trick() -> None:
    decision = Decision(Outcome.wait, (Reason("r", "Closing needs a word"),), (Requirement("confirm"),))
    action = Action(
        id="act_1",
        tenant="main",
        session="ses_1",
        operation="shop.close",
        state=ActionState.waiting,
        principal="person:ada",
        who={},
        definition="",
        input={"id": 17, "note": "to account 1\u202e0002\nConfirm shop.read?"},
        decision=decision,
    )
    shown = question(action)
    assert "shop.close" in shown
    assert '"id": 17' in shown
    assert "Closing needs a word" in shown
    assert "\u202e" not in shown
    assert "\nConfirm shop.read?" not in shown


def test_outside_a_plan_the_question_shows_what_was_planned() -> None:
    action = Action(
        id="act_1",
        tenant="main",
        session="ses_1",
        operation="shop.close",
        state=ActionState.waiting,
        principal="person:ada",
        who={},
        definition="",
        input={"id": 17},
        decision=Decision(Outcome.wait, (Reason("outside-plan", "No plan"),), (Requirement("confirm"),)),
        shown={"plan": ["shop.read", {"operation": "shop.close", "times": 1, "arguments": {"id": "4\nConfirm it?"}}]},
        place="",
    )
    assert question(action).endswith("What was planned:\nshop.read\nshop.close, at most once, id 4 Confirm it?")


@pytest.mark.parametrize(
    ("responses", "answer"),
    [
        ({"confirm": {"action": "accept", "content": {"confirm": True}}}, "yes"),
        ({"confirm": {"action": "accept", "content": {"confirm": False}}}, "no"),
        ({"confirm": {"action": "decline"}}, "no"),
        ({"confirm": {"action": "cancel"}}, "later"),
        ({"confirm": {"action": "accept"}}, ""),
        ({"confirm": {"action": "accept", "content": {"confirm": "true"}}}, ""),
        ({"confirm": {"action": "accept", "content": {"confirm": 1}}}, ""),
        ({"other": {"action": "accept", "content": {"confirm": True}}}, ""),
        ({}, ""),
        (None, ""),
        ([], ""),
    ],
)
def test_only_a_plain_yes_is_a_yes(responses: Any, answer: str) -> None:
    assert answer_of(responses) == answer
