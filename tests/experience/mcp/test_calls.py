"""`tools/call`: one proposal on the one path, and every way it can end."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from interlock.experience.mcp import Mcp
from interlock.orchestration.approvals import Verdict
from interlock.orchestration.sessions import Opening
from interlock.values.principals import Kind, Principal
from tests.experience.mcp.conftest import Shop

FORMS: dict[str, Any] = {"elicitation": {"form": {}}}
ACTION, SESSION = "io.interlock/action", "io.interlock/session"


def yes(result: dict[str, Any], content: Any = None) -> dict[str, Any]:
    """Return what a client adds to its retry when its person said yes (or *content*)."""
    answer = {"action": "accept", "content": {"confirm": True}} if content is None else content
    return {"requestState": result["requestState"], "inputResponses": {"confirm": answer}}


async def note(shop: Shop, text: str = "hello", **given: Any) -> Any:
    arguments = {"id": 1, "note": text}
    return await shop.call("shop.set_note", arguments, key="ada", capabilities=FORMS, **given)


async def test_a_read_answers_in_data_and_in_text(shop: Shop) -> None:
    result = await shop.call("shop.get_order", {"id": 1})
    assert result["structuredContent"] == {"id": 1, "customer": "ALFKI", "total": 12.5}
    assert orjson.loads(result["content"][0]["text"]) == result["structuredContent"]
    assert result["isError"] is False
    assert result["resultType"] == "complete"
    assert result["_meta"][ACTION].startswith("act_")


async def test_a_list_is_wrapped(shop: Shop) -> None:
    result = await shop.call("shop.list_orders", {"customer": "ALFKI"})
    assert [order["id"] for order in result["structuredContent"]["result"]] == [1, 3]


async def test_the_older_revision_answers_alike_without_what_it_does_not_know(shop: Shop) -> None:
    result = (await shop.old("tools/call", {"name": "shop.get_order", "arguments": {"id": 1}})).result
    assert result["structuredContent"]["customer"] == "ALFKI"
    assert "resultType" not in result


async def test_a_refusal_is_a_result_with_the_rule_and_its_reason(shop: Shop) -> None:
    result = await shop.call("shop.drop_order", {"id": 1})
    assert result["isError"] is True
    content = result["structuredContent"]
    assert content["state"] == "denied"
    assert content["reasons"] == [{"rule": "kept-for-tax", "text": "Orders are kept for the tax office"}]
    assert "Orders are kept for the tax office" in result["content"][0]["text"]
    assert shop.order(1) is not None


async def test_a_tool_outside_the_callers_list_is_refused_on_the_one_path(shop: Shop) -> None:
    result = await shop.call("shop.set_note", {"id": 1, "note": "x"}, key="reader")
    assert result["isError"] is True
    assert [reason["rule"] for reason in result["structuredContent"]["reasons"]] == ["agent-operations"]


async def test_a_call_that_fails_says_so(shop: Shop) -> None:
    result = await shop.call("shop.get_order", {"id": 999})
    assert result["isError"] is True
    assert result["structuredContent"]["state"] == "failed"
    assert result["structuredContent"]["problem"]["code"] in result["content"][0]["text"]


async def test_arguments_that_break_the_contract_are_for_the_model_to_mend(shop: Shop) -> None:
    result = await shop.call("shop.get_order", {"id": "one", "more": 1})
    assert result["isError"] is True
    assert result["structuredContent"]["code"] == "input_invalid"
    assert '"one"' not in result["content"][0]["text"]


@pytest.mark.parametrize(
    "params",
    [
        {"name": "shop.nothing", "arguments": {}},
        {"name": "interlock.nothing"},
        {"arguments": {}},
        {"name": 7},
        {"name": "shop.get_order", "arguments": []},
        {"name": "shop.get_order", "_meta": {SESSION: 7}},
        {"name": "shop.get_order", "_meta": {"io.interlock/idempotency-key": "k" * 201}},
    ],
)
async def test_calls_of_no_tool_are_faults_of_the_protocol(shop: Shop, params: dict[str, Any]) -> None:
    assert (await shop.old("tools/call", params)).fault == -32602


async def test_calls_without_a_session_share_one_per_credential(shop: Shop) -> None:
    first, second = [await shop.call("shop.get_order", {"id": number}) for number in (1, 2)]
    other = await shop.call("shop.get_order", {"id": 1}, key="reader")
    assert first["_meta"][SESSION] == second["_meta"][SESSION] != other["_meta"][SESSION]
    session = await shop.installation.sessions.get(first["_meta"][SESSION])
    assert session is not None
    assert (session.channel, session.agent, session.person, session.requests) == ("mcp", "clerk", None, [])


async def test_a_session_that_was_closed_is_replaced(shop: Shop) -> None:
    first = await shop.call("shop.get_order", {"id": 1})
    clerk = Principal(Kind.agent, "clerk", "main")
    await shop.installation.sessions.close(clerk, first["_meta"][SESSION])
    second = await shop.call("shop.get_order", {"id": 1})
    assert second["_meta"][SESSION] != first["_meta"][SESSION]
    assert second["isError"] is False


@pytest.mark.parametrize("where", ["meta", "header"])
async def test_a_named_session_is_worked_in(shop: Shop, where: str) -> None:
    opened = await shop.installation.sessions.open(shop.person("ada"), Opening(agent="clerk", request="order 1"))
    meta = {"_meta": {SESSION: opened.id}} if where == "meta" else {}
    more = [(b"interlock-session", opened.id.encode())] if where == "header" else []
    params = {"name": "shop.get_order", "arguments": {"id": 1}, **meta}
    result = (await shop.old("tools/call", params, more=more)).result
    assert result["_meta"][SESSION] == opened.id
    assert opened.done == ["shop.get_order"]


async def test_somebody_elses_session_is_none(shop: Shop) -> None:
    opened = await shop.installation.sessions.open(shop.person("bob"), Opening())
    for key in ("clerk", "ada", "zoe"):
        result = await shop.call("shop.get_order", {"id": 1}, key=key, meta={SESSION: opened.id})
        assert result["structuredContent"]["code"] == "session_unknown"


async def test_an_idempotency_key_makes_a_repeated_call_the_same_action(shop: Shop) -> None:
    opened = await shop.installation.sessions.open(shop.person("ada"), Opening(agent="clerk"))
    meta = {SESSION: opened.id, "io.interlock/idempotency-key": "k1"}
    first, second = [await shop.call("shop.get_order", {"id": 1}, meta=meta) for _ in range(2)]
    assert first["_meta"][ACTION] == second["_meta"][ACTION]
    other = await shop.call("shop.get_order", {"id": 2}, meta=meta)
    assert other["structuredContent"]["code"] == "idempotency_key_reused"


async def test_an_idempotency_key_needs_the_session_it_counts_in(shop: Shop) -> None:
    result = await shop.call("shop.get_order", {"id": 1}, meta={"io.interlock/idempotency-key": "k1"})
    assert result["structuredContent"]["code"] == "request_invalid"


async def test_an_approval_is_a_pending_result_with_a_handle(shop: Shop) -> None:
    result = await shop.call("shop.close_order", {"id": 1}, key="ada", capabilities=FORMS)
    content = result["structuredContent"]
    assert (content["state"], content["waiting_for"], result["isError"]) == ("waiting", ["approval:lead"], False)
    assert "interlock.action_status" in result["content"][0]["text"]
    handle = {"action": content["action"]}
    assert (await shop.call("interlock.action_status", handle, key="ada"))["structuredContent"]["state"] == "waiting"

    lea = shop.person("lea")
    asked = await shop.installation.approvals.of_action(content["action"])
    await shop.installation.approvals.decide(Verdict(asked[0].id, True, asked[0].consent), lea)
    after = await shop.call("interlock.action_status", handle, key="ada")
    assert after["structuredContent"]["state"] == "succeeded"
    assert shop.order(1) == ("", 1)


async def test_a_waiting_action_can_be_withdrawn_by_a_tool(shop: Shop) -> None:
    handle = {"action": (await shop.call("shop.close_order", {"id": 1}))["structuredContent"]["action"]}
    result = await shop.call("interlock.cancel_action", handle)
    assert result["structuredContent"]["state"] == "cancelled"
    again = await shop.call("interlock.cancel_action", handle)
    assert again["structuredContent"]["code"] == "action_state_invalid"


async def test_the_own_tools_show_nobody_elses_actions(shop: Shop) -> None:
    handle = {"action": (await shop.call("shop.close_order", {"id": 1}))["structuredContent"]["action"]}
    for key in ("reader", "zoe", "bob"):
        for tool in ("interlock.action_status", "interlock.cancel_action"):
            result = await shop.call(tool, handle, key=key)
            assert result["structuredContent"]["code"] == "action_unknown"


@pytest.mark.parametrize("arguments", [{}, {"action": 7}, {"action": "act_1"}, {"action": "act_" + "0" * 26, "x": 1}])
async def test_the_own_tools_check_their_arguments(shop: Shop, arguments: dict[str, Any]) -> None:
    result = await shop.call("interlock.action_status", arguments)
    assert result["structuredContent"]["code"] == "input_invalid"


async def test_a_confirmation_is_asked_of_the_person_who_is_there(shop: Shop) -> None:
    asked = await note(shop)
    assert asked["resultType"] == "input_required"
    form = asked["inputRequests"]["confirm"]
    assert form["method"] == "elicitation/create"
    assert form["params"]["mode"] == "form"
    assert '"note": "hello"' in form["params"]["message"]
    assert form["params"]["requestedSchema"]["properties"]["confirm"]["type"] == "boolean"
    assert shop.order(1) == ("", 0)

    done = await note(shop, **yes(asked))
    assert done["resultType"] == "complete"
    assert done["isError"] is False
    assert shop.order(1) == ("hello", 0)


async def test_an_answer_that_comes_twice_runs_once(shop: Shop) -> None:
    asked = await note(shop)
    first, second = await note(shop, **yes(asked)), await note(shop, **yes(asked))
    assert first["_meta"][ACTION] == second["_meta"][ACTION]
    assert second["isError"] is False


@pytest.mark.parametrize("content", [{"action": "decline"}, {"action": "accept", "content": {"confirm": False}}])
async def test_a_no_withdraws_the_action(shop: Shop, content: dict[str, Any]) -> None:
    asked = await note(shop)
    result = await note(shop, **yes(asked, content))
    assert result["isError"] is True
    assert result["structuredContent"]["state"] == "cancelled"
    assert shop.order(1) == ("", 0)


async def test_a_dismissed_question_leaves_the_action_waiting(shop: Shop) -> None:
    result = await note(shop, **yes(await note(shop), {"action": "cancel"}))
    assert result["structuredContent"]["waiting_for"] == ["confirm"]
    assert result["isError"] is False


async def test_a_retry_without_an_answer_is_asked_again(shop: Shop) -> None:
    asked = await note(shop)
    again = await note(shop, requestState=asked["requestState"])
    assert again["resultType"] == "input_required"


async def test_an_answer_given_for_something_else_is_no_answer(shop: Shop) -> None:
    asked = await note(shop)
    for key, text, state in (
        ("ada", "other", asked["requestState"]),
        ("bob", "hello", asked["requestState"]),
        ("ada", "hello", asked["requestState"][:-4] + "AAAA"),
        ("ada", "hello", ""),
    ):
        params = {"name": "shop.set_note", "arguments": {"id": 1, "note": text}, **yes({"requestState": state})}
        answer = await shop.new("tools/call", params, key=key, capabilities=FORMS)
        assert (answer.status, answer.fault) == (400, -32602)
    assert shop.order(1) == ("", 0)


async def test_a_changed_policy_voids_the_question_and_asks_anew(shop: Shop) -> None:
    asked = await note(shop)
    policies = shop.root / "policies/shop.cedar"
    policies.write_text(policies.read_text("utf-8").replace("it is written for", "it is about"), "utf-8")
    await shop.installation.projects.reload()
    again = await note(shop, **yes(asked))
    assert again["resultType"] == "input_required"
    assert "has changed since you were asked" in again["inputRequests"]["confirm"]["params"]["message"]
    assert shop.order(1) == ("", 0)
    assert (await note(shop, **yes(again)))["isError"] is False
    assert shop.order(1) == ("hello", 0)


async def test_an_answer_may_reach_another_process_of_the_same_secret(shop: Shop) -> None:
    shop.mcp = Mcp(shop.installation, secret=b"shared")
    asked = await note(shop)
    shop.mcp = Mcp(shop.installation, secret=b"of its own")
    params = {"name": "shop.set_note", "arguments": {"id": 1, "note": "hello"}, **yes(asked)}
    assert (await shop.new("tools/call", params, key="ada", capabilities=FORMS)).fault == -32602
    shop.mcp = Mcp(shop.installation, secret=b"shared")
    assert (await note(shop, **yes(asked)))["isError"] is False


async def test_a_confirmation_that_still_needs_an_approval_leaves_a_handle(shop: Shop) -> None:
    policies = shop.root / "policies/shop.cedar"
    text = policies.read_text("utf-8").replace('@require("confirm")', '@require("confirm; approval:lead")')
    policies.write_text(text, "utf-8")
    await shop.installation.projects.reload()
    asked = await note(shop)
    assert asked["resultType"] == "input_required"
    result = await note(shop, **yes(asked))
    assert result["structuredContent"]["waiting_for"] == ["approval:lead"]
    assert shop.order(1) == ("", 0)


@pytest.mark.parametrize("key", ["clerk", "desk"])
async def test_an_agents_client_is_never_asked_and_cannot_answer_for_a_person(shop: Shop, key: str) -> None:
    arguments = {"id": 1, "note": "x"}
    result = await shop.call("shop.set_note", arguments, key=key, capabilities=FORMS)
    assert result["structuredContent"]["waiting_for"] == ["confirm"]
    assert result["isError"] is False
    stolen = await note(shop, "x")
    params = {"name": "shop.set_note", "arguments": arguments, **yes(stolen)}
    assert (await shop.new("tools/call", params, key=key, capabilities=FORMS)).fault == -32602
    assert shop.order(1) == ("", 0)


async def test_an_agent_in_a_persons_session_cannot_confirm(shop: Shop) -> None:
    opened = await shop.installation.sessions.open(shop.person("ada"), Opening(agent="clerk"))
    arguments = {"id": 1, "note": "x"}
    result = await shop.call("shop.set_note", arguments, capabilities=FORMS, meta={SESSION: opened.id})
    content = result["structuredContent"]
    assert content["waiting_for"] == ["confirm"]
    confirmed = await shop.installation.waiting.confirm(
        content["action"], shop.person("ada"), consent=content["consent"]
    )
    assert confirmed.state == "succeeded"


@pytest.mark.parametrize("capabilities", [{}, {"elicitation": {"url": {}}}])
async def test_a_client_without_forms_gets_a_handle(shop: Shop, capabilities: dict[str, Any]) -> None:
    arguments = {"id": 1, "note": "x"}
    result = await shop.call("shop.set_note", arguments, key="ada", capabilities=capabilities)
    assert result["structuredContent"]["waiting_for"] == ["confirm"]


async def test_what_cannot_be_shown_whole_is_not_asked(shop: Shop) -> None:
    result = await note(shop, "x" * 30_000)
    assert result["structuredContent"]["waiting_for"] == ["confirm"]


async def test_an_operation_that_the_caller_carries_out_itself(shop: Shop) -> None:
    allowed = await shop.call("fax.send", {"to": "+49 30 1"})
    content = allowed["structuredContent"]
    assert (content["state"], allowed["isError"]) == ("executing", False)
    assert content["execute"]["input"] == {"to": "+49 30 1"}
    report = {"action": content["action"], "status": "succeeded", "output": {"pages": 2}}
    assert (await shop.call("interlock.report_result", report))["structuredContent"]["state"] == "succeeded"
    again = await shop.call("interlock.report_result", report)
    assert again["structuredContent"]["code"] == "action_state_invalid"
