"""REST: proposing actions, looking at them, confirming, cancelling, undoing, and what became of them."""

from __future__ import annotations

from typing import Any

from interlock.experience.api import schemas
from interlock.experience.api.errors import RequestInvalid
from interlock.experience.api.request import Request
from interlock.experience.api.routes import Parameter, Route
from interlock.experience.api.sessions import PAGING
from interlock.governance.gate import Snapshot, explain
from interlock.integration.systems import Answer
from interlock.orchestration.actions import Action, ActionUnknown, Proposal, trace
from interlock.values.actions import ActionState

LONGEST_KEY = 200


async def propose(request: Request) -> Any:
    """Propose an action; the answer is the action in the state it reached."""
    key = request.header(b"idempotency-key")
    if len(key) > LONGEST_KEY:
        raise RequestInvalid(f"Idempotency-Key may have at most {LONGEST_KEY} characters", field="Idempotency-Key")
    body = request.body
    proposal = Proposal(body["session"], body["operation"], body.get("input", {}), client_key=key)
    return request.view.action(await request.installation.actions.propose(request.principal, proposal)).to_json()


async def list_actions(request: Request) -> Any:
    """List actions, newest first."""
    limit = request.limit()
    found = await request.installation.actions.page(
        request.principal,
        states=_states(request.query.get("state", "")),
        session=request.query.get("session", ""),
        before=request.query.get("before", ""),
        limit=limit,
    )
    view = request.view
    page: dict[str, Any] = {"items": [view.action(action).to_json() for action in found]}
    if len(found) == limit:
        page["next"] = found[-1].id
    return page


async def get_action(request: Request) -> Any:
    """Return one action with the approvals it asked for."""
    action, view = await _action(request), request.view
    asked = await request.installation.actions.approvals(action, request.principal)
    approvals = [view.approval(one).to_json() if facts else one.standing() for one, facts in asked]
    return {**view.action(action).to_json(), "approvals": approvals}


async def confirm(request: Request) -> Any:
    """Confirm one's own action, bound to the consent that was shown."""
    action = await request.installation.waiting.confirm(
        request.path["id"], request.principal, consent=request.body["consent"]
    )
    return request.view.action(action).to_json()


async def cancel(request: Request) -> Any:
    """Withdraw an action that waits."""
    action = await request.installation.actions.cancel(request.path["id"], request.principal)
    return request.view.action(action).to_json()


async def undo(request: Request) -> Any:
    """Propose the declared undo of a succeeded action."""
    action = await request.installation.actions.undo(
        request.path["id"], request.principal, session=request.body.get("session", "")
    )
    return request.view.action(action).to_json()


async def report(request: Request) -> Any:
    """Report the result of an action that the caller executed itself."""
    body = request.body
    answer = Answer(body["status"], output=body.get("output"), problem=body.get("problem"))
    action = await request.installation.actions.report(request.path["id"], request.principal, answer)
    return request.view.action(action).to_json()


async def resolve(request: Request) -> Any:
    """Say what became of an action in doubt."""
    action = await request.installation.actions.resolve(
        request.path["id"],
        request.principal,
        succeeded=request.body["outcome"] == "succeeded",
        comment=request.body["comment"],
    )
    return request.view.action(action).to_json()


async def settle(request: Request) -> Any:
    """Try to find out now what an action in doubt did."""
    action = await request.installation.settlement.settle(await _action(request))
    return request.view.action(action).to_json()


async def trace_action(request: Request) -> Any:
    """Answer the five questions for one action from the journal."""
    action = await _action(request)
    records = await request.installation.journal.show(action.id, tenant=request.principal.tenant)
    return trace(request.view.records(records))


async def explain_action(request: Request) -> Any:
    """Explain an action's last decision: which policies fired, what each saw, what would have changed it."""
    action = await _action(request)
    records = await request.installation.journal.show(action.id, tenant=request.principal.tenant)
    stored = next((r.fields["snapshot"] for r in reversed(records) if r.fields.get("snapshot")), None)
    if stored is None:
        raise ActionUnknown("the action's snapshot was erased, so its decision cannot be explained")
    shown, policies = request.view.snapshot(stored), request.installation.projects.current.policies
    return explain(Snapshot.from_json(stored), policies, shown=shown).to_json()


async def _action(request: Request) -> Action:
    return await request.installation.actions.get(request.path["id"], request.principal)


def _states(text: str) -> list[ActionState]:
    try:
        return [ActionState(word) for word in text.split(",") if word]
    except ValueError as error:
        known = ", ".join(state.value for state in ActionState)
        raise RequestInvalid("state names no state of an action", fix=f"states: {known}", field="state") from error


_ONE = ("action_unknown",)
_CHANGES = ("action_unknown", "action_forbidden", "action_state_invalid")

ROUTES = (
    Route(
        "POST",
        "/v1/actions",
        "propose_action",
        "Propose an action",
        propose,
        scope="act",
        body=schemas.PROPOSE,
        parameters=(Parameter("Idempotency-Key", "Makes a repeated proposal the same action.", where="header"),),
        response="Action",
        errors=(
            "session_unknown",
            "session_closed",
            "operation_unknown",
            "input_invalid",
            "idempotency_key_reused",
        ),
    ),
    Route(
        "GET",
        "/v1/actions",
        "list_actions",
        "List actions, newest first",
        list_actions,
        parameters=(
            *PAGING,
            Parameter("state", "States, separated by commas."),
            Parameter("session", "Only actions of this session."),
        ),
        response="Page",
        errors=("action_forbidden", "session_unknown"),
    ),
    Route("GET", "/v1/actions/{id}", "get_action", "Look at an action", get_action, response="Action", errors=_ONE),
    Route(
        "POST",
        "/v1/actions/{id}/confirm",
        "confirm_action",
        "Confirm one's own waiting action",
        confirm,
        scope="act",
        body=schemas.CONFIRM,
        response="Action",
        errors=(*_CHANGES, "consent_stale", "session_unknown", "session_closed"),
    ),
    Route(
        "POST",
        "/v1/actions/{id}/cancel",
        "cancel_action",
        "Withdraw a waiting action",
        cancel,
        scope="act",
        response="Action",
        errors=_CHANGES,
    ),
    Route(
        "POST",
        "/v1/actions/{id}/undo",
        "undo_action",
        "Undo a succeeded action, as an action of its own",
        undo,
        scope="act",
        body=schemas.UNDO,
        response="Action",
        errors=("action_unknown", "nothing_to_undo", "session_unknown", "session_closed", "idempotency_key_reused"),
    ),
    Route(
        "POST",
        "/v1/actions/{id}/result",
        "report_result",
        "Report the result of an action executed by the caller",
        report,
        scope="act",
        body=schemas.RESULT,
        response="Action",
        errors=_CHANGES,
    ),
    Route(
        "POST",
        "/v1/actions/{id}/resolve",
        "resolve_action",
        "Say what became of an action in doubt",
        resolve,
        scope="approve",
        body=schemas.RESOLVE,
        response="Action",
        errors=_CHANGES,
    ),
    Route(
        "POST",
        "/v1/actions/{id}/settle",
        "settle_action",
        "Try now to find out what an action in doubt did",
        settle,
        scope="approve admin",
        response="Action",
        errors=_ONE,
    ),
    Route(
        "GET",
        "/v1/actions/{id}/trace",
        "trace_action",
        "Answer the five questions",
        trace_action,
        scope="read admin",
        errors=_ONE,
    ),
    Route(
        "GET",
        "/v1/actions/{id}/explain",
        "explain_action",
        "Explain an action's decision",
        explain_action,
        scope="read admin",
        errors=_ONE,
    ),
)
