"""Interchanges: envelopes opened, their counts and control numbers checked, messages found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from interlock.integration.connectors.edi.syntax.segments import (
    Delimiters,
    Segment,
    SegmentBroken,
    cut,
)

X12 = "x12"
EDIFACT = "edifact"
_USUAL = Delimiters("+", ":", "'", release="?")
_ISA = 106
_BLANK = "\r\n\t "


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with a group or a message that leaves the rest of its interchange good.

    *code* is the one of an acknowledgement (AK5, AK9 or data element 0085).
    """

    segment: int
    tag: str
    code: str
    reason: str


@dataclass(slots=True)
class Message:
    """One message, its header and trailer included."""

    type: str
    version: str
    control: str
    segments: list[Segment] = field(default_factory=list)
    fault: Fault | None = None

    @property
    def text(self) -> str:
        """The message as it was received."""
        return "".join(segment.raw for segment in self.segments)


@dataclass(slots=True)
class Group:
    """Messages of one kind; EDIFACT does without, and then *header* is None."""

    control: str = ""
    code: str = ""
    version: str = ""
    header: Segment | None = None
    messages: list[Message] = field(default_factory=list)
    claimed: str = ""
    fault: Fault | None = None


@dataclass(slots=True)
class Interchange:
    """One interchange. *raw* is its whole text; *lead* what stands before its first segment (UNA)."""

    standard: str
    delimiters: Delimiters
    sender: str
    sender_qualifier: str
    receiver: str
    receiver_qualifier: str
    control: str
    segments: list[Segment] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    lead: str = ""

    @property
    def raw(self) -> str:
        """The interchange as it was received."""
        return self.lead + "".join(segment.raw for segment in self.segments)

    @property
    def test(self) -> bool:
        """Whether it is marked as a test, which nothing is to be done for: ISA15, or the test indicator of UNB."""
        header = self.segments[0]
        return header.get(15) == "T" if self.standard == "x12" else header.get(11) != ""

    @property
    def messages(self) -> Iterator[tuple[Group, Message]]:
        """Yield every message with its group."""
        for group in self.groups:
            for message in group.messages:
                yield group, message


class InterchangeBroken(ValueError):
    """An interchange cannot be taken: *segment* (from 1) and *tag* say where, `str` why.

    *code* is that of an acknowledgement, *opened* the interchange as far as it could be read.
    """

    def __init__(
        self, segment: int, tag: str, reason: str, *, code: str = "", opened: Interchange | None = None
    ) -> None:
        super().__init__(f"segment {segment}{f' ({tag})' if tag else ''}: {reason}")
        self.segment = segment
        self.tag = tag
        self.reason = reason
        self.code = code
        self.opened = opened


def parse_interchanges(text: str) -> list[Interchange]:
    """Return the interchanges that *text* holds, one after the other. Raises `InterchangeBroken`."""
    found: list[Interchange] = []
    at, number = 0, 1
    while at < len(text) or not found:
        interchange, at = _parse(text, at, number)
        number += len(interchange.segments)
        found.append(interchange)
    return found


def _parse(text: str, start: int, number: int) -> tuple[Interchange, int]:
    begin = start
    while begin < len(text) and text[begin] in _BLANK:
        begin += 1
    lead = text[start:begin]
    if text.startswith("ISA", begin):
        interchange, _ = _opened_x12(text, begin, number)
        reader: _Reader = _X12(interchange)
    elif text.startswith(("UNA", "UNB"), begin):
        interchange, begin, una = _opened_edifact(text, begin, number)
        lead += una
        reader = _Edifact(interchange)
    else:
        raise InterchangeBroken(number, "", "an interchange begins with ISA, UNA or UNB")
    interchange.lead = lead
    return interchange, reader.read(text, begin, number)


def _opened_x12(text: str, start: int, number: int) -> tuple[Interchange, int]:
    head = text[start : start + _ISA]
    if len(head) < _ISA:
        raise InterchangeBroken(number, "ISA", "the text ends within the segment")
    element, component, terminator = head[3], head[104], head[105]
    fields = head[:105].split(element)
    widths = [len(one) for one in fields]
    if widths != [3, 2, 10, 2, 10, 2, 15, 2, 15, 6, 4, 1, 5, 9, 1, 1, 1]:
        raise InterchangeBroken(number, "ISA", "its 16 elements do not have their fixed lengths")
    repetition = fields[11] if fields[12] >= "00402" and not fields[11].isalnum() else ""
    delimiters = Delimiters(element, component, terminator, repetition)
    if not delimiters.sane():
        raise InterchangeBroken(number, "ISA", "its delimiters are not distinct signs")
    sender, receiver = fields[6].rstrip(), fields[8].rstrip()
    return Interchange(X12, delimiters, sender, fields[5], receiver, fields[7], fields[13]), start + _ISA


