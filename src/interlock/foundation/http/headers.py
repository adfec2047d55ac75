"""Header fields as they came: looked up by name in any case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, ValuesView
from typing import TypeVar, overload

T = TypeVar("T")
_LISTS = frozenset({"cache-control", "content-encoding", "link", "ratelimit", "ratelimit-policy", "vary"})
"""Fields that are lists, which a server may cut into several fields (RFC 9110, 5.3)."""


class Headers(Mapping[str, str]):
    """The header fields of an answer: of those that are lists all that came, joined; of others the first.

    Names are given in lower case; bytes that are not UTF-8 are kept escaped.
    """

    __slots__ = ("_fields",)

    def __init__(self, fields: list[tuple[bytes, bytes]]) -> None:
        self._fields: dict[str, str] = {}
        for name, value in fields:
            text = value.decode("utf-8", "surrogateescape").strip(" \t")
            known = name.decode("latin-1").lower()
            if known in _LISTS and known in self._fields:
                text = f"{self._fields[known]}, {text}"
            elif known in self._fields:
                continue
            self._fields[known] = text

    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()]

    @overload
    def get(self, name: str, /) -> str | None: ...

    @overload
    def get(self, name: str, /, default: str | T) -> str | T: ...

    def get(self, name: str, /, default: object = None) -> object:
        """Return the field's text, or *default*; the inherited way raises and catches for each that is missing."""
        return self._fields.get(name.lower(), default)

    def values(self) -> ValuesView[str]:
        """Return the texts of all fields."""
        return self._fields.values()

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        return f"Headers({', '.join(self._fields)})"
