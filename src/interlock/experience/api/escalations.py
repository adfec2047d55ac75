"""REST: what no model could answer and waits for a person, and that person's answer."""

from __future__ import annotations

from typing import Any

from interlock.experience.api import schemas
from interlock.experience.api.errors import RequestInvalid
from interlock.experience.api.request import Request
from interlock.experience.api.routes import Parameter, Route
from interlock.experience.api.sessions import PAGING
from interlock.orchestration.escalations import Escalation, EscalationState

STATES = tuple(state.value for state in EscalationState)


async def list_escalations(request: Request) -> Any:
    """List the escalations the caller may see; those that stand, unless a state is named."""
    state, limit = request.query.get("state", ""), request.limit()
    if state not in ("", *STATES):
        raise RequestInvalid("state names no state of an escalation", fix=f"states: {', '.join(STATES)}", field="state")
    found = await request.installation.escalations.page(
        request.principal, state=state, before=request.query.get("before", ""), limit=limit
    )
    return {"items": [_shown(request, escalation) for escalation in found]}


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
        scope="approve read admin",
        parameters=(*PAGING, Parameter("state", "Only those in this state.", {"enum": list(STATES)})),
        response="Page",
    ),
    Route(
        "GET",
        _PATH,
        "get_escalation",
        "Look at an escalation",
        get_escalation,
        scope="approve read admin",
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
