"""The repository as the house tests read it: its files, its modules, their syntax trees."""

from __future__ import annotations

import ast
import gc
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "interlock"
CODE_FOLDERS = ("src", "tests", "tools", "benchmarks", "examples")

# Left behind by tools and running installations; never part of the repository.
_PASSING = {".git", ".venv", "__pycache__", "build", "dist", ".interlock", ".hypothesis"}


@dataclass(frozen=True)
class Module:
    """One Python file. *place* is its path from the repository's root, with forward slashes."""

    place: str
    text: str
    tree: ast.Module

    @property
    def lines(self) -> int:
        return self.text.count("\n")

    @property
    def name(self) -> str:
        """The dotted name for a file under `src/`, else the path."""
        if not self.place.startswith("src/"):
            return self.place
        return self.place.removeprefix("src/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")


_FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)


def functions(module: Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield every function and method, nested ones too."""
    for node in ast.walk(module.tree):
        if isinstance(node, _FUNCTION):
            yield node


@cache
def files() -> tuple[str, ...]:
    """Return the path of every file that is, or is about to be, in the repository."""
    listing = subprocess.run(
        ["git", "-c", "core.quotepath=off", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listing.returncode == 0:
        places = listing.stdout.split("\0")
    else:  # an unpacked archive
        places = [path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*")]
    return tuple(
        sorted(
            {place for place in places if place and not _PASSING & set(place.split("/")) and (ROOT / place).is_file()}
        )
    )


@cache
def modules(*folders: str) -> tuple[Module, ...]:
    """Return the Python files below *folders* (by default all that hold code), ordered by path."""
    chosen = folders or CODE_FOLDERS
    found = tuple(_module(one) for one in files() if one.endswith(".py") and one.split("/")[0] in chosen)
    gc.collect()
    gc.freeze()  # millions of nodes, which every later collection of this process would walk
    return found


@cache
def _module(place: str) -> Module:
    text = (ROOT / place).read_text(encoding="utf-8")
    return Module(place, text, ast.parse(text, filename=place))


def read(place: str) -> str:
    """Return the text of one file of the repository."""
    return (ROOT / place).read_text(encoding="utf-8")


def texts(*endings: str) -> Iterator[tuple[str, str]]:
    """Yield path and text of every file with one of *endings*; all text files where none is given."""
    for place in files():
        if endings and not place.endswith(endings):
            continue
        try:
            yield place, read(place)
        except UnicodeDecodeError:
            continue


def unexpected(found: dict[str, str], allowed: dict[str, str]) -> list[str]:
    """Return a line per offender that is not *allowed*, and per allowance that nothing needs any more."""
    offenders = [f"{key}: {text}" for key, text in sorted(found.items()) if key not in allowed]
    stale = [f"{key}: allowed, but no longer needed; delete its entry" for key in sorted(allowed.keys() - found.keys())]
    return offenders + stale
