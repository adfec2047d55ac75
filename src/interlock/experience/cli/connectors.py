"""`interlock connector new`: the package of a connector of one's own, which works and keeps the contract as it is."""

from __future__ import annotations

import argparse
import re
from importlib.metadata import version
from pathlib import Path

from interlock.experience.cli.command import OK
from interlock.experience.cli.errors import FolderTaken, UsageInvalid
from interlock.experience.cli.output import show
from interlock.experience.cli.shipped import shipped, shipped_texts
from interlock.foundation.plugins import CONNECTORS, plugins

TEMPLATE, ENDING = "connector_template", ".txt"
LONGEST = 40
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_PACKAGE = "interlock-control"


def new(arguments: argparse.Namespace) -> int:
    """Write the package. Raises `UsageInvalid` for a name that cannot be one, `FolderTaken` for a folder in use."""
    name: str = arguments.name
    if not _NAME.fullmatch(name) or len(name) > LONGEST:
        raise UsageInvalid(
            f"{name!r} cannot be the name of a connector",
            why="it becomes the name of a package as well",
            fix=f"use small letters, digits and single underscores, at most {LONGEST}: acme_crm",
        )
    if name in plugins(CONNECTORS):
        raise UsageInvalid(f"there is a connector {name!r} already", fix="choose another name")
    folder = Path(arguments.folder or f"interlock-{_dashed(name)}")
    written = write_package(name, folder)
    show(arguments, {"folder": str(folder), "files": written}, lambda _: _next_steps(name, folder, written))
    return OK


def write_package(name: str, folder: Path) -> list[str]:
    """Write the package of the connector *name* into *folder*; return its files, sorted."""
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise FolderTaken(f"{folder} is in use", fix="name an empty folder, or one that is not there")
    contents = _contents(name)
    for place, text in contents.items():
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return sorted(contents)


def _contents(name: str) -> dict[str, str]:
    words = {
        "@name@": name,
        "@dashed@": _dashed(name),
        "@Class@": "".join(part.capitalize() for part in name.split("_")),
        "@release@": version(_PACKAGE),
    }
    contents: dict[str, str] = {}
    for place, text in shipped_texts(shipped(TEMPLATE)):
        filled = text
        for word, meant in words.items():
            filled = filled.replace(word, meant)
        contents[_place(place.removesuffix(ENDING), name)] = filled
    return contents


def _place(place: str, name: str) -> str:
    if place.startswith("package/"):
        return f"src/interlock_{name}/{place.removeprefix('package/')}"
    return ".gitignore" if place == "gitignore" else place


def _dashed(name: str) -> str:
    return name.replace("_", "-")


def _next_steps(name: str, folder: Path, written: list[str]) -> str:
    return f"""wrote {len(written)} files to {folder}

next:
  cd {folder}
  python -m pip install -e . pytest
  python -m pytest
it keeps the contract as it is; its README says what to change, and what a system's file says:
  connector: {name}"""
