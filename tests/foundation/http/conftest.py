"""What the tests of the HTTP client share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import uvloop

from interlock.foundation.http import HttpClient

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.SelectorEventLoop,
    "uvloop": uvloop.new_event_loop,
}


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run each test on both loops that Interlock runs on; they differ in how connections end."""
    return LOOPS


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    async with HttpClient() as opened:
        yield opened


async def until(holds: Callable[[], object]) -> None:
    """Wait until *holds* does, for a few seconds at most."""
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110 - the other side has no event to wait for
            await asyncio.sleep(0.002)


async def until_closed(client: HttpClient) -> None:
    """Wait until *client* knows that none of its connections is open any more."""
    await until(lambda: not client._opened()._open)
