"""A request that is sent again: what was done is not done twice, what was lost is delivered, and reads are fresh."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import openai
import pytest

from interlock.experience.openai.steps import RETRIED
from interlock.orchestration.approvals import Verdict
from interlock.testing.clock import FixedClock
from interlock.values.actions import ActionState
from interlock.values.principals import Kind, Principal
from tests.experience.openai.conftest import TOOLS, Model, Shop, called, open_shop, said, write_shop
from tests.experience.openai.test_origins import ADA

ADD = called(("shop__add_one", {"id": 1}))


def count(shop: Shop, order: int = 1) -> int:
    found = shop.order(order)
    assert found is not None
    return int(found["count"])


async def test_the_same_request_does_not_write_twice(shop: Shop) -> None:
    first = await shop.ask("Add one to 1", ADD, said("Added"))
    again = await shop.ask("Add one to 1", said("It was added"))
    assert count(shop) == 1
    assert again.headers["x-interlock-actions"] == first.headers["x-interlock-actions"]
    assert [message["role"] for message in shop.model.last] == ["user", "assistant", "tool"]
    assert json.loads(shop.model.last[-1]["content"])["state"] == "succeeded"


async def test_a_model_that_calls_for_it_again_gets_the_action_that_there_is(shop: Shop) -> None:
    for _ in range(2):
        await shop.ask("Add one to 1", ADD, said("Added"))
    assert count(shop) == 1
    assert "not again" in json.loads(shop.model.last[-1]["content"])["note"]
    await shop.ask("Add one to 1", ADD, ADD, said("Added two"))
    assert count(shop) == 2, "unless it insists"


async def test_the_clients_own_retry_after_a_failing_model_goes_on_after_the_write(shop: Shop) -> None:
    shop.model.script[:] = [ADD, 500, said("Added")]
    create: Any = shop.client("ada", max_retries=1).chat.completions.create
    reply = await create(model="desk", messages=[{"role": "user", "content": "Add one to 1"}], tools=TOOLS)
    assert reply.choices[0].message.content == "Added"
    assert count(shop) == 1


async def test_a_failing_model_is_an_error_that_names_what_was_done(shop: Shop) -> None:
    with pytest.raises(openai.InternalServerError) as error:
        await shop.ask("Add one to 1", ADD, 500)
    assert error.value.code == "models_unavailable"
    (action,) = await shop.actions(error.value.response)
    assert action.state is ActionState.succeeded


async def test_a_model_that_words_it_differently_the_second_time_does_not_write_twice(shop: Shop) -> None:
    with pytest.raises(openai.InternalServerError):
        await shop.ask("Note it", called(("shop_set_note", {"id": 3, "note": "one"})), 500)
    answer = await shop.ask("Note it", said("Noted"))
    assert answer.parse().choices[0].message.content == "Noted"
    order = shop.order(3)
    assert order is not None
    assert order["note"] == "one"
    assert "shop_set_note" in json.dumps(shop.model.last), "the model is shown the step instead of asked for it"


async def test_two_attempts_at_the_same_moment_take_a_step_once(shop: Shop) -> None:
    body = {"model": "desk", "messages": [{"role": "user", "content": "Add one to 1"}], "tools": TOOLS}
    shop.model.script[:] = [ADD, ADD, said("Added"), said("Added")]
    answers = await asyncio.gather(shop.post(body), shop.post(body))
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert count(shop) == 1


async def test_an_attempt_that_would_do_something_else_at_the_same_step_is_overtaken(shop: Shop) -> None:
    body = {"model": "desk", "messages": [{"role": "user", "content": "Add one"}], "tools": TOOLS}
    shop.model.script[:] = [ADD, called(("shop__add_one", {"id": 2})), said("Added"), said("Added")]
    answers = await asyncio.gather(shop.post(body), shop.post(body))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    (lost,) = [answer for answer in answers if answer.status_code == 409]
    assert lost.json()["error"]["code"] == "request_overtaken"
    assert lost.headers["x-should-retry"] == "true"
    assert count(shop, 1) + count(shop, 2) == 1


async def test_the_same_write_can_be_meant_twice_in_one_request(shop: Shop) -> None:
    twice = called(("shop__add_one", {"id": 1}), ("shop__add_one", {"id": 1}), ids=["a", "b"])
    await shop.ask("Add two to 1", twice, ADD, said("Added three"))
    assert count(shop) == 3


async def test_an_idempotency_key_of_its_own_makes_it_another_request(shop: Shop) -> None:
    for key in ("monday", "tuesday", "tuesday"):
        await shop.ask("Add one to 1", ADD, said("Added"), extra_headers={"idempotency-key": key})
    assert count(shop) == 2


async def test_after_a_while_the_same_request_is_meant_again(tmp_path: Path, model: Model) -> None:
    write_shop(tmp_path, model.server.url)
    clock = FixedClock()
    async with open_shop(tmp_path, model, clock=clock) as shop:
        for wait in (0, RETRIED - 1, 2):
            clock.advance(wait)
            await shop.ask("Add one to 1", ADD, said("Added"))
        assert count(shop) == 2


CLOSE = called(("shop.close_order", {"id": 1}))
LEA = Principal(Kind.person, "lea", "main", frozenset({"lead"}), scopes=frozenset({"approve"}), present=True)


async def test_what_waits_is_meant_however_late_it_is_asked_for_again(tmp_path: Path, model: Model) -> None:
    write_shop(tmp_path, model.server.url)
    clock = FixedClock()
    async with open_shop(tmp_path, model, clock=clock) as shop:
        first = await shop.ask("Close order 1", CLOSE, said("A lead has to agree"))
        (action,) = await shop.actions(first)
        named: dict[str, Any] = {"extra_headers": {"Interlock-Session": first.headers["x-interlock-session"]}}
        clock.advance(4 * RETRIED)
        again = await shop.ask("Close order 1", CLOSE, said("It still waits"), **named)
        assert [each.id for each in await shop.actions(again)] == [action.id]
        assert json.loads(shop.model.last[-1]["content"])["state"] == "waiting"

        (approval,) = await shop.installation.approvals.of_action(action.id)
        await shop.installation.approvals.decide(Verdict(approval.id, True, approval.consent), LEA)
        clock.advance(RETRIED - 1)
        done = await shop.ask("Close order 1", CLOSE, said("It is closed"), **named)
        assert [each.id for each in await shop.actions(done)] == [action.id]
        assert json.loads(shop.model.last[-1]["content"])["state"] == "succeeded"
        clock.advance(2)
        other = await shop.ask("Close order 1", CLOSE, said("A lead has to agree"), **named)
        assert [each.id for each in await shop.actions(other)] != [action.id]


async def test_what_waited_is_told_late_in_the_conversation_too(tmp_path: Path, model: Model) -> None:
    write_shop(tmp_path, model.server.url)
    clock = FixedClock()
    async with open_shop(tmp_path, model, clock=clock) as shop:
        asked: list[Any] = [{"role": "user", "content": "Close order 1"}]
        first = await shop.ask(asked, CLOSE, said("A lead has to agree"))
        named: dict[str, Any] = {"extra_headers": {"Interlock-Session": first.headers["x-interlock-session"]}}
        clock.advance(8 * RETRIED)
        asked += [first.parse().choices[0].message.model_dump(), {"role": "user", "content": "And?"}]
        await shop.ask(asked, said("It waits"), **named)
        assert json.loads(shop.model.last[2]["content"])["state"] == "waiting"


async def test_a_client_that_polls_gets_fresh_answers(shop: Shop) -> None:
    read = called(("shop__get_order", {"id": 3}))
    await shop.ask("What is noted on 3?", read, said("Nothing"))
    await shop.ask("Note new on 3", called(("shop_set_note", {"id": 3, "note": "new"})), said("Noted"))
    await shop.ask("What is noted on 3?", read, said("new"))
    assert json.loads(shop.model.last[-1]["content"])["output"]["note"] == "new"


async def test_a_denied_step_can_be_tried_again(shop: Shop) -> None:
    drop = called(("shop__drop_order", {"id": 1}))
    first = await shop.ask("Drop order 1", drop, said("I may not"))
    again = await shop.ask("Drop order 1", drop, said("I still may not"))
    assert first.headers["x-interlock-actions"] != again.headers["x-interlock-actions"]


async def test_a_call_for_the_client_that_was_lost_on_the_way_is_handed_out_again(shop: Shop) -> None:
    first = await shop.ask("Fax to 555", called(("fax__send", {"to": "555"})))
    asked = len(shop.model.asked)
    again = await shop.ask("Fax to 555")
    assert len(shop.model.asked) == asked, "the model is not asked for what was decided already"
    calls = [answer.parse().choices[0].message.tool_calls for answer in (first, again)]
    assert calls[0] == calls[1]


async def test_a_client_that_starts_over_after_its_call_does_not_make_it_twice(shop: Shop) -> None:
    asked: list[Any] = [{"role": "user", "content": "Fax to 555"}]
    message = (await shop.ask(asked, called(("fax__send", {"to": "555"})))).parse().choices[0].message
    result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": '{"pages": 1}'}
    await shop.ask([*asked, message.model_dump(), result], said("Sent"))
    answer = await shop.ask(asked, said("It was sent"))
    assert answer.parse().choices[0].message.content == "It was sent"
    assert json.loads(shop.model.last[-1]["content"])["output"] == {"pages": 1}


async def test_what_waited_is_told_as_it_stands_when_the_conversation_goes_on(shop: Shop) -> None:
    asked: list[Any] = [{"role": "user", "content": "Close order 1"}]
    answer = await shop.ask(asked, called(("shop.close_order", {"id": 1})), said("A lead has to agree"))
    (action,) = await shop.actions(answer)
    await shop.installation.actions.cancel(action.id, ADA)
    asked += [answer.parse().choices[0].message.model_dump(), {"role": "user", "content": "And?"}]
    await shop.ask(asked, said("It was withdrawn"))
    assert [message["role"] for message in shop.model.last] == ["user", "assistant", "tool", "assistant", "user"]
    assert json.loads(shop.model.last[2]["content"])["state"] == "cancelled"


async def test_a_conversation_with_an_action_keeps_its_session_in_another_process(tmp_path: Path, model: Model) -> None:
    write_shop(tmp_path, model.server.url)
    asked: list[Any] = [{"role": "user", "content": "Add one to 1 and fax to 555"}]
    async with open_shop(tmp_path, model) as shop:
        both = called(("shop__add_one", {"id": 1}), ("fax__send", {"to": "555"}))
        answer = await shop.ask(asked, both)
        message, keys = answer.parse().choices[0].message, dict(shop.keys)
    async with open_shop(tmp_path, model) as shop:
        shop.keys = keys
        result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": '{"pages": 1}'}
        later = await shop.ask([*asked, message.model_dump(), result], said("Both done"))
        assert later.headers["x-interlock-session"] == answer.headers["x-interlock-session"]
        assert len(shop.model.last) == 5, "the model sees that one was added"


async def test_a_result_that_comes_twice_is_reported_once(shop: Shop) -> None:
    asked: list[Any] = [{"role": "user", "content": "Fax to 555"}]
    message = (await shop.ask(asked, called(("fax__send", {"to": "555"})))).parse().choices[0].message
    result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": '{"pages": 1}'}
    body = {"model": "desk", "messages": [*asked, message.model_dump(), result], "tools": TOOLS}
    shop.model.script[:] = [said("Sent") for _ in range(4)]
    answers = await asyncio.gather(*[shop.post(body) for _ in range(4)])
    assert [answer.status_code for answer in answers] == [200] * 4
    assert len(await shop.entries("action.succeeded")) == 1
