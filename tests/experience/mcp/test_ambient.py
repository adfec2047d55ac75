"""Sessions of callers that name none: one at a time, for a while, with no authority but the caller's own."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from interlock.experience.ambient import REUSED, AmbientSessions
from interlock.testing.clock import FixedClock
from interlock.values.errors import InterlockError
from interlock.values.principals import Kind, Principal
from tests.experience.mcp.conftest import FILES, open_shop, write_shop

CLERK = Principal(Kind.agent, "clerk", "main", credential="k1")


async def test_calls_at_the_same_moment_share_one(tmp_path: Path) -> None:
    write_shop(tmp_path, FILES)
    async with open_shop(tmp_path) as shop:
        ambient = AmbientSessions(shop.installation.sessions, shop.installation.clock, channel="mcp")
        found = await asyncio.gather(*[ambient.session(CLERK) for _ in range(20)])
        assert len(set(found)) == 1
        assert len(await shop.installation.sessions.page("main")) == 1


async def test_it_is_another_after_a_while_and_for_another_credential(tmp_path: Path) -> None:
    write_shop(tmp_path, FILES)
    clock = FixedClock()
    async with open_shop(tmp_path, clock=clock) as shop:
        ambient = AmbientSessions(shop.installation.sessions, clock, channel="mcp")
        first = await ambient.session(CLERK)
        assert await ambient.session(Principal(Kind.agent, "clerk", "main", credential="k2")) != first
        clock.advance(REUSED - 1)
        assert await ambient.session(CLERK) == first
        clock.advance(2)
        assert await ambient.session(CLERK) != first
        old = await shop.installation.sessions.use(first, CLERK)
        assert not old.closed, "what waits in it can still run"


async def test_a_failure_to_open_is_told_and_not_remembered(tmp_path: Path) -> None:
    write_shop(tmp_path, FILES)
    async with open_shop(tmp_path) as shop:
        ambient = AmbientSessions(shop.installation.sessions, shop.installation.clock, channel="mcp")
    for _ in range(2):
        with pytest.raises(InterlockError, match="closed"):
            await ambient.session(CLERK)
