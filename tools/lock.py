"""Resolve the dependencies of pyproject.toml into requirements/: with hashes, without any address."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path("requirements")
DEV, RUN, WEIGHTS = FOLDER / "dev.txt", FOLDER / "run.txt", FOLDER / "weights.txt"
PROJECT = Path("pyproject.toml")

# An address or a path in a lock file would hold for one machine only.
ADDRESS = re.compile(r"https?:|file:|--find-links|--(extra-)?index-url|(^|\s)/\w", re.MULTILINE)


def resolve(target: Path, *selection: str, upgrade: bool, source: Path = PROJECT) -> None:
    """Write *target* for the given extras and groups of *source*; keeps known versions unless *upgrade*."""
    command = [
        *(sys.executable, "-m", "uv", "pip", "compile", str(source), "--quiet"),
        *("--universal", "--python-version", "3.11", "--generate-hashes"),
        *("--no-emit-index-url", "--no-emit-find-links", "--no-strip-markers"),
        *("--custom-compile-command", "make lock", "--output-file", str(target)),
        *selection,
    ]
    if upgrade:
        command.append("--upgrade")
    subprocess.run(command, cwd=ROOT, check=True)
    found = ADDRESS.search((ROOT / target).read_text(encoding="utf-8"))
    if found:
        raise SystemExit(f"{target} names an address or a path: {found.group().strip()!r}")
    print(f"wrote {target}")


def main() -> None:
    """Resolve the full set first, then the smaller one within it, so that both hold the same versions."""
    upgrade = "--upgrade" in sys.argv[1:]
    (ROOT / FOLDER).mkdir(exist_ok=True)
    resolve(DEV, "--all-extras", "--group", "dev", upgrade=upgrade)
    resolve(RUN, "--extra", "mcp", "--group", "build", "--constraints", str(DEV), upgrade=upgrade)
    resolve(WEIGHTS, "--no-deps", upgrade=upgrade, source=WEIGHTS.with_suffix(".in"))


if __name__ == "__main__":
    main()
