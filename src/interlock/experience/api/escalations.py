"""REST: what no model could answer and waits for a person, and that person's answer."""

from __future__ import annotations

from typing import Any

from interlock.experience.api import schemas
from interlock.experience.api.errors import RequestInvalid
from interlock.experience.api.request import Request
from interlock.experience.api.routes import Parameter, Route
from interlock.experience.api.sessions import PAGING
from interlock.orchestration.escalations import Escalation, EscalationState, Source, Wanted

STATES = tuple(state.value for state in EscalationState)
SOURCES = tuple(source.value for source in Source)


async def list_escalations(request: Request) -> Any:
    """List the escalations the caller may see; those that stand, unless a state is named."""
    query, limit = request.query, request.limit()
    wanted = Wanted(
        role=query.get("role", ""),
        source=_one_of(request, "source", SOURCES),
        session=query.get("session", ""),
    )
    found = await request.installation.escalations.page(
        request.principal,
        state=_one_of(request, "state", STATES),
        wanted=wanted,
        before=query.get("before", ""),
        limit=limit,
    )
    page: dict[str, Any] = {"items": [_shown(request, escalation) for escalation in found]}
    if len(found) == limit:
        page["next"] = found[-1].id
    return page


async def escalate_session(request: Request) -> Any:
    """Put a session before the people of a role, with what was asked, seen and tried in it."""
    session_id, body = request.path["id"], request.body
    opened = await request.installation.handover.hand_over(
        request.principal, session_id, body["reason"], role=body.get("role", "")
    )
    return _shown(request, opened)


async def get_escalation(request: Request) -> Any:
    """Return one escalation with everything that was asked, seen, tried and proposed."""
    return _shown(request, await request.installation.escalations.get(request.path["id"], request.principal))


async def take_escalation(request: Request) -> Any:
    """Take an escalation, so that nobody else works on it."""
    return _shown(request, await request.installation.escalations.take(request.path["id"], request.principal))


async def return_escalation(request: Request) -> Any:
    """Give a taken escalation back to its queue."""
    comment = request.body.get("comment", "")
    found = await request.installation.escalations.give_back(request.path["id"], request.principal, comment)
    return _shown(request, found)


async def answer_escalation(request: Request) -> Any:
    """Answer an escalation; what waited for the answer goes on with it."""
    answer = request.body["answer"]
    return _shown(request, await request.installation.escalations.answer(request.path["id"], request.principal, answer))


async def close_escalation(request: Request) -> Any:
    """End an escalation without an answer; what waited for one ends, and says so."""
    comment = request.body["comment"]
    return _shown(request, await request.installation.escalations.close(request.path["id"], request.principal, comment))


def _one_of(request: Request, name: str, known: tuple[str, ...]) -> str:
    value = request.query.get(name, "")
    if value not in ("", *known):
        raise RequestInvalid(
            f"{name} names no {name} of an escalation", fix=f"use one of {', '.join(known)}", field=name
        )
    return value


def _shown(request: Request, escalation: Escalation) -> dict[str, Any]:
    return escalation.to_json(cleared=request.view.clearance.admits(escalation.asked.label))


_ID = ("escalation_unknown",)
_OPEN = (*_ID, "escalation_forbidden", "escalation_closed")
_PATH = "/v1/escalations/{id}"

ROUTES = (
    Route(
        "GET",
        "/v1/escalations",
        "list_escalations",
        "List what waits for a person's answer",
        list_escalations,
        scope="act approve read admin",
        parameters=(
            *PAGING,
            Parameter("state", "Only those in this state.", {"enum": list(STATES)}),
            Parameter("role", "Only those that people of this role are asked."),
            Parameter("source", "Only what this could not go on with.", {"enum": list(SOURCES)}),
            Parameter("session", "Only those of this session."),
        ),
        response="Page",
    ),
    Route(
        "POST",
        "/v1/sessions/{id}/escalate",
        "escalate_session",
        "Hand a session over to people",
        escalate_session,
        scope="act",
        body=schemas.ESCALATE,
        status=201,
        response="Escalation",
        errors=("session_unknown", "session_closed", "escalation_forbidden", "escalation_invalid"),
    ),
    Route(
        "GET",
        _PATH,
        "get_escalation",
        "Look at an escalation",
        get_escalation,
        scope="act approve read admin",
        response="Escalation",
        errors=_ID,
    ),
    Route(
        "POST",
        f"{_PATH}/take",
        "take_escalation",
        "Take an escalation",
        take_escalation,
        scope="approve",
        response="Escalation",
        errors=_OPEN,
    ),
    Route(
        "POST",
        f"{_PATH}/return",
        "return_escalation",
        "Give an escalation back",
        return_escalation,
        scope="approve",
        body=schemas.RETURN_ESCALATION,
        response="Escalation",
        errors=_OPEN,
    ),
    Route(
        "POST",
        f"{_PATH}/answer",
        "answer_escalation",
        "Answer an escalation",
        answer_escalation,
        scope="approve",
        body=schemas.ANSWER_ESCALATION,
        response="Escalation",
        errors=(*_OPEN, "escalation_answer_invalid"),
    ),
    Route(
        "POST",
        f"{_PATH}/close",
        "close_escalation",
        "End an escalation without an answer",
        close_escalation,
        scope="approve",
        body=schemas.CLOSE_ESCALATION,
        response="Escalation",
        errors=_OPEN,
    ),
)
