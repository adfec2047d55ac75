"""What lies in a folder of received interchanges: messages that may be taken, and what is refused and why."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from interlock.integration.connectors.edi.syntax import (
    Group,
    Interchange,
    InterchangeBroken,
    Message,
    parse_interchanges,
)

MAX_FILES = 5_000
MOST_REFUSED = 100
_EDIFACT_CHARSETS = {
    "UNOA": "ascii", "UNOB": "ascii", "UNOC": "latin-1", "UNOD": "iso8859-2", "UNOE": "iso8859-5", "UNOF": "iso8859-7",
    "UNOG": "iso8859-3", "UNOH": "iso8859-4", "UNOI": "iso8859-6", "UNOJ": "iso8859-8", "UNOK": "iso8859-9",
    "UNOW": "utf-8", "UNOY": "utf-8",
}  # fmt: skip
_NUMBER = re.compile(r"[0-9]{1,12}")
_SYNTAX = re.compile(rb"UNB[^A-Za-z0-9](UNO[A-Z])")


class FolderAway(Exception):
    """A folder is not there, or may not be used."""


class TooMuch(Exception):
    """There are more files than are looked at."""


class CursorInvalid(ValueError):
    """This is no cursor."""


class TimeOver(Exception):
    """The time limit passed."""


@dataclass(frozen=True, slots=True)
class Received:
    """One message in its group, interchange and file."""

    file: str
    interchange: Interchange
    group: Group
    message: Message

    @property
    def identity(self) -> tuple[str, ...]:
        """What makes a message the same one, however often it is received."""
        one = self.interchange
        return (one.standard, one.sender, one.receiver, one.control, self.group.control, self.message.control)

    @property
    def digest(self) -> str:
        """A digest of what the message says."""
        return hashlib.sha256(self.message.text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Refused:
    """Something that is not taken: the file, the segment where it went wrong (0: the file itself), and why."""

    file: str
    segment: int
    tag: str
    reason: str
    control: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the refusal as a JSON object."""
        return {
            "file": self.file,
            "segment": self.segment,
            "tag": self.tag,
            "reason": self.reason,
            "interchange": self.control,
        }


