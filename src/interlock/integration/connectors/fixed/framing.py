"""Record formats: where one record of a file ends and the next begins, every byte of the frames kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from interlock.integration.connectors.fixed.copybook.layout import MAX_RECORD

CHUNK = 1 << 16
_WORD = 4
_LARGEST_WORD = 32_760


class FrameBroken(ValueError):
    """The file does not hold whole records; *number* and *offset* say from where on, `str` why."""

    def __init__(self, number: int, offset: int, reason: str) -> None:
        super().__init__(f"record {number} at byte {offset}: {reason}")
        self.number = number
        self.offset = offset
        self.reason = reason


class RecordTooLong(ValueError):
    """A record does not fit into the file's format."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One record: its *number* from 1 and *offset* in the file, its *body*, and what stands around it."""

    number: int
    offset: int
    body: bytes
    head: bytes = b""
    tail: bytes = b""


@dataclass(frozen=True, slots=True)
class Block:
    """Records that are written together; in most formats one."""

    offset: int
    size: int
    frames: tuple[Frame, ...]
    head: bytes = b""


class Format(Protocol):
    """One record format."""

    def blocks(self, stream: BinaryIO, offset: int, number: int) -> Iterator[Block]:
        """Yield what *stream* holds from *offset*, where record *number* begins. Raises `FrameBroken`."""
        ...

    def start(self, number: int) -> int | None:
        """Return the offset of record *number*, None where only those before it say it."""
        ...

    def render(self, block: Block, bodies: Mapping[int, bytes]) -> bytes:
        """Return *block* with the bodies of some records, by number, replaced. Raises `RecordTooLong`."""
        ...

    def added(self, body: bytes, last: Block | None) -> bytes:
        """Return what to write after the *last* block to add one record. Raises `RecordTooLong`."""
        ...


@dataclass(frozen=True, slots=True)
class Fixed:
    """Records of one length, one after the other."""

    length: int

    def blocks(self, stream: BinaryIO, offset: int, number: int) -> Iterator[Block]:
        stream.seek(offset)
        while body := stream.read(self.length):
            if len(body) < self.length:
                raise FrameBroken(number, offset, f"the file ends after {len(body)} of its {self.length} bytes")
            yield Block(offset, self.length, (Frame(number, offset, body),))
            offset += self.length
            number += 1

    def start(self, number: int) -> int:
        return (number - 1) * self.length

    def render(self, block: Block, bodies: Mapping[int, bytes]) -> bytes:
        return self._whole(bodies.get(block.frames[0].number, block.frames[0].body))

    def added(self, body: bytes, last: Block | None) -> bytes:  # noqa: ARG002 - each record stands for itself
        return self._whole(body)

    def _whole(self, body: bytes) -> bytes:
        if len(body) > self.length:
            raise RecordTooLong(f"is longer than the file's records, which have {self.length} bytes")
        return body.ljust(self.length, b"\0")


def _described(stream: BinaryIO, number: int, offset: int, what: str) -> tuple[bytes, int]:
    """Read a descriptor word (RDW or BDW) and return it with the length that it says."""
    word = stream.read(_WORD)
    if len(word) < _WORD:
        raise FrameBroken(number, offset, f"the file ends within its {what}")
    length = int.from_bytes(word[:2], "big")
    if what == "block descriptor" and length & 0x8000:
        length = int.from_bytes(word, "big") & 0x7FFFFFFF
    elif word[2:] != b"\0\0":
        reason = "spanned records are not supported" if word[2] in {1, 2, 3} and not word[3] else "it is no descriptor"
        raise FrameBroken(number, offset, f"bytes 3 and 4 of its {what} are not zero; {reason}")
    if not _WORD <= length <= MAX_RECORD + _WORD:
        raise FrameBroken(number, offset, f"its {what} says a length of {length}")
    return word, length


def _word(length: int) -> bytes:
    if length > _LARGEST_WORD:
        raise RecordTooLong(f"is longer than {_LARGEST_WORD} bytes with its descriptor")
    return length.to_bytes(2, "big") + b"\0\0"


