"""What each verb does with a file of records; runs in a thread, and answers with a value."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from interlock.integration.connectors.fixed.copybook import RecordUnfit, decode, encode
from interlock.integration.connectors.fixed.copybook.codecs import Unfit
from interlock.integration.connectors.fixed.copybook.placement import MOST_UNREAD
from interlock.integration.connectors.fixed.definitions import PAGE
from interlock.integration.connectors.fixed.files import NoRecordThere, Opened, RecordFile
from interlock.integration.connectors.fixed.framing import Block, Fixed, Frame, Lines, RecordTooLong
from interlock.integration.connectors.fixed.schemas import record_to_json
from interlock.integration.connectors.fixed.setup import Place, RecordType, Setup
from interlock.integration.connectors.interface import SUCCEEDED, Answer, failed

_UNREADABLE_KEY = "a record's key cannot be read, so whether it is the one asked for cannot be told"


@dataclass(frozen=True, slots=True)
class Found:
    """A record that a key led to, in its block."""

    block: Block
    frame: Frame


class Operations:
    """The verbs, over one file."""

    def __init__(self, setup: Setup, file: RecordFile, most_bytes: int) -> None:
        self._setup = setup
        self._file = file
        self._most_bytes = most_bytes

    def run(self, binding: Mapping[str, Any], arguments: Mapping[str, Any], deadline: float) -> Answer:
        """Do what *binding* says. Raises what `files` and `framing` raise."""
        record = self._setup.records[binding["record"]]
        verbs: dict[str, Callable[[RecordType, Mapping[str, Any], Mapping[str, Any], float], Answer]] = {
            "list": self._list,
            "get": self._get,
            "append": self._append,
            "rewrite": self._rewrite,
        }
        try:
            return verbs[binding["verb"]](record, binding, arguments, deadline)
        except NoRecordThere:
            return _stale()
        except RecordUnfit as error:
            return failed("argument_unfit", f"nothing was changed: {error}", sent=False)
        except Unfit as error:
            return failed("argument_unfit", f"an argument {error}", sent=False)
        except RecordTooLong as error:
            return failed("argument_unfit", f"nothing was changed: the record {error}", sent=False)

    # --- reading -----------------------------------------------------------------------------------------------------

    def _list(
        self, record: RecordType, binding: Mapping[str, Any], arguments: Mapping[str, Any], deadline: float
    ) -> Answer:
        tests = list(_tests(record, binding, arguments))
        limit = arguments.get("limit", PAGE)
        records: list[dict[str, Any]] = []
        unknown: list[int] = []
        left = self._most_bytes
        with self._file.opened(deadline) as opened:
            start = _resumed(arguments.get("after"), opened)
            if start is None:
                return _stale()
            offset, number, first = start
            for block in opened.blocks_from(offset, number):
                for frame in block.frames:
                    if frame.number < first:
                        continue
                    body = self._body(record, frame)
                    if not record.fits(body):
                        if len(unknown) < MOST_UNREAD and not self._known(frame):
                            unknown.append(frame.number)
                        continue
                    held = {test(body) for test in tests}
                    if False in held:
                        continue
                    if None in held:
                        unknown += [frame.number] if len(unknown) < MOST_UNREAD else []
                        continue
                    shown = self._shown(record, frame, body)
                    left -= len(orjson.dumps(shown)) + 1
                    if len(records) == limit or (left < 0 and records):
                        opened.unchanged()
                        after = f"{opened.stamp.mark}.{block.offset}.{block.frames[0].number}.{frame.number}"
                        return Answer(SUCCEEDED, {"records": records, "next": after, "unknown": unknown})
                    if left < 0:
                        return _too_large(self._most_bytes)
                    records.append(shown)
            opened.unchanged()
        return Answer(SUCCEEDED, {"records": records, "next": None, "unknown": unknown})

    def _get(self, record: RecordType, _: Mapping[str, Any], arguments: Mapping[str, Any], deadline: float) -> Answer:
        with self._file.opened(deadline) as opened:
            found = self._find(opened, record, _wanted(record, arguments))
            opened.unchanged()
        if isinstance(found, Answer):
            return found
        shown = self._shown(record, found.frame, self._body(record, found.frame))
        return (
            Answer(SUCCEEDED, shown) if len(orjson.dumps(shown)) <= self._most_bytes else _too_large(self._most_bytes)
        )

    def _find(self, opened: Opened, record: RecordType, wanted: list[tuple[Place, Any]]) -> Found | Answer:
        """Return the one record of a key. All of the file is read: a second one is a reason to answer nothing."""
        found: Found | None = None
        unreadable = 0
        for block in opened.blocks():
            for frame in block.frames:
                body = self._body(record, frame)
                if not record.fits(body):
                    continue
                values = [place.read(body) for place, _ in wanted]
                unreadable = unreadable or (frame.number if None in values else 0)
                if values != [value for _, value in wanted]:
                    continue
                if found is not None:
                    detail = f"records {found.frame.number} and {frame.number} have the same key"
                    return failed("key_ambiguous", detail)
                found = Found(block, frame)
        if found is None and unreadable:
            return failed("key_unreadable", _UNREADABLE_KEY, record=unreadable)
        return found if found is not None else failed("not_found", "no record has this key")

    def _body(self, record: RecordType, frame: Frame) -> bytes:
        """Return a record's bytes as its layout has them: a line is filled with spaces."""
        form = self._setup.format
        return frame.body.ljust(record.layout.least, form.space) if isinstance(form, Lines) else frame.body

    def _known(self, frame: Frame) -> bool:
        return any(other.fits(self._body(other, frame)) for other in self._setup.records.values())

    def _shown(self, record: RecordType, frame: Frame, body: bytes) -> dict[str, Any]:
        decoded = decode(record.layout, body)
        padded = isinstance(self._setup.format, Fixed)  # a shorter record among longer ones is filled up
        unread = [
            {"field": one.field, "offset": one.offset, "reason": one.reason}
            for one in decoded.unread
            if not record.omit & set(_names(one.field)) and not (padded and not one.field)
        ]
        about = {"number": frame.number, "offset": frame.offset, "version": version(frame), "unreadable": unread}
        return {**record_to_json(record, decoded.values), "record": about}

    # --- writing -----------------------------------------------------------------------------------------------------

    def _append(
        self, record: RecordType, _: Mapping[str, Any], arguments: Mapping[str, Any], deadline: float
    ) -> Answer:
        body = encode(record.layout, arguments)
        if not record.fits(body):
            return failed("argument_unfit", f"with these values it is no {record.name} record", sent=False)
        with self._file.locked(deadline), self._file.opened(deadline) as opened:
            if record.key:
                found = self._find(opened, record, [(place, place.read(body)) for place in record.key])
                if isinstance(found, Found):
                    return self._there(record, found, arguments)
                if found.problem is not None and found.problem["code"] != "not_found":
                    return found
            last, number = None, 0
            for last in opened.blocks():
                number = last.frames[-1].number if last.frames else number
            added = self._setup.format.added(body, last)
            self._file.replace(opened, iter([(0, opened.stamp.size), added]), deadline)
        kept = self._as_kept(body)
        return Answer(SUCCEEDED, {"number": number + 1, "version": kept, "appended": True})

    def _as_kept(self, body: bytes) -> str:
        """Return the version that the record has in the file, where its frame changes its bytes."""
        form = self._setup.format
        if isinstance(form, Lines):
            body = body.rstrip(form.space) or body[:1]
        elif isinstance(form, Fixed):
            body = body.ljust(form.length, b"\0")
        return _digest(body)

    def _there(self, record: RecordType, found: Found, arguments: Mapping[str, Any]) -> Answer:
        """Answer for a key that is taken: the same record again is no second one."""
        body = self._body(record, found.frame)
        if encode(record.layout, arguments, body) != body:
            return failed("key_exists", f"record {found.frame.number} has this key, and holds other values")
        output = {"number": found.frame.number, "version": version(found.frame), "appended": False}
        return Answer(SUCCEEDED, output)

    def _rewrite(
        self, record: RecordType, _: Mapping[str, Any], arguments: Mapping[str, Any], deadline: float
    ) -> Answer:
        values = dict(arguments)
        expected = values.pop("if_version", "")
        wanted = _wanted(record, arguments)
        for place in record.key:
            values.pop(place.name, None)
        with self._file.locked(deadline), self._file.opened(deadline) as opened:
            found = self._find(opened, record, wanted)
            if isinstance(found, Answer):
                return found
            frame = found.frame
            old = self._body(record, frame)
            new = encode(record.layout, values, old)
            if new == old:
                output = {"number": frame.number, "version": version(frame), "changed": False}
                return Answer(SUCCEEDED, output)
            if expected and expected != version(frame):
                return failed("version_changed", "the record has changed since this version; read it again")
            if [place.read(new) for place, _ in wanted] != [value for _, value in wanted] or not record.fits(new):
                return failed("argument_unfit", "the change would make it another record", sent=False)
            form = self._setup.format
            if isinstance(form, Lines) and len(frame.body) < len(old):
                new = new.rstrip(form.space).ljust(min(len(frame.body), len(new)), form.space)
            block = form.render(found.block, {frame.number: new})
            end = found.block.offset + found.block.size
            pieces: list[bytes | tuple[int, int]] = [(0, found.block.offset), block, (end, opened.stamp.size - end)]
            self._file.replace(opened, iter(pieces), deadline)
        return Answer(SUCCEEDED, {"number": frame.number, "version": _digest(new), "changed": True})


