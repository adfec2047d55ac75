"""REST: opening sessions, adding to them with the opener's authority, lowering labels in them, closing them."""

from __future__ import annotations

from typing import Any

from interlock.experience.api import schemas
from interlock.experience.api.request import Request
from interlock.experience.api.routes import Parameter, Route
from interlock.governance.labels import lowering_from_json
from interlock.orchestration.sessions import Opening, Session


async def open_session(request: Request) -> Any:
    """Open a session."""
    body = dict(request.body)
    body["consent"] = tuple(body.get("consent", ()))
    session = await request.installation.sessions.open(request.principal, Opening(**body))
    return _shown(request, session)


async def list_sessions(request: Request) -> Any:
    """List the tenant's sessions."""
    limit = request.limit()
    found = await request.installation.sessions.page(
        request.principal.tenant, before=request.query.get("before", ""), limit=limit
    )
    page: dict[str, Any] = {"items": [_shown(request, session) for session in found]}
    if len(found) == limit:
        page["next"] = found[-1].id
    return page


async def get_session(request: Request) -> Any:
    """Return one session."""
    session = await request.installation.sessions.find(request.path["id"], request.principal)
    return _shown(request, session)


async def add_turn(request: Request) -> Any:
    """Add what the person said next."""
    session = await request.installation.sessions.extend(
        request.principal, request.path["id"], request=request.body["request"]
    )
    return _shown(request, session)


async def plan_session(request: Request) -> Any:
    """Give the session its plan, or have one derived; say what was left out of it."""
    session_id, left_out = request.path["id"], tuple[str, ...]()
    if "plan" in request.body:
        session = await request.installation.sessions.fix_plan(request.principal, session_id, request.body["plan"])
    else:
        session, left_out = await request.installation.turns.plan(request.principal, session_id)
    return {**_shown(request, session), "left_out": list(left_out)}


async def raise_verification(request: Request) -> Any:
    """Raise the session's verification and take further what waited for it."""
    session = await request.installation.sessions.extend(
        request.principal, request.path["id"], verification=request.body["level"]
    )
    resumed = await request.installation.waiting.resume_session(session.id)
    view = request.view
    return {**_shown(request, session), "resumed": [view.action(action).to_json() for action in resumed]}


async def add_consent(request: Request) -> Any:
    """Add purposes that the person consents to."""
    session = await request.installation.sessions.extend(
        request.principal, request.path["id"], consent=request.body["consent"]
    )
    return _shown(request, session)


async def declassify(request: Request) -> Any:
    """Lower the label of a place that the session has seen, for this session alone."""
    session_id, body = request.path["id"], request.body
    given = await request.installation.sessions.declassify(
        request.principal, session_id, body["place"], lowering_from_json(body["to"]), body["reason"]
    )
    return {"session": session_id, **given.to_json()}


async def close_session(request: Request) -> Any:
    """Close a session."""
    session = await request.installation.sessions.close(request.principal, request.path["id"])
    return _shown(request, session)


def _shown(request: Request, session: Session) -> dict[str, Any]:
    """Return the session as the caller sees it: why labels were lowered is for those who may read the journal."""
    principal = request.principal
    return session.to_json(reasons=principal.may("read") or principal.may("admin"))


_ID = ("session_unknown", "session_forbidden")
PAGING = (
    Parameter("limit", "How many at most.", {"type": "integer", "minimum": 1, "maximum": 500}),
    Parameter("before", "The `next` of the page before."),
)

ROUTES = (
    Route(
        "POST",
        "/v1/sessions",
        "open_session",
        "Open a session",
        open_session,
        scope="act",
        body=schemas.OPEN_SESSION,
        status=201,
        response="Session",
        errors=("session_forbidden", "session_invalid"),
    ),
    Route(
        "GET",
        "/v1/sessions",
        "list_sessions",
        "List sessions, newest first",
        list_sessions,
        scope="read admin",
        parameters=PAGING,
        response="Page",
    ),
    Route(
        "GET",
        "/v1/sessions/{id}",
        "get_session",
        "Look at a session",
        get_session,
        response="Session",
        errors=_ID,
    ),
    Route(
        "POST",
        "/v1/sessions/{id}/turns",
        "add_turn",
        "Add what the person said next",
        add_turn,
        scope="act",
        body=schemas.TURN,
        response="Session",
        errors=(*_ID, "session_closed"),
    ),
    Route(
        "POST",
        "/v1/sessions/{id}/plan",
        "plan_session",
        "Give the session its plan, or derive one from the person's words",
        plan_session,
        scope="act",
        body=schemas.PLAN,
        response="Session",
        errors=(*_ID, "session_closed", "session_invalid", "plan_fixed", "plan_too_late", "agent_unknown", "conflict"),
    ),
    Route(
        "POST",
        "/v1/sessions/{id}/verification",
        "raise_verification",
        "Raise the session's verification level",
        raise_verification,
        scope="act",
        body=schemas.VERIFICATION,
        response="Session",
        errors=(*_ID, "session_closed", "session_invalid"),
    ),
    Route(
        "POST",
        "/v1/sessions/{id}/consent",
        "add_consent",
        "Add purposes that the person consents to",
        add_consent,
        scope="act",
        body=schemas.CONSENTS,
        response="Session",
        errors=(*_ID, "session_closed"),
    ),
    Route(
        "POST",
        "/v1/sessions/{id}/declassify",
        "declassify",
        "Lower the label of a place that the session has seen",
        declassify,
        scope="approve",
        body=schemas.DECLASSIFY,
        response="Declassification",
        errors=(
            "session_unknown",
            "session_closed",
            "declassification_forbidden",
            "declassification_invalid",
            "place_unseen",
            "conflict",
        ),
    ),
    Route(
        "POST",
        "/v1/sessions/{id}/close",
        "close_session",
        "Close a session",
        close_session,
        scope="act",
        response="Session",
        errors=_ID,
    ),
)
