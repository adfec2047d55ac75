"""The JSON Schemas of request and response bodies, shared by validation and the OpenAPI document."""

from __future__ import annotations

from typing import Any


def _text(longest: int = 200, *, least: int = 1) -> dict[str, Any]:
    return {"type": "string", "minLength": least, "maxLength": longest}


_MEANINGS = {
    "agent": "The agent that works in the session.",
    "request": "The person's own words.",
    "channel": "The channel that the words came by.",
    "customer": "The authenticated customer that the session is about.",
    "verification": "The level to which the customer is verified.",
    "level": "The level to which the customer is verified now.",
    "purpose": "What the session is for.",
    "person": "The person for whom a service opens the session.",
    "plan": "The uses that are meant, each an operation or a step with a number of times and patterns of arguments.",
    "times": "How often it is meant; 0 for as often as wanted.",
    "arguments": "What its arguments are narrowed to: a value, or any_of, at_most, at_least, like.",
    "lifetime": "How long the session stays open, in seconds.",
    "session": "The session to work in.",
    "operation": "The operation, as system.operation.",
    "input": "The operation's arguments, all of them.",
    "output": "The operation's output.",
    "outcome": "What became of it.",
    "comment": "Why; stands in the journal.",
    "verdict": "What is decided.",
    "approval": "The approval that is decided.",
    "verdicts": "The decisions; all are checked before the first is taken.",
    "to": "The id of the person who may decide as well.",
    "scope": "What sort of thing is stopped.",
    "target": "Its name; empty for the tenant or the installation.",
    "everywhere": "For every tenant, not only the caller's.",
    "reason": "Why; whoever is stopped is told.",
    "kind": "What holds the key.",
    "id": "Who holds it, as the project's files name them.",
    "scopes": "What the key may be used for.",
    "days": "How long it is valid; without it, until it is revoked.",
    "note": "What it is for.",
    "overlap_hours": "How long the old key works on.",
}


def _object(required: str = "", **properties: Any) -> dict[str, Any]:
    described = {
        name: {"description": _MEANINGS[name], **schema} if name in _MEANINGS else schema
        for name, schema in properties.items()
    }
    schema: dict[str, Any] = {"type": "object", "properties": described, "additionalProperties": False}
    if required:
        schema["required"] = required.split()
    return schema


_CONSENT = {
    "description": "The digest that was shown: it binds arguments, policy and record.",
    "type": "string",
    "pattern": "^sha256:[0-9a-f]{64}$",
}
_WORDS = _text(20_000)
_COMMENT = _text(2_000, least=0)
_NAMES = {"type": "array", "items": _text(), "maxItems": 100}
_PURPOSES = {"description": "The purposes that the person consents to.", **_NAMES}

_STEP = _object(
    "operation",
    operation=_text(),
    times={"type": "integer", "minimum": 0, "maximum": 1000},
    arguments={"type": "object", "maxProperties": 50},
)
PLAN_STEPS = {"type": "array", "items": {"anyOf": [_text(), _STEP]}, "maxItems": 100}

