"""REST: what starts agents' work without a caller, and what it started."""

from __future__ import annotations

from typing import Any

from interlock.experience.api.request import Request
from interlock.experience.api.routes import Route
from interlock.experience.api.sessions import PAGING


async def list_triggers(request: Request) -> Any:
    """List the triggers of the project."""
    return {"items": [spec.to_json() for spec in request.installation.launcher.specs()]}


async def list_trigger_runs(request: Request) -> Any:
    """List what a trigger started in the caller's tenant, newest first."""
    limit = request.limit()
    found = await request.installation.launcher.page(
        request.principal, request.path["trigger"], before=request.query.get("before", ""), limit=limit
    )
    page: dict[str, Any] = {"items": [run.to_json() for run in found]}
    if len(found) == limit:
        page["next"] = found[-1].id
    return page


ROUTES = (
    Route("GET", "/v1/triggers", "list_triggers", "List the triggers", list_triggers, response="Page"),
    Route(
        "GET",
        "/v1/triggers/{trigger}/runs",
        "list_trigger_runs",
        "List what a trigger started, newest first",
        list_trigger_runs,
        scope="read",
        parameters=PAGING,
        response="Page",
        errors=("trigger_unknown",),
    ),
)
