"""REST: the operations a caller may use, the systems behind them, and their accepted definitions."""

from __future__ import annotations

from typing import Any

from interlock.experience.api.request import Request
from interlock.experience.api.routes import Route
from interlock.experience.tools import describe, permitted
from interlock.integration.systems import OperationUnknown


async def list_operations(request: Request) -> Any:
    """List the operations that the caller's policies can allow."""
    project, view = request.installation.projects.current, request.view
    return {"items": [describe(compiled, view) for compiled in permitted(project, request.principal)]}


async def get_operation(request: Request) -> Any:
    """Return one operation's contract."""
    found = permitted(request.installation.projects.current, request.principal)
    for compiled in found:
        if compiled.operation.id == request.path["id"]:
            return describe(compiled, request.view)
    raise OperationUnknown(request.path["id"], (compiled.operation.id for compiled in found))


async def list_systems(request: Request) -> Any:
    """Return the health of every system."""
    return {"items": request.installation.systems.health()}


async def drift(request: Request) -> Any:
    """Compare a system's live definitions with the accepted ones."""
    differences = await request.installation.systems.drift(request.path["id"])
    return {"items": [difference.to_json() for difference in differences]}


async def list_pins(request: Request) -> Any:
    """List operations that are held back because their definition changed, with the difference.

    Those with `found` wait to be accepted; those with `live` are offered differently by the live system, and go on
    when it offers again what the project has, or when the project's pinned file is changed.
    """
    pins = request.installation.pins
    live = [
        {"operation": name, "live": True, "differences": [difference.to_json() for difference in changed]}
        for name, changed in sorted(pins.drifted().items())
    ]
    return {"items": [*(pin.to_json() for pin in pins.quarantined()), *live]}


async def accept_pin(request: Request) -> Any:
    """Accept an operation's changed definition."""
    request.require_operator()
    await request.installation.pins.accept(request.path["id"], by=request.principal)
    return {"operation": request.path["id"], "accepted": True}


ROUTES = (
    Route(
        "GET",
        "/v1/operations",
        "list_operations",
        "The operations the caller may use",
        list_operations,
        response="Page",
    ),
    Route(
        "GET",
        "/v1/operations/{id}",
        "get_operation",
        "One operation's contract",
        get_operation,
        errors=("operation_unknown",),
    ),
    Route(
        "GET",
        "/v1/systems",
        "list_systems",
        "Health of every system",
        list_systems,
        scope="read admin",
        response="Page",
    ),
    Route(
        "GET",
        "/v1/systems/{id}/drift",
        "system_drift",
        "Live definitions beside accepted ones",
        drift,
        scope="read admin",
        response="Page",
        errors=("system_unknown", "system_unreachable"),
    ),
    Route(
        "GET",
        "/v1/pins",
        "list_pins",
        "Changed definitions in quarantine",
        list_pins,
        scope="read admin",
        response="Page",
    ),
    Route(
        "POST",
        "/v1/pins/{id}/accept",
        "accept_pin",
        "Accept a changed definition",
        accept_pin,
        scope="admin",
        errors=("not_quarantined",),
    ),
)