def version(frame: Frame) -> str:
    """Return what changes when any byte of the record does."""
    return _digest(frame.body)


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:32]


def _names(path: str) -> list[str]:
    return [part.partition("[")[0] for part in path.split(".")]


def _stale() -> Answer:
    detail = "`after` is no place in the file as it is now: it has changed, or gave no such `next`; begin again without"
    return failed("page_stale", detail)


def _too_large(most: int) -> Answer:
    return failed("response_too_large", f"one record is larger than the {most} bytes that are allowed", limit=most)


def _wanted(record: RecordType, arguments: Mapping[str, Any]) -> list[tuple[Place, Any]]:
    return [(place, place.equal(arguments[place.name])) for place in record.key]


def _tests(
    record: RecordType, binding: Mapping[str, Any], arguments: Mapping[str, Any]
) -> Iterator[Callable[[bytes], bool | None]]:
    for name, path in binding["filters"].items():
        if name in arguments:
            yield _between(record.places[path], arguments[name], arguments[name])
    for name, path in binding["ranges"].items():
        low, high = arguments.get(f"{name}_from"), arguments.get(f"{name}_to")
        if low is not None or high is not None:
            yield _between(record.places[path], low, high)


def _between(place: Place, low: Any, high: Any) -> Callable[[bytes], bool | None]:
    """Return what says whether a record's field lies between two values, None where the field cannot be read."""
    least = place.equal(low) if low is not None else None
    most = place.equal(high) if high is not None else None

    def holds(body: bytes) -> bool | None:
        value = place.read(body)
        if value is None:
            return None
        return (least is None or least <= value) and (most is None or value <= most)

    return holds


def _resumed(after: str | None, opened: Opened) -> tuple[int, int, int] | None:
    """Return where to go on: the block's offset, the number of its first record, and the first record wanted."""
    if after is None:
        return 0, 1, 1
    mark, *numbers = after.split(".")
    if mark != opened.stamp.mark or len(numbers) != 3 or not all(one.isdecimal() and len(one) < 19 for one in numbers):
        return None
    offset, number, first = map(int, numbers)
    return offset, number, first
