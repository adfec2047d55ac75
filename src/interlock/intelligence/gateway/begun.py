"""The two ways of asking a provider: for the whole answer, or as it comes. Either way an answer has begun or failed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Protocol

from interlock.intelligence.gateway.errors import ModelCutOff, ModelObjected, ModelTimedOut, ProviderFailure
from interlock.intelligence.gateway.messages import Delta, ModelReply, ModelRequest
from interlock.intelligence.gateway.provider import Provider, Streamed


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds that are waited: for the *whole* answer, for the *first* of it, and between two parts of it."""

    whole: float
    first: float
    idle: float


@dataclass(slots=True)
class Begun:
    """An answer that has begun: the first *deltas*, and the whole *reply*, or the *rest* that brings it."""

    reported: str
    deltas: Sequence[Delta] = ()
    reply: ModelReply | None = None
    rest: Streamed | None = field(default=None, repr=False)

    async def close(self) -> None:
        """Give the answer up: what has not come is not wanted any more, and the provider learns that."""
        if self.rest is not None:
            await self.rest.aclose()


class Way(Protocol):
    """A way of asking, and what is asked of the answer."""

    async def begin(self, provider: Provider, request: ModelRequest, patience: Patience) -> Begun:
        """Ask, and return once there is something to pass on. Raises a kind of `ProviderFailure`."""
        ...

    def objection(self, reply: ModelReply, /) -> ModelObjected | None:
        """Return why the whole *reply* may not be passed on."""
        ...


class Unchecked:
    """Lets every answer through."""

    def objection(self, _reply: ModelReply, /) -> ModelObjected | None:
        """Return None."""
        return None


class Whole(Unchecked):
    """Waits for the whole answer."""

    async def begin(self, provider: Provider, request: ModelRequest, patience: Patience) -> Begun:
        limit = patience.whole
        try:
            async with asyncio.timeout(limit):
                reply = await provider.complete(request, timeout=limit)
        except TimeoutError as error:
            raise late(f"no answer within {limit:.3g} s", limit) from error
        return Begun(reply.reported, reply=reply)


class AsItComes(Unchecked):
    """Waits for the first that can be shown, so that nothing was passed on of an answer that fails before it."""

    async def begin(self, provider: Provider, request: ModelRequest, patience: Patience) -> Begun:
        first = min(patience.first, patience.whole)
        rest = self.open(provider, request, patience, max(patience.idle, first))
        begun = Begun("", rest=rest)
        try:
            async with asyncio.timeout(first):
                await _first(begun, rest)
        except TimeoutError as error:
            await begun.close()
            raise late(f"the answer did not begin within {first:.3g} s", first) from error
        except BaseException:
            await begun.close()
            raise
        return begun

    def open(self, provider: Provider, request: ModelRequest, patience: Patience, idle: float) -> Streamed:
        """Return the answer under way; nothing is sent before its first step."""
        return provider.stream(request, timeout=patience.whole, idle=idle)


async def _first(begun: Begun, rest: Streamed) -> None:
    deltas: list[Delta] = []
    begun.deltas = deltas
    async for piece in rest:
        if isinstance(piece, ModelReply):
            begun.reply, begun.reported = piece, piece.reported
            return
        deltas += piece
        begun.reported = begun.reported or next((delta.reported for delta in piece if delta.reported), "")
        if any(delta.text or delta.reasoning or delta.calls for delta in piece):
            return
    raise unfinished()


async def remaining(begun: Begun) -> Streamed:
    """Yield what came first, what is still to come, and last the whole of it. Raises a kind of `ProviderFailure`."""
    yield begun.deltas
    if begun.rest is None:
        return
    async with aclosing(begun.rest) as rest:
        try:
            async for piece in rest:
                yield piece
                if isinstance(piece, ModelReply):
                    return
        except TimeoutError as error:
            raise ModelCutOff("the model's answer stopped coming") from error
        except ProviderFailure as error:
            raise broken_off(error) from error
    raise unfinished()


async def following(begun: Begun) -> Sequence[Delta] | ModelReply:
    """Return the next piece of an answer that has begun. Raises a kind of `ProviderFailure`."""
    assert begun.rest is not None
    try:
        return await anext(begun.rest)
    except StopAsyncIteration:
        raise unfinished() from None
    except TimeoutError as error:
        raise ModelCutOff("the model's answer stopped coming") from error
    except ProviderFailure as error:
        raise broken_off(error) from error


def broken_off(failure: ProviderFailure) -> ProviderFailure:
    """Return *failure* as what it is after the answer has begun: it broke off, whatever the reason."""
    if isinstance(failure, ModelCutOff):
        return failure
    return ModelCutOff("the model's answer broke off", why=failure.what)


def unfinished() -> ModelCutOff:
    """Return the failure of a provider that stops without saying that its answer is whole."""
    return ModelCutOff("the model's answer broke off", why="its end is missing")


def late(what: str, limit: float) -> ModelTimedOut:
    """Return the failure of a provider that took longer than *limit* seconds."""
    return ModelTimedOut(what, limit=round(limit, 3))
