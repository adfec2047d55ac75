"""`interlock demo`: becomes the demo that a project carries as `demo.py`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from interlock.experience.cli.command import USAGE
from interlock.experience.cli.output import note


def demo(args: argparse.Namespace) -> int:
    """Become the project's demo, so that signals and the exit code are its own; 2 where there is none."""
    script = Path(args.project) / "demo.py"
    if not script.exists():
        note(f"{args.project} carries no demo.py\nhint: run this from the repository's folder")
        return USAGE
    words = [sys.executable, str(script), *(["--once"] if args.once else [])]
    return os.execv(sys.executable, words)  # noqa: S606 - the project's own script, under this Python
