"""What a place of files does for the operations."""

from __future__ import annotations

import stat
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol

from interlock.integration.connectors.files.errors import PlaceAway, TimeOver

CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells one state of a file from another: its *size*, and whatever the place knows beside it."""

    size: int
    mark: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a folder. *modified* is in seconds since 1970, None where the place does not say."""

    name: str
    stamp: Stamp
    modified: float | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a folder, and how many *others* stand there: folders, links, names that do not fit."""

    entries: tuple[Entry, ...]
    others: int


@dataclass(slots=True)
class Errand:
    """One call: its *deadline* (monotonic), whether the place was reached, whether a change left our hands."""

    deadline: float
    reached: bool = field(default=False)
    committed: bool = field(default=False)

    def left(self) -> float:
        """Return the seconds that are left. Raises `TimeOver`."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeOver("the time limit passed")
        return left


class Session(Protocol):
    """A place as one call uses it. Folders are paths below the root, names are single parts; both were checked."""

    def listing(self, folder: str) -> Listing:
        """Return what stands in *folder*. Raises `PlaceAway`, and what a lost connection raises."""
        ...

    def stamp(self, folder: str, name: str) -> Stamp | None:
        """Return the state of a plain file, None where there is none."""
        ...

    def opened(self, folder: str, name: str, most: int) -> AbstractContextManager[tuple[BinaryIO, Stamp]]:
        """Open a file of at most *most* bytes, to be read and sought in. Leaving the block without an error checks
        that nobody wrote into it meanwhile. Raises `FileMissing`, `FileTooLarge`, `FileChanged`.
        """
        ...

    def stage(self, folder: str, name: str, content: BinaryIO) -> None:
        """Keep *content* beside its place under the temporary *name*, durably; nothing of it is left on failure."""
        ...

    def drop(self, folder: str, name: str) -> None:
        """Remove the temporary *name*, if it is there."""
        ...

    def place(self, folder: str, temporary: str, name: str) -> None:
        """Give what was staged its *name*, in one step, where nobody else has it. Raises `FileExists`, `Unclear`."""
        ...

    def replace(self, folder: str, temporary: str, name: str) -> None:
        """Put what was staged in the place of the file *name*, in one step. Raises `Unclear`."""
        ...

    def move(self, folder: str, name: str, target: str) -> None:
        """Take the file into the folder *target*, where no file has its name. Raises `FileExists`, `FileMissing`."""
        ...


class Place(Protocol):
    """Where files are."""

    @property
    def renames(self) -> bool:
        """Whether what is staged outlasts its call and takes its name in one step; elsewhere moving is copying and
        removing.
        """
        ...

    def session(self, errand: Errand) -> AbstractContextManager[Session]:
        """Reach the place for one call. Raises `PlaceAway`, `AccessDenied`, `TimeOver`, `PackageMissing`."""
        ...


def plain(mode: int) -> None:
    """Raise `PlaceAway` unless *mode* is that of a plain file, which neither waits nor leads elsewhere."""
    if not stat.S_ISREG(mode):
        raise PlaceAway("it is no plain file")
