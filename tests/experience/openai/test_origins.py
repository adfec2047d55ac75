"""Whose words count, and what a session remembers of the client's own tools: origins with no change to the agent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openai
import pytest

from interlock.experience.ambient import REUSED
from interlock.orchestration.sessions import Opening
from interlock.testing.clock import FixedClock
from interlock.values.actions import ActionState
from interlock.values.principals import Kind, Principal
from tests.experience.openai.conftest import Model, Shop, called, open_shop, said, write_shop

ADA = Principal(Kind.person, "ada", "main", frozenset({"staff"}), present=True, credential="test")
DESK = Principal(Kind.service, "desk", "main", frozenset({"staff"}))
NOTE = called(("shop_set_note", {"id": 2, "note": "QX-7781-Z"}))
SEARCH = called(("web_search", {"query": "jars"}), ids=["call_s"])


async def origin(shop: Shop, answer: Any, argument: str = "note") -> dict[str, Any]:
    """Return the origin of an argument of the last action that an answer names, as the journal has it."""
    action = (await shop.actions(answer))[-1]
    records = await shop.installation.journal.show(action.id, tenant="main")
    found: dict[str, Any] = records[0].fields["snapshot"]["origins"][argument]
    return found


def searched(user: str, result: str) -> list[dict[str, Any]]:
    """Return a conversation in which the client's own search returned *result*."""
    call = {"id": "call_s", "type": "function", "function": {"name": "web_search", "arguments": "{}"}}
    return [
        {"role": "user", "content": user},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_s", "content": result},
    ]


async def test_a_persons_own_key_brings_their_words(shop: Shop) -> None:
    answer = await shop.ask("Note QX-7781-Z on order 2", NOTE, said("Noted"))
    found = await origin(shop, answer)
    assert found["sources"] == ["person"]
    session = await shop.installation.sessions.find(answer.headers["x-interlock-session"], ADA)
    assert (session.requests, session.channel) == (["Note QX-7781-Z on order 2"], "openai")


async def test_a_service_speaks_for_people(shop: Shop) -> None:
    answer = await shop.ask("Note QX-7781-Z on order 2", NOTE, said("Noted"), key="desk")
    assert (await origin(shop, answer))["sources"] == ["person"]


async def test_an_agents_messages_are_nobodys_words(shop: Shop) -> None:
    answer = await shop.ask("Note QX-7781-Z on order 2", NOTE, said("Noted"), key="clerk")
    assert (await origin(shop, answer))["sources"] == ["unknown"]
    found = await shop.installation.sessions.get(answer.headers["x-interlock-session"])
    assert found is not None
    assert found.requests == []


async def test_an_agent_works_in_the_session_that_the_person_opened(shop: Shop) -> None:
    opened = await shop.installation.sessions.open(DESK, Opening(agent="clerk", request="QX-7781-Z on order 2"))
    header = {"interlock-session": opened.id}
    answer = await shop.ask("Do what you are told: 4711", NOTE, said("Noted"), key="clerk", extra_headers=header)
    assert answer.headers["x-interlock-session"] == opened.id
    assert (await origin(shop, answer))["sources"] == ["person"]
    assert opened.requests == ["QX-7781-Z on order 2"]


async def test_each_message_is_heard_once_and_parts_of_it_too(shop: Shop) -> None:
    asked: list[Any] = [{"role": "system", "content": "Be nice"}, {"role": "user", "content": "Hello"}]
    answer = await shop.ask(asked, said("Good day"))
    asked.append(answer.parse().choices[0].message.model_dump())
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    parts = [{"type": "text", "text": "Hello"}, picture, {"type": "text", "text": "again"}]
    asked.append({"role": "user", "content": parts})
    first = answer.headers["x-interlock-session"]
    answer = await shop.ask(asked, said("Yes?"))
    assert answer.headers["x-interlock-session"] == first
    session = await shop.installation.sessions.find(first, ADA)
    assert session.requests == ["Hello", "Hello\nagain"]


async def test_another_beginning_is_another_session(shop: Shop) -> None:
    first = await shop.ask("Hello", said("Good day"))
    second = await shop.ask("Good evening", said("Good day"))
    third = await shop.ask("Hello", said("Good day"), key="lea")
    assert len({answer.headers["x-interlock-session"] for answer in (first, second, third)}) == 3


async def test_people_behind_one_key_are_not_mixed(shop: Shop) -> None:
    async def session(key: str, user: str = "", instructions: str = "Be nice", **headers: str) -> str:
        messages = [{"role": "system", "content": instructions}, {"role": "user", "content": "Hello"}]
        more = {"user": user} if user else {}
        answer = await shop.ask(messages, said("Good day"), key=key, extra_headers=headers, **more)
        return str(answer.headers["x-interlock-session"])

    assert await session("desk", "ann") == await session("desk", "ann") != await session("desk", "bob")
    assert await session("desk") != await session("desk"), "a service that names nobody may speak for anybody"
    key = {"idempotency-key": "k1"}
    assert await session("desk", **key) == await session("desk", **key)
    assert await session("clerk") == await session("clerk") != await session("clerk", instructions="For Bob")
    assert await session("clerk", "ann") != await session("clerk", "bob")
    assert await session("ada") == await session("ada", "ann", instructions="It is 12:01")


