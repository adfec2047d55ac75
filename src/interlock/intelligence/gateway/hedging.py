"""Hedging: a second target is asked while the first is silent; the first to begin wins, and the other is given up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Generic, TypeVar

from interlock.foundation.settings.quantities import duration
from interlock.foundation.telemetry.overhead import begin_meter, waited
from interlock.intelligence.gateway.begun import AsItComes, Patience
from interlock.intelligence.gateway.messages import Delta, ModelReply, ModelRequest
from interlock.intelligence.gateway.provider import Provider, Streamed

T = TypeVar("T")
Lane = Callable[[], Coroutine[Any, Any, T | None]]
"""A way from target to target; it comes to an answer that has begun, or to none."""

AHEAD = 16
"""How many pieces of an answer are taken before somebody wants them."""


@dataclass(frozen=True, slots=True)
class Hedge:
    """After how many seconds of silence a second target is asked."""

    after: float


def hedge_of(declared: Mapping[str, Any] | None) -> Hedge | None:
    """Return what a route's `hedge` declares."""
    return Hedge(duration(declared["after"])) if declared is not None else None


class Race(Generic[T]):
    """At most two lanes, of which one wins. *leave* gives up what a lane has come to and nobody takes."""

    def __init__(self, leave: Callable[[T], Awaitable[None]]) -> None:
        self._leave = leave
        self._lanes: list[asyncio.Task[T | None]] = []
        self._won = False

    async def won(self) -> None:
        """Say, within a lane, that its answer has begun: the other is over when this returns.

        Raises `CancelledError` where the other was first.
        """
        if self._won:
            raise asyncio.CancelledError
        self._won = True
        here = asyncio.current_task()
        await _end([lane for lane in self._lanes if lane is not here])

    async def run(self, first: Lane[T], second: Lane[T], silence: Coroutine[Any, Any, None]) -> T | None:
        """Return what *first* comes to, or *second*, which begins when *silence* is over. Raises what either raises."""
        began = perf_counter()
        quiet = asyncio.ensure_future(silence)
        taken: T | None = None
        try:
            self._lanes.append(asyncio.ensure_future(_lane(first)))
            await asyncio.wait([self._lanes[0], quiet], return_when=asyncio.FIRST_COMPLETED)
            if not self._lanes[0].done():
                self._lanes.append(asyncio.ensure_future(_lane(second)))
            taken = await self._first()
            return taken
        finally:
            waited((perf_counter() - began) * 1000)
            await _end([quiet, *self._lanes])
            for lane in self._lanes:
                if not lane.cancelled() and lane.exception() is None:
                    come = lane.result()
                    if come is not None and come is not taken:
                        await self._leave(come)

    async def _first(self) -> T | None:
        under_way: Sequence[asyncio.Task[T | None]] = self._lanes
        while under_way:
            done, _ = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
            ended = [lane for lane in done if not lane.cancelled()]
            for lane in sorted(ended, key=_broken):  # an answer counts, whatever became of the other at the same moment
                come = lane.result()
                if come is not None:
                    return come
            under_way = [lane for lane in under_way if lane not in done]
        return None


def _broken(lane: asyncio.Task[Any]) -> bool:
    return lane.exception() is not None


async def _lane(work: Lane[T]) -> T | None:
    begin_meter()  # two that wait at the same time do not wait twice as long
    return await work()


async def _end(tasks: Sequence[asyncio.Future[Any]]) -> None:
    left = [task for task in tasks if not task.done()]
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # nobody needs to hear of it any more


class Apart(AsItComes):
    """Waits for the first that can be shown, of a stream that runs in a task of its own.

    Whoever goes on with the answer of a lane is another task than the lane, and what providers use within a stream
    (time limits, scopes) belongs to the task that began it.
    """

    def open(self, provider: Provider, request: ModelRequest, patience: Patience, idle: float) -> Streamed:
        return apart(super().open(provider, request, patience, idle))


async def apart(rest: Streamed) -> Streamed:
    """Yield what *rest* yields, which is taken, and closed, by one task of its own. Raises what it raises."""
    pieces: asyncio.Queue[Sequence[Delta] | ModelReply | None] = asyncio.Queue()
    room = asyncio.Semaphore(AHEAD)

    async def take() -> None:
        async with aclosing(rest) as taken:
            async for piece in taken:
                await room.acquire()
                pieces.put_nowait(piece)

    taking = asyncio.ensure_future(take())
    taking.add_done_callback(lambda _: pieces.put_nowait(None))
    try:
        while (piece := await pieces.get()) is not None:
            room.release()
            yield piece
        await taking
    finally:
        await _end([taking])
