"""What is asked of a whole answer before anybody gets it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import orjson

from interlock.governance.guards import Passages, Phrases, PhraseSaid, Shape
from interlock.intelligence.gateway.errors import ModelForbidden, ModelObjected, ModelUnfit, ModelUngrounded
from interlock.intelligence.gateway.messages import ModelReply, ModelRequest

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


class Grounded:
    """The words of the answer cite the passages of *request*, as the client sent it, and quote them rightly."""

    def __init__(self, request: ModelRequest) -> None:
        self._passages = Passages(_given(request))

    def objection(self, reply: ModelReply) -> ModelObjected | None:
        if reply.tool_calls or reply.declined:
            return None
        flaws = self._passages.flaws("\n".join(_words(reply.text)))
        if not flaws:
            return None
        told = "\n".join(f"- {flaw.more}" for flaw in flaws)[:MOST_TOLD]
        wanted = f"This answer does not show where it has it from:\n{told}\nAnswer again from the passages alone."
        why = "; ".join(dict.fromkeys(flaw.rule for flaw in flaws))
        if not self._passages:
            why, wanted = "no passages were given", ""
        return ModelUngrounded("the answer is not grounded", why=why, kind="required", wanted=wanted)


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


def _given(request: ModelRequest) -> Iterator[str]:
    """Yield every text of *request* but what a model said itself."""
    for message in request.messages:
        if message.get("role") == "assistant":
            continue
        content = message.get("content")
        if isinstance(content, str):
            yield content
        elif isinstance(content, list):
            yield from (part["text"] for part in content if isinstance(part.get("text"), str))


def _words(text: str) -> Iterator[str]:
    """Yield what an answer says: of one in JSON its strings, else its text."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        value = text
    yield from _texts(value)


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
