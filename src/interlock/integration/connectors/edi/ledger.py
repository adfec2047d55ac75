"""What was taken and sent, kept in files so that nothing is taken or sent twice, whoever asks again."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from interlock.integration.connectors.edi.inbox import FolderAway
from interlock.integration.connectors.notes import PENDING, Notes, NotesUnclear, read_note, write_note
from interlock.integration.connectors.replacing import durable

_LARGEST = 999_999_999


class Ledger:
    """The folder *state*, and the folder *outbox* that is written into. All of it raises `NotesAway` where the state
    cannot be used.
    """

    def __init__(self, state: Path, outbox: Path) -> None:
        self._notes = Notes(state)
        self._counter = state / "counter"
        self._outbox = outbox

    @contextmanager
    def locked(self, deadline: float) -> Iterator[None]:
        """Hold the ledger's lock. Raises `NotesBusy` if it cannot be had by *deadline*."""
        with self._notes.locked(deadline, "taken", "sent"):
            yield

    def taken(self, identity: tuple[str, ...]) -> dict[str, Any] | None:
        """Return what is known of a message that was taken."""
        return self._notes.read("taken", identity)

    def take(self, identity: tuple[str, ...], digest: str, file: str, key: str) -> None:
        """Write down that a message was taken, under *key* if that is not empty. Raises `NotesUnclear`."""
        self._notes.write("taken", identity, {"identity": identity, "digest": digest, "file": file, "key": key})

    def took(self, identity: tuple[str, ...], key: str) -> bool:
        """Return whether a message was taken under *key*, by who did not hear of it and asks again."""
        known = self._notes.read("taken", identity)
        return bool(key) and known is not None and known.get("key") == key

    def sent(self, key: tuple[str, ...]) -> dict[str, Any] | None:
        """Return what was sent under *key*; a file that a lost process left beside its place is put there."""
        known = self._notes.read("sent", key)
        if known is not None:
            self._place(str(known["file"]))
        return known

    def next_control(self) -> int:
        """Return a control number that was never given before, until all of nine digits were.

        Raises `NotesUnclear`.
        """
        known = read_note(self._counter)
        number = int(known["control"]) % _LARGEST + 1 if known is not None else 1
        write_note(self._counter, {"control": number})
        return number

    def send(self, key: tuple[str, ...] | None, control: int, content: bytes, facts: dict[str, Any]) -> str:
        """Put an interchange into the outbox and return its file's name. Raises `FolderAway`, `NotesUnclear`.

        First beside its place, then written down, then moved: a process that is lost on the way leaves what `sent`
        finishes.
        """
        name = f"{control:09d}.edi"
        if (self._outbox / name).exists():
            raise FolderAway(f"there is a file {name} already; is the state another's?")
        pending = self._outbox / f".{name}{PENDING}"
        try:
            # Others write into this folder: a link that lies there leads to no other file.
            descriptor = os.open(pending, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            with contextlib.suppress(OSError):
                pending.unlink(missing_ok=True)
            raise FolderAway(error.strerror or "it cannot be written") from None
        if key is not None:
            self._notes.write("sent", key, {"control": control, "file": name, **facts})
        self._place(name)
        return name

    def _place(self, name: str) -> None:
        pending = self._outbox / f".{name}{PENDING}"
        try:
            if pending.exists():
                pending.rename(self._outbox / name)
                durable(self._outbox)
        except OSError:
            raise NotesUnclear from None

    def reachable(self) -> None:
        """Raise `FolderAway` unless the outbox can be written."""
        if not self._outbox.is_dir() or not os.access(self._outbox, os.W_OK):
            raise FolderAway("the outbox is not there, or cannot be written")
