"""The page on declaring labels is followed from its first file to its last command."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest

from interlock.app.main import main
from tests.house.source import read

PAGE = "docs/how-to/declare-labels.md"
CHANGES = "## When the definition changes"
BLOCK = re.compile(r"^```(yaml|cedar|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"(?:#|//) ([\w./-]+\.(?:yaml|cedar))\n")
STEERING = "starter/policies/steering.cedar"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project but for what the page says to copy, as the place where commands are typed."""
    for name in ("systems", "services", "labels", "agents", "policies", "attacks"):
        (tmp_path / name).mkdir()
    text = files("interlock.experience.cli").joinpath(STEERING).read_text("utf-8")
    (tmp_path / "policies" / "steering.cedar").write_text(text, "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("INTERLOCK_PROJECT", raising=False)
    return tmp_path


def _commands(block: str) -> Iterator[tuple[str, str]]:
    """Yield each command of a console block with what the page shows of its answer."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, answer = part.partition("\n")
        yield command, answer


def _alike(text: str) -> str:
    """Return *text* without what may differ from version to version: digests, and counts of anything but nothing."""
    return re.sub(r"\b[0-9a-f]{12}\b|[1-9]\d*", "#", text)


def _follow(text: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> int:
    """Do what the page says, in its order; return the last command's exit code."""
    code = 0
    for language, block in BLOCK.findall(text):
        if language != "console":
            named = FILE.match(block)
            if named:
                (folder / named[1]).write_text(block, "utf-8")
            continue
        for command, answer in _commands(block):
            capsys.readouterr()
            code = main(shlex.split(command)[1:])
            said = capsys.readouterr().out
            for part in re.split(r"^\.\.\.\n", answer, flags=re.MULTILINE):
                assert _alike(part) in _alike(said), command
    return code


def test_the_page_can_be_followed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    until_change, changed = read(PAGE).split(CHANGES)
    assert _follow(until_change, folder, capsys) == 0
    document = folder / "services" / "fieldbook.openapi.yaml"
    document.write_text(document.read_text("utf-8").replace("maximum: 20", "maximum: 50"), "utf-8")
    assert _follow(changed, folder, capsys) == 1
