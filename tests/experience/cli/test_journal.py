"""`interlock journal` works on the files as they lie there; no server is needed, and no byte can change unseen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from interlock.experience.cli.first_project import write_project
from interlock.experience.cli.main import run


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """A project with a closed and sealed journal, and a key made in it."""
    monkeypatch.setenv("INTERLOCK_PROJECT", str(tmp_path / "shop"))
    monkeypatch.delenv("INTERLOCK_STATE", raising=False)
    write_project(tmp_path / "shop")
    assert run(["keys", "create", "--local", "--kind", "service", "--id", "nobody"]) == 1
    assert run(["keys", "create", "--local", "--kind", "person", "--id", "sam"]) == 0
    capsys.readouterr()
    return tmp_path / "shop"


def test_a_journal_that_was_left_alone_is_whole(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["journal", "verify"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("the journal is whole")
    assert "byte for byte" in said.out
    assert said.err == "verifying the journal of shop\n"


def test_a_changed_byte_is_found_and_named(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = project / ".interlock" / "interlock.db"
    content = path.read_bytes()
    path.write_bytes(content.replace(b"person:sam", b"person:pam", 1))
    assert run(["journal", "verify", "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert not report["ok"]
    assert report["first_bad"]


def test_records_are_found_shown_and_exported(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["journal", "search", "--kind", "key.created", "--json"]) == 0
    (record,) = json.loads(capsys.readouterr().out)["items"]
    assert record["actor"] == "service:local"
    assert run(["journal", "show", record["subject"]]) == 0
    told = capsys.readouterr().out
    assert "key.created" in told
    assert record["hash"] in told
    target = project / "export.jsonl"
    assert run(["journal", "export", "--output", str(target)]) == 0
    lines = [json.loads(line) for line in target.read_text("utf-8").splitlines()]
    assert record["hash"] in {line["hash"] for line in lines}
    assert target.stat().st_mode & 0o077 == 0
    assert f"{len(lines)} records written" in capsys.readouterr().err


def test_pages_follow_each_other(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seen: list[str] = []
    cursor = ""
    for _ in range(20):
        assert run(["journal", "search", "--limit", "1", "--before", cursor, "--json"]) == 0
        page = json.loads(capsys.readouterr().out)
        seen += [record["hash"] for record in page["items"]]
        cursor = page.get("next", "")
        if not cursor:
            break
    assert len(seen) == len(set(seen)) >= 3


def test_a_project_without_a_journal_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("INTERLOCK_STATE", raising=False)
    write_project(tmp_path / "fresh")
    assert run(["journal", "verify", "--project", str(tmp_path / "fresh")]) == 1
    assert "nothing_stored: " in capsys.readouterr().err
    assert not (tmp_path / "fresh" / ".interlock").exists()


def test_a_folder_without_a_project_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["journal", "verify", "--project", str(tmp_path)]) == 1
    assert "project_invalid: " in capsys.readouterr().err
