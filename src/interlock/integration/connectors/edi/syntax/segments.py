"""Segments and their delimiters: cut from text without losing a character, and written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MAX_SEGMENTS = 200_000
MAX_SEGMENT = 100_000
_BLANK = "\r\n\t "

Elements = tuple[tuple[tuple[str, ...], ...], ...]
"""The repetitions of each element, each of components."""


class SegmentUnfit(ValueError):
    """A value cannot be written; the text says why, without repeating it."""


class SegmentBroken(ValueError):
    """The text holds no whole segment; *number* says which one."""

    def __init__(self, number: int, tag: str, reason: str) -> None:
        super().__init__(reason)
        self.number = number
        self.tag = tag


@dataclass(frozen=True, slots=True)
class Delimiters:
    """The signs that part segments; *repetition* and *release* are empty where there is none."""

    element: str
    component: str
    terminator: str
    repetition: str = ""
    release: str = ""
    decimal: str = "."

    def sane(self) -> bool:
        """Whether the signs differ, and none is a letter, a digit or a space."""
        signs = [self.element, self.component, self.terminator, *self.repetition, *self.release]
        return len(set(signs)) == len(signs) and not any(sign.isalnum() or sign == " " for sign in signs)


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment. *raw* is all of its text: terminator, and the line end after it, included."""

    number: int
    tag: str
    elements: Elements
    raw: str

    def get(self, element: int, component: int = 1) -> str:
        """Return a component of an element, both counted from 1; empty where there is none."""
        if element > len(self.elements) or not self.elements[element - 1]:
            return ""
        components = self.elements[element - 1][0]
        return components[component - 1] if component <= len(components) else ""


def cut(text: str, delimiters: Delimiters, start: int = 0, number: int = 1) -> Iterator[tuple[Segment, int]]:
    """Yield each segment of *text* from *start*, with the position after it. Raises `SegmentBroken`."""
    end, size = start, len(text)
    while end < size:
        begin = end
        at = _terminated(text, begin, delimiters)
        content = text[begin:at] if at >= 0 else text[begin:]
        tag = content.lstrip(_BLANK)[:3]
        if at < 0:
            raise SegmentBroken(number, _plain(tag), "the text ends within the segment")
        if number > MAX_SEGMENTS or at - begin > MAX_SEGMENT:
            raise SegmentBroken(number, _plain(tag), "there are too many segments, or one is too long")
        end = at + 1
        while end < size and text[end] in _BLANK and text[end] != delimiters.element:
            end += 1
        yield _segment(number, content, text[begin:end], delimiters), end
        number += 1


def _terminated(text: str, start: int, delimiters: Delimiters) -> int:
    """Return where the segment's terminator stands, or -1."""
    at = text.find(delimiters.terminator, start)
    while at > 0 and delimiters.release and _released(text, at, start, delimiters.release):
        at = text.find(delimiters.terminator, at + 1)
    return at


def _released(text: str, at: int, start: int, release: str) -> bool:
    count = 0
    while at - count > start and text[at - count - 1] == release:
        count += 1
    return count % 2 == 1


def _segment(number: int, content: str, raw: str, delimiters: Delimiters) -> Segment:
    first, *rest = _split(content, delimiters.element, delimiters.release)
    tag = first.strip(_BLANK)
    explicit = _split(tag, delimiters.component, delimiters.release)[0]
    if not (2 <= len(explicit) <= 3 and explicit.isascii() and explicit.isalnum()):
        raise SegmentBroken(number, _plain(explicit), "the segment does not begin with a tag")
    elements = tuple(
        tuple(
            tuple(_plainly(one, delimiters.release) for one in _split(part, delimiters.component, delimiters.release))
            for part in (
                _split(element, delimiters.repetition, delimiters.release) if delimiters.repetition else [element]
            )
        )
        for element in rest
    )
    return Segment(number, explicit, elements, raw)


def _split(text: str, sign: str, release: str) -> list[str]:
    parts = text.split(sign)
    if not release or release not in text:
        return parts
    joined: list[str] = []
    pending = ""
    for part in parts:
        whole = pending + part
        if _released(whole + sign, len(whole), 0, release):
            pending = whole + sign
        else:
            joined.append(whole)
            pending = ""
    return [*joined, pending] if pending else joined


def _plainly(text: str, release: str) -> str:
    if not release or release not in text:
        return text
    signs = iter(text)
    return "".join(next(signs, "") if sign == release else sign for sign in signs)


def _plain(tag: str) -> str:
    return tag if tag.isascii() and tag.isalnum() else ""


def written(tag: str, elements: Sequence[Sequence[str]], delimiters: Delimiters, end: str = "") -> str:
    """Return a segment's text. Empty elements and components at the end are left out. Raises `SegmentUnfit`."""
    parts = [_written_element(element, delimiters) for element in elements]
    while parts and not parts[-1]:
        parts.pop()
    return delimiters.element.join([tag, *parts]) + delimiters.terminator + end


def _written_element(components: Sequence[str], delimiters: Delimiters) -> str:
    texts = [_escaped(one, delimiters) for one in components]
    while texts and not texts[-1]:
        texts.pop()
    return delimiters.component.join(texts)


def _escaped(text: str, delimiters: Delimiters) -> str:
    signs = {delimiters.element, delimiters.component, delimiters.terminator, delimiters.repetition, delimiters.release}
    signs.discard("")
    if any(ord(sign) < 32 or sign == "\x7f" for sign in text):
        raise SegmentUnfit("holds a control character")
    if delimiters.release:
        return "".join(delimiters.release + sign if sign in signs else sign for sign in text)
    if signs & set(text):
        raise SegmentUnfit("holds a sign that parts elements or segments, which X12 cannot carry")
    return text
