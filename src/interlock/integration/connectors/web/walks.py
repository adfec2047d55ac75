"""The ways in which REST systems page, and how each tells where the next page begins. A difference is an object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

from interlock.integration.connectors.pointers import found_at
from interlock.integration.connectors.web.links import LinkUnfit, next_in, parameters_of

LONGEST = 2000
"""How many characters a system's own cursor may have."""
MOST = 1 << 53


class PagingBroken(ValueError):
    """An answer does not fit the way of paging that is declared; *code* is that of the problem."""

    def __init__(self, detail: str, code: str = "paging_broken") -> None:
        super().__init__(detail)
        self.code = code


@dataclass(frozen=True, slots=True)
class Page:
    """One page as it came: the answer's *body* and *headers*, the *url* called, its *items*; *seen* went before it."""

    body: Any
    headers: Mapping[str, str]
    url: str
    items: Sequence[Any]
    seen: int

    def number(self, pointer: str) -> int:
        """Return the count at *pointer*. Raises `PagingBroken`."""
        found, value = found_at(self.body, pointer)
        if isinstance(value, str) and value.isascii() and value.isdigit():
            value = int(value[:16])
        if not found or not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise PagingBroken(f"the answer has no count at {pointer}")
        return value


class End(Protocol):
    """How the last page is known."""

    def reached(self, page: Page, number: int, /) -> bool:
        """Return whether *page*, the *number*th, is the last. Raises `PagingBroken`."""
        ...


@dataclass(frozen=True, slots=True)
class Empty:
    """The page behind the last is empty: one call more, and nothing is missed."""

    def reached(self, page: Page, _number: int) -> bool:
        return not page.items


@dataclass(frozen=True, slots=True)
class Short:
    """The last page has fewer items than the *size* that was asked for."""

    size: int

    def reached(self, page: Page, _number: int) -> bool:
        return len(page.items) < self.size


@dataclass(frozen=True, slots=True)
class Total:
    """The answer says at *pointer* how many items there are in all."""

    pointer: str

    def reached(self, page: Page, _number: int) -> bool:
        return _filled(page, page.seen + len(page.items) >= page.number(self.pointer))


@dataclass(frozen=True, slots=True)
class Pages:
    """The answer says at *pointer* how many pages there are."""

    pointer: str

    def reached(self, page: Page, number: int) -> bool:
        return _filled(page, number >= page.number(self.pointer))


@dataclass(frozen=True, slots=True)
class More:
    """The answer says at *pointer*, by true or false, whether there is more."""

    pointer: str

    def reached(self, page: Page, _number: int) -> bool:
        found, value = found_at(page.body, self.pointer)
        if not found or not isinstance(value, bool):
            raise PagingBroken(f"the answer does not say at {self.pointer} whether there is more")
        return _filled(page, not value)


def _filled(page: Page, last: bool) -> bool:  # noqa: FBT001 - what is passed through
    """Return *last*; raise `PagingBroken` where more is promised and nothing is given."""
    if not last and not page.items:
        raise PagingBroken("the system says that there is more, and gives an empty page", "paging_endless")
    return last


class Walk(Protocol):
    """One way of going through a list. Positions are JSON values."""

    def asked(self, position: Any, /) -> Mapping[str, Any]:
        """Return the arguments for the page at *position* (None: the first). Raises `ValueError` for no position."""
        ...

    def after(self, page: Page, position: Any, /) -> Any:
        """Return where the page behind *page* begins, None for nowhere. Raises `PagingBroken`."""
        ...


@dataclass(frozen=True, slots=True)
class Following:
    """By a cursor that the answer holds at *next*."""

    parameter: str
    next: str

    def asked(self, position: Any) -> Mapping[str, Any]:
        return {} if position is None else {self.parameter: _key(position)}

    def after(self, page: Page, _position: Any) -> Any:
        found, value = found_at(page.body, self.next)
        return _said(value, self.next) if found and value not in (None, "") and value is not False else None


@dataclass(frozen=True, slots=True)
class Keyed:
    """By what the last item has at *last*."""

    parameter: str
    last: str
    end: End

    def asked(self, position: Any) -> Mapping[str, Any]:
        return {} if position is None else {self.parameter: _key(position)}

    def after(self, page: Page, _position: Any) -> Any:
        if self.end.reached(page, 0) or not page.items:
            return None
        return _said(found_at(page.items[-1], self.last)[1], self.last)


@dataclass(frozen=True, slots=True)
class Numbered:
    """By the number of the page, of which the first is *first*."""

    parameter: str
    first: int
    end: End

    def asked(self, position: Any) -> Mapping[str, Any]:
        return {self.parameter: self.first if position is None else _count(position)}

    def after(self, page: Page, position: Any) -> Any:
        number = self.first if position is None else position
        return None if self.end.reached(page, number - self.first + 1) else number + 1


@dataclass(frozen=True, slots=True)
class Counted:
    """By how many items are passed over."""

    parameter: str
    end: End

    def asked(self, position: Any) -> Mapping[str, Any]:
        return {self.parameter: 0 if position is None else _count(position)}

    def after(self, page: Page, position: Any) -> Any:
        return None if self.end.reached(page, 0) else (position or 0) + len(page.items)


@dataclass(frozen=True, slots=True)
class Linked:
    """By a link to the next page, at *next* in the body or else in the header `Link`.

    The link itself is never called: *parameters* of its query (their names by argument) are put into the same request.
    """

    parameters: Mapping[str, str]
    next: str
    ignored: frozenset[str]
    base_url: str

    def asked(self, position: Any) -> Mapping[str, Any]:
        if position is None:
            return {}
        if not isinstance(position, Mapping) or not position.keys() <= self.parameters.keys():
            raise ValueError("this is no page of a link")
        return {name: _key(value) for name, value in position.items()}

    def after(self, page: Page, _position: Any) -> Any:
        try:
            target = found_at(page.body, self.next)[1] if self.next else _next_in(page.headers)
            if target is None or target == "":
                return None
            query = parameters_of(target, page.url, self.base_url)
        except LinkUnfit as error:
            raise PagingBroken(str(error), "paging_refused") from None
        sent = {name for name, _ in parse_qsl(urlsplit(page.url).query, keep_blank_values=True)}
        if others := query.keys() - sent - set(self.parameters.values()) - self.ignored:
            named = min(others)[:80]
            raise PagingBroken(f"its link to the next page also needs {named!r}: add it to `parameters` or `ignored`")
        found = {name: query[own] for name, own in self.parameters.items() if own in query}
        if not found or any(len(value) > LONGEST for value in found.values()):
            raise PagingBroken("its link to the next page has none of `parameters`, or one that is too long")
        return found


def _next_in(headers: Mapping[str, str]) -> str:
    try:
        return next_in(headers)
    except LinkUnfit as error:
        raise PagingBroken(str(error)) from None


def _said(value: Any, pointer: str) -> Any:
    try:
        return _key(value)
    except ValueError:
        raise PagingBroken(f"what stands at {pointer} is no cursor: neither a text nor a whole number") from None


def _key(value: Any) -> Any:
    whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) < MOST
    if not whole and (not isinstance(value, str) or len(value) > LONGEST):
        raise ValueError("this is no cursor")
    return value


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < MOST:
        raise ValueError("this is no position")
    return value
