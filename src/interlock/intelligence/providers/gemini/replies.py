"""Reads answers of Gemini's interface, whole or event by event, strictly enough to trust their shape."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from interlock.foundation.http import Event
from interlock.intelligence.gateway.embeddings import Embeddings
from interlock.intelligence.gateway.errors import ModelCutOff, ModelUnreadable
from interlock.intelligence.gateway.messages import PLAIN, CallPart, Delta, ModelReply
from interlock.intelligence.providers.openai.replies import FILTERED, MOST_TOOL_CALLS, Said, read_calls, reply_of

FINISHES = {"STOP": "stop", "MAX_TOKENS": "length"}
"""Why it stopped, in the words of chat completions; whatever is in neither is a filter's."""

NO_ANSWER = frozenset({"MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS"})
"""Ends in which the model has written what the server itself could not read: neither an answer nor a refusal."""

UNSAID = "FINISH_REASON_UNSPECIFIED"


def read_content(body: bytes, *, model: str) -> ModelReply:
    """Return the answer in *body*. Raises `ModelUnreadable` without quoting it."""
    assembly = Assembly(model)
    assembly.add(_object(body))
    if not assembly.finished:
        raise ModelUnreadable("the answer does not say why it ends")
    return assembly.reply()


def read_vectors(body: bytes, *, model: str) -> Embeddings:
    """Return the vectors of a batch in the order of their inputs. Raises `ModelUnreadable`."""
    found = _object(body).get("embeddings")
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise ModelUnreadable("the answer has no list of vectors")
    vectors = [one.get("values") for one in found]
    for vector in vectors:
        if not isinstance(vector, list) or not vector or not all(type(number) in (float, int) for number in vector):
            raise ModelUnreadable("a vector is empty, or not of numbers")
    if len({len(vector) for vector in vectors if vector}) > 1:
        raise ModelUnreadable("the vectors are not of one length")
    return Embeddings(provider="gemini", model=model, vectors=tuple(vector for vector in vectors if vector))


class Assembly:
    """One answer while it comes: each event is a part of it in the same form. *model* is what it was asked for by."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._reported = ""
        self._texts: list[str] = []
        self._thoughts: list[str] = []
        self._calls: list[dict[str, Any]] = []
        self._finish: str | None = None
        self._usage: Mapping[str, Any] = {}
        self.ended = False

    @property
    def finished(self) -> bool:
        """Whether the reason for the end has come; the interface has no last line."""
        return self._finish is not None

    def take(self, events: Iterable[Event]) -> list[Delta]:
        deltas: list[Delta] = []
        for event in events:
            document = _object(event.data)
            if document.get("error"):
                raise ModelCutOff("the model server broke off its answer with an error")
            deltas += self.add(document)
        return deltas

    def add(self, document: Mapping[str, Any]) -> list[Delta]:
        """Take one part of the answer, and return what it adds."""
        deltas: list[Delta] = []
        if not self._reported and isinstance(version := document.get("modelVersion"), str):
            self._reported = version
            deltas.append(Delta(reported=version))
        if isinstance(usage := document.get("usageMetadata"), dict):
            self._usage = usage
        feedback = document.get("promptFeedback")
        if isinstance(feedback, dict) and feedback.get("blockReason"):
            self._finish = FILTERED
        candidates = document.get("candidates")
        candidate = candidates[0] if isinstance(candidates, list) and candidates else None
        if candidate is None:
            return deltas
        if not isinstance(candidate, dict):
            raise ModelUnreadable("the answer's candidate is no object")
        content = candidate.get("content")
        for part in (content.get("parts") or ()) if isinstance(content, dict) else ():
            deltas += self._part(part)
        reason = candidate.get("finishReason")
        if reason in NO_ANSWER:
            raise ModelUnreadable("the model wrote a tool call that its server could not read")
        if isinstance(reason, str) and reason != UNSAID:
            self._finish = FINISHES.get(reason, FILTERED)
        return deltas

    def reply(self) -> ModelReply:
        finish = self._finish or ""
        said = Said(
            text="".join(self._texts),
            refused=False,
            calls=read_calls(self._calls),
            finish="tool_calls" if self._calls and finish == "stop" else finish,
            reported=self._reported,
            usage=self._used(),
            reasoning="".join(self._thoughts),
            extras=PLAIN,
        )
        return reply_of(said, provider="gemini", model=self._model)

    def _part(self, part: Any) -> Iterable[Delta]:
        if not isinstance(part, dict):
            raise ModelUnreadable("a part of the answer is no object")
        text, call = part.get("text"), part.get("functionCall")
        if isinstance(text, str) and text:
            if part.get("thought") is True:
                self._thoughts.append(text)
                yield Delta(reasoning=text)
            else:
                self._texts.append(text)
                yield Delta(text)
        if isinstance(call, dict):
            yield self._call(call)

    def _call(self, call: Mapping[str, Any]) -> Delta:
        if len(self._calls) >= MOST_TOOL_CALLS:
            raise ModelUnreadable(f"there are more than {MOST_TOOL_CALLS} tool calls")
        name, known = call.get("name"), call.get("id")
        if not isinstance(name, str) or not name:
            raise ModelUnreadable("a tool call has no name")
        place = len(self._calls)
        call_id = known if isinstance(known, str) and known else f"call_{place}"
        arguments = orjson.dumps(call.get("args") or {}).decode()
        self._calls.append({"id": call_id, "function": {"name": name, "arguments": arguments}})
        return Delta(calls=(CallPart(place, call_id, name, arguments),))

    def _used(self) -> dict[str, Any]:
        """Return the usage as chat completions tell it: there, what was thought is a part of the output."""
        counted = {name: value for name, value in self._usage.items() if isinstance(value, int)}
        thought = counted.get("thoughtsTokenCount", 0)
        return {
            "prompt_tokens": counted.get("promptTokenCount", 0) + counted.get("toolUsePromptTokenCount", 0),
            "completion_tokens": counted.get("candidatesTokenCount", 0) + thought,
            "prompt_tokens_details": {"cached_tokens": counted.get("cachedContentTokenCount", 0)},
            "completion_tokens_details": {"reasoning_tokens": thought},
        }


def _object(body: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ModelUnreadable("the model server's answer is not JSON", bytes=len(body)) from error
    if not isinstance(document, dict):
        raise ModelUnreadable("the model server's answer is no JSON object")
    return document
