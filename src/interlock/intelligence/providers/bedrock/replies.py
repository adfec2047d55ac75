"""Reads answers of Bedrock's `Converse`, whole or frame by frame, strictly enough to trust their shape."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from interlock.foundation.http import Event
from interlock.intelligence.gateway.errors import ModelCutOff, ModelUnreadable
from interlock.intelligence.gateway.messages import PLAIN, CallPart, Delta, ModelReply
from interlock.intelligence.providers.openai.replies import FILTERED, MOST_TOOL_CALLS, Said, read_calls, reply_of

FINISHES = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "guardrail_intervened": FILTERED,
    "content_filtered": FILTERED,
}
"""Why it stopped, in the words of chat completions."""


def read_answer(body: bytes, *, model: str) -> ModelReply:
    """Return the answer in *body*. Raises `ModelUnreadable` without quoting it."""
    document = _object(body)
    output = document.get("output")
    message = output.get("message") if isinstance(output, dict) else None
    content = message.get("content") if isinstance(message, dict) else None
    if not isinstance(content, list):
        raise ModelUnreadable("the answer has no list of content")
    assembly = Assembly(model)
    for index, block in enumerate(content):
        if not isinstance(block, dict):
            raise ModelUnreadable("a block of content is no object")
        if isinstance(used := block.get("toolUse"), dict):
            assembly.begin(index, {"toolUse": used})
            assembly.add(index, {"toolUse": {"input": orjson.dumps(used.get("input") or {}).decode()}})
        else:
            thought = block.get("reasoningContent")
            told = thought.get("reasoningText") if isinstance(thought, dict) else None
            assembly.add(index, {"reasoningContent": told} if isinstance(told, dict) else block)
    assembly.stopped(document.get("stopReason"))
    assembly.counted(document.get("usage"))
    return assembly.reply()


class Assembly:
    """One answer while it comes. *model* is the name that it was asked for by; the interface tells no version."""

    ended = False

    def __init__(self, model: str) -> None:
        self._model = model
        self._texts: list[str] = []
        self._thoughts: list[str] = []
        self._calls: dict[int, tuple[int, str, str, list[str]]] = {}
        self._finish: str | None = None
        self._usage: Mapping[str, Any] = {}

    @property
    def finished(self) -> bool:
        """Whether the reason for the end has come; usage may follow it."""
        return self._finish is not None

    def take(self, events: Iterable[Event]) -> list[Delta]:
        deltas: list[Delta] = []
        for event in events:
            if event.name == "error":
                raise ModelCutOff("the model server broke off its answer with an error")
            document = _object(event.data)
            index = document.get("contentBlockIndex")
            index = index if isinstance(index, int) else 0
            delta: Delta | None = None
            if event.name == "contentBlockStart":
                delta = self.begin(index, document.get("start"))
            elif event.name == "contentBlockDelta":
                delta = self.add(index, document.get("delta"))
            elif event.name == "messageStop":
                self.stopped(document.get("stopReason"))
            elif event.name == "metadata":
                self.counted(document.get("usage"))
            if delta is not None:
                deltas.append(delta)
        return deltas

    def begin(self, index: int, start: Any) -> Delta | None:
        """Take the beginning of a block, of which only a call says anything."""
        used = start.get("toolUse") if isinstance(start, dict) else None
        if not isinstance(used, dict):
            return None
        if len(self._calls) >= MOST_TOOL_CALLS:
            raise ModelUnreadable(f"there are more than {MOST_TOOL_CALLS} tool calls")
        name, known, place = used.get("name"), used.get("toolUseId"), len(self._calls)
        if not isinstance(name, str) or not name:
            raise ModelUnreadable("a tool call has no name")
        call_id = known if isinstance(known, str) and known else f"call_{place}"
        self._calls[index] = (place, call_id, name, [])
        return Delta(calls=(CallPart(place, call_id, name),))

    def add(self, index: int, delta: Any) -> Delta | None:
        """Take what is added to a block."""
        if not isinstance(delta, dict):
            raise ModelUnreadable("an event adds what is no object")
        if isinstance(text := delta.get("text"), str) and text:
            self._texts.append(text)
            return Delta(text)
        thought = delta.get("reasoningContent")
        if isinstance(thought, dict) and isinstance(text := thought.get("text"), str) and text:
            self._thoughts.append(text)
            return Delta(reasoning=text)
        used = delta.get("toolUse")
        if isinstance(used, dict) and isinstance(piece := used.get("input"), str) and piece:
            known = self._calls.get(index)
            if known is None:
                raise ModelUnreadable("an event adds to a tool call that was never begun")
            known[3].append(piece)
            return Delta(calls=(CallPart(known[0], arguments=piece),))
        return None

    def stopped(self, reason: Any) -> None:
        """Take why the answer ends."""
        if isinstance(reason, str):
            self._finish = FINISHES.get(reason, "stop")

    def counted(self, usage: Any) -> None:
        """Take what the answer took."""
        self._usage = usage if isinstance(usage, dict) else {}

    def reply(self) -> ModelReply:
        calls = [
            {"id": call_id, "function": {"name": name, "arguments": "".join(pieces)}}
            for _, call_id, name, pieces in self._calls.values()
        ]
        said = Said(
            text="".join(self._texts),
            refused=False,
            calls=read_calls(calls),
            finish=self._finish or "",
            reported="",
            usage=self._used(),
            reasoning="".join(self._thoughts),
            extras=PLAIN,
        )
        return reply_of(said, provider="bedrock", model=self._model)

    def _used(self) -> dict[str, Any]:
        """Return the usage as chat completions tell it: there, what was cached is a part of the input."""
        counted = {name: value for name, value in self._usage.items() if isinstance(value, int)}
        cached = counted.get("cacheReadInputTokens", 0)
        return {
            "prompt_tokens": counted.get("inputTokens", 0) + cached + counted.get("cacheWriteInputTokens", 0),
            "completion_tokens": counted.get("outputTokens", 0),
            "prompt_tokens_details": {"cached_tokens": cached},
        }


def _object(body: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ModelUnreadable("the model server's answer is not JSON", bytes=len(body)) from error
    if not isinstance(document, dict):
        raise ModelUnreadable("the model server's answer is no JSON object")
    return document
