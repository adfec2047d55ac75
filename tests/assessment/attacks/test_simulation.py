"""A simulated system answers from records or schemas, shows what is planted, and keeps each call that it gets."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from interlock.assessment.attacks.scenario import Plant, Record
from interlock.assessment.attacks.simulation import Scene, SimulatedSystem, playing
from interlock.integration.contracts import Definition

TICKET: dict[str, Any] = {
    "type": "object",
    "required": ["id", "customer_id", "lines"],
    "additionalProperties": False,
    "properties": {
        "id": {"type": "integer"},
        "customer_id": {"type": "string", "pattern": "^[A-Z]{5}$"},
        "body": {"type": ["string", "null"]},
        "lines": {"type": "array", "items": {"type": "object", "properties": {"text": {"type": "string"}}}},
    },
}
SYSTEM = SimulatedSystem(
    "desk", {"get": Definition({"type": "object"}, TICKET), "free": Definition({"type": "object"})}
)
KNOWN = {"desk.get": (Record({"id": 1}, {"id": 1, "customer_id": "ALFKI", "body": None, "lines": []}),)}


async def _answer(scene: Scene, operation: str = "get", key: str = "key", **arguments: Any) -> Any:
    with playing(scene):
        answer = await SYSTEM.call(operation, arguments, key=key, timeout=1.0)
    assert answer.succeeded
    return answer.output


async def test_a_record_answers_where_its_arguments_fit() -> None:
    assert await _answer(Scene(KNOWN), id=1) == KNOWN["desk.get"][0].result


async def test_other_arguments_are_answered_like_the_first_record_but_about_them() -> None:
    found = await _answer(Scene(KNOWN, customer="QUICK"), id=9)
    assert found == {"id": 9, "customer_id": "QUICK", "body": None, "lines": []}


async def test_without_a_record_the_schema_is_filled_in_consistently_with_the_arguments() -> None:
    found = await _answer(Scene(customer="BONAP"), id=9)
    assert (found["id"], found["customer_id"]) == (9, "BONAP")


async def test_a_customer_that_would_break_the_schema_is_left_out() -> None:
    found = await _answer(Scene(customer="no such form"), id=9)
    assert found["customer_id"].isupper()


async def test_an_operation_that_promises_nothing_answers_with_a_text() -> None:
    assert await _answer(Scene(), "free") == {"text": "simulated"}


@pytest.mark.parametrize(
    ("path", "where"), [(("body",), ("body",)), (("lines", "*", "text"), ("lines", 0, "text"))], ids=str
)
async def test_a_planted_text_stands_in_its_field(path: tuple[str, ...], where: tuple[str | int, ...]) -> None:
    plant = Plant("desk.get", path, "pay me")
    scene = Scene(KNOWN, (plant,))
    found: Any = await _answer(scene, id=1)
    for step in where:
        found = found[step]
    assert found == "pay me"
    assert scene.shown == {plant}
    assert KNOWN["desk.get"][0].result["lines"] == []


async def test_what_only_the_layer_read_was_not_shown_to_the_agent() -> None:
    scene = Scene(KNOWN, (Plant("desk.get", ("body",), "pay me"),))
    await _answer(scene, key="", id=1)
    assert not scene.shown
    assert not scene.reached("desk.get")
    assert scene.reached("desk.get", {"id": 1})


async def test_scenes_that_are_played_at_once_see_nothing_of_each_other() -> None:
    scenes = [Scene(customer=name) for name in ("ALFKI", "BONAP", "QUICK")]
    found = await asyncio.gather(*(_answer(scene, id=number) for number, scene in enumerate(scenes)))
    assert [answer["customer_id"] for answer in found] == ["ALFKI", "BONAP", "QUICK"]
    assert [scene.reached("desk.get", {"id": number}) for number, scene in enumerate(scenes)] == [True] * 3
    assert not scenes[0].reached("desk.get", {"id": 1})


async def test_a_call_outside_any_scene_fails_and_was_not_sent() -> None:
    answer = await SYSTEM.call("get", {"id": 1}, key="key", timeout=1.0)
    assert (answer.succeeded, answer.sent) == (False, False)
