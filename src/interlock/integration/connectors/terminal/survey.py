"""A program with a screen as a dialogue to be filled in; it is not run, since nobody knows what it would do."""

from __future__ import annotations

from pathlib import Path

from interlock.integration.connectors.program.survey import found_program
from interlock.integration.connectors.surveys import Offer, Source, Survey
from interlock.values.operations import Effect


def survey(source: Source, root: Path) -> Survey:
    """Return one dialogue with the program at a path. Raises `SourceUnfit` where there is none that can be run."""
    program = found_program(source, root)
    dialogue = [
        {"expect": "COMMAND:"},
        {"send": "{text}"},
        {"expect": "DONE {number}", "confirms": True, "within": "10s"},
    ]
    offer = Offer(
        f"./{program.file}",
        f"use_{program.name}" if program.name else "use",
        f"Hold a dialogue with {program.file}.",
        effect=Effect.irreversible,
        settings={
            "input": {
                "type": "object",
                "required": ["text"],
                "properties": {"text": {"type": "string", "maxLength": 100}},
            },
            "options": {"dialogue": dialogue},
        },
    )
    notes = (
        "the program was not run: write what its screen shows and what is typed, step by step, into `options.dialogue`",
        "a screen is no interface: where the program reads a file or has an option for batches, connect that",
    )
    connection = {"folder": program.folder} if program.folder else {}
    return Survey(program.file, connection, (offer,), kind="legacy", notes=notes)