OPEN_SESSION = _object(
    agent=_text(),
    request=_WORDS,
    channel=_text(50),
    customer=_text(),
    verification=_text(50),
    purpose=_text(),
    consent=_PURPOSES,
    person=_text(),
    plan=PLAN_STEPS,
    lifetime={"type": "number", "exclusiveMinimum": 0, "maximum": 28_800},
)
PLAN = {
    **_object(plan=PLAN_STEPS, derive={"description": "Derive it from the person's words.", "const": True}),
    "minProperties": 1,
    "maxProperties": 1,
}
TURN = _object("request", request=_WORDS)
VERIFICATION = _object("level", level=_text(50))
DECLASSIFY = _object(
    "place to reason",
    place={
        "description": "The field, as origins name it: operation#/pointer, with * for any one name or index.",
        **_text(500),
    },
    to={
        "description": "What its label is lowered to; what is left out stays as it is.",
        **_object(
            confidentiality={"enum": ["public", "internal", "confidential"]},
            categories={
                "description": "The categories that are left.",
                "type": "array",
                "items": {"enum": ["personal", "financial", "health", "secret"]},
                "maxItems": 4,
            },
            integrity={"const": "trusted"},
        ),
        "minProperties": 1,
    },
    reason={"description": "Why less care is enough; stands in the journal.", **_text(2_000)},
)
CONSENTS = _object("consent", consent={**_PURPOSES, "minItems": 1})
PROPOSE = _object("session operation", session=_text(), operation=_text(), input={"type": "object"})
CONFIRM = _object("consent", consent=_CONSENT)
UNDO = _object(session=_text())
RESULT = _object(
    "status",
    status={"description": "What came of it.", "enum": ["succeeded", "failed", "unknown"]},
    output={},
    problem={
        "description": "What went wrong.",
        **_object("code", code=_text(100), detail=_text(2_000, least=0)),
    },
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
ASK_TEAM = _object(
    "request",
    request=_WORDS,
    session=_text(),
    customer=_text(),
    person=_text(),
    channel=_text(50),
    verification=_text(50),
)
ESCALATE = _object("reason", reason=_text(2_000), role=_text(100))
RETURN_ESCALATION = _object(comment=_COMMENT)
ANSWER_ESCALATION = _object(
    "answer", answer={"description": "The answer, by the escalation's `schema`.", "type": "object"}
)
CLOSE_ESCALATION = _object("comment", comment=_text(2_000))
RUN_JOB = _object(
    "input",
    input={"description": "The job's input, by its schema.", "type": "object"},
    session=_text(),
)
JUDGE_JOB_RUN = _object(
    "verdict",
    verdict={"description": "What it turned out to be worth.", "enum": ["accepted", "corrected", "rejected"]},
    right={"description": "What the result should have been.", "type": "object"},
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
            "plan": {"type": "array", "items": {}},
            "output": {},
            "problem": _ANY,
            "label": _ANY,
        },
    },
    "Session": {
        "type": "object",
        "required": ["id", "state", "opener"],
        "properties": {
            "id": {"type": "string"},
            "state": {"enum": ["open", "closed"]},
            "opener": {"type": "string"},
            "plan": {"type": ["array", "null"], "items": {}},
            "left_out": {"type": "array", "items": {"type": "string"}},
            "declassified": {"type": "array", "items": {"$ref": "#/components/schemas/Declassification"}},
        },
    },
    "Declassification": {
        "type": "object",
        "required": ["place", "to", "was", "by", "at"],
        "properties": {
            "session": {"type": "string"},
            "place": {"type": "string"},
            "to": _ANY,
            "was": _ANY,
            "reason": {"type": "string"},
            "by": {"type": "string"},
            "at": {"type": "number"},
        },
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
    "Escalation": {
        "type": "object",
        "required": ["id", "state", "roles", "source", "name", "subject", "reason", "words"],
        "properties": {
            "id": {"type": "string"},
            "state": {"enum": ["open", "taken", "answered", "closed", "expired"]},
            "roles": {"type": "array", "items": {"type": "string"}},
            "source": {"enum": ["job", "agent", "person"]},
            "name": {"type": "string"},
            "subject": {"type": "string"},
            "reason": {"type": "string"},
            "words": {"type": "string"},
            "schema": {"type": ["object", "null"]},
            "story": _ANY,
            "suggestion": {"type": ["object", "null"]},
            "answer": {"type": ["object", "null"]},
        },
    },
    "JobRun": {
        "type": "object",
        "required": ["id", "job", "kind", "version", "state", "result", "reason", "attempts"],
        "properties": {
            "id": {"type": "string"},
            "job": {"type": "string"},
            "kind": {"enum": ["summarize", "extract", "classify", "draft", "answer", "route", "reason"]},
            "version": {"type": "string"},
            "state": {"enum": ["answered", "abstained", "waiting", "queued"]},
            "result": {"type": ["object", "null"]},
            "reason": {"type": ["string", "null"]},
            "by": {"enum": ["model", "person", None]},
            "confidence": {"type": ["object", "null"]},
            "attempts": {"type": "array", "items": _ANY},
        },
    },
    "TeamRun": {
        "type": "object",
        "required": ["id", "team", "session", "state", "words", "answer", "ended", "turns"],
        "properties": {
            "id": {"type": "string"},
            "team": {"type": "string"},
            "session": {"type": "string"},
            "state": {"enum": ["running", "waiting", "ended"]},
            "words": {"type": "string"},
            "answer": {"type": "string"},
            "ended": {"type": ["string", "null"]},
            "turns": {"type": "array", "items": {"$ref": "#/components/schemas/Turn"}},
        },
    },
    "Turn": {
        "type": "object",
        "required": ["id", "session", "agent", "state", "words", "steps", "answer", "ended", "waits_for"],
        "properties": {
            "id": {"type": "string"},
            "session": {"type": "string"},
            "agent": {"type": "string"},
            "state": {"enum": ["running", "waiting", "ended"]},
            "words": {"type": "string"},
            "steps": {"type": "array", "items": _ANY},
            "answer": {"type": "string"},
            "ended": {"type": ["string", "null"]},
            "waits_for": {"type": ["string", "null"]},
            "resumed": {"type": "integer"},
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
