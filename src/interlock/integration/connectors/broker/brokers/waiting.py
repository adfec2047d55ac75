"""Waiting for a broker's word, and no longer than there is a connection for it to come by."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from interlock.integration.connectors.broker.errors import BrokerLost

T = TypeVar("T")


def heed() -> None:
    """Raise `CancelledError` where the task was told to stop and a driver went on all the same.

    `asyncio.wait_for` of Python 3.11 does so when what it waits for is ready in the same moment; a listener would then
    wait for ever, and with it whoever stops it.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def unless(closed: asyncio.Event, work: Awaitable[T]) -> T:
    """Return what *work* does. Raises `BrokerLost` as soon as the connection has *closed*: drivers would wait on."""
    task, end = asyncio.ensure_future(work), asyncio.ensure_future(closed.wait())
    try:
        await asyncio.wait((task, end), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise BrokerLost("connection_lost", "the connection ended before the broker answered", transient=True)
        return await task
    finally:
        for one in (task, end):
            one.cancel()
        await asyncio.gather(task, end, return_exceptions=True)
