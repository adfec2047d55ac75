"""The guards of a route at work on one call: what goes out is hidden, what comes back is restored and listened to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import Any

from interlock.governance.guards import Phrases, PhraseSaid, Restoring, Vault
from interlock.intelligence.gateway.attempts import OnModelCall
from interlock.intelligence.gateway.calls import Answers
from interlock.intelligence.gateway.errors import AnswerForbidden
from interlock.intelligence.gateway.guards import OBSERVE, Guards
from interlock.intelligence.gateway.messages import PLAIN, CallPart, Delta, ModelReply, ModelRequest, ToolCall
from interlock.intelligence.gateway.records import on_behalf_of

GUARDED = "model.guarded"


class Guarded:
    """The guards of one call. `request` is what may go out; what comes back is taken through `whole` or `stream`."""

    def __init__(self, guards: Guards, route: str, request: ModelRequest, told: OnModelCall | None) -> None:
        self._guards = guards
        self._route = route
        self._told = told
        self._observes = guards.mode == OBSERVE
        self._vault = Vault(guards.detector)
        self._phrases = Phrases(dict(guards.forbid))
        hidden = _hidden(request, self._vault) if guards.redact else request
        self.request = request if self._observes else hidden

    async def whole(self, reply: ModelReply) -> ModelReply:
        """Return *reply* as the client gets it. Raises `AnswerForbidden`."""
        restored = self._restored(reply)
        said = "\n".join([restored.text, restored.reasoning, *(call.raw for call in restored.tool_calls)])
        try:
            self._phrases.hear(said)
        except PhraseSaid as error:
            await self._report(error.name)
            if not self._observes:
                raise self._forbidden(error.name) from None
            return restored
        await self._report()
        return restored

    async def stream(self, pieces: Answers) -> Answers:
        """Yield *pieces* as the client gets them. Raises `AnswerForbidden` before any part of a phrase is yielded."""
        if self._observes:
            async with aclosing(pieces):
                async for piece in pieces:
                    yield await self.whole(piece) if isinstance(piece, ModelReply) else piece
            return
        parts = _Parts(self._vault, self._phrases)
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    if isinstance(piece, ModelReply):
                        if rest := parts.finish():
                            yield [rest]
                        yield await self.whole(piece)
                    elif isinstance(piece, Sequence):
                        yield [passed for delta in piece if (passed := parts.passed(delta)) is not None]
                    else:
                        yield piece
        except PhraseSaid as error:
            await self._report(error.name)
            raise self._forbidden(error.name) from None

    def _restored(self, reply: ModelReply) -> ModelReply:
        if self._observes:
            return reply
        if reply.extras is not PLAIN:  # what nobody here can read would tell what the text does not
            reply = replace(reply, extras=replace(PLAIN, top=reply.extras.top))
        if not self._vault.hidden:
            return reply
        text, reasoning = self._vault.restore(reply.text), self._vault.restore(reply.reasoning)
        calls = tuple(_restored_call(call, self._vault) for call in reply.tool_calls)
        if (text, reasoning, calls) == (reply.text, reply.reasoning, reply.tool_calls):
            return reply
        *before, last = reply.attempts or (None,)
        noted = (*before, replace(last, why="guarded")) if last is not None else ()
        return replace(reply, text=text, reasoning=reasoning, tool_calls=calls, attempts=tuple(filter(None, noted)))

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


class _Parts:
    """What of a stream may be passed on, piece by piece."""

    def __init__(self, vault: Vault, phrases: Phrases) -> None:
        self._vault = vault
        self._phrases = phrases
        self._text = Restoring(vault.restore)
        self._reasoning = Restoring(vault.restore)
        self._calls: dict[int, Restoring] = {}

    def passed(self, delta: Delta) -> Delta | None:
        text = self._phrases.feed(self._text.feed(delta.text)) if delta.text else ""
        reasoning = self._reasoning.feed(delta.reasoning)
        self._phrases.hear(reasoning)
        calls = tuple(self._part(part) for part in delta.calls)
        if not (text or reasoning or calls or delta.reported):
            return None
        # members that nobody here can read, such as the tokens of a text, would tell what the text does not
        return Delta(text, reasoning, calls, delta.reported)

    def finish(self) -> Delta | None:
        text = self._phrases.feed(self._text.finish()) + self._phrases.finish()
        left = ((index, held.finish()) for index, held in self._calls.items())
        calls = tuple(CallPart(index, arguments=rest) for index, rest in left if rest)
        reasoning = self._reasoning.finish()
        return Delta(text, reasoning, calls) if text or reasoning or calls else None

    def _part(self, part: CallPart) -> CallPart:
        held = self._calls.get(part.index)
        if held is None:
            held = self._calls[part.index] = Restoring(partial(self._vault.restore, within_json=True))
        return replace(part, arguments=held.feed(part.arguments))


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
