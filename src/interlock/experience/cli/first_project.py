"""`interlock init`: a small first project that works as it is."""

from __future__ import annotations

import argparse
import re
import shlex
import sqlite3
from contextlib import closing
from pathlib import Path

from interlock.experience.cli.command import OK
from interlock.experience.cli.errors import FolderTaken
from interlock.experience.cli.output import show
from interlock.experience.cli.shipped import shipped, shipped_texts
from interlock.foundation.documents import KINDS, schema_text

STARTER = "starter"
SCRIPT = "shop.sql"
DATABASE = "data/shop.db"
_RENAMED = {"gitignore": ".gitignore"}
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")


def init(arguments: argparse.Namespace) -> int:
    """Write the project into the folder. Raises `FolderTaken` rather than write over anything."""
    folder = Path(arguments.folder)
    written = write_project(folder)
    show(arguments, {"folder": str(folder), "files": written}, lambda _: _next_steps(folder, written))
    return OK


def write_project(folder: Path) -> list[str]:
    """Write every file of the first project into *folder*; return their names, sorted."""
    contents = _contents(folder.resolve().name)
    taken = sorted(name for name in (*contents, DATABASE) if (folder / name).exists())
    if taken:
        raise FolderTaken(
            f"{folder} already holds {', '.join(taken[:3])}{' and more' if len(taken) > 3 else ''}",
            fix="name an empty folder: interlock init my-project",
        )
    for name, text in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    _make_database(folder / DATABASE, shipped(STARTER).joinpath(SCRIPT).read_text(encoding="utf-8"))
    return sorted([*contents, DATABASE])


def _contents(name: str) -> dict[str, str]:
    contents = {_RENAMED.get(place, place): text for place, text in shipped_texts(shipped(STARTER)) if place != SCRIPT}
    if _NAME.fullmatch(name):
        contents["interlock.yaml"] = contents["interlock.yaml"].replace("name: starter", f"name: {name}", 1)
    return {**contents, **{f"schemas/{kind}.json": schema_text(kind) for kind in KINDS}}


def _make_database(path: Path, script: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)


def _next_steps(folder: Path, written: list[str]) -> str:
    enter = "" if str(folder) == "." else f"\n  cd {shlex.quote(str(folder))}"
    return f"""wrote {len(written)} files to {folder}

next:{enter}
  interlock check
  interlock keys create --local --kind person --id sam
  interlock serve
and in another terminal, with the key that was shown:
  export INTERLOCK_KEY=ik_...
  interlock call shop.get_order order_id=1
  interlock ask "refund 20 euros on order 1" --agent assistant"""
