"""What a reply means for the call: done, refused, or not known.

A fault says that something went wrong, not that nothing was done. It is taken for a refusal only where its code is one
of the protocol's own for calls that were not begun, or one that the declaration names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from interlock.foundation.http import HttpResponse
from interlock.integration.connectors.interface import SUCCEEDED, Answer, failed, unanswered
from interlock.integration.connectors.openapi.answers import interpret as interpret_http
from interlock.integration.connectors.rpc.definitions import found_at
from interlock.integration.connectors.rpc.protocols import Fault, ReplyUnfit, Returned
from interlock.integration.connectors.wording import said
from interlock.values.operations import Effect

BROKEN = "result_breaks_contract"
_UNREADABLE = ("refused", "the system cannot read the call")
_BEFORE = {
    -32700: _UNREADABLE,
    -32701: _UNREADABLE,
    -32702: _UNREADABLE,
    -32600: ("refused", "the system does not take this for a call"),
    -32601: ("method_unknown", "the system has no such method; it may have changed"),
    -32602: ("refused", "the system refused the arguments"),
}
"""Codes of JSON-RPC 2.0, and of the interoperable faults of XML-RPC, for calls that were not begun."""
_REASONS = frozenset({401, 403, 404, 409, 429})
_LARGEST_SHOWN = 100_000


@dataclass(frozen=True, slots=True)
class Meaning:
    """What is known beforehand: the *effect* of the call, the codes that are *refusals*, where the *result* stands."""

    effect: Effect
    refusals: frozenset[str | int] = frozenset()
    result: str = ""


def interpret(response: HttpResponse, reply: Returned | Fault | ReplyUnfit, meaning: Meaning) -> Answer:
    """Return what *response* says, of which *reply* was read."""
    good = 200 <= response.status < 300
    if isinstance(reply, ReplyUnfit):
        if good:
            return unanswered(meaning.effect, BROKEN, str(reply))
        return interpret_http(response, meaning.effect, {})
    if isinstance(reply, Fault):
        return _fault(response, reply, meaning)
    if not good:
        detail = "the answer holds a result, and its status says that there is none"
        return unanswered(meaning.effect, BROKEN, detail, status=response.status)
    found, output = found_at(reply.value, meaning.result)
    if not found and meaning.effect is Effect.read:
        return failed("not_found", f"the system returned nothing at {meaning.result}")
    if not found:
        return unanswered(meaning.effect, BROKEN, f"the result has nothing at {meaning.result}")
    return Answer(SUCCEEDED, output)


def declared(fault: Fault, codes: frozenset[str | int]) -> str | int | None:
    """Return the code of *fault* that is one of *codes*, None for none."""
    return next((code for code in (*fault.words, fault.number) if code in codes), None)


def _fault(response: HttpResponse, fault: Fault, meaning: Meaning) -> Answer:
    refusal = declared(fault, meaning.refusals)
    if refusal is not None:
        detail = "the system refused the call by a rule of its own, and nothing was changed"
        return failed("refused", detail, **_shown(fault, refusal))
    if fault.number in _BEFORE:
        code, detail = _BEFORE[fault.number]
        return failed(code, detail, **_shown(fault))
    if response.status in _REASONS:
        answer = interpret_http(response, meaning.effect, {})
        if answer.problem is not None:
            answer.problem.update(_shown(fault))
        return answer
    detail = "the system reports an error"
    if meaning.effect is not Effect.read:
        detail += ", and not that it changed nothing"
    return unanswered(meaning.effect, "system_error", detail, **_shown(fault))


def _shown(fault: Fault, refusal: str | int | None = None) -> dict[str, Any]:
    """Return what of a fault may be shown: its codes, never its sentences, which may repeat what was sent."""
    word = refusal if isinstance(refusal, str) else next(iter(fault.words), None) if fault.certain else None
    shown = said(word)
    if fault.number is not None and abs(fault.number) <= _LARGEST_SHOWN:
        shown["fault"] = fault.number
    return shown
