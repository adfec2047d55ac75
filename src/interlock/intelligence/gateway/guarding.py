"""The guards of a route at work on one call: what goes out is hidden, what comes back is restored and listened to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from interlock.governance.guards import Listening, Phrases, PhraseSaid, Restoring, Vault
from interlock.intelligence.gateway.attempts import OnModelCall
from interlock.intelligence.gateway.calls import Answers
from interlock.intelligence.gateway.errors import AnswerForbidden
from interlock.intelligence.gateway.guards import OBSERVE, Guards
from interlock.intelligence.gateway.messages import Answering, Delta, Extras, ModelReply, ModelRequest, ToolCall
from interlock.intelligence.gateway.provider import as_delta
from interlock.intelligence.gateway.records import on_behalf_of

GUARDED = "model.guarded"
GUARDED_WHY = "guarded"
"""What is noted of an answer with restored values, so that it is not kept for others."""


class Guarded:
    """The guards of one call. `request` is what may go out; what comes back is taken through `whole` or `stream`."""

    def __init__(self, guards: Guards, route: str, request: ModelRequest, told: OnModelCall | None) -> None:
        self._route = route
        self._told = told
        self._observes = guards.mode == OBSERVE
        self._vault = Vault(guards.detector)
        self._phrases = guards.phrases
        hidden = _hidden(request, self._vault) if guards.redact else request
        self.request = request if self._observes else hidden

    async def whole(self, reply: ModelReply) -> ModelReply:
        """Return *reply* as the client gets it. Raises `AnswerForbidden`."""
        if not self._observes:
            reply = self._restored(reply)
        try:
            for said in _said(reply):
                self._phrases.hear(said)
        except PhraseSaid as error:
            await self._report(error.name)
            if not self._observes:
                raise self._forbidden(error.name) from None
        else:
            await self._report()
        return reply

    async def stream(self, pieces: Answers) -> Answers:
        """Yield *pieces* as the client gets them. Raises `AnswerForbidden` before any part of a phrase is yielded.

        Words are passed on as they come. Calls wait for the whole of the reply: a phrase can be written in their
        arguments in more ways than a piece of them shows.
        """
        words = _Words(self._vault, self._phrases)
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    if isinstance(piece, ModelReply):
                        reply = await self.whole(piece)
                        if not self._observes:
                            yield [replace(words.finish(), calls=as_delta(reply).calls)]
                        yield reply
                    elif isinstance(piece, Answering) or self._observes:
                        yield piece
                    else:
                        yield [words.passed(delta) for delta in piece]
        except PhraseSaid as error:
            await self._report(error.name)
            raise self._forbidden(error.name) from None

    def _restored(self, reply: ModelReply) -> ModelReply:
        """Return *reply* with its values, and without what nobody here can read."""
        reply = replace(reply, extras=Extras(top=reply.extras.top))
        restored = replace(
            reply,
            text=self._vault.restore(reply.text),
            reasoning=self._vault.restore(reply.reasoning),
            tool_calls=tuple(_restored_call(call, self._vault) for call in reply.tool_calls),
        )
        if restored == reply or not reply.attempts:
            return restored
        *before, last = reply.attempts
        return replace(restored, attempts=(*before, replace(last, why=GUARDED_WHY)))

    async def _report(self, phrase: str = "") -> None:
        """Tell what was found, in names and counts, where anything was."""
        done = "observed" if self._observes else "replaced"
        found = [{"guard": "redact", "kind": kind, "count": n, "done": done} for kind, n in self._vault.hidden.items()]
        if phrase:
            done = "observed" if self._observes else "refused"
            found.append({"guard": "forbid", "kind": phrase, "count": 1, "done": done})
        if found and self._told is not None:
            body = {"route": self._route, "findings": found, **on_behalf_of(self.request)}
            await self._told({"kind": GUARDED, "body": body, "fields": {}})

    def _forbidden(self, name: str) -> AnswerForbidden:
        return AnswerForbidden(
            f"the model said what an answer of the route {self._route!r} may not say",
            why=f"its guards forbid {name!r}",
            fix="ask for something else; a guard is changed in models.yaml",
        )


class _Words:
    """What of the words of a stream may be passed on, piece by piece."""

    def __init__(self, vault: Vault, phrases: Phrases) -> None:
        self._text = (Restoring(vault.restore), Listening(phrases))
        self._reasoning = (Restoring(vault.restore), Listening(phrases))

    def passed(self, delta: Delta) -> Delta:
        """Return what of *delta* can be passed on now: words, and nothing that no guard reads."""
        return Delta(_fed(self._text, delta.text), _fed(self._reasoning, delta.reasoning), reported=delta.reported)

    def finish(self) -> Delta:
        """Return what was still waiting."""
        return Delta(_finished(self._text), _finished(self._reasoning))


def _fed(through: tuple[Restoring, Listening], text: str) -> str:
    restoring, listening = through
    return listening.feed(restoring.feed(text)) if text else ""


def _finished(through: tuple[Restoring, Listening]) -> str:
    restoring, listening = through
    return listening.feed(restoring.finish()) + listening.finish()


def _said(reply: ModelReply) -> Iterator[str]:
    """Yield every text of *reply*: of a call's arguments what they mean, and how they were written."""
    yield reply.text
    yield reply.reasoning
    for call in reply.tool_calls:
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


def _hidden(request: ModelRequest, vault: Vault) -> ModelRequest:
    return replace(request, messages=[_hidden_message(message, vault) for message in request.messages])


def _hidden_message(message: Mapping[str, Any], vault: Vault) -> Mapping[str, Any]:
    hidden = dict(message)
    content = message.get("content")
    if isinstance(content, str):
        hidden["content"] = vault.hide(content)
    elif isinstance(content, list):
        hidden["content"] = [
            {**part, "text": vault.hide(part["text"])} if isinstance(part.get("text"), str) else part
            for part in content
        ]
    if message.get("tool_calls"):
        hidden["tool_calls"] = [
            {**call, "function": {**call["function"], "arguments": vault.hide(call["function"]["arguments"])}}
            for call in message["tool_calls"]
        ]
    return hidden


def _restored_call(call: ToolCall, vault: Vault) -> ToolCall:
    arguments = _restored_value(dict(call.arguments), vault)
    return replace(call, arguments=arguments, raw=vault.restore(call.raw, within_json=True))


def _restored_value(value: Any, vault: Vault) -> Any:
    if isinstance(value, str):
        return vault.restore(value)
    if isinstance(value, dict):
        return {key: _restored_value(item, vault) for key, item in value.items()}
    if isinstance(value, list):
        return [_restored_value(item, vault) for item in value]
    return value
