"""Pruning: what is older than the project keeps goes, on record, and nothing that is younger or still counts does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from interlock.app.composition import Running, compose
from interlock.app.pruning import Pruning
from interlock.foundation.documents import ProjectInvalid, parse_document
from interlock.foundation.settings.project import project_settings
from interlock.governance.budgets import Asking, Spender, Worst
from interlock.governance.journal import Entry
from interlock.intelligence.gateway import Route, RouteTarget
from interlock.intelligence.usage import UsageQuery
from interlock.testing.clock import FixedClock
from tests.intelligence.usage.test_metering import ASKED, PRICES, Scripted, records
from tests.orchestration.desk import write_project

DAY = 86_400.0
BUDGETS = """
budgets:
  hourly: {period: hour, soft: {tokens: [1]}, hard: {tokens: 1000000}}
  daily: {period: day, hard: {tokens: 1000000}}
  monthly: {period: month, hard: {tokens: 1000000}}
  ever: {period: total, hard: {tokens: 1000000}}
"""


@asynccontextmanager
async def desk(tmp_path: Path, url: str = "") -> AsyncIterator[tuple[Running, Pruning, FixedClock]]:
    root, clock = write_project(tmp_path), FixedClock()
    (root / "prices.yaml").write_text(PRICES)
    (root / "budgets.yaml").write_text(BUDGETS)
    with (root / "interlock.yaml").open("a") as main:
        main.write("retention: {usage: 10d}\n")
        if url:
            main.write(f'storage: {{url: "{url}"}}\n')
    async with composing(root, clock) as composed:
        found = composed.installation
        routes = {"desk": Route("desk", (RouteTarget(Scripted()),))}
        found.projects.current = replace(found.projects.current, routes=routes)
        yield composed, Pruning(composed.database, composed.writer, found), clock


@asynccontextmanager
async def composing(root: Path, clock: FixedClock) -> AsyncIterator[Running]:
    composed = await compose(root, {"INTERLOCK_STATE": str(root / "state")}, clock=clock)
    try:
        yield composed
    finally:
        await composed.close()


async def pots(composed: Running) -> list[str]:
    rows = await composed.database.read("SELECT budget FROM budget_pots ORDER BY budget")
    return [row[0] for row in rows]


async def calls(composed: Running) -> int:
    lines = await composed.installation.usage.report(UsageQuery())
    return sum(line["calls"] for line in lines)


async def test_what_is_older_goes_and_is_on_record_and_the_rest_stays(tmp_path: Path) -> None:
    async with desk(tmp_path) as (composed, pruning, clock):
        models = composed.installation.models
        await models.complete("desk", ASKED)
        await composed.installation.ledger.warn()
        clock.advance(3 * DAY)
        await models.complete("desk", ASKED)
        clock.advance(8 * DAY)
        assert await calls(composed) == 2
        assert await pruning.once() == 3
        assert await calls(composed) == 1
        assert await pots(composed) == ["daily", "ever", "hourly", "monthly"], "the younger of each"
        assert await composed.database.read("SELECT count(*) FROM budget_warnings") == [(0,)]
        (pruned,) = await records(composed.installation, "usage.pruned")
        assert (pruned["calls"], pruned["counters"]) == (1, 2)
        assert len(await records(composed.installation, "model.called")) == 2, "the journal is kept whole"
        assert await pruning.once() == 0
        assert len(await records(composed.installation, "usage.pruned")) == 1


@pytest.mark.postgres
async def test_the_other_database_lets_go_as_well(tmp_path: Path, postgres_url: str) -> None:
    async with desk(tmp_path, postgres_url) as (composed, pruning, clock):
        await composed.installation.models.complete("desk", ASKED)
        await composed.installation.ledger.warn()
        clock.advance(60 * DAY)
        assert await pruning.once() == 4
        assert (await pots(composed), await calls(composed)) == (["ever"], 0)


async def test_a_month_is_over_when_its_last_day_is_old_enough(tmp_path: Path) -> None:
    async with desk(tmp_path) as (composed, pruning, clock):
        await composed.installation.models.complete("desk", ASKED)
        clock.advance(11 * DAY)
        await pruning.once()
        assert await pots(composed) == ["ever", "monthly"]
        clock.advance(42 * DAY)
        await pruning.once()
        assert await pots(composed) == ["ever"]


async def test_a_pot_that_still_holds_something_stays(tmp_path: Path) -> None:
    async with desk(tmp_path) as (composed, pruning, clock):
        asking = Asking(Spender(tenant="acme", route="desk"), [Worst("small", 10, 10)])
        held = await composed.installation.ledger.reserve(asking)
        clock.advance(100 * DAY)
        assert await pruning.once() == 0
        assert await pots(composed) == ["daily", "ever", "hourly", "monthly"]
        await composed.installation.ledger.release(held, why="test")
        await pruning.once()
        assert await pots(composed) == ["ever"]


async def test_only_one_process_prunes_at_a_time(tmp_path: Path) -> None:
    async with desk(tmp_path) as (composed, pruning, clock):
        await composed.installation.models.complete("desk", ASKED)
        clock.advance(100 * DAY)
        async with composing(tmp_path, clock) as other:
            assert await other.database.claim("pruning")
            assert await pruning.once() == 0
            await other.database.release("pruning")
            assert await pruning.once() > 0


async def test_nothing_goes_that_could_not_be_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk(tmp_path) as (composed, pruning, clock):
        await composed.installation.models.complete("desk", ASKED)
        clock.advance(100 * DAY)
        monkeypatch.setattr("interlock.app.pruning.Entry", lambda *_, **__: Entry("", "", "", body={"odd": object()}))
        with pytest.raises(Exception, match="journal_entry_invalid"):
            await pruning.once()
        assert await calls(composed) == 1
        assert await composed.database.claim("pruning"), "it is not held any more"


@pytest.mark.parametrize(("text", "days"), [("", 400), ("retention: {usage: 30d}", 30)], ids=["default", "declared"])
def test_how_long_is_kept_is_declared(text: str, days: int) -> None:
    document = parse_document(f"name: desk\n{text}\n".encode(), "interlock", name="interlock.yaml", environment={})
    assert project_settings(document).keep_usage == days * DAY


@pytest.mark.parametrize("text", ["0d", "5h", "400"])
def test_less_than_a_day_is_no_time(text: str) -> None:
    with pytest.raises(ProjectInvalid):
        parse_document(
            f"name: desk\nretention: {{usage: {text}}}\n".encode(), "interlock", name="interlock.yaml", environment={}
        )
