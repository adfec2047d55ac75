"""What was taken and sent, kept in files so that nothing is taken or sent twice, whoever asks again."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from interlock.integration.connectors.edi.inbox import FolderAway
from interlock.integration.connectors.locking import lock_file

PENDING = ".interlock-new"
_LARGEST = 999_999_999


class Busy(Exception):
    """Somebody else writes."""


class Unclear(Exception):
    """Something was put in its place, and whether that is durable is not known."""


class Ledger:
    """The folder *state*, and the folder *outbox* that is written into."""

    def __init__(self, state: Path, outbox: Path) -> None:
        self._state = state
        self._outbox = outbox

    @contextmanager
    def locked(self, deadline: float) -> Iterator[None]:
        """Hold the ledger's lock. Raises `Busy` if it cannot be had by *deadline*, `FolderAway`."""
        try:
            for name in ("taken", "sent"):
                (self._state / name).mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = lock_file(self._state / "lock", deadline)
        except OSError as error:
            raise FolderAway(error.strerror or "its state cannot be written") from None
        if descriptor is None:
            raise Busy
        try:
            yield
        finally:
            os.close(descriptor)

    def taken(self, identity: tuple[str, ...]) -> dict[str, Any] | None:
        """Return what is known of a message that was taken."""
        return _read(self._state / "taken" / _name(identity))

    def take(self, identity: tuple[str, ...], digest: str, file: str) -> None:
        """Write down that a message was taken. Raises `Unclear`."""
        _write(self._state / "taken" / _name(identity), {"identity": identity, "digest": digest, "file": file})

    def sent(self, key: tuple[str, ...]) -> dict[str, Any] | None:
        """Return what was sent under *key*; a file that a lost process left beside its place is put there."""
        known = _read(self._state / "sent" / _name(key))
        if known is not None:
            self._place(str(known["file"]))
        return known

    def next_control(self) -> int:
        """Return a control number that was never given before, until all of nine digits were. Raises `Unclear`."""
        counter = self._state / "counter"
        known = _read(counter)
        number = int(known["control"]) % _LARGEST + 1 if known is not None else 1
        _write(counter, {"control": number})
        return number

    def send(self, key: tuple[str, ...] | None, control: int, content: bytes, facts: dict[str, Any]) -> str:
        """Put an interchange into the outbox and return its file's name. Raises `FolderAway`, `Unclear`.

        First beside its place, then written down, then moved: a process that is lost on the way leaves what `sent`
        finishes.
        """
        name = f"{control:09d}.edi"
        if (self._outbox / name).exists():
            raise FolderAway(f"there is a file {name} already; is the state another's?")
        pending = self._outbox / f".{name}{PENDING}"
        try:
            with pending.open("wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            with contextlib.suppress(OSError):
                pending.unlink(missing_ok=True)
            raise FolderAway(error.strerror or "it cannot be written") from None
        if key is not None:
            _write(self._state / "sent" / _name(key), {"control": control, "file": name, **facts})
        self._place(name)
        return name

    def _place(self, name: str) -> None:
        pending = self._outbox / f".{name}{PENDING}"
        try:
            if pending.exists():
                pending.rename(self._outbox / name)
                _durable(self._outbox)
        except OSError:
            raise Unclear from None

    def reachable(self) -> None:
        """Raise `FolderAway` unless the outbox can be written."""
        if not self._outbox.is_dir() or not os.access(self._outbox, os.W_OK):
            raise FolderAway("the outbox is not there, or cannot be written")


def _name(parts: tuple[str, ...]) -> str:
    return hashlib.sha256(orjson.dumps(parts)).hexdigest() + ".json"


def _read(file: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = orjson.loads(file.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, orjson.JSONDecodeError):
        raise FolderAway("the state cannot be read") from None
    return found


def _write(file: Path, content: dict[str, Any]) -> None:
    new = file.with_name(file.name + PENDING)
    try:
        with new.open("wb") as stream:
            stream.write(orjson.dumps(content))
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise FolderAway(error.strerror or "the state cannot be written") from None
    try:
        new.rename(file)
        _durable(file.parent)
    except OSError:
        raise Unclear from None


def _durable(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
