"""Ways of asking of which the answer is looked at before it is passed on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from interlock.governance.guards import Listening, Phrases, PhraseSaid, Restoring, Vault
from interlock.intelligence.gateway.begun import Begun, Patience, Way, following
from interlock.intelligence.gateway.checks import forbidden
from interlock.intelligence.gateway.errors import ModelObjected
from interlock.intelligence.gateway.messages import Delta, ModelReply, ModelRequest
from interlock.intelligence.gateway.provider import Provider


class Words:
    """What of the words of a stream may be passed on, piece by piece."""

    def __init__(self, vault: Vault, phrases: Phrases) -> None:
        self._text = (Restoring(vault.restore), Listening(phrases))
        self._reasoning = (Restoring(vault.restore), Listening(phrases))

    def passed(self, delta: Delta) -> Delta:
        """Return what of *delta* can be passed on now: words, and nothing that no guard reads. Raises `PhraseSaid`."""
        return Delta(_fed(self._text, delta.text), _fed(self._reasoning, delta.reasoning), reported=delta.reported)

    def finish(self) -> Delta:
        """Return what was still waiting."""
        return Delta(_finished(self._text), _finished(self._reasoning))


class Judge(Protocol):
    """The guards of one call, as a way of asking needs them."""

    def objection(self, reply: ModelReply) -> ModelObjected | None:
        """Return why *reply* may not be passed on, and take note of it."""
        ...

    def found(self, objected: ModelObjected) -> None:
        """Take note of what was found in an answer that is not whole."""
        ...

    def words(self) -> Words:
        """Return what lets through the words of a stream, from its beginning."""
        ...


class Checked:
    """Asks by another *way*; the answer is checked when it is whole."""

    def __init__(self, way: Way, judge: Judge) -> None:
        self._way = way
        self._judge = judge

    async def begin(self, provider: Provider, request: ModelRequest, patience: Patience) -> Begun:
        return await self._way.begin(provider, request, patience)

    def objection(self, reply: ModelReply) -> ModelObjected | None:
        return self._judge.objection(reply)


class Held(Checked):
    """Waits for the whole of a stream, so that nothing was passed on of an answer that is not let through."""

    async def begin(self, provider: Provider, request: ModelRequest, patience: Patience) -> Begun:
        begun = await super().begin(provider, request, patience)
        try:
            while begun.reply is None:
                await _further(begun)
        finally:
            await begun.close()
        return begun


class Overheard(Checked):
    """Waits until a part of a stream may be passed on, so that until then another can be asked."""

    async def begin(self, provider: Provider, request: ModelRequest, patience: Patience) -> Begun:
        begun = await super().begin(provider, request, patience)
        words = self._judge.words()
        try:
            new = begun.deltas
            while begun.reply is None and not any(_says(words.passed(delta)) for delta in new):
                new = await _further(begun)
        except PhraseSaid as error:
            await begun.close()
            objected = forbidden(error.name)
            self._judge.found(objected)
            raise objected from None
        except BaseException:
            await begun.close()
            raise
        return begun


async def _further(begun: Begun) -> Sequence[Delta]:
    """Take the next piece of what has *begun*, and return what is new in it. Raises `ModelCutOff`."""
    piece = await following(begun)
    if isinstance(piece, ModelReply):
        begun.reply, begun.reported = piece, piece.reported or begun.reported
        return ()
    begun.deltas = [*begun.deltas, *piece]
    return piece


def _says(delta: Delta) -> bool:
    return bool(delta.text or delta.reasoning)


def _fed(through: tuple[Restoring, Listening], text: str) -> str:
    restoring, listening = through
    return listening.feed(restoring.feed(text)) if text else ""


def _finished(through: tuple[Restoring, Listening]) -> str:
    restoring, listening = through
    return listening.feed(restoring.finish()) + listening.finish()
