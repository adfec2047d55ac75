"""The bulkhead: so many at once, so many waiting, in turn."""

from __future__ import annotations

import asyncio
import random

import pytest

from interlock.governance.limits import Bulkhead


async def test_no_more_than_the_limit_are_inside_and_the_queue_is_bounded() -> None:
    bulkhead = Bulkhead(1, queue=1)
    assert await bulkhead.enter(1)
    second = asyncio.create_task(bulkhead.enter(5))
    await asyncio.sleep(0)
    assert (bulkhead.inside, bulkhead.waiting) == (1, 1)
    assert not await bulkhead.enter(5)
    bulkhead.leave()
    assert await second
    bulkhead.leave()
    assert (bulkhead.inside, bulkhead.waiting) == (0, 0)


async def test_those_who_wait_enter_in_turn_and_nobody_overtakes() -> None:
    bulkhead = Bulkhead(1, queue=3)
    order: list[int] = []
    turns = asyncio.Semaphore(0)

    async def visit(number: int) -> None:
        assert await bulkhead.enter(5)
        order.append(number)
        turns.release()

    assert bulkhead.try_enter()
    tasks = [asyncio.create_task(visit(number)) for number in range(3)]
    await asyncio.sleep(0)
    for _ in range(3):
        assert not bulkhead.try_enter()
        bulkhead.leave()
        await turns.acquire()
    assert order == [0, 1, 2]
    await asyncio.gather(*tasks)


async def test_waiting_ends_with_its_time_and_leaves_no_trace() -> None:
    bulkhead = Bulkhead(1, queue=1)
    await bulkhead.enter(1)
    assert not await bulkhead.enter(0.01)
    assert not await bulkhead.enter(0)
    assert bulkhead.waiting == 0
    bulkhead.leave()
    assert await bulkhead.enter(0)


@pytest.mark.parametrize("granted", [False, True])
async def test_someone_cancelled_while_waiting_takes_no_place(granted: bool) -> None:
    bulkhead = Bulkhead(1, queue=2)
    await bulkhead.enter(1)
    gone = asyncio.create_task(bulkhead.enter(5))
    stays = asyncio.create_task(bulkhead.enter(5))
    await asyncio.sleep(0)
    if granted:
        bulkhead.leave()
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    if not granted:
        bulkhead.leave()
    assert await stays
    assert (bulkhead.inside, bulkhead.waiting) == (1, 0)


async def test_whatever_happens_the_limit_holds_and_all_places_come_back() -> None:
    chance = random.Random(7)
    bulkhead = Bulkhead(3, queue=4)
    inside = peak = 0

    async def visit() -> None:
        nonlocal inside, peak
        if not await bulkhead.enter(chance.random() / 100):
            return
        inside += 1
        peak = max(peak, inside)
        try:
            await asyncio.sleep(chance.random() / 200)
        finally:
            inside -= 1
            bulkhead.leave()

    tasks = [asyncio.create_task(visit()) for _ in range(200)]
    for task in chance.sample(tasks, 60):
        await asyncio.sleep(0)
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert peak == 3
    assert (bulkhead.inside, bulkhead.waiting) == (0, 0)


def test_impossible_bulkheads_are_refused() -> None:
    for limit, queue in ((0, 0), (1, -1)):
        with pytest.raises(ValueError, match="at least one"):
            Bulkhead(limit, queue=queue)