@dataclass(frozen=True, slots=True)
class Variable:
    """Records with a descriptor word (RDW) before each: two bytes of length, the word included, and two zeros."""

    includes_word: int = _WORD  # 0 where the length is that of the body alone

    def blocks(self, stream: BinaryIO, offset: int, number: int) -> Iterator[Block]:
        stream.seek(offset)
        while True:
            head = stream.read(_WORD)
            if not head:
                return
            stream.seek(offset)
            if self.includes_word:
                word, length = _described(stream, number, offset, "record descriptor")
            else:
                word = stream.read(_WORD)
                if len(word) < _WORD or word[2:] != b"\0\0":
                    raise FrameBroken(number, offset, "it has no whole descriptor with two zeros at its end")
                length = int.from_bytes(word[:2], "big") + _WORD
            body = stream.read(length - _WORD)
            if len(body) < length - _WORD:
                raise FrameBroken(number, offset, f"the file ends after {len(body)} of its {length - _WORD} bytes")
            yield Block(offset, length, (Frame(number, offset, body, word),))
            offset += length
            number += 1

    def start(self, number: int) -> None:  # noqa: ARG002 - the seam's
        return

    def render(self, block: Block, bodies: Mapping[int, bytes]) -> bytes:
        frame = block.frames[0]
        return self.added(bodies.get(frame.number, frame.body), None)

    def added(self, body: bytes, last: Block | None) -> bytes:  # noqa: ARG002 - each record stands for itself
        return _word(len(body) + self.includes_word) + body


@dataclass(frozen=True, slots=True)
class Blocked:
    """Records with descriptor words in blocks, which have one too (BDW)."""

    def blocks(self, stream: BinaryIO, offset: int, number: int) -> Iterator[Block]:
        while True:
            stream.seek(offset)
            if not stream.read(1):
                return
            stream.seek(offset)
            head, size = _described(stream, number, offset, "block descriptor")
            at, frames = offset + _WORD, []
            while at < offset + size:
                word, length = _described(stream, number, at, "record descriptor")
                body = stream.read(length - _WORD)
                if len(body) < length - _WORD or at + length > offset + size:
                    raise FrameBroken(number, at, "its block or the file ends within it")
                frames.append(Frame(number, at, body, word))
                at += length
                number += 1
            yield Block(offset, size, tuple(frames), head)
            offset += size

    def start(self, number: int) -> None:  # noqa: ARG002 - the seam's
        return

    def render(self, block: Block, bodies: Mapping[int, bytes]) -> bytes:
        inner = [bodies.get(frame.number, frame.body) for frame in block.frames]
        return self._block(inner, extended=bool(block.head and block.head[0] & 0x80))

    def added(self, body: bytes, last: Block | None) -> bytes:  # noqa: ARG002 - a new record gets a new block
        return self._block([body], extended=False)

    def _block(self, bodies: list[bytes], *, extended: bool) -> bytes:
        content = b"".join(_word(len(body) + _WORD) + body for body in bodies)
        size = len(content) + _WORD
        return ((size | 0x80000000).to_bytes(4, "big") if extended else _word(size)) + content


@dataclass(frozen=True, slots=True)
class Lines:
    """Records in lines of text; a line that is shorter than its record is filled with spaces when it is read."""

    end: bytes
    space: bytes
    written_end: bytes

    def blocks(self, stream: BinaryIO, offset: int, number: int) -> Iterator[Block]:
        stream.seek(offset)
        pending = b""
        while True:
            chunk = stream.read(CHUNK)
            pending += chunk
            *whole, pending = pending.split(self.end)
            for line in whole:
                yield self._line(line, self.end, offset, number)
                offset += len(line) + len(self.end)
                number += 1
            if len(pending) > MAX_RECORD:
                raise FrameBroken(number, offset, f"the line is longer than {MAX_RECORD} bytes")
            if not chunk:
                break
        if pending:
            yield self._line(pending, b"", offset, number)

    def _line(self, line: bytes, end: bytes, offset: int, number: int) -> Block:
        body, tail = line, end
        if end == b"\n" and line.endswith(b"\r"):
            body, tail = line[:-1], b"\r\n"
        return Block(offset, len(line) + len(end), (Frame(number, offset, body, tail=tail),))

    def start(self, number: int) -> None:  # noqa: ARG002 - the seam's
        return

    def render(self, block: Block, bodies: Mapping[int, bytes]) -> bytes:
        frame = block.frames[0]
        return self._checked(bodies.get(frame.number, frame.body)) + frame.tail

    def added(self, body: bytes, last: Block | None) -> bytes:
        end = last.frames[0].tail if last is not None and last.frames[0].tail else self.written_end
        before = end if last is not None and not last.frames[0].tail else b""
        return before + self._checked(body.rstrip(self.space) or body[:1]) + end

    def _checked(self, body: bytes) -> bytes:
        if self.end in body or b"\r" in body:
            raise RecordTooLong("holds a line end, which a file of lines cannot hold")
        return body
