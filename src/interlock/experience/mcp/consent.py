"""Asking a call's own person: the question shown, and the sealed state that the answer must come back with."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from typing import Any

import orjson

from interlock.experience.mcp.errors import ProtocolFault
from interlock.experience.mcp.messages import INVALID_PARAMS
from interlock.experience.words import plan_words, visible
from interlock.orchestration.actions import Action
from interlock.values.digests import digest
from interlock.values.principals import Principal

QUESTION = "confirm"
LIFETIME = 3600.0
LONGEST = 20_000
"""Characters of a question; what cannot be shown whole is not asked here."""

_TAG = 32


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person was asked: *consent* binds arguments, policy and record; *call* the tool and its arguments."""

    action: str
    consent: str
    call: str


class Seal:
    """Seals `requestState` with HMAC-SHA256, bound to the caller, the action, the consent and the call.

    It protects what a client echoes from change; whether the answer counts is decided where the action waits.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def close(self, asked: Asked, principal: Principal, now: float) -> str:
        """Return the state for what *principal* is asked at the moment *now* (Unix seconds)."""
        payload = orjson.dumps([asked.action, asked.consent, asked.call, _caller(principal), now + LIFETIME])
        return base64.urlsafe_b64encode(self._tag(payload) + payload).decode()

    def open(self, state: Any, principal: Principal, *, call: str, now: float) -> Asked:
        """Return what was asked. Raises `ProtocolFault` for a state that is changed, over, or another call's."""
        try:
            raw = base64.b64decode(state, altchars=b"-_", validate=True)
        except (TypeError, ValueError, binascii.Error) as error:
            raise _invalid() from error
        tag, payload = raw[:_TAG], raw[_TAG:]
        if not hmac.compare_digest(tag, self._tag(payload)):
            raise _invalid()
        action, consent, bound, caller, until = orjson.loads(payload)
        if caller != _caller(principal) or bound != call or now > until:
            raise _invalid()
        return Asked(action, consent, bound)

    def _tag(self, payload: bytes) -> bytes:
        return hmac.new(self._secret, payload, hashlib.sha256).digest()


def call_digest(name: str, arguments: dict[str, Any]) -> str:
    """Return the digest that binds a retry to the call that was asked about."""
    return digest([name, arguments])


def question(action: Action, *, changed: bool = False) -> str:
    """Return what the person reads: the operation, the exact arguments, and why they are asked."""
    lines = ["What would run has changed since you were asked."] if changed else []
    lines.append(f"Confirm {action.operation} with exactly these arguments?")
    lines.append(orjson.dumps(action.input, option=orjson.OPT_INDENT_2).decode())
    lines += [f"Why you are asked: {reason.text}" for reason in action.decision.reasons]
    if planned := plan_words(action.to_json().get("plan")):
        lines += ["What was planned:", planned]
    return visible("\n".join(lines))


def input_required(text: str, state: str) -> dict[str, Any]:
    """Return the result that asks the client to show its person a form with one yes-or-no field."""
    schema = {
        "type": "object",
        "properties": {QUESTION: {"type": "boolean", "title": "Confirm", "description": "Yes: carry this out now."}},
        "required": [QUESTION],
    }
    params = {"mode": "form", "message": text, "requestedSchema": schema}
    return {
        "resultType": "input_required",
        "inputRequests": {QUESTION: {"method": "elicitation/create", "params": params}},
        "requestState": state,
    }


def answer_of(responses: Any) -> str:
    """Return what the person answered: `yes`, `no`, `later` (dismissed), or nothing where no answer came."""
    given = responses.get(QUESTION) if isinstance(responses, dict) else None
    if not isinstance(given, dict):
        return ""
    content = given.get("content")
    confirmed = content.get(QUESTION) if isinstance(content, dict) else None
    if given.get("action") == "accept" and isinstance(confirmed, bool):
        return "yes" if confirmed else "no"
    return {"decline": "no", "cancel": "later"}.get(str(given.get("action")), "")


def _caller(principal: Principal) -> str:
    return f"{principal.tenant}/{principal.name}"


def _invalid() -> ProtocolFault:
    return ProtocolFault(
        INVALID_PARAMS,
        "Invalid or expired requestState",
        data={"reason": "invalid_request_state"},
    )
