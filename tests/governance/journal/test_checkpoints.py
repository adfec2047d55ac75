"""Signed checkpoints: made while the journal is written, by every process, and refused where they were touched."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

import orjson
import pytest

from interlock.foundation.store import Statement, Writes
from interlock.governance.journal import Journal, JournalDamaged, JournalReader, JournalUnavailable
from interlock.governance.journal.checkpoint import FILE, Sidecar, check_sidecar, head_statement
from interlock.governance.journal.keys import signer_in
from tests.governance.journal.journals import Open, Place, entry, filled, opened, verified


def said(place: Place) -> list[dict[str, object]]:
    """Return what the lines of the checkpoints say."""
    return [orjson.loads(line) for line in (place.state / FILE).read_bytes().splitlines()]


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something holds that the journal does by itself."""
    while not await holds():  # noqa: ASYNC110 - it happens in the database, where nobody could be woken from
        await asyncio.sleep(0.001)


async def signed_up_to(log: Open, seq: int) -> None:
    """Wait until the table of checkpoints reaches record *seq*."""
    query = "SELECT count(*) FROM journal_checkpoints WHERE chain = ? AND seq >= ?"

    async def signed() -> bool:
        return await log.database.read(query, log.journal.writer, seq) == [(1,)]

    await until(signed)


async def test_new_records_are_signed_after_a_moment_in_file_and_table(place: Place) -> None:
    async with opened(place, checkpoint_seconds=0.01) as log:
        (receipt,) = await log.journal.record([entry()])
        await signed_up_to(log, receipt.seq)
        last = said(place)[-1]
        assert (last["chain"], last["seq"], last["hash"]) == (receipt.chain, receipt.seq, receipt.hash)
        (receipt,) = await log.journal.record([entry()])
        await signed_up_to(log, receipt.seq)


async def test_many_records_need_few_checkpoints(sqlite_place: Place) -> None:
    async with opened(sqlite_place) as log:
        for number in range(50):
            await log.journal.record([entry(number)])
        assert [line["kind"] for line in said(sqlite_place)] == ["opened", "checkpoint"]
    assert [line["kind"] for line in said(sqlite_place)] == ["opened", "checkpoint", "checkpoint", "seal"]


async def test_records_that_a_killed_process_left_unsigned_are_signed_by_the_next(place: Place) -> None:
    database = place.database()
    await database.open()
    killed = Journal(database, place.state, checkpoint_seconds=3600)
    await killed.open()
    (receipt,) = await killed.record([entry()])
    await database.close()  # as the end of the process would
    async with opened(place):
        signed = [(line.get("chain"), line.get("seq")) for line in said(place)]
        assert (killed.writer, receipt.seq) in signed
    assert (await verified(place)).ok


async def test_unsigned_records_that_were_changed_are_not_signed_by_the_next(place: Place) -> None:
    database = place.database()
    await database.open()
    killed = Journal(database, place.state, checkpoint_seconds=3600)
    await killed.open()
    await killed.record([entry(1), entry(2)])
    await database.commit([Writes([Statement("UPDATE journal SET actor = 'person:jo' WHERE subject = 'act_1'")])])
    with pytest.raises(JournalDamaged) as damage:
        await Journal(database, place.state).open()
    assert (damage.value.details["chain"], damage.value.details["seq"]) == (killed.writer, 2)
    await database.close()


async def test_a_checkpoint_that_cannot_be_written_is_said_and_made_up_for(
    sqlite_place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    path, aside = sqlite_place.state / FILE, sqlite_place.state / "aside"
    async with opened(sqlite_place, checkpoint_seconds=0.01) as log:
        path.rename(aside)
        path.mkdir()
        with caplog.at_level(logging.WARNING, "interlock.journal"):
            (receipt,) = await log.journal.record([entry()])

            async def warned() -> bool:
                return bool(caplog.records)

            await until(warned)
        assert "no checkpoint was signed" in caplog.text
        path.rmdir()
        aside.rename(path)
        await signed_up_to(log, receipt.seq)
    assert (await verified(sqlite_place)).ok


async def test_a_journal_whose_checkpoints_cannot_be_written_does_not_open(sqlite_place: Place) -> None:
    (sqlite_place.state / FILE).mkdir(parents=True)
    database = sqlite_place.database()
    await database.open()
    with pytest.raises(JournalUnavailable):
        await Journal(database, sqlite_place.state).open()
    await database.close()


@pytest.mark.parametrize("added", [b"{}\n", b"nonsense\n", b"\n"])
async def test_nothing_is_signed_after_a_line_of_somebody_else(sqlite_place: Place, added: bytes) -> None:
    await filled(sqlite_place, 1)
    with (sqlite_place.state / FILE).open("ab") as file:
        file.write(added)
    database = sqlite_place.database()
    await database.open()
    with pytest.raises(JournalDamaged, match="not signed with this installation's key"):
        await Journal(database, sqlite_place.state).open()
    await database.close()
    assert not (await verified(sqlite_place)).ok


@pytest.mark.postgres
async def test_installations_that_share_a_database_trust_each_others_declared_keys(
    postgres_url: str, tmp_path: Path
) -> None:
    here, there = (Place(postgres_url, tmp_path / name) for name in ("here", "there"))
    ours, theirs = await filled(here), await filled(there)
    for place, other in ((here, theirs), (there, ours)):
        result = await verified(place)
        assert (result.ok, result.chains) == (True, 2), result
        assert f"{other} is signed with another installation's key" in result.notes


async def test_processes_append_whole_lines_in_turn(tmp_path: Path) -> None:
    sidecars = [Sidecar(tmp_path, signer_in(tmp_path)) for _ in range(4)]

    def write(sidecar: Sidecar, name: str) -> None:
        for seq in range(1, 11):
            sidecar.append(
                [head_statement("now", name, seq, bytes(32)), head_statement("now", f"{name}+", seq, bytes(32))]
            )

    await asyncio.gather(*(asyncio.to_thread(write, sidecar, str(n)) for n, sidecar in enumerate(sidecars)))
    check = check_sidecar(tmp_path / FILE, signer_in(tmp_path).public)
    assert (check.damage, check.lines, len(check.points)) == (None, 80, 8)
    assert all(sorted(points) == list(range(1, 11)) for points in check.points.values())


def test_of_very_many_checkpoints_enough_are_kept(tmp_path: Path) -> None:
    sidecar = Sidecar(tmp_path, signer_in(tmp_path))
    sidecar.append([head_statement("now", "wrt_1", seq, seq.to_bytes(32, "big")) for seq in range(1, 12_001)])
    points = check_sidecar(tmp_path / FILE, signer_in(tmp_path).public).points["wrt_1"]
    assert len(points) <= 10_000
    assert max(points) == 12_000
    assert all(int(digest, 16) == seq for seq, digest in points.items())


async def test_verifying_a_live_journal_never_cries_wolf(place: Place) -> None:
    async with opened(place, checkpoint_seconds=0.001) as log, opened(place, checkpoint_seconds=0.001) as other:
        reader = JournalReader(log.database, place.state)

        async def write(journal: Journal) -> None:
            for number in range(60):
                await journal.record([entry(number, fields={"n": number})])

        writing = asyncio.gather(write(log.journal), write(other.journal))
        while not writing.done():
            result = await reader.verify()
            assert result.ok, result
        await writing
