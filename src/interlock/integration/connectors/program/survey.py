"""A program as an operation to be filled in; it is not run, since nobody knows what it would do."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from interlock.integration.connectors.errors import SourceUnfit
from interlock.integration.connectors.surveys import Offer, Source, Survey
from interlock.values.operations import Effect

_SIGNS = re.compile(r"[^a-z0-9]+")
_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


@dataclass(frozen=True, slots=True)
class Program:
    """A program of the project: its *file*, its *folder* (empty: the project's own), a *name* for operations."""

    file: str
    folder: str
    name: str


def found_program(source: Source, root: Path) -> Program:
    """Return the program at a path. Raises `SourceUnfit` where there is none that can be run."""
    path = Path(source.address) if Path(source.address).is_absolute() else Path.cwd() / source.address
    path = (path if path.exists() else root / source.address).resolve()
    if not path.is_file() or not os.access(path, os.X_OK):
        raise SourceUnfit("this is no program that can be run", fix="name an executable file of the project")
    if not path.is_relative_to(root.resolve()) or not _WORD.fullmatch(path.name):
        raise SourceUnfit(
            "the program lies outside of the project, or its name holds unusual signs",
            fix="put it into a folder of the project",
        )
    folder = str(path.parent.relative_to(root.resolve()))
    return Program(path.name, "" if folder == "." else folder, _SIGNS.sub("_", path.stem.lower()).strip("_"))


def survey(source: Source, root: Path) -> Survey:
    """Return one operation for the program at a path. Raises `SourceUnfit` where there is none that can be run."""
    program = found_program(source, root)
    connection = ({"folder": program.folder} if program.folder else {}) | {"memory": "512MiB"}
    offer = Offer(
        f"./{program.file} {{text}}",
        f"run_{program.name}" if program.name else "run",
        f"Run {program.file} with one argument.",
        effect=Effect.irreversible,
        settings={
            "input": {
                "type": "object",
                "required": ["text"],
                "properties": {"text": {"type": "string", "maxLength": 1000}},
            },
            "options": {"stdout": {"text": True}, "exit": {"1": "refused"}},
        },
    )
    notes = (
        "the program was not run: write what it takes as places in `from` or as `options.stdin`, and what it says",
        "an exit code of 1 is taken for a refusal: say what each code means",
        "of each use an operation of its own is better than one for all of them",
    )
    return Survey(Path(program.file).stem, connection, (offer,), kind="legacy", notes=notes)
