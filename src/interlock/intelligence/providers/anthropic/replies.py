"""Reads answers of Anthropic's Messages interface, whole or event by event, strictly enough to trust their shape."""

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
    "pause_turn": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": FILTERED,
}
"""Why it stopped, in the words of chat completions."""


def read_message(body: bytes, *, model: str) -> ModelReply:
    """Return the answer of a message. Raises `ModelUnreadable` without quoting the body."""
    document = _object(body)
    if not isinstance(document.get("content"), list):
        raise ModelUnreadable("the answer has no list of content")
    assembly = Assembly(model)
    assembly.begin(document)
    for index, block in enumerate(document["content"]):
        assembly.block(index, block)
    assembly.stopped(document.get("stop_reason"), document.get("usage"))
    return assembly.reply()


class Assembly:
    """One answer while it comes. *model* is the name that it was asked for by."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._reported = ""
        self._texts: list[str] = []
        self._thoughts: list[str] = []
        self._calls: dict[int, tuple[int, str, str, list[str]]] = {}
        self._finish = ""
        self._usage: dict[str, Any] = {}
        self.ended = False

    @property
    def finished(self) -> bool:
        """Never: a stream ends with `message_stop`, or it has broken off."""
        return False

    def take(self, events: Iterable[Event]) -> list[Delta]:
        deltas: list[Delta] = []
        for event in events:
            document = _object(event.data)
            kind = document.get("type")
            if kind == "message_stop":
                self.ended = True
                break
            if kind == "error":
                raise ModelCutOff("the model server broke off its answer with an error")
            delta = self._delta(kind, document)
            if delta is not None:
                deltas.append(delta)
        return deltas

    def _delta(self, kind: Any, document: Mapping[str, Any]) -> Delta | None:
        if kind == "message_start":
            message = document.get("message")
            self.begin(message if isinstance(message, dict) else {})
            return Delta(reported=self._reported) if self._reported else None
        if kind == "content_block_start":
            return self.block(_index(document), document.get("content_block"))
        if kind == "content_block_delta":
            return self._added(_index(document), document.get("delta"))
        if kind == "message_delta":
            delta = document.get("delta")
            self.stopped(delta.get("stop_reason") if isinstance(delta, dict) else None, document.get("usage"))
        return None

    def begin(self, message: Mapping[str, Any]) -> None:
        """Take what is said before any content."""
        model = message.get("model")
        self._reported = model if isinstance(model, str) else ""
        self._count(message.get("usage"))

    def block(self, index: int, block: Any) -> Delta | None:
        """Take a block of content, as far as it stands."""
        if not isinstance(block, dict):
            raise ModelUnreadable("a block of content is no object")
        kind = block.get("type")
        if kind == "text":
            return self._text(block.get("text"))
        if kind == "thinking":
            return self._thought(block.get("thinking"))
        if kind == "tool_use":
            return self._call(index, block)
        return None  # such as what is thought and kept secret; nobody has asked for anything else

    def stopped(self, reason: Any, usage: Any) -> None:
        """Take why the answer ends, and what it took."""
        self._finish = FINISHES.get(reason, "stop") if isinstance(reason, str) else ""
        self._count(usage)

    def reply(self) -> ModelReply:
        calls = [
            {"id": call_id, "function": {"name": name, "arguments": "".join(arguments)}}
            for _, call_id, name, arguments in self._calls.values()
        ]
        said = Said(
            text="".join(self._texts),
            refused=False,
            calls=read_calls(calls),
            finish=self._finish,
            reported=self._reported,
            usage=self._used(),
            reasoning="".join(self._thoughts),
            extras=PLAIN,
        )
        return reply_of(said, provider="anthropic", model=self._model)

    def _added(self, index: int, delta: Any) -> Delta | None:
        if not isinstance(delta, dict):
            raise ModelUnreadable("an event adds what is no object")
        kind = delta.get("type")
        if kind == "text_delta":
            return self._text(delta.get("text"))
        if kind == "thinking_delta":
            return self._thought(delta.get("thinking"))
        if kind == "input_json_delta":
            known, piece = self._calls.get(index), delta.get("partial_json")
            if known is None or not isinstance(piece, str):
                raise ModelUnreadable("an event adds to a tool call that was never begun")
            known[3].append(piece)
            return Delta(calls=(CallPart(known[0], arguments=piece),)) if piece else None
        return None

    def _text(self, text: Any) -> Delta | None:
        if not isinstance(text, str) or not text:
            return None
        self._texts.append(text)
        return Delta(text)

    def _thought(self, text: Any) -> Delta | None:
        if not isinstance(text, str) or not text:
            return None
        self._thoughts.append(text)
        return Delta(reasoning=text)

    def _call(self, index: int, block: Mapping[str, Any]) -> Delta:
        if len(self._calls) >= MOST_TOOL_CALLS:
            raise ModelUnreadable(f"there are more than {MOST_TOOL_CALLS} tool calls")
        name, call_id, given = block.get("name"), block.get("id"), block.get("input")
        if not isinstance(name, str) or not name:
            raise ModelUnreadable("a tool call has no name")
        place = len(self._calls)
        call_id = call_id if isinstance(call_id, str) and call_id else f"call_{place}"
        arguments = orjson.dumps(given).decode() if given else ""
        self._calls[index] = (place, call_id, name, [arguments])
        return Delta(calls=(CallPart(place, call_id, name, arguments),))

    def _count(self, usage: Any) -> None:
        """Take what has been counted so far; what comes later counts the whole, and not what it adds."""
        if isinstance(usage, dict):
            self._usage |= {name: value for name, value in usage.items() if isinstance(value, int)}
            details = usage.get("output_tokens_details")
            if isinstance(details, dict) and isinstance(details.get("thinking_tokens"), int):
                self._usage["thinking_tokens"] = details["thinking_tokens"]

    def _used(self) -> dict[str, Any]:
        """Return the usage as chat completions tell it: there, what was cached is a part of the input."""
        counted = self._usage
        cached = counted.get("cache_read_input_tokens", 0)
        read = counted.get("input_tokens", 0) + cached + counted.get("cache_creation_input_tokens", 0)
        return {
            "prompt_tokens": read,
            "completion_tokens": counted.get("output_tokens", 0),
            "prompt_tokens_details": {"cached_tokens": cached},
            "completion_tokens_details": {"reasoning_tokens": counted.get("thinking_tokens", 0)},
        }


def _index(document: Mapping[str, Any]) -> int:
    index = document.get("index")
    if not isinstance(index, int):
        raise ModelUnreadable("an event does not say which block it is about")
    return index


def _object(body: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ModelUnreadable("the model server's answer is not JSON", bytes=len(body)) from error
    if not isinstance(document, dict):
        raise ModelUnreadable("the model server's answer is no JSON object")
    return document
