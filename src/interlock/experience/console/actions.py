"""Pages of actions: the list, one action's five questions, why it was decided so, and what is in doubt."""

from __future__ import annotations

from typing import Any

from interlock.experience.api.actions import explain_action, trace_action
from interlock.experience.console.errors import FormInvalid
from interlock.experience.console.visit import Answer, Page, Redirect, Visit
from interlock.governance.credentials import demand_scope
from interlock.orchestration.actions import Action
from interlock.values.actions import ActionState
from interlock.values.errors import InterlockError

PAGE = 50
STATES = tuple(state.value for state in ActionState)


async def listed(visit: Visit) -> Answer:
    """List actions, newest first, perhaps only of one state or session."""
    state = visit.query.get("state", "")
    session = visit.query.get("session", "").strip()
    found = await visit.installation.actions.page(
        visit.principal,
        states=[ActionState(state)] if state in STATES else [],
        session=session,
        before=visit.query.get("before", ""),
        limit=PAGE,
    )
    values = {"title": "Actions", "state": state, "states": STATES, "session": session}
    view = visit.view
    rows = [view.action(action).to_json() for action in found]
    return Page("actions.html", {**values, "rows": rows, "next": found[-1].id if len(found) == PAGE else ""})


async def trace(visit: Visit) -> Answer:
    """Answer the five questions about one action."""
    return await _page(visit, await _action(visit))


async def explanation(visit: Visit) -> Answer:
    """Show what every policy saw, and what would have changed the answer."""
    action = await _action(visit)
    explained = await explain_action(visit.as_request())
    title, shown = f"Why {action.operation} was decided so", visit.view.action(action).to_json()
    values = {"title": title, "action": shown, "explained": explained}
    return Page("explanation.html", values)


async def confirm(visit: Visit) -> Answer:
    """Take the confirmation of the session's own person, bound to what the page showed."""
    try:
        await visit.installation.waiting.confirm(
            visit.path["id"], visit.principal, consent=visit.form.get("consent", "")
        )
    except InterlockError as error:
        return await _page(visit, await _action(visit), problem=error)
    return _back(visit)


async def cancel(visit: Visit) -> Answer:
    """Withdraw a waiting action."""
    try:
        await visit.installation.actions.cancel(visit.path["id"], visit.principal)
    except InterlockError as error:
        return await _page(visit, await _action(visit), problem=error)
    return _back(visit)


async def doubts(visit: Visit) -> Answer:
    """List the actions of which nobody knows yet what they did: work for a person."""
    found = await visit.installation.actions.page(visit.principal, states=[ActionState.in_doubt], limit=PAGE)
    view, can_settle = visit.view, visit.installation.settlement.can_settle
    rows = [{**view.action(action).to_json(), "by_itself": can_settle(action)} for action in found]
    return Page("doubts.html", {"title": "In doubt", "rows": rows, "may_approve": visit.principal.may("approve")})


async def settle(visit: Visit) -> Answer:
    """Try now to find out what an action in doubt did."""
    if not visit.principal.may("admin"):
        demand_scope(visit.principal, "approve")
    await visit.installation.settlement.settle(await _action(visit))
    return _back(visit)


async def resolve(visit: Visit) -> Answer:
    """Close an action in doubt by the person's own finding."""
    outcome, comment = visit.form.get("outcome", ""), visit.form.get("comment", "").strip()
    if outcome not in ("succeeded", "failed") or not comment:
        raise FormInvalid("say what you found and how you know", fix="choose an outcome and write a comment")
    await visit.installation.actions.resolve(
        visit.path["id"], visit.principal, succeeded=outcome == "succeeded", comment=comment
    )
    return _back(visit)


async def _page(visit: Visit, action: Action, *, problem: InterlockError | None = None) -> Page:
    session = await visit.installation.sessions.get(action.session)
    own = session is not None and session.is_person(visit.principal)
    view, approvals = visit.view, await visit.installation.approvals.of_action(action.id)
    values: dict[str, Any] = {
        "title": action.operation,
        "action": view.action(action).to_json(),
        "trace": await trace_action(visit.as_request()),
        "approvals": [view.approval(approval).to_json() for approval in approvals],
        "planned": session.document()["plan"] if session is not None else None,
        "confirmable": own and any(one.kind == "confirm" for one in action.unmet()),
        "by_itself": visit.installation.settlement.can_settle(action),
        "may_approve": visit.principal.may("approve"),
        "problem": problem,
    }
    return Page("action.html", values, problem.status if problem is not None else 200)


async def _action(visit: Visit) -> Action:
    return await visit.installation.actions.get(visit.path["id"], visit.principal)


def _back(visit: Visit) -> Redirect:
    return Redirect(f"actions/{visit.path['id']}")
