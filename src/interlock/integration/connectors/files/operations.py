"""What the operations do: list, rows, record; append, write and move are in `changes`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from interlock.integration.connectors.files.changes import Changes
from interlock.integration.connectors.files.definitions import PAGE
from interlock.integration.connectors.files.errors import ArgumentUnfit, FileChanged, FilesTrouble
from interlock.integration.connectors.files.names import matches, unfit
from interlock.integration.connectors.files.places.interface import Errand, Place
from interlock.integration.connectors.files.reading import RowBroken, fits, read_rows
from interlock.integration.connectors.files.setup import Folder, Setup
from interlock.integration.connectors.interface import SUCCEEDED, Answer, failed

_ENVELOPE = 500
"""Bytes of an answer beside its rows."""


class Operations:
    """The verbs, over one place."""

    def __init__(self, setup: Setup, place: Place, changes: Changes, most_bytes: int) -> None:
        self._setup = setup
        self._place = place
        self._changes = changes
        self._most_bytes = most_bytes - _ENVELOPE

    def run(self, binding: Mapping[str, Any], arguments: Mapping[str, Any], key: str, errand: Errand) -> Answer:
        """Do what *binding* says. Raises the kinds of `FilesTrouble`, and what the notes raise."""
        folders = [self._setup.folders[name] for name in binding["folders"]]
        file = arguments.get("file", "")
        if "file" in arguments:
            for folder in folders:
                _named(folder, file)
        try:
            if binding["verb"] == "list":
                return self._list(folders[0], arguments, errand)
            if binding["verb"] == "rows":
                return self._rows(folders[0], binding, arguments, errand)
            if binding["verb"] == "record":
                return self._record(folders[0], arguments, errand)
            return self._changes.run(binding, folders, arguments, key, errand)
        except FilesTrouble as error:
            if file:
                error.detail = f"{file}: {error.detail}"
            raise

    def probe(self, errand: Errand) -> Answer:
        """Look into every declared folder."""
        with self._place.session(errand) as session:
            for folder in self._setup.folders.values():
                session.listing(folder.path)
        return Answer(SUCCEEDED)

    def _list(self, folder: Folder, arguments: Mapping[str, Any], errand: Errand) -> Answer:
        with self._place.session(errand) as session:
            listing = session.listing(folder.path)
        after, limit = arguments.get("after", ""), arguments.get("limit", PAGE)
        fitting = [entry for entry in listing.entries if matches(entry.name, folder.pattern)]
        others = listing.others + len(listing.entries) - len(fitting)
        left = [entry for entry in fitting if entry.name > after]
        files: list[dict[str, Any]] = []
        budget = self._most_bytes
        for entry in left[:limit]:
            modified = None
            if entry.modified is not None:
                modified = datetime.fromtimestamp(entry.modified, UTC).isoformat(timespec="seconds")
            shown = {"file": entry.name, "size": entry.stamp.size, "modified": modified, "version": entry.stamp.mark}
            budget -= len(orjson.dumps(shown)) + 1
            if budget < 0 and files:
                break
            files.append(shown)
        more = files[-1]["file"] if files and len(files) < len(left) else None
        return Answer(SUCCEEDED, {"files": files, "next": more, "others": others})

    def _rows(self, folder: Folder, binding: Mapping[str, Any], arguments: Mapping[str, Any], errand: Errand) -> Answer:
        wanted = {name: arguments[name] for name in binding["filters"] if name in arguments}
        offset, limit = arguments.get("offset", 0), arguments.get("limit", PAGE)
        rows: list[dict[str, Any]] = []
        quarantined: list[dict[str, Any]] = []
        budget = self._most_bytes
        more: int | None = None
        bounds = self._setup.bounds
        with (
            self._place.session(errand) as session,
            session.opened(folder.path, arguments["file"], bounds.size) as (
                stream,
                stamp,
            ),
        ):
            if arguments.get("if_version", stamp.mark) != stamp.mark:
                raise FileChanged("the file is another than that of this version; begin again without an offset")
            for index, read in enumerate(read_rows(folder, stream, bounds, errand)):
                if index < offset or (read.values is not None and not fits(folder, read.values, wanted)):
                    continue
                shown = read.wrong if read.values is None else read.values
                budget -= len(orjson.dumps(shown)) + 1
                if len(rows) + len(quarantined) == limit or (budget < 0 and (rows or quarantined)):
                    more = index
                    break
                if budget < 0:
                    return _too_large(self._most_bytes)
                (quarantined if read.values is None else rows).append(shown)
        output = {"rows": rows, "quarantined": quarantined, "next": more, "version": stamp.mark}
        return Answer(SUCCEEDED, output)

    def _record(self, folder: Folder, arguments: Mapping[str, Any], errand: Errand) -> Answer:
        wanted = {column.name: arguments[column.name] for column in folder.key}
        found = None
        unread: dict[str, Any] = {}
        bounds = self._setup.bounds
        with (
            self._place.session(errand) as session,
            session.opened(folder.path, arguments["file"], bounds.size) as (
                stream,
                stamp,
            ),
        ):
            for read in read_rows(folder, stream, bounds, errand):
                if read.values is None:
                    unread = unread or read.wrong
                elif fits(folder, read.values, wanted):
                    if found is not None:
                        detail = f"{arguments['file']}: rows {found.number} and {read.number} have the same key"
                        return failed("key_ambiguous", detail)
                    found = read
        if found is None and unread:
            raise RowBroken(f"no row that can be read has this key; row {unread['row']} cannot be", row=unread["row"])
        if found is None:
            return failed("not_found", f"{arguments['file']}: no row has this key")
        output = {"row": found.values, "number": found.number, "version": stamp.mark}
        too_large = len(orjson.dumps(output)) > self._most_bytes
        return _too_large(self._most_bytes) if too_large else Answer(SUCCEEDED, output)


def _named(folder: Folder, file: str) -> None:
    if reason := unfit(file):
        raise ArgumentUnfit(f"the file's name {reason}")
    if not matches(file, folder.pattern):
        raise ArgumentUnfit(f"the file's name does not fit {folder.pattern}, which the folder {folder.name} takes")


def _too_large(most: int) -> Answer:
    return failed("response_too_large", f"one row is larger than the {most} bytes that are allowed", limit=most)
