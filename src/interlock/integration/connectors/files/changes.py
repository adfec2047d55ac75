"""What changes a place: a new file, a longer one, one moved. Each comes about once, whoever asks again with its key."""

from __future__ import annotations

import hashlib
import secrets
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from interlock.foundation.faults import fault
from interlock.integration.connectors.files.errors import (
    INDEFINITE,
    FileBroken,
    FileChanged,
    FileExists,
    FileMissing,
    FilesTrouble,
    FileTooLarge,
    KeyReused,
    Unclear,
)
from interlock.integration.connectors.files.formats.interface import Growing
from interlock.integration.connectors.files.names import TEMPORARY
from interlock.integration.connectors.files.places.interface import CHUNK, Errand, Place, Session
from interlock.integration.connectors.files.reading import read_rows, same
from interlock.integration.connectors.files.setup import Folder, Setup
from interlock.integration.connectors.interface import SUCCEEDED, Answer
from interlock.integration.connectors.notes import Notes, NotesAway, NotesUnclear
from interlock.values.digests import digest

SHELF = "done"
_IN_MEMORY = 4 << 20


@dataclass(frozen=True, slots=True)
class Wanted:
    """One change: *folder* and *file* it ends in, what it was asked with, and the temporary name it takes."""

    folder: Folder
    file: str
    request: str
    key: str
    temporary: str

    @staticmethod
    def of(binding: Mapping[str, Any], folder: Folder, arguments: Mapping[str, Any], key: str) -> Wanted:
        """Return the change that a call asks for."""
        token = hashlib.sha256(key.encode()).hexdigest() if key else secrets.token_hex(16)
        request = digest([binding["verb"], binding["folders"], dict(arguments)])
        file = arguments["file"]
        return Wanted(folder, file, request, key, f".{file}.{token[:12]}{TEMPORARY}")


class KeyTaken(FilesTrouble):
    """A row with this key is in the file already."""

    code = "key_exists"


