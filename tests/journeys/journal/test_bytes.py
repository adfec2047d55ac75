"""Whatever byte of the journal's file is changed, `interlock journal verify` finds it and says where."""

from __future__ import annotations

import json
import random
import re
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from interlock.app.main import main
from tests.journeys.place import Place, place
from tests.journeys.process import until

POSITIONS = 150
DATABASE, LOG, SIDECAR = "interlock.db", "interlock.db-wal", "checkpoints.jsonl"


@dataclass(frozen=True)
class Left:
    """A state folder that a server left behind, copied so that it can be damaged."""

    root: Path
    state: Path

    def copy(self, folder: Path) -> Left:
        return Left(self.root, Path(shutil.copytree(self.state, folder, dirs_exist_ok=True)))

    def flip(self, file: str, position: int, bit: int = 0) -> None:
        path = self.state / file
        content = bytearray(path.read_bytes())
        content[position] ^= 1 << bit
        path.write_bytes(content)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with place(tmp_path_factory.mktemp("journal")) as found:
        yield found


def work(town: Place) -> None:
    """Let there be records of many kinds."""
    session = town.session(request="I would like my money back", customer="ALFKI")
    for amount in (5.0, 75.0, 250.0):
        arguments = {"order_id": 1, "customer_id": "ALFKI", "amount": amount, "reason": "A broken jar"}
        town["helper"].propose(session, "billing.credit", arguments)
    town["portal"].post(f"/v1/sessions/{session}/close")


@pytest.fixture(scope="module")
def closed(town: Place, tmp_path_factory: pytest.TempPathFactory) -> Left:
    work(town)
    town.server.stop()
    return Left(town.root, town.server.state).copy(tmp_path_factory.mktemp("closed"))


@pytest.fixture(scope="module")
def killed(town: Place, closed: Left, tmp_path_factory: pytest.TempPathFactory) -> Left:
    """What kill -9 left, every record of it signed: the checkpoint is at most a second behind."""
    town.server.start()
    work(town)
    sidecar = town.server.state / SIDECAR
    until(lambda: signed(sidecar) >= heads(town.server.state / DATABASE), "the last record to be signed")
    town.server.kill()
    return Left(town.root, town.server.state).copy(tmp_path_factory.mktemp("killed"))


def heads(database: Path) -> int:
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as journal:
        found = journal.execute("SELECT chain, max(seq) FROM journal GROUP BY chain ORDER BY max(at)").fetchall()
    return int(found[-1][1])


def signed(sidecar: Path) -> int:
    last = json.loads(sidecar.read_text("utf-8").splitlines()[-1])
    return int(last.get("seq", 0))


