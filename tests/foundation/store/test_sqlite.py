"""SQLite keeps the contract of a database, and what is its own: files, disks, other processes."""

from __future__ import annotations

import asyncio
import resource
import sqlite3
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from interlock.foundation.store import (
    DatabaseUrlInvalid,
    SchemaConflict,
    Statement,
    StoreBusy,
    StoreDamaged,
    StoreUnavailable,
    Writes,
    open_database,
)
from interlock.foundation.store.sqlite import SqliteDatabase
from interlock.testing.store.database import STEPS, Connect, DatabaseContract, balances, deposit, opened, working


@pytest.fixture
def connect(tmp_path: Path) -> Connect:
    return lambda: open_database("sqlite:///state/bank.db", base=tmp_path)


class TestSqlite(DatabaseContract):
    """The contract."""


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond *size* bytes, as a full disk would."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_path_is_relative_to_the_base_or_absolute(tmp_path: Path) -> None:
    assert open_database("sqlite:///a/b.db", base=tmp_path).file == tmp_path / "a" / "b.db"
    assert open_database(f"sqlite:///{tmp_path}/c.db", base=Path("/elsewhere")).file == tmp_path / "c.db"
    assert open_database("sqlite:///b.db").file == Path.cwd() / "b.db"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "bank.db",
        "sqlite://bank.db",
        "sqlite:///",
        "sqlite:///:memory:",
        "mysql://u:hush@h/d",
        "postgresql://",
    ],
)
def test_another_url_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(DatabaseUrlInvalid) as refusal:
        open_database(url)
    assert "hush" not in str(refusal.value)


async def test_files_are_for_their_owner_only_and_the_log_is_folded_in_on_close(
    connect: Connect, tmp_path: Path
) -> None:
    async with working(connect) as database:
        await database.commit([Writes([opened("a")])])
        files = list((tmp_path / "state").iterdir())
        assert {file.name for file in files} == {"bank.db", "bank.db-wal", "bank.db-shm"}
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert [file.name for file in (tmp_path / "state").iterdir()] == ["bank.db"]


async def test_every_commit_is_synced_to_disk(connect: Connect) -> None:
    async with working(connect) as database:
        settings = [await database.read(f"PRAGMA {name}") for name in ("journal_mode", "synchronous", "foreign_keys")]
        assert settings == [[("wal",)], [(2,)], [(1,)]]


async def test_a_full_disk_fails_the_commit_and_the_next_one_works(connect: Connect, tmp_path: Path) -> None:
    async with working(connect) as database:
        await database.commit([Writes([opened("a", 1)])])
        size = (tmp_path / "state" / "bank.db-wal").stat().st_size
        big = Statement("UPDATE account SET photo = ?", (bytes(1_000_000),))
        with largest_file(size + 10_000):
            with pytest.raises(StoreUnavailable):
                await database.commit([Writes([], [deposit("a", 1)]), Writes([big])])
            assert await balances(database) == {"a": 1}
        assert await database.commit([Writes([], [deposit("a", 1)])]) == [True]
        assert await balances(database) == {"a": 2}


async def test_a_writer_elsewhere_is_waited_for_and_then_reported(connect: Connect, tmp_path: Path) -> None:
    async with working(connect) as database:
        await database.commit([Writes([opened("a")])])
        assert database.file is not None
        other = sqlite3.connect(database.file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        impatient = SqliteDatabase(database.file, busy_seconds=0.05)
        await impatient.open()
        with pytest.raises(StoreBusy):
            await impatient.commit([Writes([], [deposit("a", 1)])])
        patient = asyncio.ensure_future(database.commit([Writes([], [deposit("a", 1)])]))
        done, _ = await asyncio.wait([patient], timeout=0.05)
        assert not done
        assert await balances(impatient) == {"a": 0}  # a reader waits for nobody
        other.execute("COMMIT")
        other.close()
        assert await patient == [True]
        await impatient.close()


async def test_a_file_that_is_no_database_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "state" / "bank.db"
    path.parent.mkdir()
    path.write_bytes(b"no database at all" * 1000)
    with pytest.raises(StoreDamaged):
        await open_database(f"sqlite:///{path}").open()


async def test_a_folder_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreUnavailable):
        await open_database("sqlite:///file/bank.db", base=tmp_path).open()


async def test_a_damaged_text_is_reported_without_repeating_it(connect: Connect) -> None:
    async with working(connect) as database:
        await database.commit(
            [Writes([Statement("INSERT INTO account (id, balance) VALUES (CAST(X'6A616E65FF' AS TEXT), 0)")])]
        )
        with pytest.raises(StoreDamaged) as damage:
            await database.read("SELECT id FROM account")
        assert "jane" not in str(damage.value)
        assert [rows async for rows in database.scan("SELECT id FROM account")] == [[("jane\udcff",)]]


async def test_a_read_only_database_is_left_as_it_is(connect: Connect, tmp_path: Path) -> None:
    url = "sqlite:///state/bank.db"
    with pytest.raises(StoreUnavailable):
        await open_database(url, base=tmp_path, read_only=True).open()
    async with working(connect) as database:
        await database.commit([Writes([opened("a")])])
    before = (tmp_path / "state" / "bank.db").read_bytes()
    async with working(lambda: open_database(url, base=tmp_path, read_only=True)) as database:
        assert await balances(database) == {"a": 0}
        with pytest.raises(StoreUnavailable):
            await database.commit([Writes([opened("b")])])
        with pytest.raises(SchemaConflict):
            await database.migrate("bank", [*STEPS, "CREATE TABLE more (id {bigint})"])
    assert (tmp_path / "state" / "bank.db").read_bytes() == before


CLAIMER = """
import asyncio, sys
from pathlib import Path
from interlock.foundation.store import open_database

async def main():
    database = open_database(sys.argv[1])
    await database.open()
    print(await database.claim("wrt_1"), flush=True)
    sys.stdin.read()

asyncio.run(main())
"""


async def test_a_claim_dies_with_its_process(connect: Connect, tmp_path: Path) -> None:
    async with working(connect) as database:
        url = f"sqlite:///{tmp_path}/state/bank.db"
        command = [sys.executable, "-c", CLAIMER, url]
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
        assert process.stdout is not None
        assert await process.stdout.readline() == b"True\n"
        assert not await database.claim("wrt_1")
        process.kill()
        await process.wait()
        assert await database.claim("wrt_1")


async def test_erased_bytes_are_overwritten_in_the_file(connect: Connect, tmp_path: Path) -> None:
    words = "a sentence nobody else would write"
    async with working(connect) as database:
        await database.commit([Writes([opened(words)])])
        await database.commit([Writes([Statement("DELETE FROM account")])])
    assert words.encode() not in (tmp_path / "state" / "bank.db").read_bytes()


async def test_a_long_look_up_keeps_nobody_waiting(connect: Connect) -> None:
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT sum(i) FROM n"
    async with working(connect) as database:
        assert isinstance(database, SqliteDatabase)
        assert await database.read(numbers, 10) == [(55,)]
        assert database.moved == 0
        others = 0

        async def work() -> None:
            nonlocal others
            while True:
                others += 1
                await asyncio.sleep(0)

        busy = asyncio.create_task(work())
        assert await database.read(numbers, 1_000_000) == [(500_000_500_000,)]
        busy.cancel()
        assert database.moved == 1
        assert others > 1
        # Many short ones are not one long one.
        for _ in range(3_000):
            await database.read(numbers, 10)
        assert database.moved == 1
