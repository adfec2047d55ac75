"""A model that says what it is told to, and surroundings in which no pause takes any time."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from interlock.intelligence.gateway import (
    Delta,
    ModelReply,
    ModelRequest,
    ProviderFailure,
    Streamed,
    Surroundings,
    Usage,
    as_delta,
)
from interlock.testing.clock import FixedClock


@dataclass(frozen=True, slots=True)
class Breaks:
    """An answer that begins with *said* and then fails, or goes silent where *failure* is None."""

    said: str
    failure: ProviderFailure | None = None


Turn = ModelReply | ProviderFailure | Breaks | None


class ScriptedProvider:
    """A `Provider` that gives the turns of its script one after the other, and the last for ever.

    A turn is a reply, which is streamed word by word, a failure, an answer that breaks, or None for silence. *takes*
    are the seconds of *clock* that each turn takes; `requests` holds what was asked.
    """

    def __init__(
        self,
        model: str = "scripted-1",
        script: Sequence[Turn] = (),
        *,
        missing: str = "",
        clock: FixedClock | None = None,
        takes: float = 0.0,
    ) -> None:
        self.name = "scripted"
        self.model = model
        self.requests: list[ModelRequest] = []
        self.script = list(script) or [said("hello")]
        self.closed = 0
        """How many streams were closed before their end."""
        self._missing = missing
        self._clock = clock
        self._takes = takes

    @property
    def asked(self) -> int:
        """How often it was asked."""
        return len(self.requests)

    def missing(self) -> str:
        return self._missing

    async def complete(self, request: ModelRequest, *, timeout: float) -> ModelReply:
        del timeout
        turn = self._turn(request)
        if isinstance(turn, Breaks):
            turn = turn.failure
        if turn is None:
            return await _silence()
        if isinstance(turn, ProviderFailure):
            raise turn
        return self._signed(turn)

    def stream(self, request: ModelRequest, *, timeout: float, idle: float) -> Streamed:
        del timeout, idle
        return self._streamed(request)

    async def _streamed(self, request: ModelRequest) -> Streamed:
        turn = self._turn(request)
        if turn is None:
            await _silence()
        if isinstance(turn, ProviderFailure):
            raise turn
        try:
            if isinstance(turn, Breaks):
                yield [Delta(turn.said)]
                if turn.failure is None:
                    await _silence()
                else:
                    raise turn.failure
            else:
                assert turn is not None
                for word in re.findall(r"\S+\s*", turn.text):
                    yield [Delta(word, reported=turn.reported)]
                if turn.tool_calls:
                    yield [replace(as_delta(turn), text="")]
                yield self._signed(turn)
        except (GeneratorExit, asyncio.CancelledError):
            self.closed += 1
            raise

    def _turn(self, request: ModelRequest) -> Turn:
        self.requests.append(request)
        turn = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if self._clock is not None:
            self._clock.advance(self._takes)
        return turn

    def _signed(self, reply: ModelReply) -> ModelReply:
        return replace(reply, provider=self.name, model=reply.reported or self.model)


async def _silence() -> ModelReply:
    await asyncio.Event().wait()
    raise AssertionError


def said(text: str, *, reported: str = "", declined: bool = False, rest: float = 0.0) -> ModelReply:
    """Return a reply of *text* that took a few tokens."""
    return ModelReply(text, usage=Usage(5, 2), reported=reported, declined=declined, rest=rest)


@dataclass
class Stage:
    """A clock that a pause moves on at once; *chance* is what is drawn, by default one half. `pauses` are noted."""

    clock: FixedClock = field(default_factory=FixedClock)
    chance: Callable[[], float] = lambda: 0.5
    pauses: list[float] = field(default_factory=list)

    @property
    def surroundings(self) -> Surroundings:
        """What the gateway is to be given."""
        return Surroundings(self.clock, self._pause, self.chance)

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.clock.advance(seconds)