def _opened_edifact(text: str, start: int, number: int) -> tuple[Interchange, int, str]:
    delimiters, una = _USUAL, ""
    if text.startswith("UNA", start):
        signs = text[start + 3 : start + 9]
        if len(signs) < 6:
            raise InterchangeBroken(number, "UNA", "the text ends within the segment")
        delimiters = Delimiters(
            signs[1],
            signs[0],
            signs[5],
            signs[4].strip(),
            signs[3].strip(),
            decimal=signs[2] if signs[2] in ".," else ".",
        )
        if not delimiters.sane():
            raise InterchangeBroken(number, "UNA", "its delimiters are not distinct signs")
        end = start + 9
        while end < len(text) and text[end] in _BLANK:
            end += 1
        una, start = text[start:end], end
    try:
        header, _ = next(cut(text, delimiters, start, number))
    except (SegmentBroken, StopIteration) as error:
        raise InterchangeBroken(number, "UNB", str(error) or "the text ends before it") from None
    if header.tag != "UNB" or not header.get(5):
        raise InterchangeBroken(number, header.tag, "UNB with a control reference is missing")
    if header.get(1, 2) >= "4" and not delimiters.repetition and not una:
        delimiters = Delimiters("+", ":", "'", "*", "?")
    interchange = Interchange(
        EDIFACT, delimiters, header.get(2), header.get(2, 2), header.get(3), header.get(3, 2), header.get(5)
    )
    return interchange, start, una


class _Reader:
    """Walks through the segments of one interchange."""

    first = ""
    last = ""

    def __init__(self, interchange: Interchange) -> None:
        self._found = interchange
        self._group: Group | None = None
        self._message: Message | None = None

    def read(self, text: str, start: int, number: int) -> int:
        """Read up to the trailer and return where it ends. Raises `InterchangeBroken`."""
        segment = None
        try:
            for segment, end in cut(text, self._found.delimiters, start, number):
                self._found.segments.append(segment)
                if segment.tag == self.last:
                    self._closed(segment)
                    return end
                self.take(segment)
        except SegmentBroken as error:
            raise self._broken(error.number, error.tag, str(error)) from None
        at = segment.number if segment else number
        raise self._broken(at, segment.tag if segment else "", f"the interchange ends without {self.last}")

    def take(self, segment: Segment) -> None:
        """Take one segment that is not the trailer."""
        raise NotImplementedError

    def _closed(self, segment: Segment) -> None:
        raise NotImplementedError

    def _broken(self, number: int, tag: str, reason: str, code: str = "") -> InterchangeBroken:
        return InterchangeBroken(number, tag, reason, code=code, opened=self._found)

    def _ended(self, segment: Segment, expected: int, codes: tuple[str, str]) -> None:
        """Close the message with its trailer: first how many segments it says, then its control number."""
        message = self._message
        if message is None:
            raise self._broken(segment.number, segment.tag, "it ends a message that nothing began", self.structure)
        message.segments.append(segment)
        self._message = None
        if segment.get(2) != message.control:
            reason = "its control number is not that of the message's header"
            message.fault = Fault(segment.number, segment.tag, codes[1], reason)
        elif not _same(segment.get(1), expected):
            reason = f"it counts other than the {expected} segments that there are"
            message.fault = Fault(segment.number, segment.tag, codes[0], reason)

    def _within(self, segment: Segment) -> None:
        if self._message is None:
            raise self._broken(segment.number, segment.tag, "it stands outside of any message", self.structure)
        self._message.segments.append(segment)

    def _began(self, message: Message, segment: Segment, code: str) -> None:
        if not message.control:
            message.fault = Fault(segment.number, segment.tag, code, "it has no control number")
        self._message = message

    def _unended(self, segment: Segment, code: str) -> None:
        """A new header or trailer came while a message was open: it is without its trailer."""
        if self._message is not None:
            reason = "the message before it has no trailer"
            self._message.fault = Fault(segment.number, segment.tag, code, reason)
            self._message = None

    structure = ""


