"""Sessions for callers that name none: one per credential and conversation, opened with the caller's own authority."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass

from interlock.foundation.clock import Clock
from interlock.orchestration.sessions import Opening, Sessions
from interlock.values.principals import Principal

REUSED = 900.0
"""Seconds after which a caller gets a new session; what waits in the old one still can run."""

_KEPT = 10_000
_Key = tuple[str, str, str, str]


@dataclass(slots=True)
class _Opened:
    session: asyncio.Future[str]
    until: float


class AmbientSessions:
    """Opens a session the first time a credential calls without one. It carries no person's words or facts.

    *conversation* tells apart what one credential does at the same time; a surface that knows of none leaves it out.
    The table is in memory and bounded: another process, or this one after a restart, opens sessions of its own.
    """

    def __init__(self, sessions: Sessions, clock: Clock, *, channel: str) -> None:
        self._sessions = sessions
        self._clock = clock
        self._channel = channel
        self._opened: OrderedDict[_Key, _Opened] = OrderedDict()

    async def session(self, principal: Principal, conversation: str = "") -> str:
        """Return the id of the caller's session. Raises what `Sessions.open` raises."""
        key = _key(principal, conversation)
        known = self._opened.get(key)
        if known is None or self._clock.now() > known.until:
            known = self._keep(key, asyncio.ensure_future(self._open(principal)))
        if known.session.done():
            return known.session.result()
        try:
            return await asyncio.shield(known.session)
        except BaseException:
            if known.session.done():
                self._forget(key, known)
            raise

    def known(self, principal: Principal, conversation: str) -> bool:
        """Return whether there is a session that still counts as the caller's."""
        known = self._opened.get(_key(principal, conversation))
        return known is not None and self._clock.now() <= known.until

    def adopt(self, principal: Principal, conversation: str, session_id: str) -> None:
        """Take a session that the caller may work in as the one of this conversation, from now on for a while."""
        session: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        session.set_result(session_id)
        self._keep(_key(principal, conversation), session)

    def forget(self, principal: Principal, conversation: str = "") -> None:
        """Drop the caller's session, so that the next call opens another."""
        self._opened.pop(_key(principal, conversation), None)

    def _keep(self, key: _Key, session: asyncio.Future[str]) -> _Opened:
        opened = self._opened[key] = _Opened(session, self._clock.now() + REUSED)
        self._opened.move_to_end(key)
        if len(self._opened) > _KEPT:
            self._opened.popitem(last=False)
        return opened

    def _forget(self, key: _Key, known: _Opened) -> None:
        if self._opened.get(key) is known:
            del self._opened[key]

    async def _open(self, principal: Principal) -> str:
        return (await self._sessions.open(principal, Opening(channel=self._channel))).id


def _key(principal: Principal, conversation: str) -> _Key:
    return (principal.tenant, principal.name, principal.credential, conversation)
