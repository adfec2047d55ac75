"""REST: reading the journal, and having it verified."""

from __future__ import annotations

from typing import Any

from interlock.experience.api.request import Request
from interlock.experience.api.routes import Parameter, Route
from interlock.experience.api.sessions import PAGING
from interlock.governance.journal import Search

_FILTERS = {
    "kind": "Only records of this kind, such as action.denied.",
    "actor": "Only records of this actor, such as agent:support.",
    "subject": "Only records about this.",
    "session": "Only records of this session.",
    "since": "Only records from this moment on (RFC 3339).",
    "until": "Only records before this moment (RFC 3339).",
    "text": "Only records that hold this text.",
}


async def search_journal(request: Request) -> Any:
    """Search the tenant's records, newest first."""
    search = Search(**{name: request.query[name] for name in _FILTERS if name in request.query})
    page = await request.installation.journal.search(
        search, tenant=request.principal.tenant, limit=request.limit(), cursor=request.query.get("before", "")
    )
    records = request.view.records(page.records)
    found: dict[str, Any] = {"items": [record.to_json() for record in records]}
    return {**found, "next": page.cursor} if page.cursor else found


async def show(request: Request) -> Any:
    """Return every record about one subject, oldest first."""
    records = await request.installation.journal.show(request.path["subject"], tenant=request.principal.tenant)
    return {"items": [record.to_json() for record in request.view.records(records)]}


async def verify(request: Request) -> Any:
    """Verify every chain, checkpoint and payload; names the first bad record."""
    request.require_operator()
    return (await request.installation.journal.verify()).to_json()


ROUTES = (
    Route(
        "GET",
        "/v1/journal",
        "search_journal",
        "Search the journal",
        search_journal,
        scope="read admin",
        parameters=(*PAGING, *(Parameter(name, meaning) for name, meaning in _FILTERS.items())),
        response="Page",
        errors=("journal_search_invalid",),
    ),
    Route(
        "GET",
        "/v1/journal/{subject}",
        "show_journal",
        "Every record about one action or session",
        show,
        scope="read admin",
        response="Page",
    ),
    Route("POST", "/v1/journal/verify", "verify_journal", "Verify the journal", verify, scope="read admin"),
)
