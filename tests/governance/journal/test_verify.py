"""Whatever is changed from outside is found, and the first bad record is named."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interlock.foundation.store import open_database
from interlock.governance.journal import Journal, JournalReader, SigningKeyUnsafe, examine
from interlock.governance.journal.checkpoint import FILE, Sidecar, head_statement
from interlock.governance.journal.keys import Signer, signer_in
from tests.governance.journal.journals import Place, entry, filled, opened, tamper, verified

FIVE = "WHERE seq = 5"
SWAP = "UPDATE journal SET seq = CASE seq WHEN 4 THEN -5 WHEN 5 THEN -4 END WHERE seq IN (4, 5)"
CHANGES = {
    "a body": (f"UPDATE journal SET body = replace(body, 'allow', 'alloc') {FIVE}", 5),
    "a body's space": (f"UPDATE journal SET body = body || ' ' {FIVE}", 5),
    "a moment": (f"UPDATE journal SET at = '2020-01-01T00:00:00.000000Z' {FIVE}", 5),
    "a kind": (f"UPDATE journal SET kind = 'action.denied' {FIVE}", 5),
    "a tenant": (f"UPDATE journal SET tenant = 'other' {FIVE}", 5),
    "a subject": (f"UPDATE journal SET subject = 'act_9' {FIVE}", 5),
    "a session": (f"UPDATE journal SET session = '' {FIVE}", 5),
    "an actor": (f"UPDATE journal SET actor = 'person:jo' {FIVE}", 5),
    "the first record": ("DELETE FROM journal WHERE seq = 1", 1),
    "a removed record": (f"DELETE FROM journal {FIVE}", 5),
    "a cut-off end": ("DELETE FROM journal WHERE seq > 9", 10),
    "a cut-off end with its fields": ("DELETE FROM journal_payload WHERE seq > 9", 11),
    "a field's value": (f"UPDATE journal_payload SET payload = replace(payload, 'Ana', 'Eva') {FIVE}", 5),
    "a field's salt": (f"UPDATE journal_payload SET payload = replace(payload, '[\"', '[\"00') {FIVE}", 5),
    "a salt's case": (f"UPDATE journal_payload SET payload = upper(payload) {FIVE}", 5),
    "a payload's space": (f"UPDATE journal_payload SET payload = replace(payload, ',', ', ') {FIVE}", 5),
    "a payload that is none": (f"UPDATE journal_payload SET payload = 'null' {FIVE}", 5),
    "a removed payload": (f"DELETE FROM journal_payload {FIVE}", 5),
    "a payload moved away": (f"UPDATE journal_payload SET seq = 4 {FIVE}", 4),
    "a payload without a record": ("UPDATE journal_payload SET seq = 99 WHERE seq = 13", 13),
    "a field erased in secret": (
        'UPDATE journal_payload SET payload = \'{"input":null,"note":null}\' WHERE seq = 5',
        5,
    ),
}


@pytest.mark.parametrize("what", CHANGES)
async def test_a_change_is_found_and_the_first_bad_record_named(place: Place, what: str) -> None:
    chain = await filled(place)
    assert (await verified(place)).ok
    sql, seq = CHANGES[what]
    await tamper(place, sql)
    result = await verified(place)
    assert not result.ok
    assert result.first_bad is not None
    assert (result.first_bad["chain"], result.first_bad["seq"]) == (chain, seq), result


async def test_records_that_changed_places_are_found(place: Place) -> None:
    chain = await filled(place)
    await tamper(place, SWAP)
    await tamper(place, "UPDATE journal SET seq = -seq WHERE seq < 0")
    bad = (await verified(place)).first_bad
    assert bad is not None
    assert (bad["chain"], bad["seq"]) == (chain, 4)


async def test_records_swapped_between_chains_are_found(place: Place) -> None:
    one, two = sorted([await filled(place), await filled(place)])
    await tamper(place, "UPDATE journal SET chain = '' WHERE chain = ? AND seq = 6", one)
    await tamper(place, "UPDATE journal SET chain = ? WHERE chain = ? AND seq = 6", one, two)
    await tamper(place, "UPDATE journal SET chain = ? WHERE chain = ''", two)
    bad = (await verified(place)).first_bad
    assert bad is not None
    assert (bad["chain"], bad["seq"]) == (one, 6)


async def test_a_changed_hash_is_found(place: Place) -> None:
    chain = await filled(place)
    await tamper(place, "UPDATE journal SET hash = ? WHERE seq = 7", bytes(32))
    bad = (await verified(place)).first_bad
    assert bad is not None
    assert (bad["chain"], bad["seq"]) == (chain, 7)


async def rewritten(place: Place, start: int, *, old: str, new: str) -> None:
    """Change record *start* of the only chain and compute all hashes after it anew, as a careful forger would."""
    database = place.database()
    await database.open()
    rows = await database.read("SELECT seq, body, hash FROM journal ORDER BY seq")
    await database.close()
    previous = rows[start - 2][2]
    for seq, body, _ in rows[start - 1 :]:
        text = body.replace(old, new) if seq == start else body
        previous = hashlib.sha256(previous + text.encode()).digest()
        await tamper(place, "UPDATE journal SET body = ?, hash = ? WHERE seq = ?", text, previous, seq)


async def test_a_chain_written_anew_is_found_by_what_was_signed(place: Place) -> None:
    chain = await filled(place)
    await rewritten(place, 5, old="allow", new="alloc")
    bad = (await verified(place)).first_bad
    assert bad is not None
    assert bad["chain"] == chain
    assert bad["seq"] >= 5
    assert "signed" in bad["why"]


async def test_a_forged_record_that_is_no_record_is_named(place: Place) -> None:
    chain = await filled(place, 3)
    await tamper(place, "DELETE FROM journal_checkpoints")
    (place.state / FILE).unlink()
    await rewritten(place, 3, old='"entry"', new='"other"')
    bad = (await verified(place)).first_bad
    assert bad is not None
    assert (bad["chain"], bad["seq"]) == (chain, 3)


async def test_a_record_added_after_the_end_is_found(place: Place) -> None:
    chain = await filled(place, 3)
    database = place.database()
    await database.open()
    ((seq, body, previous),) = await database.read("SELECT seq, body, hash FROM journal WHERE seq = 4")
    ((_, last),) = await database.read("SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1")
    await database.close()
    assert previous != last
    body = body.replace(f'"seq":{seq}', '"seq":6')
    digest = hashlib.sha256(last + body.encode()).digest()
    columns = "chain, 6, at, kind, tenant, subject, session, actor, ?, ?"
    await tamper(place, f"INSERT INTO journal SELECT {columns} FROM journal WHERE seq = 4", body, digest)
    bad = (await verified(place)).first_bad
    assert bad is not None
    assert (bad["chain"], bad["seq"], bad["why"]) == (chain, 6, "it was added after the chain was closed")


@pytest.mark.parametrize("thorough", [False, True])
async def test_a_whole_chain_that_is_missing_is_found(place: Place, *, thorough: bool) -> None:
    gone = await filled(place, 3)
    await filled(place, 3)
    tables = ["journal", "journal_payload"] + (["journal_checkpoints"] if thorough else [])
    for table in tables:
        await tamper(place, f"DELETE FROM {table} WHERE chain = ?", gone)
    bad = (await verified(place)).first_bad
    assert bad is not None
    assert (bad["chain"], bad["seq"]) == (gone, 1)
    if thorough:  # and even without the file of checkpoints, because the other chain names it
        (place.state / FILE).unlink()
        await tamper(place, "DELETE FROM journal_checkpoints")
        bad = (await verified(place)).first_bad
        assert bad is not None
        assert bad["chain"] == gone
        assert "names" in bad["why"]


async def test_a_changed_checkpoint_is_found_in_the_table(place: Place) -> None:
    chain = await filled(place)
    await tamper(place, 'UPDATE journal_checkpoints SET line = replace(line, \'"signature":"\', \'"signature":"00\')')
    bad = (await verified(place)).first_bad
    assert bad is not None
    assert bad["chain"] == chain
    assert "checkpoint" in bad["why"]


async def test_a_cut_off_end_is_found_although_the_table_was_changed_to_match(place: Place) -> None:
    chain = await filled(place)
    await tamper(place, "DELETE FROM journal WHERE seq > 9")
    await tamper(place, "DELETE FROM journal_payload WHERE seq > 9")
    await tamper(place, "DELETE FROM journal_checkpoints")
    bad = (await verified(place)).first_bad
    assert bad is not None
    assert (bad["chain"], bad["seq"]) == (chain, 10)


def other_signer(tmp_path: Path) -> Signer:
    return signer_in(tmp_path / "elsewhere")


async def test_a_table_signed_anew_with_another_key_is_found(place: Place, tmp_path: Path) -> None:
    chain = await filled(place)
    database = place.database()
    await database.open()
    ((seq, digest),) = await database.read("SELECT seq, hash FROM journal_checkpoints")
    await database.close()
    line = other_signer(tmp_path).signed(head_statement("2026-01-01T00:00:00Z", chain, seq, digest))
    await tamper(place, "UPDATE journal_checkpoints SET line = ?", line.decode())
    bad = (await verified(place)).first_bad
    assert bad is not None
    assert (bad["chain"], bad["seq"]) == (chain, seq)


async def test_a_file_of_checkpoints_signed_anew_with_another_key_is_found(place: Place, tmp_path: Path) -> None:
    await filled(place)
    path = place.state / FILE
    statements = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    path.unlink()
    for statement in statements:
        bare = {name: value for name, value in statement.items() if name not in ("key", "signature", "previous")}
        Sidecar(place.state, other_signer(tmp_path)).append([bare])
    bad = (await verified(place)).first_bad
    assert bad is not None
    assert (bad["chain"], bad["why"]) == (FILE, "the last line is not signed with the known key")


async def test_every_line_of_the_checkpoints_is_vouched_for(place: Place) -> None:
    async with opened(place) as log:
        await log.journal.record([entry()])
    path = place.state / FILE
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    assert len(lines) >= 3
    for number in range(len(lines)):
        path.write_bytes(b"".join(lines[:number] + lines[number + 1 :]))
        last = number == len(lines) - 1
        result = await verified(place)
        assert result.ok is (last and '"kind":"seal"' in lines[-1].decode()), (number, result)
    for at in range(0, len(whole), 61):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert not (await verified(place)).ok, at
    path.unlink()
    assert not (await verified(place)).ok
    path.write_bytes(whole)
    assert (await verified(place)).ok


async def test_what_a_dying_process_left_of_a_line_does_no_harm(place: Place) -> None:
    await filled(place, 2)
    path = place.state / FILE
    path.write_bytes(path.read_bytes() + b'{"at":"2026')
    assert (await verified(place)).ok
    await filled(place, 2)
    assert (await verified(place)).ok
    assert path.read_bytes().count(b'"2026') == path.read_bytes().count(b"\n")


async def test_the_public_key_can_be_kept_elsewhere(place: Place, tmp_path: Path) -> None:
    await filled(place, 2)
    public = (place.state / "journal.pub").read_text().strip()
    (place.state / "journal.pub").unlink()
    assert not (await verified(place)).ok
    assert (await examine(place.database(read_only=True), place.state, public=public)).ok
    other = other_signer(tmp_path).public
    assert not (await examine(place.database(read_only=True), place.state, public=other)).ok


async def test_a_journal_that_is_being_written_verifies(place: Place) -> None:
    async with opened(place, checkpoint_seconds=0.001) as log:
        for number in range(30):
            await log.journal.record([entry(number, fields={"n": number})])
            if number % 10 == 0:
                result = await JournalReader(log.database, place.state).verify()
                assert result.ok, result
        assert (await JournalReader(log.database).verify()).notes[0].startswith("the signed checkpoints were not given")


async def test_an_empty_journal_verifies(place: Place) -> None:
    async with opened(place):
        pass
    result = await verified(place)
    assert (result.ok, result.records, result.chains) == (True, 2, 1)


async def test_a_key_that_others_may_read_or_that_is_none_is_refused(sqlite_place: Place) -> None:
    await filled(sqlite_place, 1)
    key, public = sqlite_place.state / "journal.key", sqlite_place.state / "journal.pub"
    assert key.stat().st_mode & 0o777 == 0o600
    database = sqlite_place.database()
    await database.open()
    key.chmod(0o640)
    with pytest.raises(SigningKeyUnsafe, match="chmod 600"):
        await Journal(database, sqlite_place.state).open()
    key.chmod(0o600)
    text, other = public.read_text(), "ab" * 32
    public.write_text(other)
    with pytest.raises(SigningKeyUnsafe, match="not the public key"):
        await Journal(database, sqlite_place.state).open()
    public.write_text(text)
    key.write_text("no key")
    with pytest.raises(SigningKeyUnsafe, match="holds no key"):
        await Journal(database, sqlite_place.state).open()
    await database.close()


@pytest.fixture
async def sealed(sqlite_place: Place) -> Place:
    """A journal that was closed cleanly, with free pages in its file."""
    await filled(sqlite_place, 40)
    await tamper(sqlite_place, "CREATE TABLE freed AS SELECT body || body || body AS x FROM journal")
    await tamper(sqlite_place, "DROP TABLE freed")
    await filled(sqlite_place, 10)
    return sqlite_place


def copied(place: Place, folder: Path, data: bytes) -> Path:
    """Copy the journal with *data* in its database file; return that file."""
    folder.mkdir(exist_ok=True)
    for name in (FILE, "journal.pub"):
        shutil.copy(place.state / name, folder / name)
    file = folder / "interlock.db"
    file.write_bytes(data)
    return file


async def found_changed(place: Place, folder: Path, data: bytes) -> str:
    """Return what verifying says about a copy of the journal whose file holds *data*."""
    file = copied(place, folder, data)
    result = await examine(open_database(f"sqlite:///{file}", read_only=True), folder)
    assert result.ok is (result.first_bad is None)
    return result.first_bad["why"] if result.first_bad else ""


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_any_byte_changed_in_a_sealed_file_is_found(sealed: Place, tmp_path: Path, data: st.DataObject) -> None:
    whole = sealed.file.read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    flipped = data.draw(st.integers(1, 255))
    assert await found_changed(sealed, tmp_path / "copy", whole[:at] + bytes([whole[at] ^ flipped]) + whole[at + 1 :])


async def test_every_byte_of_a_sealed_file_counts(sealed: Place, tmp_path: Path) -> None:
    whole = sealed.file.read_bytes()
    assert not await found_changed(sealed, tmp_path / "copy", whole)
    for at in [*range(100), *range(100, len(whole), 4001), len(whole) - 1]:
        changed = whole[:at] + bytes([whole[at] ^ 0x20]) + whole[at + 1 :]
        assert await found_changed(sealed, tmp_path / "copy", changed), at
    assert await found_changed(sealed, tmp_path / "copy", whole[:-4096])
    assert await found_changed(sealed, tmp_path / "copy", whole + bytes(4096))
    assert await found_changed(sealed, tmp_path / "copy", b"")
