"""Locks between processes of one machine that die with the process holding them: one locked file per name."""

from __future__ import annotations

import fcntl
import hashlib
import os
from pathlib import Path


class FileClaims:
    """Claims as `flock` on files in one folder. Not for network file systems."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[str, int] = {}

    def claim(self, name: str) -> bool:
        """Take *name*, or return False if somebody else holds it."""
        if name in self._held:
            return True
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._path(name)
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                return False
            if _is_at(descriptor, path):
                self._held[name] = descriptor
                return True
            os.close(descriptor)  # its holder gave it up and removed it between the two calls

    def release(self, name: str) -> None:
        """Give *name* up, if held."""
        descriptor = self._held.pop(name, None)
        if descriptor is not None:
            self._path(name).unlink(missing_ok=True)
            os.close(descriptor)

    def release_all(self) -> None:
        """Give everything up."""
        for name in list(self._held):
            self.release(name)

    def _path(self, name: str) -> Path:
        return self._folder / hashlib.sha256(name.encode()).hexdigest()[:32]


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
