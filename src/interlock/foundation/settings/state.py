"""Where an installation keeps its state: the database file, its signed checkpoints, its keys."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from interlock.foundation.settings.environment import setting


def state_folder(root: Path, environment: Mapping[str, str]) -> Path:
    """Return the state folder of the project in *root*: `INTERLOCK_STATE`, relative to the project. Makes
    nothing.

    A relative SQLite path in `storage.url` is relative to it: `open_database(url, base=state_folder(...))`.
    """
    return root / setting("INTERLOCK_STATE", environment)
