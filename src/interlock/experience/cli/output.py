"""What commands print: machine output and answers on stdout, everything else on stderr, readable without colour."""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from interlock.experience.cli.errors import UsageInvalid
from interlock.experience.words import short, visible

LONGEST_CELL = 72


def write_in_any_locale() -> None:
    """Let signs that the terminal's encoding lacks be written as escapes, where they would end the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def say(text: str = "") -> None:
    """Print lines of an answer."""
    sys.stdout.write(visible(text) + "\n")


def note(text: str) -> None:
    """Print what is said beside the answer: progress, warnings, questions."""
    sys.stderr.write(visible(text) + "\n")
    sys.stderr.flush()


def emit(value: Any) -> None:
    """Print *value* as JSON; pure ASCII, so that it is exact and cannot move a terminal's cursor."""
    sys.stdout.write(json.dumps(value, indent=2, default=str) + "\n")


def show(arguments: argparse.Namespace, value: Any, render: Callable[[Any], str]) -> None:
    """Print *value*: as JSON if `--json` was given, else as the text that *render* makes of it."""
    if arguments.json:
        emit(value)
    else:
        say(render(value))


def table(head: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str = "none") -> str:
    """Return aligned columns below a head; *empty* where there are no rows. The last column is not padded."""
    cells = [[short(value, LONGEST_CELL) for value in row] for row in rows]
    if not cells:
        return empty
    lines = [list(head), *cells]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def fields(rows: Iterable[tuple[str, object]]) -> str:
    """Return names and values below each other; a row with an empty value is left out."""
    kept = [(name, value if isinstance(value, str) else short(value, 400)) for name, value in rows]
    kept = [(name, text) for name, text in kept if text]
    width = max((len(name) for name, _ in kept), default=0)
    indent = "\n" + " " * (width + 2)
    return "\n".join(f"{name.ljust(width)}  {text.replace(chr(10), indent)}" for name, text in kept)


def indented(text: str, by: int = 2) -> str:
    """Return *text* with each line moved to the right."""
    return "\n".join(" " * by + line for line in text.splitlines())


def parse_json(text: str, name: str) -> Any:
    """Return the JSON value of an argument; `-` reads it from stdin. Raises `UsageInvalid`."""
    if text == "-":
        text = sys.stdin.read()
    try:
        return json.loads(text)
    except ValueError as error:
        fix = "quote it for your shell: '{\"a\": 1}'"
        raise UsageInvalid(f"{name} is not JSON", why=str(error), fix=fix) from error


def confirmed(question: str, *, yes: bool) -> bool:
    """Return whether the person at the terminal agrees; *yes* agrees for them. Raises `UsageInvalid` without one."""
    if yes:
        return True
    if not sys.stdin.isatty():
        raise UsageInvalid("nobody is at the terminal to agree", fix="add --yes in a script that may decide by itself")
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