def verify(left: Left, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> tuple[int, Any]:
    """Run the command in this process; the real one is tried once below."""
    monkeypatch.setenv("INTERLOCK_STATE", str(left.state))
    code = main(["journal", "verify", "--project", str(left.root), "--json"])
    return code, json.loads(capsys.readouterr().out)


def positions(size: int, *, ends: int = 32) -> list[int]:
    """Return many positions of a file, its first and last bytes among them; the same ones every time."""
    chance = random.Random(size)
    middle = chance.sample(range(ends, size - ends), POSITIONS - 2 * ends)
    return [*range(ends), *sorted(middle), *range(size - ends, size)]


def places_of_records(left: Left) -> list[tuple[str, int]]:
    """Return where records lie in the files: a byte within every copy that there is of each body and each hash."""
    with sqlite3.connect(f"file:{left.state / DATABASE}?mode=ro", uri=True) as journal:
        rows = journal.execute("SELECT body, hash FROM journal ORDER BY at").fetchall()
    found = []
    for file in (DATABASE, LOG):
        content = (left.state / file).read_bytes()
        for body, digest in rows:
            for value in (body.encode() if isinstance(body, str) else body, digest):
                spots = [match.start() for match in re.finditer(re.escape(value), content)]
                found += [(file, spot + len(value) // 2) for spot in spots]
    return found


def records(left: Left, monkeypatch: pytest.MonkeyPatch, folder: Path) -> bytes:
    """Return every record with its fields, as the journal gives them out."""
    monkeypatch.setenv("INTERLOCK_STATE", str(left.state))
    words = ["journal", "export", "--fields", "--project", str(left.root), "--output", str(folder / "records")]
    return (folder / "records").read_bytes() if main(words) == 0 else b""


def test_what_a_server_leaves_verifies(
    closed: Left, killed: Left, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for number, left in enumerate((closed, killed)):
        code, found = verify(left.copy(tmp_path / str(number)), monkeypatch, capsys)
        assert (code, found["ok"], found["first_bad"]) == (0, True, None)
        assert found["records"] > 20


def test_any_changed_byte_of_a_closed_journal_is_found(
    closed: Left, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    left = closed.copy(tmp_path)
    missed = []
    for number, position in enumerate(positions((left.state / DATABASE).stat().st_size)):
        left.flip(DATABASE, position, number % 8)
        code, found = verify(left, monkeypatch, capsys)
        named = found.get("first_bad") or found.get("code") == "store_damaged"
        if code != 1 or not named:
            missed.append((position, found))
        left.flip(DATABASE, position, number % 8)
    assert not missed
    assert verify(left, monkeypatch, capsys)[0] == 0


def test_any_changed_byte_of_the_signatures_is_found(
    closed: Left, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    left = closed.copy(tmp_path)
    size = (left.state / SIDECAR).stat().st_size - 1  # a last line without its end is one that a dying process left
    missed = []
    for number, position in enumerate(positions(size)):
        left.flip(SIDECAR, position, number % 7)
        if verify(left, monkeypatch, capsys)[0] != 1:
            missed.append(position)
        left.flip(SIDECAR, position, number % 7)
    assert not missed


def test_a_changed_record_is_named(
    closed: Left, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    left = closed.copy(tmp_path)
    with sqlite3.connect(left.state / DATABASE) as journal:
        chain, seq = journal.execute("SELECT chain, seq FROM journal WHERE kind = 'action.succeeded'").fetchone()
        journal.execute("UPDATE journal SET actor = 'person:ada' WHERE chain = ? AND seq = ?", (chain, seq))
    journal.close()
    code, found = verify(left, monkeypatch, capsys)
    assert (code, found["first_bad"]["chain"], found["first_bad"]["seq"]) == (1, chain, seq)


@pytest.mark.parametrize("cut", ["database", "signatures", "both"])
def test_a_cut_off_end_is_found(
    closed: Left, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, cut: str
) -> None:
    left = closed.copy(tmp_path)
    if cut != "signatures":
        with sqlite3.connect(left.state / DATABASE) as journal:
            chain, last = journal.execute("SELECT chain, max(seq) FROM journal GROUP BY chain").fetchone()
            for table in ("journal_payload", "journal"):
                journal.execute(f"DELETE FROM {table} WHERE chain = ? AND seq > ?", (chain, last - 2))
        journal.close()
    if cut != "database":
        lines = (left.state / SIDECAR).read_bytes().splitlines(keepends=True)
        (left.state / SIDECAR).write_bytes(b"".join(lines[:-2]))
    code, found = verify(left, monkeypatch, capsys)
    assert (code, found["ok"]) == (1, False)


def test_a_changed_byte_of_a_record_is_found_after_a_kill(
    killed: Left, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """SQLite keeps older copies of a page; a change of one that nobody reads any more changes no record."""
    places = places_of_records(killed.copy(tmp_path / "looked at"))
    whole = records(killed.copy(tmp_path / "whole"), monkeypatch, tmp_path)
    missed, dead = [], 0
    chosen = random.Random(len(places)).sample(places, min(POSITIONS, len(places)))
    for number, (file, position) in enumerate(chosen):
        left = killed.copy(tmp_path / "damaged")
        left.flip(file, position, number % 8)
        if verify(left, monkeypatch, capsys)[0] != 1:
            dead += 1
            if records(left, monkeypatch, tmp_path) != whole:
                missed.append((file, position))
    assert not missed
    assert dead < len(chosen) / 4
    assert LOG in {file for file, _ in chosen}, "a kill leaves records in the log beside the database"


def test_the_command_itself_ends_with_one(closed: Left, town: Place, tmp_path: Path) -> None:
    left = closed.copy(tmp_path)
    left.flip(DATABASE, (left.state / DATABASE).stat().st_size // 2)
    town.server.environment["INTERLOCK_STATE"] = str(left.state)
    found = town.server.verify(code=1)
    assert found["first_bad"]["why"]
