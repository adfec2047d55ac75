"""What is over piles up; what runs every second, and what people look at, does not take longer for it.

Counted in the steps of the database's own machine: a look-up that takes many is moved to a thread, and is seen to be.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from interlock.app.composition import Running
from interlock.app.gauges import Gauges
from interlock.app.pruning import Pruning
from interlock.foundation.store import sqlite
from interlock.foundation.store.sqlite import SqliteDatabase
from interlock.orchestration.actions import Proposal
from interlock.orchestration.escalations import Wanted
from interlock.orchestration.launching.store import page
from interlock.orchestration.sessions import Opening
from interlock.values.actions import ActionState
from tests.orchestration.desk import AGENT_KEY, CARLA, LENA, running, write_project

ROWS = 4_000
OVER: dict[str, dict[str, object]] = {
    "actions": {"state": "succeeded"},
    "approvals": {"state": "approved", "deadline": 1.0},
    "escalations": {"state": "answered", "deadline": 1.0, "told": 1},
    "turns": {"state": "ended"},
    "team_runs": {"state": "ended"},
    "trigger_runs": {"state": "started", "trigger_name": "on-order", "next_try": 1.0, "updated": 4e9},
    "sessions": {"closed": 1},
}
"""Rows that nobody waits for any more, by table."""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sqlite, "_STEPS", 100)
    monkeypatch.setattr(sqlite, "_LONG_READ", ROWS // 100)
    return write_project(tmp_path)


def fill(database: SqliteDatabase, session: str) -> None:
    """Put what is over into the tables, past every interface; one session did all of it."""
    assert database.file is not None
    with sqlite3.connect(database.file) as connection:
        real = connection.execute("SELECT document FROM actions").fetchone()[0]
        documents = {"actions": real}
        for table, given in OVER.items():
            described = list(connection.execute(f"PRAGMA table_info({table})"))
            names = [str(column[1]) for column in described]
            rows = [
                [
                    _value(
                        str(column[1]),
                        str(column[2]),
                        number,
                        {**given, "session": session, "document": documents.get(table, b"{}")},
                    )
                    for column in described
                ]
                for number in range(ROWS)
            ]
            marks = ", ".join("?" * len(names))
            connection.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", rows)
    connection.close()


def _value(name: str, kind: str, number: int, given: dict[str, object]) -> object:
    if name in given:
        return given[name]
    if name in {"id", "cause", "client_key"}:
        return f"a{number:06}"
    if name == "tenant":
        return "acme"
    if name in {"place", "owner"}:
        return ""
    return "x" if kind == "TEXT" else 1


async def pay(composed: Running, session: str, amount: int) -> None:
    proposal = Proposal(session, "ledger.pay", {"account": "A-100", "amount": amount}, client_key=f"k-{amount}")
    assert (await composed.installation.actions.propose(AGENT_KEY, proposal)).state == "succeeded"


async def rounds(composed: Running) -> None:
    """Do once what the server does every second, and what it does now and then."""
    installation = composed.installation
    for part in (
        installation.settlement,
        installation.escalations,
        installation.resuming,
        installation.teams,
        installation.launcher,
    ):
        await part.round()
    await installation.ledger.recover()
    await installation.ledger.warn()
    await Gauges(composed.database, installation.systems, installation.telemetry.metrics, installation.clock).measure()
    await Pruning(composed.database, composed.writer, installation).once()


async def looked_at(composed: Running) -> None:
    """Look at what the console and the command line list."""
    installation = composed.installation
    await installation.actions.page(LENA)
    for state in ActionState:
        await installation.actions.page(LENA, states=[state])
    await installation.actions.page(LENA, session="ses_another")
    for pending in ("", "pending"):
        await installation.approvals.page(LENA, state=pending)
    await installation.escalations.page(LENA, wanted=Wanted())
    assert len(await page(composed.database, "acme", "on-order", before="", limit=5)) == 5
    assert not await page(composed.database, "acme", "another", before="", limit=5)


async def test_nothing_takes_longer_for_what_is_over(root: Path) -> None:
    async with running(root) as composed:
        database = composed.database
        assert isinstance(database, SqliteDatabase)
        session = await composed.installation.sessions.open(CARLA, Opening(agent="helper", request="Pay 1 to A-100"))
        await pay(composed, session.id, 1)
        fill(database, session.id)
        await rounds(composed)
        await looked_at(composed)
        assert database.moved == 0
        for amount in (2, 3):
            await pay(composed, session.id, amount)
        assert database.moved == 0
        assert len(await database.read("SELECT id FROM actions WHERE operation = ?", "x")) == ROWS
        assert database.moved == 1
