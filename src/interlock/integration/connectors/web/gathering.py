"""One call of an operation that lists: the page that a cursor names, and as many behind it as are gathered at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from interlock.foundation.http import HttpResponse
from interlock.integration.connectors.interface import SUCCEEDED, Answer, failed
from interlock.integration.connectors.pointers import found_at
from interlock.integration.connectors.web.paging import CURSOR, ITEMS, NEXT, USUAL_MOST, walk_of
from interlock.integration.connectors.web.walks import Page, PagingBroken
from interlock.integration.contracts.cursors import cursor_of, position_in
from interlock.values.digests import digest

MOST_PAGES = 100_000
"""After so many pages, a list is taken for one that never ends."""
_MARK = 24


@dataclass(frozen=True, slots=True)
class Asked:
    """What one request brought: its *url* and the *response*, None where there is none, and what it means."""

    answer: Answer
    url: str = ""
    response: HttpResponse | None = None


Ask = Callable[[Mapping[str, Any], float], Awaitable[Asked]]
"""Makes one request with arguments, within seconds."""


@dataclass(frozen=True, slots=True)
class Trail:
    """How far a list was gone through: *position*, after *count* pages with *seen* items.

    *anchor* is a mark of the position at the last power of two of pages: a list that comes back to it goes round in a
    circle (Brent's way of finding one, which needs no memory of all). *last* is a mark of the page before.
    """

    position: Any = None
    count: int = 0
    seen: int = 0
    anchor: str = ""
    last: str = ""

    def written(self) -> list[Any]:
        """Return the trail as a cursor holds it."""
        return [self.position, self.count, self.seen, self.anchor, self.last]


def _trail(written: Any) -> Trail:
    """Return the trail of a cursor. Raises `ValueError`."""
    if not isinstance(written, list) or len(written) != len(Trail.__slots__):
        raise ValueError("this is no trail")
    trail = Trail(*written)
    counts = all(type(one) is int and one >= 0 for one in written[1:3])
    if trail.position is None or not counts or not all(isinstance(one, str) for one in written[3:]):
        raise ValueError("this is no trail")
    return trail


class Gathering:
    """The pages of one operation. Keeps nothing between calls: all there is to know is in the cursor."""

    def __init__(self, pages: Mapping[str, Any], operation: str, base_url: str, most_bytes: int) -> None:
        self._walk = walk_of(pages, base_url)
        self._items: str = pages.get(ITEMS, "")
        self._size = {pages["size"]["parameter"]: pages["size"]["items"]} if "size" in pages else {}
        self._by_count = "page" in pages or "offset" in pages
        self._follow: int = pages.get("follow", 1)
        self._most: int = pages.get("most", USUAL_MOST)
        self._most_bytes = most_bytes
        self._list = [operation, pages]

    async def call(self, arguments: Mapping[str, Any], ask: Ask, timeout: float) -> Answer:
        """Return `items` and `next`; what is not gathered for want of time, room or an answer is behind `next`."""
        given = {name: value for name, value in arguments.items() if name != CURSOR}
        mark = digest([*self._list, given])[-_MARK:]
        try:
            trail = _trail(position_in(arguments[CURSOR], mark)) if CURSOR in arguments else Trail()
            self._walk.asked(trail.position)
        except ValueError:
            detail = "the cursor is not one of this list; begin again without a cursor, or with the same arguments"
            return failed("cursor_invalid", detail, sent=False)
        until = asyncio.get_running_loop().time() + timeout
        items: list[Any] = []
        room, rest, met = self._most_bytes, 0.0, set[str]()
        for number in range(self._follow):
            left = until - asyncio.get_running_loop().time()
            if number and (left <= 0 or rest > 0):
                break
            asked = await ask({**given, **self._size, **self._walk.asked(trail.position)}, left)
            if not asked.answer.succeeded or asked.response is None:
                if not number:
                    return asked.answer
                rest = asked.answer.rest
                break  # whoever goes on from `next` hears of it
            rest = asked.answer.rest
            room -= len(asked.response.body)
            try:
                page = self._page(asked, asked.response, trail)
                if number and (room < 0 or len(items) + len(page.items) > self._most):
                    break
                following = self._behind(page, trail)
                if following is not None and _short(following.position) in met:
                    raise _circle()
            except PagingBroken as error:
                return replace(failed(error.code, str(error)), rest=rest)
            items += page.items
            if following is None:
                return Answer(SUCCEEDED, {ITEMS: items, NEXT: None}, rest=rest)
            trail = following
            met.add(_short(trail.position))
        return Answer(SUCCEEDED, {ITEMS: items, NEXT: cursor_of(trail.written(), mark)}, rest=rest)

    def _page(self, asked: Asked, response: HttpResponse, trail: Trail) -> Page:
        found, items = found_at(asked.answer.output, self._items)
        if not found or not isinstance(items, list):
            raise PagingBroken(f"the answer has no list at {self._items or 'its root'}", "result_breaks_contract")
        return Page(asked.answer.output, response.headers, asked.url, items, trail.seen)

    def _behind(self, page: Page, trail: Trail) -> Trail | None:
        """Return the trail behind *page*, None at the end. Raises `PagingBroken` for a list that goes round."""
        position = self._walk.after(page, trail.position)
        same = _short(page.items) if self._by_count and page.items else ""
        if same and same == trail.last:
            raise PagingBroken("the system gave the same page again: it does not heed the paging", "paging_repeats")
        if position is None:
            return None
        count, mark = trail.count + 1, _short(position)
        if mark == trail.anchor or position == trail.position:
            raise _circle()
        if count >= MOST_PAGES:
            raise PagingBroken(f"the list does not end after {MOST_PAGES} pages", "paging_endless")
        anchor = mark if count & (count - 1) == 0 else trail.anchor
        return Trail(position, count, trail.seen + len(page.items), anchor, same)


def _circle() -> PagingBroken:
    return PagingBroken("the system named a page as the next that was there before", "paging_repeats")


def _short(value: Any) -> str:
    return digest(value)[-_MARK:]
