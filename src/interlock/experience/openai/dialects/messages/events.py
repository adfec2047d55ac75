"""An answer as the events of a message that is streamed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from interlock.experience.openai.completion import Completion
from interlock.experience.openai.dialects.messages.shapes import error_json, stop_reason, usage_json
from interlock.experience.openai.shapes import call_json
from interlock.intelligence.gateway import Delta
from interlock.values.errors import InterlockError
from interlock.values.identifiers import new_id


class Events:
    """Words come at once; calls of tools when the answer is complete, since the blocks of a message never overlap."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._begun = False
        self._blocks = 0
        self._open = ""

    def parts(self, deltas: Sequence[Delta]) -> bytes:
        events = self._opening()
        for delta in deltas:
            if delta.reasoning:
                events += self._said("thinking", {"type": "thinking_delta", "thinking": delta.reasoning})
            if delta.text:
                events += self._said("text", {"type": "text_delta", "text": delta.text})
        return b"".join(events)

    def ending(self, answer: Completion) -> bytes:
        events = self._opening() + self._close()
        for call in answer.tool_calls:
            arguments = call_json(call)["function"]["arguments"]
            events += self._start({"type": "tool_use", "id": call.id, "name": call.name, "input": {}})
            events += self._delta({"type": "input_json_delta", "partial_json": arguments})
            events += self._close()
        delta = {"stop_reason": stop_reason(answer), "stop_sequence": None}
        events.append(_event("message_delta", {"delta": delta, "usage": usage_json(answer.usage)}))
        events.append(_event("message_stop", {}))
        return b"".join(events)

    def broken(self, error: InterlockError) -> bytes:
        return _event("error", error_json(error))

    def _opening(self) -> list[bytes]:
        if self._begun:
            return []
        self._begun = True
        message: dict[str, Any] = {"id": new_id("msg"), "type": "message", "role": "assistant", "model": self._model}
        message |= {"content": [], "stop_reason": None, "stop_sequence": None}
        message["usage"] = {"input_tokens": 0, "output_tokens": 0}  # nobody knows yet; the last event tells
        return [_event("message_start", {"message": message})]

    def _said(self, kind: str, delta: Mapping[str, Any]) -> list[bytes]:
        events = []
        if self._open != kind:
            empty = {"type": "text", "text": ""} if kind == "text" else {"type": kind, kind: "", "signature": ""}
            events = self._close() + self._start(empty)
        return events + self._delta(delta)

    def _start(self, block: Mapping[str, Any]) -> list[bytes]:
        self._open = block["type"]
        return [_event("content_block_start", {"index": self._blocks, "content_block": block})]

    def _delta(self, delta: Mapping[str, Any]) -> list[bytes]:
        return [_event("content_block_delta", {"index": self._blocks, "delta": delta})]

    def _close(self) -> list[bytes]:
        if not self._open:
            return []
        self._open = ""
        self._blocks += 1
        return [_event("content_block_stop", {"index": self._blocks - 1})]


def _event(name: str, members: Mapping[str, Any]) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + orjson.dumps({"type": name, **members}) + b"\n\n"
