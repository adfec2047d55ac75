"""`interlock demo`: runs the demo that a project carries as `demo.py`, in a process of its own."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path


def demo(args: argparse.Namespace) -> int:
    """Run the project's demo and return its exit code."""
    script = Path(args.project) / "demo.py"
    if not script.exists():
        print(f"{args.project} carries no demo.py\nhint: run this from the repository's folder", file=sys.stderr)
        return 2
    words = [sys.executable, str(script), *(["--once"] if args.once else [])]
    try:
        return subprocess.run(words, check=False).returncode
    except KeyboardInterrupt:
        return 130
