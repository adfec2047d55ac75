"""Reads the events of a streamed chat completion, and puts them together to the reply that they are parts of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import orjson

from interlock.foundation.http import Event
from interlock.intelligence.gateway.errors import ModelCutOff, ModelUnreadable
from interlock.intelligence.gateway.messages import NOTHING, PLAIN, CallPart, Delta, Extras, ModelReply
from interlock.intelligence.providers.openai.replies import (
    MESSAGE,
    MOST_TOOL_CALLS,
    REASONING,
    TOP,
    Said,
    read_calls,
    reply_of,
    text_in,
)

END = b"[DONE]"


class Assembly:
    """The first choice of one streamed completion while it comes. *model* is the name that it was asked for by."""

    def __init__(self, *, provider: str, model: str) -> None:
        self._provider = provider
        self._model = model
        self._reported = ""
        self._texts: list[str] = []
        self._refusals: list[str] = []
        self._reasoning: list[str] = []
        self._calls: dict[int, tuple[str, str, list[str]]] = {}
        self._finish = ""
        self._usage: Any = None
        self._top: dict[str, Any] = {}
        self._message: dict[str, Any] = {}
        self.ended = False

    @property
    def finished(self) -> bool:
        """Whether the server has said why the answer ends; some close the stream without its last line."""
        return bool(self._finish)

    def take(self, events: Iterable[Event]) -> list[Delta]:
        """Return what *events* add. Raises `ModelUnreadable`, and `ModelCutOff` for an error in place of an event."""
        deltas: list[Delta] = []
        for event in events:
            if event.data == END:
                self.ended = True
                break
            try:
                document = orjson.loads(event.data)
            except orjson.JSONDecodeError as error:
                raise ModelUnreadable("an event of the model server is not JSON", bytes=len(event.data)) from error
            if not isinstance(document, dict):
                raise ModelUnreadable("an event of the model server is no JSON object")
            if document.get("error"):
                raise ModelCutOff("the model server broke off its answer with an error")
            delta = self._delta(document)
            if delta is not None:
                deltas.append(delta)
        return deltas

    def reply(self) -> ModelReply:
        """Return the whole answer. Raises `ModelUnreadable` where it is none."""
        calls = [
            {"id": call_id, "function": {"name": name, "arguments": "".join(arguments)}}
            for _, (call_id, name, arguments) in sorted(self._calls.items())
        ]
        said = Said(
            text="".join(self._texts) or "".join(self._refusals),
            refused=bool(self._refusals),
            calls=read_calls(calls),
            finish=self._finish,
            reported=self._reported,
            usage=self._usage,
            reasoning="".join(self._reasoning),
            extras=Extras(top=self._top, message=self._message),
        )
        return reply_of(said, provider=self._provider, model=self._model)

    def _delta(self, document: dict[str, Any]) -> Delta | None:
        first = not self._reported
        if first and isinstance(served := document.get("model"), str):
            self._reported = served
        if document.keys() - TOP:
            self._top |= {key: value for key, value in document.items() if key not in TOP}
        if document.get("usage") is not None:
            self._usage = document["usage"]
        choices = document.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        if choice is None:
            return None
        if not isinstance(choice, dict):
            raise ModelUnreadable("an event's choice is no JSON object")
        if choice.get("index"):
            return None  # only the first choice is asked for
        if isinstance(finish := choice.get("finish_reason"), str):
            self._finish = finish
        delta = choice.get("delta")
        said = self._said(delta if isinstance(delta, dict) else {}, choice)
        if first and self._reported:
            return replace(said or Delta(), reported=self._reported)
        return said

    def _said(self, delta: dict[str, Any], choice: dict[str, Any]) -> Delta | None:
        text = text_in(delta.get("content"))
        if text:
            self._texts.append(text)
        logged = choice.get("logprobs") is not None
        if delta.keys() == {"content"} and not logged:  # which is all that most events have
            return Delta(text) if text else None
        refusal = text_in(delta.get("refusal"))
        if refusal:
            self._refusals.append(refusal)
            text += refusal
        reasoning = next((found for name in REASONING if (found := text_in(delta.get(name)))), "")
        if reasoning:
            self._reasoning.append(reasoning)
        calls = self._parts(delta["tool_calls"]) if delta.get("tool_calls") else ()
        message = NOTHING
        if delta.keys() - MESSAGE:
            message = {key: value for key, value in delta.items() if key not in MESSAGE and value is not None}
            self._message |= message
        if not (text or reasoning or calls or message or logged):
            return None
        extras = Extras(choice={"logprobs": choice["logprobs"]} if logged else NOTHING, message=message)
        return Delta(text, reasoning, calls, extras=extras if logged or message else PLAIN)

    def _parts(self, calls: Any) -> tuple[CallPart, ...]:
        if not isinstance(calls, list):
            raise ModelUnreadable("tool_calls of an event is no list")
        parts = []
        for position, call in enumerate(calls):
            function = call.get("function") if isinstance(call, dict) else None
            if not isinstance(function, dict):
                raise ModelUnreadable("a tool call of an event has no function")
            index = call.get("index")
            index = index if isinstance(index, int) else position
            arguments = text_in(function.get("arguments"))
            known = self._calls.get(index)
            if known is None:
                if len(self._calls) >= MOST_TOOL_CALLS:
                    raise ModelUnreadable(f"there are more than {MOST_TOOL_CALLS} tool calls")
                call_id, name = text_in(call.get("id")) or f"call_{index}", text_in(function.get("name"))
                known = self._calls[index] = (call_id, name, [])
                parts.append(CallPart(index, call_id, name, arguments))
            else:
                parts.append(CallPart(index, arguments=arguments))
            known[2].append(arguments)
        return tuple(parts)