@dataclass(slots=True)
class Inbox:
    """What a folder holds now. *interchanges* are whole ones, *broken* those of which the header could be read."""

    received: list[Received] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)
    interchanges: list[tuple[str, Interchange]] = field(default_factory=list)
    broken: list[tuple[str, InterchangeBroken]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class InboxFolder:
    """The folder, and how its files are read. *encoding* is that of X12; EDIFACT names its own.

    What does not go from *partner* to *us*, as the envelopes name both, is refused, and so is what is marked as a test
    where the exchange is no *test*, or the other way round.
    """

    path: Path
    partner: str
    us: str
    encoding: str
    limit: int
    test: bool = False

    def look(self, deadline: float) -> Inbox:
        """Read the folder. Raises `FolderAway`, `TooMuch`, `TimeOver`."""
        found = Inbox()
        seen: dict[tuple[str, ...], tuple[str, str]] = {}
        for name, file in self._names():
            if time.monotonic() > deadline:
                raise TimeOver
            try:
                interchanges = parse_interchanges(self._text(file))
            except InterchangeBroken as error:
                control = error.opened.control if error.opened is not None else ""
                found.refused.append(Refused(name, error.segment, error.tag, error.reason, control))
                if error.opened is not None and self._ours(error.opened):
                    found.broken.append((name, error))
                continue
            except _Unread as error:
                found.refused.append(Refused(name, error.segment, "", str(error)))
                continue
            for interchange in interchanges:
                if time.monotonic() > deadline:
                    raise TimeOver
                self._sort(name, interchange, seen, found)
        return found

    def _sort(
        self, name: str, interchange: Interchange, seen: dict[tuple[str, ...], tuple[str, str]], found: Inbox
    ) -> None:
        header = interchange.segments[0]
        if interchange.test != self.test:
            marked = "marked as a test" if interchange.test else "not marked as a test"
            reason = f"it is {marked}, and `usage` of the exchange is {'test' if self.test else 'production'}"
            found.refused.append(Refused(name, header.number, header.tag, reason, interchange.control))
            return
        if not self._ours(interchange):
            reason = "its envelope names other ends than the declared ones"
            found.refused.append(Refused(name, header.number, header.tag, reason, interchange.control))
            return
        identity = (interchange.standard, interchange.sender, interchange.receiver, interchange.control)
        digest = hashlib.sha256(interchange.raw.strip().encode()).hexdigest()
        if identity in seen:
            known_digest, known_file = seen[identity]
            if known_digest == digest:
                found.duplicates.append(name)
            else:
                reason = f"its control number was used for another interchange, in {known_file}"
                found.refused.append(Refused(name, header.number, header.tag, reason, interchange.control))
            return
        seen[identity] = (digest, name)
        found.interchanges.append((name, interchange))
        for group, message in interchange.messages:
            fault = message.fault or group.fault
            if fault is None:
                found.received.append(Received(name, interchange, group, message))
            else:
                found.refused.append(Refused(name, fault.segment, fault.tag, fault.reason, interchange.control))

    def _ours(self, interchange: Interchange) -> bool:
        return (interchange.sender, interchange.receiver) == (self.partner, self.us)

    def _names(self) -> list[tuple[str, str]]:
        """Return the names of files as they are shown, in their order, and as they are: a name may be no text."""
        try:
            names = sorted(one.name for one in os.scandir(self.path) if not one.name.startswith("."))
        except OSError as error:
            raise FolderAway(error.strerror or "it cannot be read") from None
        if len(names) > MAX_FILES:
            raise TooMuch
        shown = [(os.fsencode(name).decode("utf-8", "backslashreplace"), name) for name in names]
        return sorted(one for one in shown if (self.path / one[1]).is_file())

    def _text(self, name: str) -> str:
        try:
            descriptor = os.open(self.path / name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError as error:
            raise _Unread(0, f"it cannot be opened: {error.strerror}") from None
        with os.fdopen(descriptor, "rb") as stream:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or status.st_size > self.limit:
                raise _Unread(0, f"it is no plain file of at most {self.limit} bytes")
            data = stream.read(self.limit + 1)
        found = _SYNTAX.search(data[:200])
        encoding = _EDIFACT_CHARSETS.get(found[1].decode(), self.encoding) if found else self.encoding
        try:
            return data.decode(encoding)
        except UnicodeDecodeError as error:
            segment = _segment_at(data[: error.start])
            raise _Unread(segment, f"byte {error.start + 1} is no character of {encoding}") from None


class _Unread(Exception):
    """A file's bytes are no text."""

    def __init__(self, segment: int, reason: str) -> None:
        super().__init__(reason)
        self.segment = segment


def _segment_at(before: bytes) -> int:
    """Return the number of the segment that follows *before*."""
    if before.startswith(b"ISA"):
        return before.count(before[105:106] or b"~") + 1
    release, terminator, rest = b"?", b"'", before
    if before.startswith(b"UNA"):
        release, terminator, rest = before[6:7].strip(), before[8:9] or b"'", before[9:]
    if release:
        rest = re.sub(re.escape(release) + b".", b"", rest, flags=re.DOTALL)
    return rest.count(terminator) + 1


def pages(received: list[Received], after: str) -> Iterator[tuple[str, Received]]:
    """Yield messages in the order of files with the cursor of each, from behind the cursor *after*.

    Raises `CursorInvalid`.
    """
    segment, _, file = after.partition(":")
    if after and not (_NUMBER.fullmatch(segment) and file):
        raise CursorInvalid
    place = (file, int(segment or 0))
    for one in received:
        number = one.message.segments[0].number
        if (one.file, number) > place:
            yield f"{number}:{one.file}", one