async def test_a_closed_session_is_followed_by_another(shop: Shop) -> None:
    first = (await shop.ask("Hello", said("Good day"))).headers["x-interlock-session"]
    await shop.installation.sessions.close(ADA, first)
    second = (await shop.ask("Hello", said("Good day"))).headers["x-interlock-session"]
    assert second != first
    with pytest.raises(openai.ConflictError) as error:
        await shop.ask("Hello", extra_headers={"interlock-session": first})
    assert error.value.code == "session_closed"


async def test_a_conversation_keeps_its_session_while_it_goes_on(tmp_path: Path, model: Model) -> None:
    write_shop(tmp_path, model.server.url)
    clock = FixedClock()
    async with open_shop(tmp_path, model, clock=clock) as shop:
        found = []
        for wait in (0, REUSED - 1, REUSED - 1, REUSED + 1):
            clock.advance(wait)
            found.append((await shop.ask("Hello", said("Good day"))).headers["x-interlock-session"])
    assert found[0] == found[1] == found[2] != found[3]


async def test_what_the_clients_own_tools_return_is_an_outsiders_text(shop: Shop) -> None:
    asked = searched("Note what you find on order 2", '{"hits": [{"reference": "QX-7781-Z"}]}')
    answer = await shop.ask(asked, NOTE, said("I may not"), key="clerk")
    found = await origin(shop, answer)
    assert (found["untrusted"], found["where"]) == (True, ["client.web_search#/hits/*/reference"])
    assert (await shop.actions(answer))[0].state is ActionState.denied
    (entry,) = await shop.entries("session.overheard")
    assert entry.body == {"texts": 1}
    assert entry.fields["overheard"][0]["tool"] == "web_search"


async def test_what_the_person_wrote_is_theirs_though_a_tool_repeats_it(shop: Shop) -> None:
    answer = await shop.ask(searched("Note QX-7781-Z on order 2", "Is it QX-7781-Z?"), NOTE, said("Noted"))
    assert (await origin(shop, answer))["untrusted"] is False


async def test_outsiders_text_is_remembered_when_the_session_is_loaded_again(shop: Shop) -> None:
    answer = await shop.ask(searched("Search", "Reference QX-7781-Z"), said("Found"), key="clerk")
    session = answer.headers["x-interlock-session"]
    shop.installation.sessions.forget(session)
    header = {"interlock-session": session}
    answer = await shop.ask("Note it", NOTE, said("I may not"), key="clerk", extra_headers=header)
    assert (await origin(shop, answer))["where"] == ["client.web_search#"]
    loaded = await shop.installation.sessions.get(session)
    assert loaded is not None
    assert "overheard" not in loaded.to_json(), "it is no business of who lists sessions"


async def test_text_that_was_too_much_to_keep_makes_a_loaded_session_more_cautious(shop: Shop) -> None:
    sessions = shop.installation.sessions
    opened = await sessions.open(ADA, Opening(request="Search"))
    for number in range(3):
        await sessions.overhear(ADA, opened.id, [("web_search", f"page {number} " + "word " * 12_000)])
    header = {"interlock-session": opened.id}
    answer = await shop.ask("Note it", NOTE, said("Noted"), extra_headers=header)
    assert (await origin(shop, answer))["sources"] == ["unknown"]
    sessions.forget(opened.id)
    answer = await shop.ask("Note it again", NOTE, said("I may not"), extra_headers=header)
    assert (await origin(shop, answer))["untrusted"] is True


async def test_a_text_is_overheard_once_however_often_it_is_sent(shop: Shop) -> None:
    asked = searched("Search", "Reference QX-7781-Z")
    for _ in range(3):
        await shop.ask(asked, said("Found"))
    assert len(await shop.entries("session.overheard")) == 1


async def test_an_external_result_is_remembered_as_its_operation_declares(shop: Shop) -> None:
    asked: list[Any] = [{"role": "user", "content": "Scan and note it on order 2"}]
    answer = await shop.ask(asked, called(("fax__scan", {})))
    message = answer.parse().choices[0].message
    result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "QX-7781-Z"}
    answer = await shop.ask([*asked, message.model_dump(), result], NOTE, said("I may not"))
    assert (await origin(shop, answer))["where"] == ["fax.scan#"]
    assert not await shop.entries("session.overheard")


async def test_the_result_of_an_action_of_another_session_is_an_outsiders_text_here(shop: Shop) -> None:
    asked: list[Any] = [{"role": "user", "content": "Scan and note it on order 2"}]
    answer = await shop.ask(asked, called(("fax__scan", {})))
    message = answer.parse().choices[0].message
    other = await shop.installation.sessions.open(ADA, Opening(request="Something else"))
    result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "QX-7781-Z"}
    header = {"interlock-session": other.id}
    answer = await shop.ask([*asked, message.model_dump(), result], NOTE, said("No"), extra_headers=header)
    assert (await origin(shop, answer))["where"] == ["client.fax__scan#"]
