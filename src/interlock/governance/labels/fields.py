"""The label of each field of an operation's output, by JSON pointer patterns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from interlock.foundation.documents import unescape
from interlock.values.labels import Integrity, Label
from interlock.values.operations import Operation

Path = Sequence[str | int]
Pattern = tuple[str, ...]


class FieldLabels:
    """Judges a field's label from an operation's declared patterns.

    A pattern is a JSON pointer (RFC 6901) in which `*` stands for any one name or index; it covers what it
    points at and everything beneath. A pattern without a slash is a field's bare name: as an untrusted field
    it holds at any depth, as a trusted one only at the top or in the members of top-level lists. Of several
    patterns that cover a field the longest decides, and at equal length the untrusted one, and the labels of
    both; with none it is the operation's label that decides.
    """

    __slots__ = ("_default", "_exact", "_labels", "_trusted", "_untrusted", "indexed", "plain")

    def __init__(self, operation: Operation) -> None:
        declared = operation.output
        self._default = operation.label
        self._trusted = [_segments(pattern) for pattern in declared.trusted]
        self._untrusted = [_segments(pattern) for pattern in declared.untrusted]
        self._labels = [(_segments(field.pattern), field.label) for field in declared.labels]
        patterns = (*self._trusted, *self._untrusted, *(pattern for pattern, _ in self._labels))
        self._exact = any(part.isdigit() for pattern in patterns for part in pattern)
        self.plain = not self._trusted and not self._untrusted
        """Whether no pattern says whom to trust, so that every field is as the operation's label says."""
        self.indexed = any(part.isdigit() for pattern, _ in self._labels for part in pattern)
        """Whether a labelling pattern may tell one member of a list from another."""

    def key(self, path: Path) -> tuple[str, ...]:
        """Return what stands for all fields labelled as the one at *path* is, whatever their place in a list."""
        if self._exact:
            return tuple(map(str, path))
        return tuple(["*" if isinstance(step, int) else step for step in path])

    def of(self, path: Path) -> Label:
        """Return the label of the field at *path* (names and list indexes from the top)."""
        label = self._labelled(path) if self._labels else self._default
        integrity = self.integrity(path)
        return label if label.integrity is integrity else replace(label, integrity=integrity)

    def integrity(self, path: Path) -> Integrity:
        """Return whether whoever writes the field at *path* is trusted."""
        if self.plain:
            return self._default.integrity
        trusted = max((_trusted_reach(pattern, path) for pattern in self._trusted), default=0)
        untrusted = max((_untrusted_reach(pattern, path) for pattern in self._untrusted), default=0)
        if not trusted and not untrusted:
            return self._default.integrity
        return Integrity.trusted if trusted > untrusted else Integrity.untrusted

    @property
    def labels(self) -> Iterable[Label]:
        """Every label that a field may have."""
        return (self._default, *(label for _, label in self._labels))

    def beneath(self, path: Path) -> Iterator[Label]:
        """Yield the labels of patterns that may decide about something inside the field at *path*."""
        for pattern, label in self._labels:
            deeper = len(pattern) - 1 > len(path) and _covers(pattern[: len(path) + 1], path)
            if deeper or (len(pattern) == 1 and pattern != ("",)):
                yield label

    def _labelled(self, path: Path) -> Label:
        found, longest = self._default, 0
        for pattern, label in self._labels:
            reach = _covers(pattern, path) if len(pattern) > 1 else _untrusted_reach(pattern, path)
            if reach > longest:
                found, longest = label, reach
            elif reach and reach == longest:
                found = found.join(label)
        return found


def _segments(pattern: str) -> Pattern:
    """The pattern's segments; a bare name is one segment, a pointer starts with an empty one."""
    return tuple(map(unescape, pattern.split("/")))


def _covers(pattern: Pattern, path: Path) -> int:
    wanted = pattern[1:]
    if len(wanted) > len(path):
        return 0
    matches = all(part in ("*", str(step)) for part, step in zip(wanted, path, strict=False))
    return len(pattern) if matches else 0


def _trusted_reach(pattern: Pattern, path: Path) -> int:
    """How many segments of *path* the pattern decides, or 0 if it does not cover it."""
    if len(pattern) > 1 or pattern == ("",):
        return _covers(pattern, path)
    names = [step for step in path if isinstance(step, str)]
    return 2 if names[:1] == list(pattern) else 0


def _untrusted_reach(pattern: Pattern, path: Path) -> int:
    if len(pattern) > 1 or pattern == ("",):
        return _covers(pattern, path)
    depths = [depth for depth, step in enumerate(path, start=2) if step == pattern[0]]
    return depths[-1] if depths else 0
