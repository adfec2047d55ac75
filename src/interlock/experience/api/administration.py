"""REST: the active project, kill switches, API keys, and asking an agent."""

from __future__ import annotations

from typing import Any

from interlock.experience.api import schemas
from interlock.experience.api.request import Request
from interlock.experience.api.routes import Route
from interlock.governance.credentials import KeyRequest
from interlock.governance.limits import SwitchScope, SwitchTarget
from interlock.values.principals import Kind

HOUR, DAY = 3600.0, 86_400.0


async def get_project(request: Request) -> Any:
    """Return the active version of the project, and why a newer one was not taken."""
    return request.installation.projects.status()


async def reload_project(request: Request) -> Any:
    """Take the project's files as they are now."""
    request.require_operator()
    await request.installation.projects.reload()
    return request.installation.projects.status()


async def list_switches(request: Request) -> Any:
    """List the kill switches that concern the caller's tenant."""
    switches = request.installation.switches
    await switches.refresh()
    return {"items": [switch.to_json() for switch in switches.all(request.principal.tenant)]}


async def set_switch(request: Request) -> Any:
    """Stop an agent, operation, system, tenant or the installation at once."""
    switch = await request.installation.switches.set(
        _switch(request), reason=request.body["reason"], by=request.principal
    )
    return switch.to_json()


async def clear_switch(request: Request) -> Any:
    """Let what was stopped go on."""
    await request.installation.switches.clear(_switch(request), by=request.principal)
    return {"cleared": True}


def _switch(request: Request) -> SwitchTarget:
    """Return what the body names; beyond the caller's own tenant only the operator reaches."""
    scope, everywhere = SwitchScope(request.body["scope"]), request.body.get("everywhere", False)
    target = request.body.get("target", "")
    if (
        scope is SwitchScope.installation
        or everywhere
        or (scope is SwitchScope.tenant and target != request.principal.tenant)
    ):
        request.require_operator()
    own = "" if scope in (SwitchScope.installation, SwitchScope.tenant) or everywhere else request.principal.tenant
    return SwitchTarget(scope, target, own)


async def create_key(request: Request) -> Any:
    """Create an API key; its text is in this answer and never shown again."""
    body, installation = request.body, request.installation
    days = body.get("days")
    wanted = KeyRequest(
        Kind(body["kind"]),
        body["id"],
        request.principal.tenant,
        frozenset(body.get("scopes", ("act",))),
        expires=installation.clock.now() + days * DAY if days else None,
        note=body.get("note", ""),
    )
    issued = await installation.keys.create(
        wanted, directory=installation.projects.current.directory, by=request.principal
    )
    return {**issued.key.to_json(), "text": issued.text.reveal()}


async def list_keys(request: Request) -> Any:
    """List the tenant's keys, without their text."""
    return {"items": [key.to_json() for key in await request.installation.keys.all(request.principal.tenant)]}


async def rotate_key(request: Request) -> Any:
    """Replace a key; the old one works on for the overlap."""
    issued = await request.installation.keys.rotate(
        request.path["id"],
        tenant=request.principal.tenant,
        by=request.principal,
        overlap=request.body.get("overlap_hours", 24.0) * HOUR,
    )
    return {**issued.key.to_json(), "text": issued.text.reveal()}


async def revoke_key(request: Request) -> Any:
    """Revoke a key at once."""
    tenant = request.principal.tenant
    await request.installation.keys.revoke(request.path["id"], tenant=tenant, by=request.principal)
    return {"id": request.path["id"], "revoked": True}


ROUTES = (
    Route("GET", "/v1/project", "get_project", "The active project", get_project, scope="read admin"),
    Route(
        "POST",
        "/v1/project/reload",
        "reload_project",
        "Take the project's files as they are now",
        reload_project,
        scope="admin",
        errors=("project_invalid",),
    ),
    Route(
        "GET",
        "/v1/switches",
        "list_switches",
        "Kill switches that are set",
        list_switches,
        scope="read admin",
        response="Page",
    ),
    Route(
        "POST",
        "/v1/switches",
        "set_switch",
        "Stop something at once",
        set_switch,
        scope="admin",
        body=schemas.SWITCH,
        status=201,
        errors=("switch_invalid",),
    ),
    Route(
        "POST",
        "/v1/switches/clear",
        "clear_switch",
        "Let something go on",
        clear_switch,
        scope="admin",
        body=schemas.CLEAR_SWITCH,
        errors=("switch_not_set", "switch_invalid"),
    ),
    Route(
        "POST",
        "/v1/keys",
        "create_key",
        "Create an API key",
        create_key,
        scope="admin",
        body=schemas.CREATE_KEY,
        status=201,
        errors=("key_invalid",),
    ),
    Route("GET", "/v1/keys", "list_keys", "List API keys", list_keys, scope="admin", response="Page"),
    Route(
        "POST",
        "/v1/keys/{id}/rotate",
        "rotate_key",
        "Replace a key, with overlap",
        rotate_key,
        scope="admin",
        body=schemas.ROTATE_KEY,
        errors=("key_not_found",),
    ),
    Route(
        "DELETE", "/v1/keys/{id}", "revoke_key", "Revoke a key", revoke_key, scope="admin", errors=("key_not_found",)
    ),
)