class _X12(_Reader):
    last = "IEA"
    structure = "022"

    def take(self, segment: Segment) -> None:
        if segment.tag == "ISA":
            if len(self._found.segments) > 1:
                raise self._broken(segment.number, "ISA", "the interchange before it has no IEA", "023")
        elif segment.tag == "GS":
            if self._group is not None:
                raise self._broken(segment.number, "GS", "the group before it has no GE", self.structure)
            self._group = Group(segment.get(6), segment.get(1), segment.get(8), segment)
            self._found.groups.append(self._group)
        elif segment.tag == "GE":
            self._group_ended(segment)
        elif segment.tag == "ST":
            self._unended(segment, "2")
            if self._group is None:
                raise self._broken(segment.number, "ST", "it stands outside of any group", self.structure)
            version = segment.get(3) or self._group.version
            message = Message(segment.get(1), version, segment.get(2), [segment])
            self._group.messages.append(message)
            self._began(message, segment, "7")
        elif segment.tag == "SE":
            count = len(self._message.segments) + 1 if self._message is not None else 0
            self._ended(segment, count, ("4", "3"))
        elif segment.tag != "TA1" or self._group is not None:
            self._within(segment)

    def _group_ended(self, segment: Segment) -> None:
        self._unended(segment, "2")
        group = self._group
        if group is None:
            raise self._broken(segment.number, "GE", "it ends a group that nothing began", self.structure)
        self._group = None
        group.claimed = segment.get(1)
        controls = [message.control for message in group.messages]
        if segment.get(2) != group.control:
            group.fault = Fault(segment.number, "GE", "4", "its control number is not that of GS")
        elif not _same(segment.get(1), len(group.messages)):
            reason = f"it counts other than the {len(group.messages)} messages that there are"
            group.fault = Fault(segment.number, "GE", "5", reason)
        elif len(set(controls)) < len(controls):
            group.fault = Fault(segment.number, "GE", "3", "two of its messages have one control number")

    def _closed(self, segment: Segment) -> None:
        if self._group is not None:
            raise self._broken(segment.number, "IEA", "the group before it has no GE", self.structure)
        if segment.get(2) != self._found.control:
            raise self._broken(segment.number, "IEA", "its control number is not that of ISA", "001")
        if not _same(segment.get(1), len(self._found.groups)):
            reason = f"it counts other than the {len(self._found.groups)} groups that there are"
            raise self._broken(segment.number, "IEA", reason, "021")


class _Edifact(_Reader):
    last = "UNZ"
    structure = "13"

    def take(self, segment: Segment) -> None:
        if segment.tag == "UNB":
            if len(self._found.segments) > 1:
                raise self._broken(segment.number, "UNB", "the interchange before it has no UNZ", "13")
        elif segment.tag == "UNG":
            self._group = Group(segment.get(5), segment.get(1), "", segment)
            self._found.groups.append(self._group)
        elif segment.tag == "UNE":
            self._group_ended(segment)
        elif segment.tag == "UNH":
            self._unended(segment, "13")
            if self._group is None:
                self._group = Group()
                self._found.groups.append(self._group)
            version = ":".join(filter(None, (segment.get(2, part) for part in (2, 3, 4))))
            message = Message(segment.get(2), version, segment.get(1), [segment])
            self._group.messages.append(message)
            self._began(message, segment, "12")
        elif segment.tag == "UNT":
            count = len(self._message.segments) + 1 if self._message is not None else 0
            self._ended(segment, count, ("29", "28"))
        else:
            self._within(segment)

    def _group_ended(self, segment: Segment) -> None:
        self._unended(segment, "13")
        group = self._group
        if group is None or group.header is None:
            raise self._broken(segment.number, "UNE", "it ends a group that nothing began", "13")
        self._group = None
        if segment.get(2) != group.control:
            group.fault = Fault(segment.number, "UNE", "28", "its control reference is not that of UNG")
        elif not _same(segment.get(1), len(group.messages)):
            reason = f"it counts other than the {len(group.messages)} messages that there are"
            group.fault = Fault(segment.number, "UNE", "29", reason)

    def _closed(self, segment: Segment) -> None:
        self._unended(segment, "13")
        grouped = [group for group in self._found.groups if group.header is not None]
        if self._group is not None and self._group.header is not None:
            raise self._broken(segment.number, "UNZ", "the group before it has no UNE", "13")
        if segment.get(2) != self._found.control:
            raise self._broken(segment.number, "UNZ", "its control reference is not that of UNB", "28")
        count = len(grouped) or sum(len(group.messages) for group in self._found.groups)
        if not _same(segment.get(1), count):
            what = "groups" if grouped else "messages"
            raise self._broken(segment.number, "UNZ", f"it counts other than the {count} {what} that there are", "29")
        controls = Counter(message.control for _, message in self._found.messages)
        for group, message in self._found.messages:
            if controls[message.control] > 1 and message.fault is None and group.header is None:
                header = message.segments[0]
                message.fault = Fault(header.number, "UNH", "26", "another message has the same reference")


def _same(written: str, count: int) -> bool:
    return written.isascii() and written.isdecimal() and len(written) < 12 and int(written) == count
