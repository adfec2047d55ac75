"""`interlock models import`: another gateway's configuration as files of the project."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from interlock.experience.cli.command import OK
from interlock.experience.cli.errors import FolderTaken, UsageInvalid
from interlock.experience.cli.output import show
from interlock.experience.cli.storage import root_of
from interlock.foundation.documents import ProjectInvalid, parse
from interlock.intelligence.imports import Imported, translate, yaml_of

HEAD = "Imported from {file} on {day}. Look it over; what was not carried over was said when it was made."


def import_models(arguments: argparse.Namespace) -> int:
    """Write models.yaml, and prices.yaml and budgets.yaml where the configuration has them, and say what is left.

    Raises `UsageInvalid` and `ProjectInvalid` for a file that cannot be read, `ConfigUnreadable`, and `FolderTaken`
    where one of the files exists and `--replace` was not given; then nothing is written.
    """
    root, source = root_of(arguments), Path(arguments.file)
    day = datetime.now(UTC).date().isoformat()
    found = translate(_read(source), day=day)
    head = HEAD.format(file=source.name, day=day)
    texts = {name: yaml_of(document, head=head) for name, document in found.documents.items()}
    if not arguments.dry_run:
        _write(root, texts, replace=arguments.replace)
    report = {"files": texts, "written": not arguments.dry_run, "notes": [note.to_json() for note in found.notes]}
    show(arguments, report, lambda shown: _text(found, shown))
    return OK


def _read(path: Path) -> Any:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        fix = "give the path of a LiteLLM proxy's config.yaml"
        raise UsageInvalid(f"{path.name} cannot be read", why=type(error).__name__, fix=fix) from error
    parsed = parse(text.replace("${", "$${"), name=path.name, environment={})
    if parsed.findings:
        raise ProjectInvalid(parsed.findings)
    return parsed.data


def _write(root: Path, texts: Mapping[str, str], *, replace: bool) -> None:
    taken = [name for name in texts if (root / name).exists()]
    if taken and not replace:
        raise FolderTaken(
            f"{', '.join(taken)} of the project would be written over",
            fix="look at it with --dry-run, or give --replace",
        )
    for name, text in texts.items():
        (root / name).write_text(text, "utf-8")


def _text(found: Imported, report: Mapping[str, Any]) -> str:
    parts = [f"--- {name}\n{text}" for name, text in report["files"].items()] if not report["written"] else []
    if report["written"]:
        parts.append(f"wrote {', '.join(report['files'])}")
    if found.notes:
        parts.append("not carried over, or not as it was:")
        parts += [f"  {note.place}: {note.what}" for note in found.notes]
    return "\n".join(parts)
