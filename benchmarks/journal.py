"""The journal alone: how many durable records a second, and what one costs, beside a bare batch insert.

`python -m benchmarks.journal` prints a table; `--url postgresql://...` measures on a server. Each of the
writers waits for its record to be durable before it makes the next one.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop

from interlock.foundation.store import open_database
from interlock.governance.journal import Entry, Journal
from interlock.values.identifiers import new_id

BODY = {
    "state": "executing",
    "operation": "billing.issue_refund",
    "arguments": "sha256:" + "0" * 64,
    "decision": {"outcome": "allow", "policies": ["refund-small"], "requirements": []},
    "policy_version": "sha256:" + "1" * 64,
}
FIELDS = {"input": {"order_id": 10248, "amount": "12.50", "reason": "the parcel arrived damaged"}}


@dataclass(frozen=True)
class Figures:
    """What was measured."""

    name: str
    records: int
    wall: float
    cpu: float

    @property
    def rate(self) -> float:
        return self.records / self.wall

    @property
    def cost(self) -> float:
        """Processor microseconds a record."""
        return self.cpu / self.records * 1e6


@contextmanager
def clocked(found: list[float]) -> Iterator[None]:
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    found += [time.perf_counter() - wall, time.process_time() - cpu]


def entry(*, fields: bool) -> Entry:
    return Entry(
        "action.executing",
        tenant="northwind",
        subject=new_id("act"),
        session="ses_0123456789abcdefghjkmnpqrs",
        actor="agent:support",
        body=BODY,
        fields=FIELDS if fields else {},
    )


async def journal(url: str, state: Path, *, writers: int, records: int, fields: bool) -> Figures:
    """Let *writers* record one entry after the other until there are *records*."""
    database = open_database(url)
    await database.open()
    log = Journal(database, state)
    await log.open()
    found: list[float] = []

    async def write(count: int) -> None:
        for _ in range(count):
            await log.record([entry(fields=fields)])

    await asyncio.gather(*(write(20) for _ in range(writers)))  # warm
    each = max(1, records // writers)
    with clocked(found):
        await asyncio.gather(*(write(each) for _ in range(writers)))
    await log.close()
    await database.close()
    label = f"journal, {writers} writers" + (", one field apart" if fields else "")
    return Figures(label, each * writers, *found)


def bare(folder: Path, *, records: int, batch: int) -> Figures:
    """Insert rows of the same size, hashed, *batch* to a commit, with nothing around them."""
    connection = sqlite3.connect(folder / "bare.db", isolation_level=None)
    for pragma in ("journal_mode = WAL", "synchronous = FULL"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("CREATE TABLE journal (chain TEXT, seq INTEGER, body TEXT, hash BLOB, PRIMARY KEY (chain, seq))")
    body, found, previous = "x" * 600, list[float](), bytes(32)
    with clocked(found):
        for start in range(0, records, batch):
            rows: list[tuple[Any, ...]] = []
            for seq in range(start, min(start + batch, records)):
                previous = hashlib.sha256(previous + body.encode()).digest()
                rows.append(("wrt_0123456789abcdefghjkmnpqrs", seq, body, previous))
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT INTO journal VALUES (?, ?, ?, ?)", rows)
            connection.execute("COMMIT")
    connection.close()
    return Figures(f"bare sqlite, {batch} rows a commit", records, *found)


def measure(url: str, *, records: int) -> list[Figures]:
    """Return the figures: the reference first."""
    found = []
    with tempfile.TemporaryDirectory(dir=os.environ.get("INTERLOCK_BENCH_DIR")) as name:
        folder = Path(name)
        found.append(bare(folder, records=records, batch=64))
        for number, (writers, fields) in enumerate(((64, False), (64, True), (16, False), (1, False))):
            target = url or f"sqlite:///{folder}/journal-{number}.db"
            count = records if writers > 1 else records // 20
            work = journal(target, folder / "state", writers=writers, records=count, fields=fields)
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                found.append(runner.run(work))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="", help="a database to write to (default: a new SQLite file)")
    parser.add_argument("--records", type=int, default=40_000)
    arguments = parser.parse_args()
    found = measure(arguments.url, records=arguments.records)
    print(f"{'':34} {'records/s':>10} {'CPU us':>8} {'x bare':>7}")
    for figures in found:
        ratio = figures.cost / found[0].cost
        print(f"{figures.name:34} {figures.rate:10.0f} {figures.cost:8.1f} {ratio:7.1f}")


if __name__ == "__main__":
    main()
