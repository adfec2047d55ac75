"""What is asked of a whole answer before anybody gets it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from interlock.governance.guards import Phrases, PhraseSaid, Shape
from interlock.intelligence.gateway.errors import ModelForbidden, ModelObjected, ModelUnfit
from interlock.intelligence.gateway.messages import ModelReply

MOST_TOLD = 2000
"""How many characters of what is wrong a model is told, when it is asked again."""


class Check(Protocol):
    """A rule for whole answers."""

    def objection(self, reply: ModelReply) -> ModelObjected | None:
        """Return what is wrong with *reply*, as the client would get it; None where nothing is."""
        ...


class Unsaid:
    """Nothing of the answer, its reasoning and its calls may be one of *phrases*."""

    def __init__(self, phrases: Phrases) -> None:
        self._phrases = phrases

    def objection(self, reply: ModelReply) -> ModelObjected | None:
        try:
            for said in _said(reply):
                self._phrases.hear(said)
        except PhraseSaid as error:
            return forbidden(error.name)
        return None


class Fitting:
    """The words of the answer fit *shape*. Calls of tools are no answer yet, and a model that declines gave none."""

    def __init__(self, shape: Shape, kind: str) -> None:
        self._shape = shape
        self._kind = kind

    def objection(self, reply: ModelReply) -> ModelObjected | None:
        if reply.tool_calls or reply.declined:
            return None
        misfits = self._shape.misfits(reply.text)
        if not misfits:
            return None
        wrong = "\n".join(f"- {misfit}" for misfit in misfits)[:MOST_TOLD]
        wanted = f"This is not the JSON that was asked for:\n{wrong}\nAnswer again, with nothing but JSON that fits."
        why = "; ".join(misfits[:3])
        return ModelUnfit("the answer does not fit its schema", why=why, kind=self._kind, wanted=wanted)


def forbidden(name: str) -> ModelForbidden:
    """Return the objection to the phrase that is called *name*."""
    why = f"its guards forbid {name!r}"
    return ModelForbidden("the model said what an answer of the route may not say", why=why, kind=name)


def _said(reply: ModelReply) -> Iterator[str]:
    """Yield every text of *reply*: of a call's arguments what they mean, and how they were written."""
    yield reply.text
    yield reply.reasoning
    for call in reply.tool_calls:
        yield call.name
        yield call.raw
        yield from _texts(call.arguments)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield key
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
