"""The places a secret may lie in: the environment, one file of lines, a directory with a file each."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from interlock.foundation.secrets.errors import SecretFileInvalid, SecretInsecure
from interlock.foundation.secrets.references import variable_form

MAX_BYTES = 262_144
_Mark = tuple[int, int, int, int]


class SecretSource(Protocol):
    """A place to look in."""

    def find(self, name: str) -> str | None:
        """Return the secret's text as it is now, or None. Raises `SecretInsecure` or `SecretFileInvalid`."""
        ...

    def place(self, name: str) -> str:
        """Return in words where `find` looks for *name*."""
        ...


class EnvironmentSource:
    """`INTERLOCK_SECRET_NAME` in the environment of the process."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def find(self, name: str) -> str | None:
        return self._environment.get(f"INTERLOCK_SECRET_{variable_form(name)}") or None

    def place(self, name: str) -> str:
        return f"environment variable INTERLOCK_SECRET_{variable_form(name)}"


class FileSource:
    """A file of `NAME=value` lines, read again whenever it has changed."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._mark: _Mark | None = None
        self._values: dict[str, str] = {}

    def find(self, name: str) -> str | None:
        mark = _mark(self._file)
        if mark is None:
            return None
        if mark != self._mark:
            self._values = _parse(_read_private(self._file), self._file)
            self._mark = mark
        return self._values.get(variable_form(name)) or None

    def place(self, name: str) -> str:
        return f"{self._file} (a line {name}=...)"


class DirectorySource:
    """A directory with one file for each secret, named after it; one line end at the end does not count."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._known: dict[str, tuple[_Mark, str]] = {}

    def find(self, name: str) -> str | None:
        file = self._directory / name
        mark = _mark(file)
        if mark is None:
            return None
        known = self._known.get(name)
        if known is None or known[0] != mark:
            known = (mark, _read_private(file).removesuffix("\n").removesuffix("\r"))
            self._known[name] = known
        return known[1] or None

    def place(self, name: str) -> str:
        return str(self._directory / name)


def _mark(file: Path) -> _Mark | None:
    """Return what changes when the file does, or None if there is no such file."""
    try:
        found = file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino, found.st_mode


def _read_private(file: Path) -> str:
    """Return the file's text once it is certain that only its owner can read it."""
    try:
        # Without blocking, for a named pipe that nobody writes to would never open.
        with os.fdopen(os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as stream:
            _demand_private(os.fstat(stream.fileno()), file)
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise SecretFileInvalid(f"{file} cannot be read", why=error.strerror or "unknown cause") from error
    if len(content) > MAX_BYTES:
        raise SecretFileInvalid(f"{file} is larger than {MAX_BYTES} bytes", fix="name the right file")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SecretFileInvalid(f"{file} is not UTF-8 text", fix="write it as UTF-8") from error


def _demand_private(found: os.stat_result, file: Path) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise SecretFileInvalid(f"{file} is no ordinary file", fix="name a file")
    if found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise SecretInsecure(
            f"{file} may be used by others than its owner",
            why=f"its permissions are {stat.S_IMODE(found.st_mode):04o}",
            fix=f"chmod 600 {file}",
        )
    if found.st_uid not in {os.geteuid(), 0}:
        raise SecretInsecure(
            f"{file} belongs to another user",
            why="its owner could change it at any time",
            fix=f"give {file} to the user that runs Interlock",
        )


def _parse(text: str, file: Path) -> dict[str, str]:
    values: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        content = line.strip()
        if not content or content.startswith("#"):
            continue
        name, sign, value = content.removeprefix("export ").partition("=")
        if not sign or not name.strip():
            raise SecretFileInvalid(f"line {number} of {file} is not NAME=value", fix="correct or remove that line")
        value = value.strip()
        if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
            value = value[1:-1]
        values[variable_form(name.strip())] = value
    return values
