"""A folder of this machine. Every part of a path is opened below its parent, and none may be a link."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from interlock.integration.connectors.files.errors import (
    FileChanged,
    FileExists,
    FileMissing,
    FileTooLarge,
    PlaceAway,
    Unclear,
)
from interlock.integration.connectors.files.names import unfit
from interlock.integration.connectors.files.places.interface import CHUNK, Entry, Errand, Listing, Stamp, plain
from interlock.integration.connectors.replacing import durable, rename_new

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class LocalPlace:
    """The folder *root*, which is opened at each call."""

    renames = True

    def __init__(self, root: Path) -> None:
        self._root = root

    @contextmanager
    def session(self, errand: Errand) -> Iterator[LocalSession]:
        try:
            descriptor = os.open(self._root, _FOLDER & ~os.O_NOFOLLOW)
        except OSError as error:
            raise PlaceAway(f"the folder cannot be used: {error.strerror}") from None
        errand.reached = True
        try:
            yield LocalSession(descriptor, errand)
        finally:
            os.close(descriptor)


class LocalSession:
    """One call's use of the folder that *root* holds open."""

    def __init__(self, root: int, errand: Errand) -> None:
        self._root = root
        self._errand = errand

    @contextmanager
    def _folder(self, path: str) -> Iterator[int]:
        held = os.dup(self._root)
        try:
            for part in path.split("/") if path != "." else ():
                try:
                    inner = os.open(part, _FOLDER, dir_fd=held)
                except OSError as error:
                    raise PlaceAway(f"the folder {path} cannot be used: {error.strerror}") from None
                os.close(held)
                held = inner
            yield held
        finally:
            os.close(held)

    def listing(self, folder: str) -> Listing:
        entries: list[Entry] = []
        others = 0
        with self._folder(folder) as held, os.scandir(held) as found:
            for one in found:
                self._errand.left()
                if one.name.startswith("."):
                    continue
                status = one.stat(follow_symlinks=False)
                if not stat.S_ISREG(status.st_mode) or unfit(one.name):
                    others += 1
                else:
                    entries.append(Entry(one.name, _stamp(status), status.st_mtime))
        return Listing(tuple(sorted(entries, key=lambda entry: entry.name)), others)

    def stamp(self, folder: str, name: str) -> Stamp | None:
        with self._folder(folder) as held:
            return _state(held, name)

    @contextmanager
    def opened(self, folder: str, name: str, most: int) -> Iterator[tuple[BinaryIO, Stamp]]:
        with self._folder(folder) as held:
            try:
                # A pipe or a device must not make anybody wait, so the kind is looked at before anything is read.
                descriptor = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=held)
            except FileNotFoundError:
                raise FileMissing("there is no such file") from None
            except OSError as error:
                raise PlaceAway(f"the file cannot be opened: {error.strerror}") from None
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            raise PlaceAway("it is no plain file")
        with os.fdopen(descriptor, "rb", buffering=CHUNK) as stream:
            if status.st_size > most:
                raise FileTooLarge(f"the file is larger than the {most} bytes that are allowed", limit=most)
            yield stream, _stamp(status)
            if _stamp(os.fstat(descriptor)) != _stamp(status):
                raise FileChanged("the file was written by another meanwhile")

    def stage(self, folder: str, name: str, content: BinaryIO) -> None:
        with self._folder(folder) as held:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            try:
                descriptor = os.open(name, flags, 0o640, dir_fd=held)
                with os.fdopen(descriptor, "wb") as stream:
                    while part := content.read(CHUNK):
                        self._errand.left()
                        stream.write(part)
                    stream.flush()
                    os.fsync(descriptor)
            except BaseException as error:
                with contextlib.suppress(OSError):
                    os.unlink(name, dir_fd=held)
                if isinstance(error, OSError):
                    raise PlaceAway(f"the folder cannot be written: {error.strerror}") from None
                raise

    def drop(self, folder: str, name: str) -> None:
        with self._folder(folder) as held, contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=held)

    def place(self, folder: str, temporary: str, name: str) -> None:
        with self._folder(folder) as held:
            _renamed(held, temporary, held, name)

    def replace(self, folder: str, temporary: str, name: str) -> None:
        with self._folder(folder) as held:
            there = _state(held, name) is not None
            try:
                if there:
                    status = os.stat(name, dir_fd=held, follow_symlinks=False)
                    os.chmod(temporary, stat.S_IMODE(status.st_mode), dir_fd=held)
                os.rename(temporary, name, src_dir_fd=held, dst_dir_fd=held)
            except OSError as error:
                raise PlaceAway(f"the file cannot be put there: {error.strerror}") from None
            _settled(held)

    def move(self, folder: str, name: str, target: str) -> None:
        with self._folder(folder) as source, self._folder(target) as goal:
            if _state(source, name) is None:
                raise FileMissing("there is no such file")
            _renamed(source, name, goal, name)
            _settled(source)


def _renamed(source: int, old: str, goal: int, new: str) -> None:
    try:
        rename_new(source, old, goal, new)
    except FileExistsError:
        raise FileExists("a file of this name is there already") from None
    except OSError as error:
        raise PlaceAway(f"the file cannot be put there: {error.strerror}") from None
    _settled(goal)


def _settled(folder: int) -> None:
    try:
        durable(folder)
    except OSError:
        raise Unclear("the file is in its place, perhaps not durably") from None


def _state(held: int, name: str) -> Stamp | None:
    try:
        status = os.stat(name, dir_fd=held, follow_symlinks=False)
    except FileNotFoundError:
        return None
    plain(status.st_mode)
    return _stamp(status)


def _stamp(status: os.stat_result) -> Stamp:
    return Stamp(status.st_size, f"{status.st_ino:x}-{status.st_size:x}-{status.st_mtime_ns:x}")
