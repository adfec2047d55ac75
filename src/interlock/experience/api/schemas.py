"""The JSON Schemas of request and response bodies, shared by validation and the OpenAPI document."""

from __future__ import annotations

from typing import Any


def _text(longest: int = 200, *, least: int = 1) -> dict[str, Any]:
    return {"type": "string", "minLength": least, "maxLength": longest}


def _object(required: str = "", **properties: Any) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    if required:
        schema["required"] = required.split()
    return schema


_CONSENT = {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"}
_WORDS = _text(20_000)
_COMMENT = _text(2_000, least=0)
_NAMES = {"type": "array", "items": _text(), "maxItems": 100}

OPEN_SESSION = _object(
    agent=_text(),
    request=_WORDS,
    channel=_text(50),
    customer=_text(),
    verification=_text(50),
    purpose=_text(),
    consent=_NAMES,
    person=_text(),
    plan=_NAMES,
    lifetime={"type": "number", "exclusiveMinimum": 0, "maximum": 28_800},
)
TURN = _object("request", request=_WORDS)
VERIFICATION = _object("level", level=_text(50))
CONSENTS = _object("consent", consent={**_NAMES, "minItems": 1})
PROPOSE = _object("session operation", session=_text(), operation=_text(), input={"type": "object"})
CONFIRM = _object("consent", consent=_CONSENT)
UNDO = _object(session=_text())
RESULT = _object(
    "status",
    status={"enum": ["succeeded", "failed", "unknown"]},
    output={},
    problem=_object("code", code=_text(100), detail=_text(2_000, least=0)),
)
RESOLVE = _object("outcome comment", outcome={"enum": ["succeeded", "failed"]}, comment=_text(2_000))
_VERDICT = {
    "verdict": {"enum": ["approve", "reject"]},
    "consent": _CONSENT,
    "comment": _COMMENT,
    "input": {"type": "object"},
}
DECIDE = _object("verdict consent", **_VERDICT)
DECIDE_ALL = _object(
    "verdicts",
    verdicts={
        "type": "array",
        "minItems": 1,
        "maxItems": 100,
        "items": _object("approval verdict consent", approval=_text(), **_VERDICT),
    },
)
DELEGATE = _object("to", to=_text())
_WHAT = {
    "scope": {"enum": ["agent", "operation", "system", "tenant", "installation"]},
    "target": _text(200, least=0),
    "everywhere": {"type": "boolean"},
}
SWITCH = _object("scope reason", **_WHAT, reason=_text(500))
CLEAR_SWITCH = _object("scope", **_WHAT)
CREATE_KEY = _object(
    "kind id",
    kind={"enum": ["person", "agent", "service"]},
    id=_text(),
    scopes={"type": "array", "items": {"enum": ["act", "approve", "read", "admin"]}, "maxItems": 4},
    days={"type": "integer", "minimum": 1, "maximum": 3650},
    note=_text(200, least=0),
)
ROTATE_KEY = _object(overlap_hours={"type": "number", "minimum": 0, "maximum": 720})
ASK = _object(
    "agent request",
    agent=_text(),
    request=_WORDS,
    session=_text(),
    customer=_text(),
    person=_text(),
    channel=_text(50),
    verification=_text(50),
)

_ANY = {"type": "object", "additionalProperties": True}
_STATES = "waiting denied drafted shadowed cancelled executing succeeded failed in_doubt compensated"

COMPONENTS: dict[str, Any] = {
    "Object": _ANY,
    "Page": {
        "type": "object",
        "required": ["items"],
        "properties": {"items": {"type": "array", "items": _ANY}, "next": {"type": "string"}},
    },
    "Decision": {
        "type": "object",
        "required": ["outcome", "requirements", "reasons", "policies", "policy_version"],
        "properties": {
            "outcome": {"enum": ["allow", "wait", "draft", "shadow", "deny"]},
            "requirements": {"type": "array", "items": {"type": "string"}},
            "reasons": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["rule", "text"],
                    "properties": {"rule": {"type": "string"}, "text": {"type": "string"}},
                },
            },
            "policies": {"type": "array", "items": {"type": "string"}},
            "policy_version": {"type": "string"},
        },
    },
    "Action": {
        "type": "object",
        "required": ["id", "session", "operation", "state", "input", "decision"],
        "properties": {
            "id": {"type": "string"},
            "session": {"type": "string"},
            "operation": {"type": "string"},
            "state": {"enum": _STATES.split()},
            "input": _ANY,
            "decision": {"$ref": "#/components/schemas/Decision"},
            "waiting_for": {"type": "array", "items": {"type": "string"}},
            "consent": {"type": "string"},
            "output": {},
            "problem": _ANY,
        },
    },
    "Session": {
        "type": "object",
        "required": ["id", "state", "opener"],
        "properties": {"id": {"type": "string"}, "state": {"enum": ["open", "closed"]}, "opener": {"type": "string"}},
    },
    "Approval": {
        "type": "object",
        "required": ["id", "action", "role", "state", "consent", "deadline", "shown"],
        "properties": {
            "id": {"type": "string"},
            "action": {"type": "string"},
            "role": {"type": "string"},
            "state": {"enum": ["pending", "approved", "rejected", "expired", "void"]},
            "consent": {"type": "string"},
            "deadline": {"type": "number"},
            "shown": _ANY,
        },
    },
    "Problem": {
        "type": "object",
        "required": ["type", "title", "status", "code", "detail"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "code": {"type": "string"},
            "detail": {"type": "string"},
            "why": {"type": "string"},
            "fix": {"type": "string"},
            "details": _ANY,
        },
    },
}
