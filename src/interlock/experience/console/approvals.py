"""Pages of approvals: what waits, one with everything needed to judge it, and the person's decision."""

from __future__ import annotations

import json
from typing import Any

from interlock.experience.console.editing import EditField, edit_fields, edited
from interlock.experience.console.errors import FormInvalid
from interlock.experience.console.frame import decidable, hindrance, person_name, sees_all
from interlock.experience.console.visit import Answer, Page, Redirect, Visit
from interlock.experience.words import origin_mark
from interlock.orchestration.approvals import Approval, ApprovalState, ConsentStale, Verdict
from interlock.values.errors import InterlockError

PAGE = 50
STATES = tuple(state.value for state in ApprovalState)


async def waiting(visit: Visit) -> Answer:
    """List approvals, by default those that wait."""
    state = visit.query.get("state", "pending")
    state = state if state in STATES else "pending"
    found = await visit.installation.approvals.page(
        visit.principal, state=state, before=visit.query.get("before", ""), limit=PAGE
    )
    view = visit.view
    rows = [_row(visit, view.approval(approval)) for approval in found]
    values = {"title": "Approvals", "state": state, "states": STATES, "rows": rows}
    return Page("approvals.html", {**values, "next": found[-1].id if len(found) == PAGE else ""})


async def judge(visit: Visit) -> Answer:
    """Show one approval with everything needed to judge it."""
    approval = await _approval(visit)
    return await _page(visit, approval)


async def decide(visit: Visit) -> Answer:
    """Take the person's decision; what they were shown is what they decide on, or nothing is decided."""
    form = visit.form
    verdict = form.get("verdict", "")
    if verdict not in ("approve", "reject"):
        raise FormInvalid("the form holds no decision", fix="use one of its buttons", field="verdict")
    wanted = Verdict(
        visit.path["id"],
        verdict == "approve",
        form.get("consent", ""),
        comment=form.get("comment", "").replace("\r\n", "\n").strip(),
        edited=_sealed_edit(form.get("edited", "")) if verdict == "approve" else None,
    )
    try:
        decided = await visit.installation.approvals.decide(wanted, visit.principal)
    except InterlockError as error:
        return await _refused(visit, error)
    return Redirect(f"approvals/{decided.id}")


async def review(visit: Visit) -> Answer:
    """Show what an edit would change, before it is decided; nothing happens yet."""
    approval = await _approval(visit)
    before = approval.shown.get("input", {})
    try:
        after = edited(visit.form, before, _schema(visit, approval))
        if after == before:
            raise FormInvalid("no argument was changed", fix="change one, or approve the action as it is")
    except FormInvalid as error:
        return await _page(visit, approval, problem=error)
    names = list(dict.fromkeys([*before, *after]))
    changes = [{"name": name, "changed": before.get(name) != after.get(name)} for name in names]
    values = {
        "title": "Check your changes",
        "approval": approval.to_json(),
        "heading": _heading(visit, approval),
        "before": before,
        "after": after,
        "changes": changes,
        "edited": json.dumps(after),
        "comment": visit.form.get("comment", ""),
    }
    return Page("review.html", values)


async def delegate(visit: Visit) -> Answer:
    """Let another person decide as well."""
    to = visit.form.get("to", "")
    try:
        await visit.installation.approvals.delegate(visit.path["id"], visit.principal, to)
    except InterlockError as error:
        return await _refused(visit, error)
    return Redirect(f"approvals/{visit.path['id']}")


async def _refused(visit: Visit, error: InterlockError) -> Answer:
    """Show the approval as it is now, with the reason why nothing was done; a refusal is no dead end."""
    approval = await _approval(visit)
    successor = ""
    if isinstance(error, ConsentStale) or approval.state is ApprovalState.void:
        asked = await visit.installation.approvals.of_action(approval.action)
        standing = [one.id for one in asked if decidable(one, visit.principal)]
        successor = standing[-1] if standing else ""
    return await _page(visit, approval, problem=error, successor=successor)


