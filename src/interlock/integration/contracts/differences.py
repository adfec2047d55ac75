"""What changed between two definitions, place by place, for whoever has to accept it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from interlock.foundation.documents import escape
from interlock.values.digests import canonical

MOST = 200
_SETS = frozenset({"required", "enum", "type"})  # arrays whose order means nothing


@dataclass(frozen=True, slots=True)
class Difference:
    """One place (a JSON pointer, RFC 6901) that was `added`, `removed` or `changed`."""

    pointer: str
    change: str
    before: Any = None
    after: Any = None

    def to_json(self) -> dict[str, Any]:
        """Return the difference as a JSON object."""
        document: dict[str, Any] = {"pointer": self.pointer, "change": self.change}
        if self.change != "added":
            document["before"] = self.before
        if self.change != "removed":
            document["after"] = self.after
        return document

    def __str__(self) -> str:
        if self.change == "changed":
            return f"{self.pointer}: changed from {_short(self.before)} to {_short(self.after)}"
        return f"{self.pointer}: {self.change} {_short(self.after if self.change == 'added' else self.before)}"


def differences(before: Any, after: Any) -> list[Difference]:
    """Return how *after* differs from *before* (JSON values), ordered by place, at most `MOST`."""
    found: list[Difference] = []
    for difference in _walk(before, after, "", ""):
        if len(found) == MOST:
            break
        found.append(difference)
    return found


def _walk(before: Any, after: Any, pointer: str, name: str) -> Iterator[Difference]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}):
            yield from _member(before, after, key, f"{pointer}/{escape(key)}")
    elif isinstance(before, list) and isinstance(after, list):
        if name in _SETS and all(isinstance(item, str) for item in (*before, *after)):
            yield from _set(before, after, pointer)
        else:
            yield from _list(before, after, pointer)
    elif canonical(before) != canonical(after):
        yield Difference(pointer, "changed", before, after)


def _member(before: Mapping[str, Any], after: Mapping[str, Any], key: str, pointer: str) -> Iterator[Difference]:
    if key not in after:
        yield Difference(pointer, "removed", before=before[key])
    elif key not in before:
        yield Difference(pointer, "added", after=after[key])
    else:
        yield from _walk(before[key], after[key], pointer, key)


def _set(before: list[str], after: list[str], pointer: str) -> Iterator[Difference]:
    for item in sorted({*before, *after}):
        if item not in after:
            yield Difference(pointer, "removed", before=item)
        elif item not in before:
            yield Difference(pointer, "added", after=item)


def _list(before: list[Any], after: list[Any], pointer: str) -> Iterator[Difference]:
    for index in range(max(len(before), len(after))):
        place = f"{pointer}/{index}"
        if index >= len(after):
            yield Difference(place, "removed", before=before[index])
        elif index >= len(before):
            yield Difference(place, "added", after=after[index])
        else:
            yield from _walk(before[index], after[index], place, "")


def _short(value: Any) -> str:
    text = canonical(value).decode()
    return text if len(text) <= 120 else text[:117] + "..."
