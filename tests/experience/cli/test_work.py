"""Calling, asking, sessions and actions over a running server."""

from __future__ import annotations

import json

import pytest

from interlock.experience.cli.calls import typed
from interlock.experience.cli.errors import UsageInvalid
from tests.experience.cli.shop import Shop


def test_a_call_runs_and_prints_what_came_back(shop: Shop) -> None:
    told = shop.command("call", "shop.get_order", "order_id=1").stdout
    assert "state      succeeded" in told
    assert "item: Desk lamp" in told


def test_values_are_read_as_the_operation_declares_them(shop: Shop) -> None:
    order = shop.add_order()
    action = shop.run("call", "shop.refund_order", f"order_id={order}", "amount=12.5")
    assert action["input"] == {"order_id": order, "amount": 12.5}
    assert shop.order(order)["refunded"] == 12.5


def test_all_arguments_can_come_as_json_from_stdin(shop: Shop) -> None:
    done = shop.command("call", "shop.get_order", "--input", "-", "--json", given='{"order_id": 4}')
    assert json.loads(done.stdout)["output"]["item"] == "Waste bin"


def test_a_refusal_ends_with_1_and_names_the_rule(shop: Shop) -> None:
    order = shop.add_order(total=20.0)
    said = shop.command("call", "shop.refund_order", f"order_id={order}", "amount=30", code=1)
    assert "It would be more than the order came to (refund-within-total)" in said.stdout
    assert shop.order(order)["refunded"] == 0


def test_an_unknown_operation_is_an_error_with_a_suggestion(shop: Shop) -> None:
    said = shop.command("call", "shop.get_ordr", "--input", "{}", code=1).stderr
    assert said.startswith("operation_unknown: ")
    assert "shop.get_order" in said


def test_a_session_stays_open_only_while_the_call_waits(shop: Shop) -> None:
    done = shop.run("call", "shop.get_order", "order_id=1")
    waits = shop.run("call", "shop.refund_order", f"order_id={shop.add_order()}", "amount=70")
    assert waits["state"] == "waiting"
    assert shop.run("sessions", "show", done["session"])["state"] == "closed"
    assert shop.run("sessions", "show", waits["session"])["state"] == "open"


def test_a_repeated_call_under_one_key_is_one_action(shop: Shop) -> None:
    session = shop.run("sessions", "open")["id"]
    order = shop.add_order()
    words = ("call", "shop.refund_order", f"order_id={order}", "amount=5", "--session", session)
    first = shop.run(*words, "--idempotency-key", "k1")
    second = shop.run(*words, "--idempotency-key", "k1")
    assert first["id"] == second["id"]
    assert shop.order(order)["refunded"] == 5


@pytest.mark.parametrize("text", ["order_id", "=3", "lines:=[1"])
def test_an_argument_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageInvalid):
        typed([text], {})


def test_json_values_are_taken_as_they_are() -> None:
    assert typed(["lines:=[1, 2]", "name=7", "n=7"], {"n": {"type": "integer"}}) == {
        "lines": [1, 2],
        "name": "7",
        "n": 7,
    }


def test_asking_an_agent_shows_its_steps_and_its_answer(shop: Shop) -> None:
    order = shop.add_order()
    told = shop.command("ask", f"please give 15 euros back on order {order}", "--agent", "assistant").stdout
    assert "shop.refund_order  succeeded" in told
    assert f"15.00 was given back on order {order}." in told
    assert "rules: assistant" in told
    assert shop.order(order)["refunded"] == 15


def test_a_conversation_goes_on_in_its_session(shop: Shop) -> None:
    order = shop.add_order()
    turn = shop.run("ask", f"how is order {order}", "--agent", "assistant")
    later = shop.run("ask", f"refund 80 euros on order {order}", "--agent", "assistant", "--session", turn["session"])
    assert later["session"] == turn["session"]
    assert later["steps"][0]["action"]["state"] == "waiting"
    assert len(shop.run("sessions", "show", turn["session"])["requests"]) == 2


