"""What clients and models are told: completions, chunks of a stream, errors and models in OpenAI's shapes, results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from interlock.experience.words import requirement_words, standing_words
from interlock.intelligence.gateway import ToolCall, Usage
from interlock.orchestration.actions import Action
from interlock.orchestration.agents.prompt import bounded, result_text
from interlock.values.actions import ActionState
from interlock.values.errors import InterlockError
from interlock.values.identifiers import new_id
from interlock.values.operations import Operation

OWNER = "interlock"
DONE = b"data: [DONE]\n\n"
FINISHES = frozenset({"stop", "length", "content_filter"})
_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


@dataclass(frozen=True, slots=True)
class Completion:
    """The answer to one request, whoever's words it is made of."""

    model: str
    created: int
    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    usage: Usage = field(default_factory=Usage)
    finish: str = ""

    @property
    def finish_reason(self) -> str:
        """Why it ends, in OpenAI's words."""
        if self.tool_calls:
            return "tool_calls"
        return self.finish if self.finish in FINISHES else "stop"


def completion(answer: Completion) -> bytes:
    """Return the answer as a `chat.completion`."""
    message: dict[str, Any] = {"role": "assistant", "content": answer.text or None, "refusal": None}
    if answer.tool_calls:
        message["tool_calls"] = [call_json(call) for call in answer.tool_calls]
    elif not answer.text:
        message["content"] = ""
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": answer.finish_reason}
    return orjson.dumps({**_head(answer, "chat.completion"), "choices": [choice], "usage": _usage(answer.usage)})


def chunks(answer: Completion, *, include_usage: bool) -> bytes:
    """Return the answer as a stream of `chat.completion.chunk` events, made from the whole of it."""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": "" if answer.text else None}]
    if answer.text:
        deltas.append({"content": answer.text})
    deltas += [{"tool_calls": [{"index": at, **call_json(call)}]} for at, call in enumerate(answer.tool_calls)]
    head = _head(answer, "chat.completion.chunk")
    usage: dict[str, Any] = {"usage": None} if include_usage else {}
    events = [{**head, "choices": [_choice(delta, None)], **usage} for delta in deltas]
    events.append({**head, "choices": [_choice({}, answer.finish_reason)], **usage})
    if include_usage:
        events.append({**head, "choices": [], "usage": _usage(answer.usage)})
    return b"".join(b"data: " + orjson.dumps(event) + b"\n\n" for event in events) + DONE


def error_body(error: InterlockError) -> bytes:
    """Return an error in OpenAI's shape, with our code; the message says what happened, why, and what to do."""
    parts = (error.what, f"({error.why})" if error.why else "", f"Hint: {error.fix}" if error.fix else "")
    kind = _TYPES.get(error.status, "server_error" if error.status >= 500 else "invalid_request_error")
    param = error.details.get("param") or None
    message = " ".join(part for part in parts if part)
    return orjson.dumps({"error": {"message": message, "type": kind, "code": error.code, "param": param}})


def model_list(routes: Sequence[str], created: int) -> bytes:
    """Return the project's routes as a list of models."""
    return orjson.dumps({"object": "list", "data": [_model(route, created) for route in routes]})


def one_model(route: str, created: int) -> bytes:
    """Return one route as a model."""
    return orjson.dumps(_model(route, created))


AGAIN = "This was done before, for the same request, and not again. Call once more only if it is to be done once more."


def told(action: Action, operation: Operation | None, limit: int, *, reported: str = "", again: bool = False) -> str:
    """Return what a model is told of an action as its tool's result: JSON, marked as data, with where it stands.

    *reported* is what the client said of an action that it carried out, where that is not the action's output.
    *again* marks one that was proposed by an earlier attempt at the same request.
    """
    document = orjson.loads(result_text(operation, action.to_json(), limit))
    note = " ".join(part for part in (_note(action), AGAIN if again else "") if part)
    if note:
        document["note"] = note
    if reported:
        document["reported"] = bounded(reported, limit)
    return orjson.dumps(document).decode()


def refused(code: str, detail: str) -> str:
    """Return what a model is told of a call that became no action."""
    problem = {"code": code, "detail": detail}
    return result_text(None, {"id": "", "state": "failed", "problem": problem}, len(detail) + 1000)


def _note(action: Action) -> str:
    if action.state is ActionState.waiting:
        unmet = ", and ".join(requirement_words(str(requirement)) for requirement in action.unmet())
        return f"Not done yet: it waits for {unmet or 'a person'}. Do not call again for the same thing."
    if action.external and action.state is ActionState.executing:
        return "Allowed, and handed to the client, which has not said what came of it. Do not call again for it."
    return standing_words(action.state.value)


def _head(answer: Completion, kind: str) -> dict[str, Any]:
    return {"id": new_id("chatcmpl"), "object": kind, "created": answer.created, "model": answer.model}


def _choice(delta: Mapping[str, Any], finish: str | None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}


def call_json(call: ToolCall) -> dict[str, Any]:
    """Return a tool call in the shape of a message."""
    function = {"name": call.name, "arguments": call.raw or orjson.dumps(dict(call.arguments)).decode()}
    return {"id": call.id, "type": "function", "function": function}


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
    }


def _model(route: str, created: int) -> dict[str, Any]:
    return {"id": route, "object": "model", "created": created, "owned_by": OWNER}
