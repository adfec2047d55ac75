"""The example of files runs as its page says, and its project is valid."""

from __future__ import annotations

import subprocess
import sys

from interlock.app.main import main
from tests.house.source import ROOT

EXAMPLE = ROOT / "examples" / "exchange"


def test_the_project_is_valid() -> None:
    assert main(["check", str(EXAMPLE)]) == 0


def test_the_program_shows_what_the_page_says() -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLE / "try_it.py")], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "refused: order-0008.edi, segment 18: the text ends within the segment"
    assert lines[2:4] == ["taken: True", "taken: False"]
    assert "acknowledged as accepted: 000000002.edi" in lines
    assert "article 00417: Ölfilter groß, 1204.50 from 2024-03-01" in lines
    assert "unread: prices-2024-03.csv, row 4, column price is no number" in lines
    assert [line for line in lines if line.startswith("ordered")] == [
        f"ordered in orders-1.csv: {one}" for one in (True, False)
    ]
    assert lines[-1] == "changed bytes of 400: [37, 38, 39]"
