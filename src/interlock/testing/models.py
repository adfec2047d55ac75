"""A model that says what it is told to, and surroundings in which no pause takes any time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from interlock.intelligence.gateway import ModelReply, ModelRequest, ProviderFailure, Surroundings, Usage
from interlock.testing.clock import FixedClock

Turn = ModelReply | ProviderFailure | None


class ScriptedProvider:
    """A `Provider` that gives the turns of its script one after the other, and the last for ever.

    A turn is a reply, a failure, or None for silence. *takes* are the seconds of *clock* that each turn takes;
    `requests` holds what was asked.
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
        self.requests.append(request)
        turn = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if self._clock is not None:
            self._clock.advance(self._takes)
        if turn is None:
            await asyncio.Event().wait()
            raise AssertionError
        if isinstance(turn, ProviderFailure):
            raise turn
        return replace(turn, provider=self.name, model=turn.reported or self.model)


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
