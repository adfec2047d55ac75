"""`interlock labels`: what a project declares of arguments, results, risks and sinks, and a pack to start from."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from interlock.assessment.declarations import draft_of, overviews
from interlock.experience.cli.command import OK
from interlock.experience.cli.errors import FolderTaken
from interlock.experience.cli.output import emit, indented, note, show, table
from interlock.experience.cli.storage import root_of
from interlock.orchestration.project import load_project

Json = Mapping[str, Any]

_BY_DEFAULT = "by default"


def list_labels(arguments: argparse.Namespace) -> int:
    """Show what is declared of each operation, and by which file. Raises `ProjectInvalid` and `SystemUnknown`."""
    found = overviews(load_project(root_of(arguments)).catalog, arguments.system)
    show(arguments, {"operations": [overview.to_json() for overview in found]}, _text)
    return OK


def pack(arguments: argparse.Namespace) -> int:
    """Print a declaration pack to start from, or write it to a file.

    Raises `ProjectInvalid`, `SystemUnknown`, and `FolderTaken` where the file exists and `--replace` was not given.
    """
    root = root_of(arguments)
    draft = draft_of(load_project(root).catalog, arguments.system)
    if draft.pack is None:
        note(f"everything of {draft.system} is declared in its own file; there is nothing for a pack to say")
        if arguments.json:
            emit(draft.to_json())
    elif arguments.out:
        _write(root / arguments.out, draft.to_yaml(), replace=arguments.replace)
        show(
            arguments,
            {**draft.to_json(), "file": arguments.out},
            lambda found: f"wrote {found['file']}, {_count(found)}",
        )
    else:
        show(arguments, draft.to_json(), lambda _: draft.to_yaml().rstrip("\n"))
    return OK


def _write(path: Path, text: str, *, replace: bool) -> None:
    if path.exists() and not replace:
        raise FolderTaken(
            f"{path.name} exists already",
            why="somebody may have put its guesses right",
            fix="give another name, or --replace and look at the difference",
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def _count(draft: Json) -> str:
    operations, guesses = len(draft["pack"]["operations"]), len(draft["guesses"])
    return f"{operations} operation{_s(operations)}, {guesses} guess{'' if guesses == 1 else 'es'}"


def _text(report: Json) -> str:
    parts = ["\n".join(_lines(overview)) for overview in report["operations"]]
    remarks = sum(len(overview["remarks"]) for overview in report["operations"])
    operations = len(report["operations"])
    parts.append(f"{operations} operation{_s(operations)}, {remarks} thing{_s(remarks)} worth a look")
    return "\n\n".join(parts)


def _lines(overview: Json) -> Iterator[str]:
    yield f"{overview['operation']}  {', '.join([overview['effect'], *overview['risks'], *_sink(overview)])}"
    arguments = [
        (part["name"], part["role"] or "undeclared", part["file"] or _BY_DEFAULT) for part in overview["arguments"]
    ]
    if arguments:
        yield indented(table(("ARGUMENT", "ROLE", "BY"), arguments))
    fields = [
        (
            part["pointer"] or "(all of it)",
            part["integrity"],
            part["trust_file"] or _BY_DEFAULT,
            ", ".join([part["confidentiality"], *part["categories"]]),
            part["label_file"] or _BY_DEFAULT,
        )
        for part in overview["output"]
    ]
    if fields:
        yield indented(table(("RESULT", "TRUST", "BY", "LABEL", "BY"), fields))
    for remark in overview["remarks"]:
        yield f"  worth a look: {remark['text']}"


def _sink(overview: Json) -> Iterator[str]:
    sink = overview["sink"]
    if sink is None:
        return
    where = f" to {', '.join(sink['recipients'])}" if sink["recipients"] else ""
    clearance = sink["clearance"]
    cleared = f" (cleared: {clearance['confidentiality']})" if clearance else ""
    yield f"sink{where}{cleared}"


def _s(count: int) -> str:
    return "" if count == 1 else "s"
