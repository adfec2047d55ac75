"""Bad requests: each is a clear error in OpenAI's shape, and nothing is lost or done for it."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from interlock.experience.openai.tools import OfferedTools
from interlock.orchestration.sessions import Opening
from interlock.values.actions import ActionState
from interlock.values.errors import InterlockError
from tests.experience.openai.conftest import TOOLS, Shop, called, function, said
from tests.experience.openai.test_origins import ADA

USER = {"role": "user", "content": "Hello"}
CALL = {"id": "call_1", "type": "function", "function": {"name": "web_search", "arguments": "{}"}}
ASSISTANT = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "found"}


def body(*messages: Any, **more: Any) -> dict[str, Any]:
    return {"model": "desk", "messages": list(messages), **more}


BAD: dict[str, tuple[Any, int, str, str | None]] = {
    "no json": (b"{", 400, "request_malformed", None),
    "a list": ([], 422, "request_invalid", None),
    "no messages": ({"model": "desk"}, 422, "request_invalid", None),
    "empty messages": (body(), 422, "request_invalid", "messages"),
    "no role": (body({"content": "x"}), 422, "request_invalid", "messages[0]"),
    "an unknown role": (body({"role": "oracle", "content": "x"}), 422, "request_invalid", "messages[0].role"),
    "a number for content": (body({"role": "user", "content": 7}), 422, "request_invalid", "messages[0].content"),
    "no content": (body({"role": "user", "content": None}), 422, "request_invalid", "messages[0].content"),
    "a part without type": (body({"role": "user", "content": [{}]}), 422, "request_invalid", "messages[0].content[0]"),
    "a model that is no name": (body(USER, model=7), 422, "request_invalid", "model"),
    "tools of no shape": (body(USER, tools=[{"type": "function"}]), 422, "request_invalid", "tools[0]"),
    "a hosted tool": (body(USER, tools=[{"type": "web_search"}]), 422, "request_invalid", None),
    "the older functions": (body(USER, functions=[]), 400, "parameter_unsupported", "functions"),
    "several choices": (body(USER, n=2), 400, "parameter_unsupported", "n"),
    "a call without a result": (body(USER, ASSISTANT), 400, "conversation_broken", "messages[2]"),
    "a call that is skipped": (body(USER, ASSISTANT, USER), 400, "conversation_broken", "messages[2]"),
    "a result of no call": (body(USER, RESULT), 400, "conversation_broken", "messages[1].tool_call_id"),
    "two results": (body(USER, ASSISTANT, RESULT, RESULT), 400, "conversation_broken", "messages[3].tool_call_id"),
    "two calls of one id": (
        body(USER, {**ASSISTANT, "tool_calls": [CALL, CALL]}, RESULT),
        400,
        "conversation_broken",
        "messages[1].tool_calls",
    ),
    "too large": (body({"role": "user", "content": "x" * 70_000}), 413, "request_too_large", None),
    "too deep": (b'{"model": "desk", "messages": ' + b"[" * 30 + b"]" * 30 + b"}", 400, "request_malformed", None),
}


@pytest.mark.parametrize("case", BAD, ids=str)
async def test_a_bad_request_is_a_clear_error(shop: Shop, case: str) -> None:
    sent, status, code, param = BAD[case]
    answer = await shop.post(sent)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "code", "param"}
    assert (error["code"], error["type"]) == (code, "invalid_request_error")
    assert param is None or error["param"] == param
    assert answer.headers["x-should-retry"] == "false"
    assert not shop.model.asked
    assert not await shop.installation.sessions.page("main")


async def test_a_tool_whose_name_could_be_two_operations_is_refused() -> None:
    offered = [function("crm_get_all")]
    with pytest.raises(InterlockError) as error:
        OfferedTools(offered, ["crm.get_all", "crm_get.all"])
    assert error.value.code == "tool_ambiguous"
    assert "crm__get_all" in error.value.fix
    assert OfferedTools([], ["crm.get_all", "crm_get.all"]).governed("crm_get_all") == ""


async def test_another_kind_of_body_is_refused(shop: Shop) -> None:
    answer = await shop.post(b"hello", **{"content-type": "text/plain"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "media_type_unsupported")


async def test_no_key_and_a_wrong_key_are_401(shop: Shop) -> None:
    with pytest.raises(openai.AuthenticationError) as error:
        await shop.ask("Hello", key="ik_nonsense")
    assert error.value.type == "authentication_error"
    assert error.value.response.headers["www-authenticate"] == "Bearer"
    answer = await shop.post({}, path="/v1/models", authorization="")
    assert answer.status_code == 401


async def test_a_key_that_may_only_read_cannot_ask(shop: Shop) -> None:
    with pytest.raises(openai.PermissionDeniedError) as error:
        await shop.ask("Hello", key="looker")
    assert (error.value.code, error.value.type) == ("scope_missing", "permission_error")


async def test_other_methods_and_paths_are_told(shop: Shop) -> None:
    answer = await shop.post({}, path="/v1/models")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    answer = await shop.post({}, path="/v1/models/desk")
    assert answer.status_code == 405


async def test_a_foreign_session_looks_like_none(shop: Shop) -> None:
    opened = await shop.installation.sessions.open(ADA, Opening(request="Hello"))
    for key, session in (("clerk", opened.id), ("zoe", opened.id), ("ada", "ses_" + "0" * 26)):
        with pytest.raises(openai.NotFoundError) as error:
            await shop.ask("Hello", key=key, extra_headers={"interlock-session": session})
        assert error.value.code == "session_unknown"
    with pytest.raises(openai.UnprocessableEntityError):
        await shop.ask("Hello", extra_headers={"interlock-session": "x" * 300})


async def test_the_result_of_an_unknown_or_foreign_action_is_refused(shop: Shop) -> None:
    asked: list[Any] = [USER]
    message = (await shop.ask(asked, called(("fax__send", {"to": "555"})))).parse().choices[0].message
    call = message.tool_calls[0].id
    for key, name, code in (("ada", "act_" + "0" * 26, 404), ("zoe", call, 404), ("lea", call, 404)):
        made = {**CALL, "id": name}
        result = {"role": "tool", "tool_call_id": name, "content": '{"pages": 1}'}
        with pytest.raises(openai.APIStatusError) as error:
            await shop.ask([USER, {**ASSISTANT, "tool_calls": [made]}, result], key=key)
        assert error.value.status_code == code
    result = {"role": "tool", "tool_call_id": call, "content": '{"pages": 1}'}
    answer = await shop.ask([*asked, message.model_dump(), result], said("Sent"))
    (action,) = await shop.actions(answer)
    assert action.state is ActionState.succeeded, "nothing was lost by it"


async def test_the_result_of_what_interlock_ran_itself_is_not_the_clients_to_bring(shop: Shop) -> None:
    answer = await shop.ask("Add one to 1", called(("shop__add_one", {"id": 1})), said("Added"))
    name = answer.headers["x-interlock-actions"]
    result = {"role": "tool", "tool_call_id": name, "content": "{}"}
    with pytest.raises(openai.ConflictError) as error:
        await shop.ask([USER, {**ASSISTANT, "tool_calls": [{**CALL, "id": name}]}, result])
    assert error.value.code == "action_state_invalid"


async def test_an_operation_that_the_caller_may_not_use_is_refused_and_not_handed_out(shop: Shop) -> None:
    answer = await shop.ask("Close 2", called(("fax__dial", {"to": "1"})), said("No"), tools=TOOLS, key="clerk")
    assert answer.parse().choices[0].message.tool_calls is None


async def test_a_call_of_the_clients_own_cannot_pass_for_an_action(shop: Shop) -> None:
    forged = called(("web_search", {}), ("web_search", {}), ("web_search", {}), ids=["act_" + "0" * 26, "x", "x"])
    calls = (await shop.ask("Search", forged)).parse().choices[0].message.tool_calls
    assert not calls[0].id.startswith("act_")
    assert len({call.id for call in calls}) == 3


async def test_no_label_is_lowered_over_this_surface(shop: Shop) -> None:
    lower = {"place": "shop.get_order#/note", "to": {"integrity": "trusted"}, "reason": "The user said so"}
    assert (await shop.post(lower, key="lea", path="/v1/sessions/ses_1/declassify")).status_code == 405
    asked = {"messages": [USER], "metadata": {"declassify": "shop.get_order#/note"}, "declassify": lower}
    await shop.post({"model": "desk", "tools": TOOLS, **asked})
    for name in ("interlock_declassify", "sessions_declassify"):
        calls = called((name, lower))
        await shop.ask("Look at order 1", calls, said("Done"), tools=[*TOOLS, function(name)])
    assert await shop.entries("label.declassified") == []
