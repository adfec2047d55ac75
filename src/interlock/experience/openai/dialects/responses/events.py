"""An answer as the events of a response that is streamed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from interlock.experience.openai.completion import Completion
from interlock.experience.openai.dialects.chat import words
from interlock.experience.openai.dialects.responses.items import (
    Item,
    finished,
    function_call,
    head,
    message,
    reasoning,
    text_part,
)
from interlock.intelligence.gateway import Delta
from interlock.values.errors import InterlockError
from interlock.values.identifiers import new_id


class Events:
    """Words come at once; calls of functions when the answer is complete."""

    def __init__(self, model: str, created: int) -> None:
        self._response = head(model, created)
        self._output: list[Item] = []
        self._number = 0
        self._open = ""
        self._item = ""
        self._texts: list[str] = []
        self._begun = False

    def parts(self, deltas: Sequence[Delta]) -> bytes:
        events = self._opening()
        for delta in deltas:
            if delta.reasoning:
                events += self._said("reasoning", delta.reasoning)
            if delta.text:
                events += self._said("message", delta.text)
        return b"".join(events)

    def ending(self, answer: Completion) -> bytes:
        events = self._opening() + self._close()
        if not self._output and not answer.tool_calls:
            events += self._said("message", "") + self._close()
        for call in answer.tool_calls:
            item = function_call(call)
            place = {"item_id": item["id"], "output_index": len(self._output)}
            events.append(self._added({**item, "arguments": "", "status": "in_progress"}))
            events.append(self._event("response.function_call_arguments.delta", delta=item["arguments"], **place))
            done = {"name": item["name"], "arguments": item["arguments"], **place}
            events.append(self._event("response.function_call_arguments.done", **done))
            events.append(self._done(item))
        whole = finished(self._response, answer, self._output)
        events.append(self._event(f"response.{whole['status']}", response=whole))
        return b"".join(events)

    def broken(self, error: InterlockError) -> bytes:
        said = words(error)
        failed = {**self._response, "status": "failed", "error": {"code": "server_error", "message": said}}
        told: dict[str, Any] = {"code": error.code, "message": said, "param": None}
        return self._event("response.failed", response=failed) + self._event("error", **told, error=told)

    def _opening(self) -> list[bytes]:
        if self._begun:
            return []
        self._begun = True
        return [self._event(f"response.{name}", response=self._response) for name in ("created", "in_progress")]

    def _said(self, kind: str, text: str) -> list[bytes]:
        events = []
        if self._open != kind:
            events += self._close()
            self._open, self._item, self._texts = kind, new_id("msg" if kind == "message" else "rs"), []
            empty = message("", self._item) if kind == "message" else reasoning("", self._item)
            events.append(self._added({**empty, "status": "in_progress", "content": []}))
            if kind == "message":
                events.append(self._event("response.content_part.added", **self._place(), part=text_part("")))
        self._texts.append(text)
        if kind == "message":
            events.append(self._event("response.output_text.delta", **self._place(), delta=text, logprobs=[]))
        else:
            events.append(self._event("response.reasoning_text.delta", **self._place(), delta=text))
        return events

    def _close(self) -> list[bytes]:
        kind, text = self._open, "".join(self._texts)
        self._open = ""
        if not kind:
            return []
        if kind == "reasoning":
            done = self._event("response.reasoning_text.done", **self._place(), text=text)
            return [done, self._done(reasoning(text, self._item))]
        return [
            self._event("response.output_text.done", **self._place(), text=text, logprobs=[]),
            self._event("response.content_part.done", **self._place(), part=text_part(text)),
            self._done(message(text, self._item)),
        ]

    def _place(self) -> dict[str, Any]:
        return {"item_id": self._item, "output_index": len(self._output), "content_index": 0}

    def _added(self, item: Item) -> bytes:
        return self._event("response.output_item.added", output_index=len(self._output), item=item)

    def _done(self, item: Item) -> bytes:
        self._output.append(item)
        return self._event("response.output_item.done", output_index=len(self._output) - 1, item=item)

    def _event(self, kind: str, /, **members: Any) -> bytes:
        event = {"type": kind, "sequence_number": self._number, **members}
        self._number += 1
        return b"event: " + kind.encode() + b"\ndata: " + orjson.dumps(event) + b"\n\n"
