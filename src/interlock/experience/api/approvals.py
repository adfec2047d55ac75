"""REST: what waits for a person, and that person's decision."""

from __future__ import annotations

from typing import Any

from interlock.experience.api import schemas
from interlock.experience.api.errors import RequestInvalid
from interlock.experience.api.request import Request
from interlock.experience.api.routes import Parameter, Route
from interlock.experience.api.sessions import PAGING
from interlock.orchestration.approvals import ApprovalState, Verdict

STATES = tuple(state.value for state in ApprovalState)


async def list_approvals(request: Request) -> Any:
    """List the approvals the caller may see."""
    limit = request.limit()
    found = await request.installation.approvals.page(
        request.principal,
        state=_state(request.query.get("state", "pending")),
        before=request.query.get("before", ""),
        limit=limit,
    )
    view = request.view
    return {"items": [view.approval(approval).to_json() for approval in found]}


async def get_approval(request: Request) -> Any:
    """Return one approval with everything needed to judge it."""
    approval = await request.installation.approvals.get(request.path["id"], request.principal)
    return request.view.approval(approval).to_json()


async def decide(request: Request) -> Any:
    """Decide one approval, perhaps on edited arguments."""
    verdict = _verdict(request.path["id"], request.body)
    decided = await request.installation.approvals.decide(verdict, request.principal)
    return request.view.approval(decided).to_json()


async def decide_all(request: Request) -> Any:
    """Decide several; all are checked before the first is taken."""
    verdicts = [_verdict(item["approval"], item) for item in request.body["verdicts"]]
    decided = await request.installation.approvals.decide_all(verdicts, request.principal)
    view = request.view
    return {"items": [view.approval(approval).to_json() for approval in decided]}


async def delegate(request: Request) -> Any:
    """Let another person decide as well."""
    approval = await request.installation.approvals.delegate(request.path["id"], request.principal, request.body["to"])
    return request.view.approval(approval).to_json()


def _state(text: str) -> str:
    if text not in STATES:
        raise RequestInvalid("state names no state of an approval", fix=f"states: {', '.join(STATES)}", field="state")
    return text


def _verdict(approval: str, body: dict[str, Any]) -> Verdict:
    return Verdict(
        approval,
        body["verdict"] == "approve",
        body["consent"],
        comment=body.get("comment", ""),
        edited=body.get("input"),
    )


_STATE = Parameter(
    "state",
    "Only those in this state (default: pending).",
    {"enum": list(STATES)},
)
_ERRORS = ("approval_unknown", "approval_forbidden", "approval_closed", "consent_stale", "edit_refused")

ROUTES = (
    Route(
        "GET",
        "/v1/approvals",
        "list_approvals",
        "List what waits for a person",
        list_approvals,
        parameters=(*PAGING, _STATE),
        response="Page",
    ),
    Route(
        "GET",
        "/v1/approvals/{id}",
        "get_approval",
        "Look at an approval",
        get_approval,
        response="Approval",
        errors=("approval_unknown",),
    ),
    Route(
        "POST",
        "/v1/approvals/{id}/decide",
        "decide_approval",
        "Approve or reject, perhaps with edited arguments",
        decide,
        scope="approve",
        body=schemas.DECIDE,
        response="Approval",
        errors=(*_ERRORS, "input_invalid"),
    ),
    Route(
        "POST",
        "/v1/approvals/decide",
        "decide_approvals",
        "Decide several at once",
        decide_all,
        scope="approve",
        body=schemas.DECIDE_ALL,
        response="Page",
        errors=_ERRORS,
    ),
    Route(
        "POST",
        "/v1/approvals/{id}/delegate",
        "delegate_approval",
        "Let another person decide as well",
        delegate,
        scope="approve",
        body=schemas.DELEGATE,
        response="Approval",
        errors=_ERRORS[:3],
    ),
)
