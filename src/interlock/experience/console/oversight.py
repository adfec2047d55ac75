"""Pages of oversight: the kill switches, and the project that is active."""

from __future__ import annotations

from interlock.experience.api.administration import clear_switch as clear_through_api
from interlock.experience.api.administration import set_switch as set_through_api
from interlock.experience.console.errors import FormInvalid
from interlock.experience.console.visit import Answer, Page, Redirect, Visit
from interlock.governance.credentials import demand_scope
from interlock.governance.limits import SwitchScope

SCOPES = tuple(scope.value for scope in SwitchScope)


async def switches(visit: Visit) -> Answer:
    """List the kill switches that concern the person's tenant."""
    _demand_sight(visit)
    await visit.installation.switches.refresh()
    found = [switch.to_json() for switch in visit.installation.switches.all(visit.principal.tenant)]
    project = visit.installation.projects.current
    values = {
        "title": "Kill switches",
        "rows": found,
        "scopes": SCOPES,
        "may_admin": visit.principal.may("admin"),
        "targets": sorted([*project.agents, *project.catalog.systems, *project.catalog.operations]),
    }
    return Page("switches.html", values)


async def set_switch(visit: Visit) -> Answer:
    """Stop something at once."""
    demand_scope(visit.principal, "admin")
    scope, reason = visit.form.get("scope", ""), visit.form.get("reason", "").strip()
    if scope not in SCOPES or not reason:
        raise FormInvalid("say what is to be stopped, and why", fix="choose what, and write a reason")
    request = visit.as_request()
    request.body = {"scope": scope, "target": visit.form.get("target", "").strip(), "reason": reason}
    await set_through_api(request)
    return Redirect("switches")


async def clear_switch(visit: Visit) -> Answer:
    """Let what was stopped go on."""
    demand_scope(visit.principal, "admin")
    scope = visit.form.get("scope", "")
    if scope not in SCOPES:
        raise FormInvalid("the form names no switch", fix="open the list again")
    everywhere = scope not in ("tenant", "installation") and not visit.form.get("tenant", "")
    request = visit.as_request()
    request.body = {"scope": scope, "target": visit.form.get("target", ""), "everywhere": everywhere}
    await clear_through_api(request)
    return Redirect("switches")


async def project(visit: Visit) -> Answer:
    """Show the active version, since when, its systems' health, and why a newer one was not taken."""
    _demand_sight(visit)
    status = visit.installation.projects.status()
    health = visit.installation.systems.health()
    return Page("project.html", {"title": "Project", "status": status, "health": health})


def _demand_sight(visit: Visit) -> None:
    if not visit.principal.may("admin"):
        demand_scope(visit.principal, "read")
