"""Whoever is told to stop, stops, also where a driver does not pass it on."""

from __future__ import annotations

import asyncio

import pytest

from interlock.integration.connectors.broker.brokers.waiting import heed


async def test_a_cancellation_that_a_driver_swallowed_is_heeded() -> None:
    rounds = 0

    async def listen() -> None:
        nonlocal rounds
        while True:
            heed()
            rounds += 1
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                continue  # as the driver does

    task = asyncio.create_task(listen())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(asyncio.shield(task), 30)
    assert (task.cancelled(), rounds) == (True, 1)


async def test_who_was_not_told_to_stop_goes_on() -> None:
    heed()
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.sleep(0)
    task.uncancel()
    heed()
