"""What answers cost that are asked for once more: both are held for, both are charged for, and nothing stays held."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from interlock.governance.budgets import BudgetExceeded
from interlock.governance.guards import Shape
from interlock.intelligence.gateway import (
    AnswerUnfit,
    FormatInvalid,
    ModelReply,
    Route,
    RouteTarget,
    Usage,
    json_format,
)
from interlock.intelligence.gateway.guards import NO_GUARDS, Guards
from tests.intelligence.usage.test_metering import ASKED, BUDGETS, Scripted, desk, records

WIDE = BUDGETS.replace("0.01", "1")
TOTAL = Guards(shape=Shape({"type": "object", "required": ["total"]}))


def said(text: str) -> ModelReply:
    return ModelReply(text, provider="fake", model="small-2026", usage=Usage(100, 10))


def guarded(found: Any, *providers: Scripted, guards: Guards = TOTAL) -> None:
    route = Route("desk", tuple(RouteTarget(one, name=one.model) for one in providers), guards=guards)
    found.projects.current = replace(found.projects.current, routes={"desk": route})


async def test_both_answers_are_charged_for_within_what_was_held(tmp_path: Path) -> None:
    async with desk(tmp_path, budgets=WIDE) as found:
        guarded(found, Scripted(says=[said("three"), said('{"total": 3}')]))
        reply = await found.models.complete("desk", ASKED)
        assert reply.text == '{"total": 3}'
        (reserved,), (pot,) = await records(found, "model.reserved"), await found.ledger.pots()
        assert pot["spent"] == {"money": "0.00028", "tokens": 220}
        assert pot["reserved"]["tokens"] == 0
        assert reserved["reserved"]["tokens"] > 2 * 500


async def test_answers_that_nobody_gets_are_charged_for_too(tmp_path: Path) -> None:
    async with desk(tmp_path, budgets=WIDE) as found:
        guarded(found, Scripted(says=[said("three"), said("3?")]), Scripted(model="small-too", says=[said("x")] * 2))
        with pytest.raises(AnswerUnfit):
            await found.models.complete("desk", ASKED)
        (pot,) = await found.ledger.pots()
        assert pot["spent"] == {"money": "0.00056", "tokens": 440}
        assert pot["reserved"]["tokens"] == 0
        outcomes = [record["outcome"] for record in await records(found, "model.called")]
        assert outcomes == ["model_unfit"] * 4
        assert await records(found, "usage.alarm") == []


async def test_a_stream_that_was_given_up_for_a_phrase_counts_as_the_most_beside_the_answer(tmp_path: Path) -> None:
    async with desk(tmp_path, budgets=WIDE) as found:
        says, other = Scripted(says=[said("the motto")]), Scripted(model="small-too", says=[said("no")])
        guarded(found, says, other, guards=Guards(forbid=(("motto", "the motto"),)))
        pieces = [piece async for piece in found.models.stream("desk", ASKED)]
        assert [piece.text for piece in pieces if isinstance(piece, ModelReply)] == ["no"]
        (reserved,), (pot,) = await records(found, "model.reserved"), await found.ledger.pots()
        outcomes = [record["outcome"] for record in await records(found, "model.called")]
        assert sorted(outcomes) == ["model_forbidden", "ok"]
        assert pot["spent"]["tokens"] == 110 + reserved["reserved"]["tokens"] // 2  # both are alike
        assert pot["reserved"]["tokens"] == 0


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
async def test_a_format_that_is_none_costs_nothing(tmp_path: Path, streamed: bool) -> None:
    async with desk(tmp_path, budgets=WIDE) as found:
        guarded(found, Scripted())
        wanted = replace(ASKED, parameters={**ASKED.parameters, **json_format("x", {"type": "whatever"})})
        with pytest.raises(FormatInvalid):
            await (anext(found.models.stream("desk", wanted)) if streamed else found.models.complete("desk", wanted))
        (pot,) = await found.ledger.pots()
        assert (pot["spent"]["tokens"], pot["reserved"]["tokens"]) == (0, 0)


async def test_a_budget_without_room_for_a_second_answer_refuses_before_the_first(tmp_path: Path) -> None:
    async with desk(tmp_path) as found:
        guarded(found, model := Scripted(says=[said('{"total": 3}')]))
        with pytest.raises(BudgetExceeded):
            await found.models.complete("desk", ASKED)
        assert not model.entered.is_set()
        guarded(found, Scripted(says=[said("3")]), guards=NO_GUARDS)
        await found.models.complete("desk", ASKED)