class Changes:
    """The changing verbs. *notes* hold what was done under which key."""

    def __init__(self, setup: Setup, place: Place, notes: Notes) -> None:
        self._setup = setup
        self._place = place
        self._notes = notes

    def run(
        self,
        binding: Mapping[str, Any],
        folders: Sequence[Folder],
        arguments: Mapping[str, Any],
        key: str,
        errand: Errand,
    ) -> Answer:
        """Do what *binding* says, or say that it was done. Raises kinds of `FilesTrouble`, and what `notes` raise."""
        wanted = Wanted.of(binding, folders[-1], arguments, key)
        verbs: dict[str, Callable[[Session, Wanted], dict[str, Any]]] = {
            "write": lambda session, wanted: self._write(
                session, wanted, arguments["rows"], errand, replaces=binding["existing"] == "replace"
            ),
            "append": lambda session, wanted: self._append(session, wanted, arguments["rows"], errand),
            "move": lambda session, wanted: self._move(session, wanted, folders[0], errand),
        }
        with self._notes.locked(errand.deadline, SHELF):
            known = self._notes.read(SHELF, (key,)) if key else None
            if known is not None and known["request"] != wanted.request:
                raise KeyReused("the same key came with another request before")
            if known is not None and known["placed"]:
                return Answer(SUCCEEDED, {**known["output"], "done": False})
            with self._place.session(errand) as session:
                if known is not None and self._came_about(session, wanted, known, folders[0]):
                    self._note(wanted, known["output"], placed=True, digest=known["digest"])
                    return Answer(SUCCEEDED, {**known["output"], "done": False})
                output = verbs[binding["verb"]](session, wanted)
        return Answer(SUCCEEDED, {**output, "done": True})

    def _came_about(self, session: Session, wanted: Wanted, known: Mapping[str, Any], source: Folder) -> bool:
        """Return whether a change that nobody answered for did happen. Raises `Unclear`."""
        if not known["digest"]:  # a move: the file is at one of its places
            there = session.stamp(wanted.folder.path, wanted.file) is not None
            if session.stamp(source.path, wanted.file) is not None:
                return there and not self._place.renames and self._removed(session, wanted, source)
            if there:
                return True
            raise Unclear("the file is at neither place, so another took it meanwhile")
        if self._place.renames:
            left = session.stamp(wanted.folder.path, known["temporary"]) is not None
            if left:
                session.drop(wanted.folder.path, known["temporary"])
            return not left
        if self._holds(session, wanted, known["digest"]):
            return True
        raise Unclear("an earlier call was lost, and the file is not there: never written, or taken away since")

    def _removed(self, session: Session, wanted: Wanted, source: Folder) -> bool:
        """Finish a move that was lost between the copy and the removal. Returns whether there was one."""
        with session.opened(source.path, wanted.file, self._setup.bounds.size) as (stream, _):
            copied = self._holds(session, wanted, _digest(stream))
        if copied:
            session.drop(source.path, wanted.file)
        return copied

    def _holds(self, session: Session, wanted: Wanted, expected: str) -> bool:
        try:
            with session.opened(wanted.folder.path, wanted.file, self._setup.bounds.size) as (stream, _):
                return _digest(stream) == expected
        except FileMissing:
            return False

    def _note(self, wanted: Wanted, output: Mapping[str, Any], *, placed: bool, digest: str) -> None:
        if wanted.key:
            content = {"request": wanted.request, "temporary": wanted.temporary, "output": dict(output)}
            self._notes.write(SHELF, (wanted.key,), {**content, "placed": placed, "digest": digest})

    def _forget(self, wanted: Wanted) -> None:
        if wanted.key:
            self._notes.forget(SHELF, (wanted.key,))

    # --- verbs -------------------------------------------------------------------------------------------------------

    def _write(
        self, session: Session, wanted: Wanted, rows: Sequence[Mapping[str, Any]], errand: Errand, *, replaces: bool
    ) -> dict[str, Any]:
        if not replaces and session.stamp(wanted.folder.path, wanted.file) is not None:
            raise FileExists("a file of this name is there already")
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as spooled:
            content = cast(BinaryIO, spooled)
            if wanted.folder.format is None:
                raise FileBroken("has no declared format")
            wanted.folder.format.write(content, wanted.folder.columns, rows)
            step = session.replace if replaces else session.place
            return self._put(session, wanted, content, len(rows), errand, step)

    def _append(
        self, session: Session, wanted: Wanted, rows: Sequence[Mapping[str, Any]], errand: Errand
    ) -> dict[str, Any]:
        folder, bounds = wanted.folder, self._setup.bounds
        if not isinstance(folder.format, Growing):
            raise FileBroken("cannot grow")
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as spooled:
            content = cast(BinaryIO, spooled)
            with session.opened(folder.path, wanted.file, bounds.size) as (stream, stamp):
                self._unlike(folder, stream, rows, errand)
                folder.format.grow(stream, content, folder.columns, rows, bounds)

            def step(path: str, temporary: str, name: str) -> None:
                if session.stamp(path, name) != stamp:
                    raise FileChanged("the file was written by another meanwhile")
                session.replace(path, temporary, name)

            return self._put(session, wanted, content, len(rows), errand, step)

    def _unlike(self, folder: Folder, stream: BinaryIO, rows: Sequence[Mapping[str, Any]], errand: Errand) -> None:
        """Read all of a file that is to grow: what is broken must not be hidden below more rows. Raises `KeyTaken`."""
        names = [column.name for column in folder.key]
        new = [tuple(same(folder, name, row[name]) for name in names) for row in rows] if names else []
        taken: set[tuple[Any, ...]] = set(new)
        if len(taken) < len(new):
            raise KeyTaken("two of the rows have the same key")
        for read in read_rows(folder, stream, self._setup.bounds, errand):
            if (
                names
                and read.values is not None
                and tuple(same(folder, name, read.values[name]) for name in names) in taken
            ):
                raise KeyTaken(f"row {read.number} has the key of one of these", row=read.number)

    def _put(
        self,
        session: Session,
        wanted: Wanted,
        content: BinaryIO,
        rows: int,
        errand: Errand,
        step: Callable[[str, str, str], None],
    ) -> dict[str, Any]:
        """Keep *content* beside its place, write down what is meant, then take the one *step* that shows it."""
        path, size = wanted.folder.path, content.tell()
        if size > self._setup.bounds.size:
            most = self._setup.bounds.size
            raise FileTooLarge(f"the file would be larger than the {most} bytes that are allowed", limit=most)
        output = {"file": wanted.file, "rows": rows, "size": size}
        content.seek(0)
        made = _digest(content)
        content.seek(0)
        session.drop(path, wanted.temporary)
        session.stage(path, wanted.temporary, content)
        fault("files.staged")
        try:
            errand.left()
            self._note(wanted, output, placed=False, digest=made)
            fault("files.noted")
            errand.committed = True
            step(path, wanted.temporary, wanted.file)
        except (FilesTrouble, NotesAway, NotesUnclear) as error:
            if not errand.committed or not isinstance(error, INDEFINITE):
                errand.committed = False
                with suppress(FilesTrouble):
                    session.drop(path, wanted.temporary)
                self._forget(wanted)
            raise
        fault("files.placed")
        self._note(wanted, output, placed=True, digest=made)
        return output

    def _move(self, session: Session, wanted: Wanted, source: Folder, errand: Errand) -> dict[str, Any]:
        output = {"file": wanted.file}
        if session.stamp(source.path, wanted.file) is None:
            raise FileMissing("there is no such file")
        if session.stamp(wanted.folder.path, wanted.file) is not None:
            raise FileExists(f"{wanted.folder.name} has a file of this name already")
        errand.left()
        self._note(wanted, output, placed=False, digest="")
        errand.committed = True
        try:
            session.move(source.path, wanted.file, wanted.folder.path)
        except FilesTrouble as error:
            if not isinstance(error, INDEFINITE):
                errand.committed = False
                self._forget(wanted)
            raise
        fault("files.placed")
        self._note(wanted, output, placed=True, digest="")
        return output


def _digest(stream: BinaryIO) -> str:
    made = hashlib.sha256()
    while part := stream.read(CHUNK):
        made.update(part)
    return made.hexdigest()