async def _approval(visit: Visit) -> Approval:
    """Return the approval as this person may see it: what is hidden from them is masked, and stays as it is."""
    return visit.view.approval(await visit.installation.approvals.get(visit.path["id"], visit.principal))


async def _page(
    visit: Visit, approval: Approval, *, problem: InterlockError | None = None, successor: str = ""
) -> Page:
    shown = approval.shown
    why_not = hindrance(approval, visit.principal)
    values = {
        "title": _heading(visit, approval),
        "heading": _heading(visit, approval),
        "approval": approval.to_json(),
        "shown": shown,
        "arguments": _arguments(shown),
        "hindrance": why_not,
        "fields": [] if why_not else _fields(visit, approval),
        "colleagues": [] if why_not else _colleagues(visit, approval),
        "names": {one["by"]: person_name(visit.installation, one["by"]) for one in approval.decisions},
        "action": await _action_state(visit, approval),
        "effect": _effect(visit, approval),
        "problem": problem,
        "successor": successor,
    }
    return Page("approval.html", values, problem.status if problem is not None else 200)


async def _action_state(visit: Visit, approval: Approval) -> dict[str, Any] | None:
    """Return what became of the action, where this person may see it."""
    if not sees_all(visit.principal):
        return None
    return visit.view.action(await visit.installation.actions.get(approval.action, visit.principal)).to_json()


def _row(visit: Visit, approval: Approval) -> dict[str, Any]:
    origins = approval.shown.get("origins", {})
    marks = {origin_mark(origin) for origin in origins.values()}
    return {
        **approval.to_json(),
        "heading": _heading(visit, approval),
        "yours": decidable(approval, visit.principal),
        "untrusted": "untrusted" in marks,
    }


def _arguments(shown: dict[str, Any]) -> list[dict[str, Any]]:
    origins = shown.get("origins", {})
    return [
        {"name": name, "value": value, "origin": origins.get(name)} for name, value in shown.get("input", {}).items()
    ]


def _heading(visit: Visit, approval: Approval) -> str:
    """Return what the operation does, as its declaration says it, or its name."""
    name = str(approval.shown.get("operation", ""))
    compiled = visit.installation.projects.current.catalog.operations.get(name)
    text = compiled.operation.description.strip().split("\n")[0].rstrip(".") if compiled is not None else ""
    return text or name


def _effect(visit: Visit, approval: Approval) -> str:
    compiled = visit.installation.projects.current.catalog.operations.get(str(approval.shown.get("operation", "")))
    return compiled.operation.effect.value if compiled is not None else ""


def _schema(visit: Visit, approval: Approval) -> dict[str, Any]:
    compiled = visit.installation.projects.current.catalog.operations.get(str(approval.shown.get("operation", "")))
    return dict(compiled.operation.input_schema) if compiled is not None else {}


def _fields(visit: Visit, approval: Approval) -> list[EditField]:
    fields = edit_fields(approval.shown.get("input", {}), _schema(visit, approval))
    given = {name.removeprefix("input."): text for name, text in visit.form.items() if name.startswith("input.")}
    return [
        EditField(one.name, one.kind, given.get(one.name, one.text), one.required, one.choices, one.description)
        for one in fields
    ]


def _colleagues(visit: Visit, approval: Approval) -> list[dict[str, str]]:
    """Return the people of the tenant who could decide instead: not who asked, not who is asked already."""
    people = visit.installation.projects.current.settings.people
    out = {visit.principal.id, *approval.barred, *approval.delegates}
    return [
        {"id": person, "name": known.name}
        for person, known in people.items()
        if person not in out and known.tenant == approval.tenant and not known.roles.intersection(approval.roles)
    ]


def _sealed_edit(text: str) -> dict[str, Any] | None:
    if not text:
        return None
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise FormInvalid("the changed arguments cannot be read", fix="open the approval again", field="edited")
    return value
