"""Pages of escalations: what no model could answer, one with its whole story, and the person's answer."""

from __future__ import annotations

import json
from typing import Any

from interlock.experience.console.errors import FormInvalid
from interlock.experience.console.visit import Answer, Page, Redirect, Visit
from interlock.orchestration.escalations import Escalation, EscalationState
from interlock.values.errors import InterlockError

PAGE = 50
STATES = ("standing", *(state.value for state in EscalationState if state is not EscalationState.taken))
"""What the list can be narrowed to; by default to those that still can be answered."""


async def waiting(visit: Visit) -> Answer:
    """List escalations, by default those that wait for somebody."""
    state = visit.query.get("state", "standing")
    state = state if state in STATES else "standing"
    found = await visit.installation.escalations.page(
        visit.principal,
        state="" if state == "standing" else state,
        before=visit.query.get("before", ""),
        limit=PAGE,
    )
    rows = [_shown(visit, escalation) for escalation in found]
    values = {"title": "Questions", "state": state, "states": STATES, "rows": rows}
    return Page("escalations.html", {**values, "next": found[-1].id if len(found) == PAGE else ""})


async def look(visit: Visit) -> Answer:
    """Show one with everything that was asked, seen, tried and proposed."""
    return await _page(visit)


async def take(visit: Visit) -> Answer:
    """Take it, so that nobody else works on it."""
    try:
        await visit.installation.escalations.take(visit.path["id"], visit.principal)
    except InterlockError as error:
        return await _page(visit, problem=error)
    return Redirect(f"escalations/{visit.path['id']}")


async def give_back(visit: Visit) -> Answer:
    """Let others take it."""
    comment = visit.form.get("comment", "").replace("\r\n", "\n").strip()
    try:
        await visit.installation.escalations.give_back(visit.path["id"], visit.principal, comment)
    except InterlockError as error:
        return await _page(visit, problem=error)
    return Redirect("escalations")


async def answer(visit: Visit) -> Answer:
    """Answer it; what waited for the answer goes on with it."""
    try:
        escalation = await visit.installation.escalations.get(visit.path["id"], visit.principal)
        given = _given(escalation, visit.form.get("answer", "").replace("\r\n", "\n").strip())
        await visit.installation.escalations.answer(escalation.id, visit.principal, given)
    except InterlockError as error:
        return await _page(visit, problem=error, written=visit.form.get("answer", ""))
    return Redirect(f"escalations/{visit.path['id']}")


async def close(visit: Visit) -> Answer:
    """End it without an answer."""
    comment = visit.form.get("comment", "").replace("\r\n", "\n").strip()
    try:
        if not comment:
            raise FormInvalid("say why it needs no answer", fix="write a reason", field="comment")
        await visit.installation.escalations.close(visit.path["id"], visit.principal, comment)
    except InterlockError as error:
        return await _page(visit, problem=error)
    return Redirect(f"escalations/{visit.path['id']}")


async def _page(visit: Visit, *, problem: InterlockError | None = None, written: str = "") -> Page:
    escalation = await visit.installation.escalations.get(visit.path["id"], visit.principal)
    shown = _shown(visit, escalation)
    choices = _choices(escalation)
    suggestion = shown.get("suggestion")
    values = {
        "title": shown["words"],
        "escalation": shown,
        "problem": problem,
        "why_not": _hindrance(visit, escalation),
        "yours": escalation.taken_by == visit.principal.id,
        "choices": choices,
        "free": escalation.asked.schema is None,
        "written": written or json.dumps(suggestion or _blank(escalation), indent=2, ensure_ascii=False),
    }
    return Page("escalation.html", values, status=problem.status if problem else 200)


def _shown(visit: Visit, escalation: Escalation) -> dict[str, Any]:
    return escalation.to_json(cleared=visit.view.clearance.admits(escalation.asked.label))


def _hindrance(visit: Visit, escalation: Escalation) -> str:
    """Return why the person cannot answer, in words, or the empty string; answering itself checks again."""
    principal = visit.principal
    if escalation.state not in (EscalationState.open, EscalationState.taken):
        return f"It is {escalation.state.value}; there is nothing left to answer."
    if not principal.may("approve"):
        return "Your key does not cover answering."
    if not escalation.admits(principal):
        return f"It is for the role {' or '.join(escalation.roles)}."
    if not visit.view.clearance.admits(escalation.asked.label):
        return f"It is about data that is {escalation.asked.label}, which you are not cleared for."
    if escalation.taken_by not in ("", principal.id):
        return f"{escalation.taken_by} is working on it."
    return ""


def _choices(escalation: Escalation) -> list[str]:
    """Return the answers there are, where the form wanted is one choice among texts and nothing else."""
    schema = escalation.asked.schema or {}
    properties = schema.get("properties", {})
    if len(properties) != 1:
        return []
    (only,) = properties.values()
    found = only.get("enum", []) if isinstance(only, dict) else []
    return list(found) if all(isinstance(one, str) for one in found) else []


def _blank(escalation: Escalation) -> dict[str, Any]:
    """Return an answer with nothing in it, to be filled in."""
    empty: dict[str, Any] = {"array": [], "object": {}, "number": 0, "integer": 0, "boolean": False}
    properties = (escalation.asked.schema or {}).get("properties", {})
    return {name: empty.get(str(member.get("type")), "") for name, member in properties.items()}


def _given(escalation: Escalation, text: str) -> dict[str, Any]:
    """Return the answer that a form's *text* is. Raises `FormInvalid` for what cannot be one."""
    if not text:
        raise FormInvalid("there is no answer in the form", fix="write one", field="answer")
    if escalation.asked.schema is None:
        return {"text": text}
    if text in _choices(escalation):
        return {next(iter(escalation.asked.schema["properties"])): text}
    try:
        value = json.loads(text)
    except ValueError as error:
        raise FormInvalid("the answer is no JSON", fix="keep the form of what was suggested", field="answer") from error
    if not isinstance(value, dict):
        raise FormInvalid("the answer is no JSON object", fix="keep the form of what was suggested", field="answer")
    return value
