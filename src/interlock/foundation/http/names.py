"""What names of hosts stand for: asked in a thread, kept for a while, and checked each time before it is used."""

from __future__ import annotations

import asyncio
import socket

from interlock.foundation.http.egress import check_resolved
from interlock.foundation.http.errors import HttpUnreachable

NAMES_KEPT = 60.0
_MOST_KEPT = 1024


class Names:
    """The names that one client has asked for. Those who ask for the same name at once share one question."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, list[str]]] = {}
        self._asked: dict[str, asyncio.Future[list[str]]] = {}

    async def addresses(self, host: str) -> list[str]:
        """Return the addresses of *host*, those of both families in turn. Raises `HttpUnreachable`, `HttpForbidden`."""
        now = asyncio.get_running_loop().time()
        until, found = self._known.get(host, (0.0, []))
        if now >= until:
            try:
                found = await asyncio.shield(self._question(host))
            except (OSError, UnicodeError) as error:
                raise HttpUnreachable("no connection could be made", sent=False, why="its name is not known") from error
        check_resolved(host.rstrip("."), found)
        return found

    def _question(self, host: str) -> asyncio.Future[list[str]]:
        question = self._asked.get(host)
        if question is None:
            loop = asyncio.get_running_loop()
            question = self._asked[host] = loop.run_in_executor(None, _ask, host)
            question.add_done_callback(lambda answered: self._answered(host, answered))
        return question

    def _answered(self, host: str, question: asyncio.Future[list[str]]) -> None:
        self._asked.pop(host, None)
        if question.cancelled() or question.exception() is not None:
            return
        if len(self._known) >= _MOST_KEPT:
            self._known.clear()
        self._known[host] = (question.get_loop().time() + NAMES_KEPT, question.result())


def _ask(host: str) -> list[str]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    families: dict[int, list[str]] = {}
    for family, _, _, _, place in found:
        families.setdefault(family, []).append(str(place[0]))
    longest = max(map(len, families.values()))
    turns = [one[turn : turn + 1] for turn in range(longest) for one in families.values()]
    return list(dict.fromkeys(address for turn in turns for address in turn))
