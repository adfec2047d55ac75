"""Asks one agent, every kind of team, and one that hands over, on a copy of the project; shows the journal of each."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import tempfile
from pathlib import Path

from interlock.app.composition import compose
from interlock.experience.installation import Installation
from interlock.governance.journal import Record, Search
from interlock.orchestration.sessions import Opening, Session
from interlock.values.principals import Kind, Principal

PROJECT = Path(__file__).resolve().parent
INES = Principal(Kind.person, "ines.roth", "workshop", frozenset({"store"}), present=True)
PARTS = [(7, "hinge", 12, 30), (8, "bolt", 400, 100)]


async def run(root: Path) -> None:
    running = await compose(root, {"INTERLOCK_STATE": str(root / "state")})
    try:
        installation = running.installation
        await one_agent(installation, "counter", "is there enough of part 8", "one agent")
        for team, words in (
            ("restock", "restock part 7"),
            ("two-looks", "is there enough of part 7"),
            ("panel", "is there enough of part 7"),
        ):
            session = await opened(installation, words)
            done = await installation.teams.ask(INES, team, session, words)
            pattern = installation.projects.current.teams[team].kind
            await shown(installation, session, f"{pattern}: {words}", done.answer)
        await one_agent(installation, "counter", "order 5 of part 7", "hand-off")
    finally:
        await running.close()


async def one_agent(installation: Installation, agent: str, words: str, title: str) -> None:
    session = await opened(installation, words, agent)
    turn = await installation.turns.ask(agent, session, words, asker=INES)
    await shown(installation, session, f"{title}: {words}", turn.answer)


async def opened(installation: Installation, words: str, agent: str = "") -> Session:
    return await installation.sessions.open(INES, Opening(request=words, agent=agent))


async def shown(installation: Installation, session: Session, title: str, answer: str) -> None:
    page = await installation.journal.search(Search(session=session.id), tenant="workshop", limit=500)
    print(f"{title}\n  {answer}")
    for record in reversed(page.records):
        actor = "interlock" if record.actor.startswith("service:") else record.actor
        print(f"    {record.kind:18} {actor:17} {detail(record)}".rstrip())


def detail(record: Record) -> str:
    body = record.body
    told = [body.get(name) for name in ("pattern", "operation", "outcome", "ended", "state")]
    asked = [str(one["agent"]) for one in body.get("turns", ())] if isinstance(body.get("turns"), list) else []
    return " ".join(str(one) for one in (*told, *asked) if one)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder).resolve() / "teams"
        shutil.copytree(PROJECT, copy)
        with sqlite3.connect(copy / "stock.db") as stock:
            stock.execute("CREATE TABLE parts (id INTEGER PRIMARY KEY, name TEXT, on_hand INTEGER, wanted INTEGER)")
            stock.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, part INTEGER, number INTEGER)")
            stock.executemany("INSERT INTO parts VALUES (?, ?, ?, ?)", PARTS)
        asyncio.run(run(copy))


if __name__ == "__main__":
    main()