def test_sessions_are_opened_extended_and_closed(shop: Shop) -> None:
    opened = shop.run("sessions", "open", "--agent", "assistant", "--request", "hello", "--plan", "shop.get_order")
    assert opened["plan"] == ["shop.get_order"]
    assert shop.run("sessions", "turn", opened["id"], "and now?")["requests"] == ["hello", "and now?"]
    assert shop.run("sessions", "close", opened["id"])["state"] == "closed"
    said = shop.command("sessions", "turn", opened["id"], "more", code=1).stderr
    assert said.startswith("session_closed: ")
    assert opened["id"] in shop.command("sessions", "list").stdout


def test_a_session_is_given_its_plan_once(shop: Shop) -> None:
    order = shop.add_order()
    session = shop.run("sessions", "open", "--agent", "assistant", "--request", f"refund 5 euros on order {order}")[
        "id"
    ]
    step = {"operation": "shop.refund_order", "times": 1, "arguments": {"order_id": order, "amount": {"at_most": 5}}}
    words = ("sessions", "plan", session, "--step", "shop.get_order", "--step", json.dumps(step))
    told = shop.command(*words).stdout
    assert f"shop.refund_order, at most once, order_id {order}, amount at most 5" in told
    assert shop.run("sessions", "show", session)["plan"] == ["shop.get_order", step]
    assert shop.command(*words, code=1).stderr.startswith("plan_fixed: ")


def test_a_plan_is_derived_from_the_persons_words(shop: Shop) -> None:
    order = shop.add_order()
    session = shop.run("sessions", "open", "--agent", "assistant", "--request", f"refund 5 euros on order {order}")[
        "id"
    ]
    planned = shop.run("sessions", "plan", session, "--derive")
    arguments = {"order_id": order, "amount": 5}
    assert planned["plan"] == [{"operation": "shop.refund_order", "times": 1, "arguments": arguments}]
    assert planned["left_out"] == []
    turn = shop.run("ask", f"refund 6 euros on order {order}", "--agent", "assistant", "--session", session, code=0)
    assert turn["steps"][0]["action"]["decision"]["reasons"][0]["rule"] == "outside-plan"
    action = shop.command("actions", "show", turn["steps"][0]["action"]["id"]).stdout
    assert f"shop.refund_order, at most once, order_id {order}, amount 5" in action
    assert shop.order(order)["refunded"] == 0


def test_where_no_plan_can_be_derived_the_command_says_why(shop: Shop) -> None:
    session = shop.run("sessions", "open", "--agent", "assistant", "--request", "refund something on order 1")["id"]
    told = shop.command("sessions", "plan", session, "--derive", code=1).stdout
    assert "left out of the plan\n- How much should be given back?" in told


@pytest.mark.parametrize("words", [(), ("--derive", "--step", "shop.get_order"), ("--step", "{")])
def test_a_plan_is_either_derived_or_made_of_steps(shop: Shop, words: tuple[str, ...]) -> None:
    assert shop.command("sessions", "plan", "ses_1", *words, code=2).stderr.startswith("usage")


def test_a_plan_names_operations_that_there_are(shop: Shop) -> None:
    said = shop.command("sessions", "open", "--plan", "shop.get_ordr", code=1).stderr
    assert said.startswith("session_invalid: ")
    assert "did you mean 'shop.get_order'?" in said


def test_a_person_cannot_verify_themselves(shop: Shop) -> None:
    opened = shop.run("sessions", "open")
    said = shop.command("sessions", "verify", opened["id"], "strong", code=1).stderr
    assert said.startswith("session_forbidden: ")


