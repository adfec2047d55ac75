"""A project's own storage, for commands that work without a server."""

from __future__ import annotations

import argparse
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from interlock.experience.cli.errors import NothingStored
from interlock.foundation.documents import read_document
from interlock.foundation.settings.environment import setting
from interlock.foundation.settings.project import ProjectSettings, project_settings
from interlock.foundation.settings.state import state_folder
from interlock.foundation.store import Database, open_database

MAIN_FILE = "interlock.yaml"


@dataclass(frozen=True, slots=True)
class Place:
    """A project's folder, its settings, and its state folder."""

    root: Path
    settings: ProjectSettings
    state: Path

    def database(self, *, read_only: bool = True) -> Database:
        """Return the project's database, not yet opened."""
        return open_database(self.settings.storage_url, base=self.state, read_only=read_only)


def root_of(arguments: argparse.Namespace) -> Path:
    """Return the folder that `--project` or INTERLOCK_PROJECT names."""
    return Path(arguments.project or setting("INTERLOCK_PROJECT", os.environ))


def place_of(root: Path) -> Place:
    """Return the place of the project in *root*; only its main file is read. Raises `ProjectInvalid`."""
    settings = project_settings(read_document(root / MAIN_FILE, "interlock", root=root))
    return Place(root, settings, state_folder(root, os.environ))


def stored(place: Place) -> Database:
    """Return the database, to be opened for reading only. Raises `NothingStored` where there is none yet."""
    database = place.database()
    if database.file is not None and not database.file.exists():
        raise NothingStored(
            f"{place.settings.name} has no journal yet",
            why=f"there is no {database.file}",
            fix="name the project with --project, and its state with INTERLOCK_STATE",
        )
    return database


@asynccontextmanager
async def reading(place: Place) -> AsyncIterator[Database]:
    """Open the database for reading only. Raises `NothingStored` where there is none yet."""
    database = stored(place)
    await database.open()
    try:
        yield database
    finally:
        await database.close()
