"""The connections of one client: kept while they are good, so many at once, and fairly given out."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable

from interlock.foundation.http.errors import HttpClosed, HttpUnreachable
from interlock.foundation.http.places import Place
from interlock.foundation.http.wire import Wire

# Below what servers commonly keep an idle connection for, so that a request rarely meets one being closed.
KEEP_ALIVE = 4.0

Dial = Callable[[Place, Callable[[Wire], None]], Awaitable[Wire]]
_Turn = asyncio.Future[Wire | None]


class Pool:
    """Gives out at most *connections* at once, *per_host* of them to one place; who waits is served in turn.

    A connection counts from the moment it is being made until it is closed, also while it is idle.
    """

    def __init__(self, dial: Dial, connections: int, per_host: int) -> None:
        self._dial = dial
        self._most, self._most_there = connections, per_host
        self._idle: dict[Place, list[Wire]] = {}
        self._open: set[Wire] = set()
        self._taken: Counter[Place] = Counter()
        self._total = 0
        self._waiting: deque[tuple[Place, _Turn]] = deque()
        self._sweep: asyncio.TimerHandle | None = None
        self._closed = False
        self._emptied: asyncio.Future[None] | None = None

    def idle(self, place: Place) -> Wire | None:
        """Return an idle connection to *place* if there is one, the last used first."""
        kept = self._idle.get(place)
        while kept:
            wire = kept.pop()
            if wire.is_good and wire.clock() - wire.idle_since < KEEP_ALIVE:
                return wire
            self._drop(wire)
        return None

    async def connection(self, place: Place, limit: float | None) -> Wire:
        """Return a connection to *place*, when it is the caller's turn. Making a new one may take *limit* seconds.

        Raises a kind of `HttpFailure`, or `TimeoutError`. The caller gives it back by `give_back`.
        """
        while (wire := self.idle(place) or await self._turn(place)) is not None:
            if wire.is_good:
                return wire
            self._drop(wire)  # it was closed while it was handed on
        try:
            async with asyncio.timeout(limit):
                wire = await self._dial(place, self._gone)
        except BaseException:
            self._free(place)
            raise
        if self._closed or not wire.is_good:
            wire.abort()
            self._free(place)
            if self._closed:
                raise _closed()
            raise HttpUnreachable("no connection could be made", sent=False, why="it was closed at once")
        self._open.add(wire)
        return wire

    def give_back(self, wire: Wire) -> None:
        """Keep *wire* for the next request, or close it if its exchange did not end as it should."""
        if wire.leave() and not self._closed:
            self._hand_on(wire)
        else:
            self._drop(wire)

    async def close(self) -> None:
        """Close every connection, and let nobody wait for one any more."""
        self._closed = True
        if self._sweep is not None:
            self._sweep.cancel()
        for _, turn in self._waiting:
            if not turn.done():
                turn.set_exception(_closed())
        self._waiting.clear()
        self._idle.clear()
        if self._open:  # each is heard of once more when it is closed
            self._emptied = asyncio.get_running_loop().create_future()
            for wire in list(self._open):
                wire.abort()
            await asyncio.wait([self._emptied], timeout=1.0)

    async def _turn(self, place: Place) -> Wire | None:
        """Wait for a connection, or for the right to make one (None)."""
        if self._closed:
            raise _closed()
        if self._has_room(place) and self._make_room():
            self._take(place)
            return None
        turn: _Turn = asyncio.get_running_loop().create_future()
        self._waiting.append((place, turn))
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:  # it came, and is not wanted
                wire = turn.result()
                if wire is None:
                    self._free(place)
                elif wire.is_good and not self._closed:
                    self._hand_on(wire)
                else:
                    self._drop(wire)
            else:
                self._waiting = deque(one for one in self._waiting if one[1] is not turn)
            raise

    def _has_room(self, place: Place) -> bool:
        return self._taken[place] < self._most_there

    def _make_room(self) -> bool:
        """Return whether one more connection may be made, closing the one that was idle longest if it must."""
        if self._total < self._most:
            return True
        oldest = min((kept[0] for kept in self._idle.values() if kept), key=lambda one: one.idle_since, default=None)
        if oldest is None:
            return False
        self._idle[oldest.place].remove(oldest)
        self._drop(oldest)
        return True

    def _take(self, place: Place) -> None:
        self._taken[place] += 1
        self._total += 1

    def _free(self, place: Place) -> None:
        self._total -= 1
        self._taken[place] -= 1
        if not self._taken[place]:
            del self._taken[place]
        self._serve()

    def _serve(self) -> None:
        """Let those make a connection for whom there is room now, in their order."""
        if not self._waiting:
            return
        left: deque[tuple[Place, _Turn]] = deque()
        while self._waiting:
            place, turn = self._waiting.popleft()
            if turn.done():
                continue
            if self._has_room(place) and self._total < self._most:
                self._take(place)
                turn.set_result(None)
            else:
                left.append((place, turn))
        self._waiting = left

    def _hand_on(self, wire: Wire) -> None:
        """Give *wire* to whoever waits for it, or close it for somebody who waits longer for another place."""
        for waiting in self._waiting:
            place, turn = waiting
            if turn.done():
                continue
            if place == wire.place:
                self._waiting.remove(waiting)
                turn.set_result(wire)
                return
            if self._has_room(place):  # so it waits because there are too many in all
                self._drop(wire)
                return
        wire.idle_since = wire.clock()
        self._idle.setdefault(wire.place, []).append(wire)
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(KEEP_ALIVE, self._swept)

    def _swept(self) -> None:
        """Close what was idle for too long."""
        self._sweep = None
        now, next_at = asyncio.get_running_loop().time(), 0.0
        for place, kept in list(self._idle.items()):
            while kept and kept[0].idle_since + KEEP_ALIVE <= now:
                self._drop(kept.pop(0))
            if kept:
                next_at = min(next_at or kept[0].idle_since, kept[0].idle_since)
            else:
                del self._idle[place]
        if next_at:
            self._sweep = asyncio.get_running_loop().call_at(next_at + KEEP_ALIVE, self._swept)

    def _gone(self, wire: Wire) -> None:
        """Hear that *wire* is closed, whoever closed it."""
        kept = self._idle.get(wire.place)
        if kept and wire in kept:
            kept.remove(wire)
        self._drop(wire)
        if self._emptied is not None and not self._open and not self._emptied.done():
            self._emptied.set_result(None)

    def _drop(self, wire: Wire) -> None:
        wire.abort()
        if wire in self._open:
            self._open.remove(wire)
            self._free(wire.place)


def _closed() -> HttpClosed:
    return HttpClosed("the HTTP client is not open", sent=False, fix="open it before sending")