def test_the_operations_a_key_may_use_are_listed(shop: Shop) -> None:
    told = shop.command("operations", "list").stdout.splitlines()
    assert [line.split()[:2] for line in told[1:]] == [
        ["shop.get_order", "read"],
        ["shop.list_orders", "read"],
        ["shop.refund_order", "write"],
    ]
    contract = shop.command("operations", "show", "shop.refund_order").stdout
    assert "How much to give back." in contract


def test_an_action_is_traced_and_explained(shop: Shop) -> None:
    approval = shop.waiting(shop.add_order(), words="give it back")
    trace = shop.command("actions", "trace", approval["action"]).stdout
    assert "Which systems were touched?" in trace
    assert "approval by one person in the role lead" in trace
    told = shop.command("policy", "explain", approval["action"]).stdout
    assert "permit refund-large applied (policies/shop.cedar:14)" in told
    assert "permit refund-small did not apply" in told
    assert "what would have changed the answer" in told
    assert shop.command("actions", "explain", approval["action"]).stdout == told


def test_a_waiting_action_can_be_withdrawn_once(shop: Shop) -> None:
    approval = shop.waiting(shop.add_order())
    assert shop.run("actions", "cancel", approval["action"])["state"] == "cancelled"
    assert shop.command("actions", "cancel", approval["action"], code=1).stderr.startswith("action_state_invalid: ")


def test_steps_that_do_not_fit_an_action_say_why(shop: Shop) -> None:
    done = shop.run("call", "shop.get_order", "order_id=1")["id"]
    assert shop.command("actions", "undo", done, code=1).stderr.startswith("nothing_to_undo: ")
    assert shop.command("actions", "confirm", done, "--yes", code=1).stderr
    report = shop.command("actions", "report", done, "succeeded", "--output", "{}", code=1)
    assert report.stderr.startswith("action_state_invalid: ")
    resolve = shop.command("actions", "resolve", done, "failed", "--comment", "looked", by="sam", code=1)
    assert resolve.stderr.startswith("action_state_invalid: ")
    assert shop.run("actions", "settle", done, by="sam")["state"] == "succeeded"


def test_actions_are_listed_by_state_and_session(shop: Shop) -> None:
    approval = shop.waiting(shop.add_order())
    page = shop.run("actions", "list", "--state", "waiting", "--session", approval["session"])
    assert [action["id"] for action in page["items"]] == [approval["action"]]
    assert "shop.refund_order" in shop.command("actions", "list", "--limit", "3").stdout


def test_a_label_is_lowered_for_one_session_by_somebody_else(shop: Shop) -> None:
    order = shop.add_order(note="deliver to the neighbour")
    session = shop.run("sessions", "open", "--request", f"look at order {order}")["id"]
    shop.run("call", "shop.get_order", f"order_id={order}", "--session", session)
    place, reason = "shop.get_order#/note", "Asked the customer"
    words = ("sessions", "declassify", session, place, "--integrity", "trusted", "--reason", reason)
    assert shop.command(*words, by="alex", code=1).stderr.startswith("scope_missing: ")
    said = shop.command(*words, by="sam").stdout
    assert f"{place} to trusted by sam (person)" in said
    assert reason in said
    lower = ("--confidentiality", "public", "--categories", "", "--reason", reason)
    given = shop.run("sessions", "declassify", session, place, *lower, by="sam")
    assert given["to"] == {"confidentiality": "public", "categories": []}
    told = shop.command("sessions", "show", session).stdout
    assert f"{place} to trusted by sam (person)" in told
    assert f"{place} to public, categories none by sam (person)" in told


def test_a_declassification_names_what_it_lowers_and_a_place_that_was_seen(shop: Shop) -> None:
    session = shop.run("sessions", "open")["id"]
    words = ("sessions", "declassify", session, "shop.get_order#/note", "--reason", "Asked the customer")
    assert shop.command(*words, by="sam", code=2).stderr.startswith("usage")
    assert shop.command(*words, "--integrity", "trusted", by="sam", code=1).stderr.startswith("place_unseen: ")
