"""One file of records: read as it stands, replaced as a whole, by one writer at a time."""

from __future__ import annotations

import os
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from interlock.integration.connectors.fixed.framing import CHUNK, Block, Format
from interlock.integration.connectors.locking import lock_file
from interlock.integration.connectors.replacing import durable

LOCK_SUFFIX = ".interlock-lock"


class FileAway(Exception):
    """The file is not there, is no plain file, or may not be used."""


class FileTooLarge(Exception):
    """The file is larger than the declaration allows."""


class FileBusy(Exception):
    """Somebody else is writing."""


class FileChanged(Exception):
    """The file changed while it was read, or since a page of it was."""


class NoRecordThere(Exception):
    """At a place in the file that somebody named begins no record of that number."""


class TimeOver(Exception):
    """The time limit passed before anything was changed."""


class Replaced(Exception):
    """The file was replaced, and whether that is durable is not known."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells one state of a file from another."""

    device: int
    inode: int
    size: int
    changed: int

    @staticmethod
    def of(status: os.stat_result) -> Stamp:
        """Return the stamp of a file's status."""
        return Stamp(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)

    @property
    def mark(self) -> str:
        """The stamp as a short text."""
        return f"{self.inode:x}-{self.size:x}-{self.changed:x}"


class Opened:
    """One open state of the file. `blocks` yields its records; whoever reads to the end calls `unchanged`."""

    def __init__(self, stream: BinaryIO, form: Format, deadline: float) -> None:
        self.stream = stream
        self.stamp = Stamp.of(os.fstat(stream.fileno()))
        self._format = form
        self._deadline = deadline

    def blocks(self, offset: int = 0, number: int = 1) -> Iterator[Block]:
        """Yield blocks from *offset*, where record *number* begins. Raises `FrameBroken`, `TimeOver`."""
        for index, block in enumerate(self._format.blocks(self.stream, offset, number)):
            if index % 64 == 0:
                in_time(self._deadline)
            yield block

    def blocks_from(self, offset: int, number: int) -> Iterator[Block]:
        """Yield blocks from *offset*, where record *number* has to begin. Raises `NoRecordThere` besides.

        Whoever names a place may have made it up, and within a record hidden fields would be read as others. So records
        are counted from the beginning, unless their length alone says where one begins.
        """
        start = self._format.start(number)
        if start is not None:
            if (offset, number > 0) != (start, True) or offset > self.stamp.size:
                raise NoRecordThere
            yield from self.blocks(offset, number)
            return
        reached = False
        for block in self.blocks():
            if not reached and block.offset >= offset:
                if (block.offset, block.frames[0].number if block.frames else number) != (offset, number):
                    raise NoRecordThere
                reached = True
            if reached:
                yield block
        if not reached:
            raise NoRecordThere

    def unchanged(self) -> None:
        """Raise `FileChanged` if somebody has written into the file since it was opened."""
        if Stamp.of(os.fstat(self.stream.fileno())) != self.stamp:
            raise FileChanged


class RecordFile:
    """The file at *path*."""

    def __init__(self, path: Path, form: Format, limit: int) -> None:
        self._path = path
        self._format = form
        self._limit = limit

    @contextmanager
    def opened(self, deadline: float) -> Iterator[Opened]:
        """Open the file for reading. Raises `FileAway`, `FileTooLarge`."""
        try:
            # A pipe or a device must not make anybody wait, so the kind is looked at before anything is read.
            descriptor = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise FileAway(error.strerror or "it cannot be opened") from None
        with os.fdopen(descriptor, "rb", buffering=CHUNK) as stream:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise FileAway("it is no plain file")
            if status.st_size > self._limit:
                raise FileTooLarge
            yield Opened(stream, self._format, deadline)

    @contextmanager
    def locked(self, deadline: float) -> Iterator[None]:
        """Hold the lock of writers. Raises `FileBusy` if it cannot be had by *deadline*, `FileAway`."""
        path = self._path.resolve()
        lock = path.with_name(path.name + LOCK_SUFFIX)
        if not path.exists():
            raise FileAway("there is no such file")
        try:
            descriptor = lock_file(lock, deadline)
        except OSError as error:
            raise FileAway(error.strerror or "its folder cannot be written") from None
        if descriptor is None:
            raise FileBusy
        try:
            yield
        finally:
            os.close(descriptor)

    def replace(self, opened: Opened, pieces: Iterator[bytes | tuple[int, int]], deadline: float) -> None:
        """Put a new file in the place of the *opened* one, made of *pieces*: bytes, or (offset, size) of the old file.

        Written beside it, flushed to the disk, then renamed, so that nobody ever sees a part. Raises `TimeOver`,
        `FileChanged`, `FileTooLarge`, `FileAway` (nothing was changed) or `Replaced`.
        """
        path = self._path.resolve()
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".interlock-new", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb", buffering=CHUNK) as new:
                for piece in pieces:
                    for part in _parts(opened.stream, piece):
                        in_time(deadline)
                        new.write(part)
                    if new.tell() > self._limit:
                        raise FileTooLarge
                status = os.fstat(opened.stream.fileno())
                os.fchmod(new.fileno(), stat.S_IMODE(status.st_mode))
                if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
                    os.fchown(new.fileno(), status.st_uid, status.st_gid)
                new.flush()
                os.fsync(new.fileno())
            opened.unchanged()
            if Stamp.of(path.stat()) != opened.stamp:
                raise FileChanged
            in_time(deadline)
            Path(name).rename(path)
        except OSError as error:
            Path(name).unlink(missing_ok=True)
            raise FileAway(error.strerror or "it cannot be written") from None
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        _durable(path.parent)


def _parts(stream: BinaryIO, piece: bytes | tuple[int, int]) -> Iterator[bytes]:
    if isinstance(piece, bytes):
        yield piece
        return
    offset, left = piece
    stream.seek(offset)
    while left > 0:
        part = stream.read(min(left, CHUNK))
        if not part:
            raise FileChanged
        left -= len(part)
        yield part


def _durable(folder: Path) -> None:
    try:
        durable(folder)
    except OSError:
        raise Replaced from None


def in_time(deadline: float) -> None:
    """Raise `TimeOver` once *deadline* (monotonic) has passed."""
    if time.monotonic() > deadline:
        raise TimeOver
