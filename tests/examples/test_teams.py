"""The example of teams does what its README shows, line by line."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "teams"


def test_the_readme_shows_what_comes_out() -> None:
    command = [sys.executable, str(EXAMPLE / "try_it.py")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    readme = (EXAMPLE / "README.md").read_text("utf-8")
    shown = readme.split("```text\n")[1].split("\n```")[0]
    # Two that work at the same time may come to the journal in either order.
    assert Counter(done.stdout.strip().splitlines()) == Counter(shown.splitlines())


def test_every_pattern_is_in_it() -> None:
    readme = (EXAMPLE / "README.md").read_text("utf-8")
    for pattern in ("one agent", "sequential", "concurrent", "discussion", "hand-off"):
        assert f"\n{pattern}: " in readme
