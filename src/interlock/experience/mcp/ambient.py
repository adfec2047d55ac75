"""Sessions for callers that name none: one per credential, opened with the caller's own authority, for a while."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass

from interlock.foundation.clock import Clock
from interlock.orchestration.sessions import Opening, Sessions
from interlock.values.principals import Principal

CHANNEL = "mcp"
REUSED = 900.0
"""Seconds after which a caller gets a new session; what waits in the old one still can run."""

_KEPT = 10_000
_Key = tuple[str, str, str]


@dataclass(slots=True)
class _Opened:
    session: asyncio.Future[str]
    until: float


class AmbientSessions:
    """Opens a session the first time a credential calls without one. It carries no person's words or facts."""

    def __init__(self, sessions: Sessions, clock: Clock) -> None:
        self._sessions = sessions
        self._clock = clock
        self._opened: OrderedDict[_Key, _Opened] = OrderedDict()

    async def session(self, principal: Principal) -> str:
        """Return the id of the caller's session. Raises what `Sessions.open` raises."""
        key = _key(principal)
        known = self._opened.get(key)
        if known is None or self._clock.now() > known.until:
            opening = asyncio.ensure_future(self._open(principal))
            known = self._opened[key] = _Opened(opening, self._clock.now() + REUSED)
            self._opened.move_to_end(key)
            if len(self._opened) > _KEPT:
                self._opened.popitem(last=False)
        if known.session.done():
            return known.session.result()
        try:
            return await asyncio.shield(known.session)
        except BaseException:
            if known.session.done():
                self._forget(key, known)
            raise

    def forget(self, principal: Principal) -> None:
        """Drop the caller's session, so that the next call opens another."""
        self._opened.pop(_key(principal), None)

    def _forget(self, key: _Key, known: _Opened) -> None:
        if self._opened.get(key) is known:
            del self._opened[key]

    async def _open(self, principal: Principal) -> str:
        return (await self._sessions.open(principal, Opening(channel=CHANNEL))).id


def _key(principal: Principal) -> _Key:
    return (principal.tenant, principal.name, principal.credential)
