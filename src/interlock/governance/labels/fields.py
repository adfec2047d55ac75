"""Which fields of an operation's output an outsider can write, by JSON pointer patterns."""

from __future__ import annotations

from collections.abc import Sequence

from interlock.values.labels import Integrity
from interlock.values.operations import Operation, OutputTrust


class FieldTrust:
    """Judges a field's integrity from an operation's declared patterns.

    A pattern is a JSON pointer (RFC 6901) in which `*` stands for any one name or index; it covers what it
    points at and everything beneath. A pattern without a slash is a field's bare name: as an untrusted field
    it holds at any depth, as a trusted one only at the top or in the members of top-level lists. Of several
    patterns that cover a field the longest decides, and at equal length the untrusted one; with none it is
    the operation's label that decides.
    """

    __slots__ = ("_default", "_trusted", "_untrusted", "plain")

    def __init__(self, operation: Operation) -> None:
        trust: OutputTrust = operation.output
        self._default = operation.label.integrity
        self._trusted = [_segments(pattern) for pattern in trust.trusted]
        self._untrusted = [_segments(pattern) for pattern in trust.untrusted]
        self.plain = not self._trusted and not self._untrusted
        """Whether no pattern is declared, so that every field is as the operation's label says."""

    def of(self, path: Sequence[str | int]) -> Integrity:
        """Return the integrity of the field at *path* (names and list indexes from the top)."""
        if self.plain:
            return self._default
        trusted = max((_trusted_reach(pattern, path) for pattern in self._trusted), default=0)
        untrusted = max((_untrusted_reach(pattern, path) for pattern in self._untrusted), default=0)
        if not trusted and not untrusted:
            return self._default
        return Integrity.trusted if trusted > untrusted else Integrity.untrusted


def _segments(pattern: str) -> tuple[str, ...]:
    """The pattern's segments; a bare name is one segment, a pointer starts with an empty one."""
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in pattern.split("/"))


def _covers(pattern: tuple[str, ...], path: Sequence[str | int]) -> int:
    wanted = pattern[1:]
    if len(wanted) > len(path):
        return 0
    matches = all(part in ("*", str(step)) for part, step in zip(wanted, path, strict=False))
    return len(pattern) if matches else 0


def _trusted_reach(pattern: tuple[str, ...], path: Sequence[str | int]) -> int:
    """How many segments of *path* the pattern decides, or 0 if it does not cover it."""
    if len(pattern) > 1 or pattern == ("",):
        return _covers(pattern, path)
    names = [step for step in path if isinstance(step, str)]
    return 2 if names[:1] == list(pattern) else 0


def _untrusted_reach(pattern: tuple[str, ...], path: Sequence[str | int]) -> int:
    if len(pattern) > 1 or pattern == ("",):
        return _covers(pattern, path)
    depths = [depth for depth, step in enumerate(path, start=2) if step == pattern[0]]
    return depths[-1] if depths else 0
