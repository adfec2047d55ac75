"""The office of these tests, written once for each test that asks for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from interlock.app.main import main

Attacked = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def attacked(capsys: pytest.CaptureFixture[str]) -> Attacked:
    """Return how `interlock attack --json` is run on a folder: its exit code and its report."""

    def run(root: Path, *options: str) -> tuple[int, dict[str, Any]]:
        capsys.readouterr()
        code = main(["attack", "--project", str(root), "--json", *options])
        report: dict[str, Any] = json.loads(capsys.readouterr().out)
        return code, report

    return run


@pytest.fixture
def checked(capsys: pytest.CaptureFixture[str]) -> Callable[[Path], list[str]]:
    """Return how `interlock check` is run on a folder: its findings as printed."""

    def run(root: Path) -> list[str]:
        capsys.readouterr()
        main(["check", str(root), "--json"])
        return [finding["text"] for finding in json.loads(capsys.readouterr().out)["findings"]]

    return run
