"""Several processes write one journal, and are killed: nothing acknowledged is lost, and no chain is shared."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from interlock.governance.journal import Journal, Search
from tests.governance.journal.journals import Place, opened, verified

WRITER = """
import asyncio, sys
from pathlib import Path
from interlock.foundation.store import open_database
from interlock.governance.journal import Entry, Journal

async def main():
    database = open_database(sys.argv[1])
    await database.open()
    journal = Journal(database, Path(sys.argv[2]), checkpoint_seconds=0.05)
    await journal.open()
    print("open", journal.writer, flush=True)

    async def write(worker):
        for number in range(int(sys.argv[3])):
            subject = f"act_{journal.writer}_{worker}_{number}"
            await journal.record([Entry("action.decided", "acme", subject, fields={"n": number})])
            print("durable", subject, flush=True)

    await asyncio.gather(*(write(worker) for worker in range(4)))
    await journal.close()
    await database.close()

asyncio.run(main())
"""

Process = asyncio.subprocess.Process


async def started(place: Place, count: int) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITER, place.url, str(place.state), str(count), stdout=asyncio.subprocess.PIPE
    )


async def lines(process: Process, count: int) -> list[str]:
    """Return the next *count* lines that a process printed."""
    assert process.stdout is not None
    return [(await process.stdout.readline()).decode().strip() for _ in range(count)]


async def rest(process: Process) -> list[str]:
    """Return what a process printed until its end, without a line it did not finish."""
    assert process.stdout is not None
    text = (await process.stdout.read()).decode()
    await process.wait()
    return text.split("\n")[:-1]


def durable(printed: list[str]) -> set[str]:
    return {line.split()[1] for line in printed if line.startswith("durable ")}


async def test_after_kill_9_everything_acknowledged_is_there_and_a_new_chain_starts(place: Place) -> None:
    acknowledged: set[str] = set()
    writers = set()
    for _ in range(3):
        process = await started(place, 10_000)
        first = await lines(process, 40)
        process.kill()
        acknowledged |= durable(first + await rest(process))
        writers.add(first[0].split()[1])
    async with opened(place) as log:
        rows = await log.database.read("SELECT subject FROM journal WHERE kind = 'action.decided'")
        assert acknowledged <= {row[0] for row in rows}
        page = await log.reader.search(Search(kind="journal.opened"), tenant=None)
        assert {record.subject for record in page.records} == writers | {log.journal.writer}
        assert len(writers) == 3
        assert [await log.database.claim(writer) for writer in writers] == [True] * 3  # seen to be dead
    result = await verified(place)
    assert (result.ok, result.chains) == (True, 4), result


async def test_processes_write_at_once_each_its_own_chain(place: Place) -> None:
    processes = [await started(place, 60) for _ in range(2)]
    printed = [await rest(process) for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert [len(durable(lines)) for lines in printed] == [240, 240]
    result = await verified(place)
    assert (result.ok, result.records, result.chains) == (True, 2 * 242, 2), result


@pytest.mark.parametrize("point", ["journal.before_commit:4", "journal.after_commit:4"])
async def test_death_beside_a_commit_leaves_a_journal_that_verifies(
    sqlite_place: Place, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTERLOCK_FAULT", point)
    process = await started(sqlite_place, 10_000)
    acknowledged = durable(await rest(process))
    assert process.returncode == -9
    monkeypatch.delenv("INTERLOCK_FAULT")
    async with opened(sqlite_place) as log:
        rows = await log.database.read("SELECT subject FROM journal WHERE kind = 'action.decided'")
        assert acknowledged <= {row[0] for row in rows}
    assert (await verified(sqlite_place)).ok


async def test_a_seal_is_only_made_by_the_last_to_close(sqlite_place: Place, tmp_path: Path) -> None:
    database = sqlite_place.database()
    await database.open()
    journal = Journal(database, sqlite_place.state)
    assert not journal.seal()
    await journal.open()
    process = await started(sqlite_place, 10_000)
    await lines(process, 2)
    await journal.close()
    await database.close()
    assert not journal.seal()
    process.kill()
    await rest(process)
    async with opened(sqlite_place):
        pass
    result = await verified(sqlite_place)
    assert any("byte for byte" in note for note in result.notes), result
