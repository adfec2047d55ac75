"""What a program writes to a terminal, as lines of plain text, and the lines that are waited for."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

LONGEST_LINE = 4000
_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]{0,4000}(?:\x07|\x1b\\)|[ -/]*[0-Z\\^-~])")
_BEGUN = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]{0,4000}\x1b?|[ -/]*)\Z")  # the rest of it comes later
_MOVES = frozenset("ABDEFGHIJLMPSTZ@`defsu")  # what follows, or what was there, belongs to another place
_JUMPS = frozenset("78DEHMc")  # the same, without parameters
_GAPS, _AGAIN = frozenset("Ca"), "b"
_WIDEST = 200
_LINES = str.maketrans({"\b": "\n", "\r": "\n", "\v": "\n", "\f": "\n"})
_DIGITS = re.compile(r"[0-9]+")
_SILENT = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_PLACE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


class Screen:
    """The text of a terminal (ECMA-48) without its colours; wherever the cursor jumps to, a new line begins.

    Each line is seen once whole, and before that each time that it has grown. It is no picture of the screen.
    """

    def __init__(self, encoding: str) -> None:
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")
        self._pending = ""
        self._text = ""

    def write(self, data: bytes) -> None:
        """Take what the program wrote."""
        text = self._pending + self._decoder.decode(data)
        begun = _BEGUN.search(text)
        self._pending = text[begun.start() :] if begun is not None else ""
        text = text[: begun.start()] if begun is not None else text
        end = 0
        for found in _SEQUENCE.finditer(text):
            self._add(text[end : found.start()])
            self._text += self._meant(found[0])
            end = found.end()
        self._add(text[end:])

    def _add(self, text: str) -> None:
        self._text += _SILENT.sub("", text.translate(_LINES))

    def _meant(self, sequence: str) -> str:
        """Return what a control sequence stands for as text: signs that stand apart are never read as one."""
        kind = sequence[-1]
        if sequence[1] != "[":
            return "\n" if len(sequence) == 2 and kind in _JUMPS else ""
        if kind in _MOVES:
            return "\n"
        if kind in _GAPS or kind == _AGAIN:
            said = _DIGITS.match(sequence, 2)
            count = min(int(said[0][:4]) if said is not None else 1, _WIDEST) or 1
            return (self._text[-1:] if kind == _AGAIN else " ") * count
        return ""

    def lines(self) -> Iterator[tuple[str, bool]]:
        """Yield each line that was not taken yet, and whether it has ended; of one that has not, what there is."""
        while self._text:
            line, ended, rest = self._text.partition("\n")
            if not ended and len(line) <= LONGEST_LINE:
                yield line, False
                return
            line, rest = line[:LONGEST_LINE], line[LONGEST_LINE:] + (ended if line[LONGEST_LINE:] else "") + rest
            self._text = rest
            yield line, True

    def go_on(self, rest: str, *, ended: bool) -> None:
        """Go on behind what was found on the line that came last: *rest* is what the line still holds."""
        self._text = f"{rest}\n{self._text}" if ended else rest

    def forget(self) -> None:
        """Forget what was shown until now."""
        self._text = ""


@dataclass(frozen=True, slots=True)
class Expected:
    """A text on one line, such as `Price: {price} EUR`: literal, with places that hold what stands there."""

    text: str

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its places."""
        return tuple(_PLACE.findall(self.text))

    @property
    def literals(self) -> tuple[str, ...]:
        """Its texts before, between and after the places."""
        return tuple(_PLACE.split(self.text)[::2])

    def found(self, line: str, *, ended: bool) -> tuple[dict[str, str], int] | None:
        """Return what is in the places, and where the text ends on *line*; None where it is not there (yet)."""
        first, *others = self.literals
        start = line.find(first)
        if start < 0:
            return None
        values: dict[str, str] = {}
        position = start + len(first)
        for name, literal in zip(self.names, others, strict=True):
            end = line.find(literal, position) if literal else len(line) if ended else -1
            if end < 0:
                return None
            values[name] = line[position:end].strip()
            position = end + len(literal)
        return values, position
