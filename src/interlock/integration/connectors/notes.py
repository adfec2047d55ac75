"""Small facts kept in a folder, so that nothing is done twice, whoever asks again."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from interlock.integration.connectors.locking import lock_file
from interlock.integration.connectors.replacing import durable

PENDING = ".interlock-new"


class NotesAway(Exception):
    """The folder cannot be used; the message says why."""


class NotesBusy(Exception):
    """Somebody else holds the lock."""


class NotesUnclear(Exception):
    """A fact is in its place, and whether that is durable is not known."""


class Notes:
    """The folder *root*; facts are JSON objects, each under a few texts that name it."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @contextmanager
    def locked(self, deadline: float, *shelves: str) -> Iterator[None]:
        """Hold the lock of the folder, with its *shelves* made. Raises `NotesBusy` at *deadline*, `NotesAway`."""
        try:
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            for shelf in shelves:
                (self._root / shelf).mkdir(mode=0o700, exist_ok=True)
            descriptor = lock_file(self._root / "lock", deadline)
        except OSError as error:
            raise NotesAway(error.strerror or "the state cannot be written") from None
        if descriptor is None:
            raise NotesBusy
        try:
            yield
        finally:
            os.close(descriptor)

    def read(self, shelf: str, name: tuple[str, ...]) -> dict[str, Any] | None:
        """Return what is written under *name*, None where nothing is. Raises `NotesAway`."""
        return read_note(self._file(shelf, name))

    def write(self, shelf: str, name: tuple[str, ...], content: dict[str, Any]) -> None:
        """Write *content* under *name*, durably. Raises `NotesAway` (nothing changed) or `NotesUnclear`."""
        write_note(self._file(shelf, name), content)

    def forget(self, shelf: str, name: tuple[str, ...]) -> None:
        """Remove what is written under *name*. Raises `NotesAway`."""
        try:
            self._file(shelf, name).unlink(missing_ok=True)
        except OSError as error:
            raise NotesAway(error.strerror or "the state cannot be written") from None

    def _file(self, shelf: str, name: tuple[str, ...]) -> Path:
        return self._root / shelf / (hashlib.sha256(orjson.dumps(name)).hexdigest() + ".json")


def read_note(file: Path) -> dict[str, Any] | None:
    """Return the fact in *file*, None where there is none. Raises `NotesAway`."""
    try:
        found: dict[str, Any] = orjson.loads(file.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, orjson.JSONDecodeError):
        raise NotesAway("the state cannot be read") from None
    return found


def write_note(file: Path, content: dict[str, Any]) -> None:
    """Put a fact into *file*, durably and as a whole. Raises `NotesAway` (nothing changed) or `NotesUnclear`."""
    new = file.with_name(file.name + PENDING)
    try:
        with new.open("wb") as stream:
            stream.write(orjson.dumps(content))
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)
        raise NotesAway(error.strerror or "the state cannot be written") from None
    try:
        new.rename(file)
        durable(file.parent)
    except OSError:
        raise NotesUnclear from None
