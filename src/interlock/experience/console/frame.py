"""What stands around every page: who is signed in, which project this is, how much waits."""

from __future__ import annotations

from typing import Any

from interlock.experience.installation import Installation
from interlock.orchestration.approvals import Approval
from interlock.values.actions import ActionState
from interlock.values.principals import Principal

COUNTED = 100


async def frame(installation: Installation, principal: Principal | None) -> dict[str, Any]:
    """Return the values that every template may use."""
    project = installation.projects.current
    around: dict[str, Any] = {
        "project": project.settings.name,
        "now": installation.clock.now(),
        "people": {person: known.name for person, known in project.settings.people.items()},
        "rejected": installation.projects.rejected is not None,
        "visitor": None,
        "waiting": 0,
        "questions": 0,
        "doubts": 0,
    }
    if principal is None:
        return around
    pending = await installation.approvals.page(principal, state="pending", limit=COUNTED)
    around["visitor"] = {"id": principal.id, "name": person_name(installation, principal.id)}
    around["waiting"] = sum(decidable(approval, principal) for approval in pending)
    asked = await installation.escalations.page(principal, limit=COUNTED)
    around["questions"] = sum(one.admits(principal) and one.taken_by in ("", principal.id) for one in asked)
    if sees_all(principal):
        found = await installation.actions.page(principal, states=[ActionState.in_doubt], limit=COUNTED)
        around["doubts"] = len(found)
    return around


def sees_all(principal: Principal) -> bool:
    """Return whether the credential covers other people's actions."""
    return principal.may("read") or principal.may("admin")


def decidable(approval: Approval, principal: Principal) -> bool:
    """Return whether an approval is this person's to decide; deciding itself checks again."""
    return principal.may("approve") and not hindrance(approval, principal)


def hindrance(approval: Approval, principal: Principal) -> str:
    """Return why a person may not decide an approval, in words, or the empty string."""
    if approval.state.value != "pending":
        return f"It is {approval.state.value}; there is nothing left to decide."
    if not principal.may("approve"):
        return "Your key does not cover approving."
    if principal.id in approval.barred:
        return "You asked for this yourself, so somebody else decides."
    if approval.decided_by(principal.id):
        return "You have decided; it waits for others."
    if not approval.admits(principal):
        return f"It is for the role {' or '.join(approval.roles)}."
    return ""


def person_name(installation: Installation, person: str) -> str:
    """Return the name the project gives a person, or the id."""
    known = installation.projects.current.settings.people.get(person)
    return known.name if known is not None else person
