"""REST: what models took and cost, and what budgets stand at."""

from __future__ import annotations

from typing import Any

from interlock.experience.api.request import Request
from interlock.experience.api.routes import Parameter, Route
from interlock.foundation.clock import parse_rfc3339, rfc3339
from interlock.governance.budgets import Period
from interlock.intelligence.usage import GROUPS, UsageQuery, UsageQueryInvalid

_PARAMETERS = (
    Parameter("by", f"What to group by, separated by commas: {', '.join(GROUPS)}."),
    Parameter("period", "The current hour, day or month (UTC), or total; not with since.", {"enum": list(Period)}),
    Parameter("since", "Only calls from this moment on (RFC 3339)."),
    Parameter("until", "Only calls before this moment (RFC 3339)."),
    Parameter("everywhere", "`true` for all tenants; for an administrator of the first one.", {"type": "boolean"}),
)


async def get_usage(request: Request) -> Any:
    """Return tokens and cost of the tenant's model calls, grouped."""
    query, now = request.query, request.installation.clock.now()
    by = tuple(name for name in query.get("by", "").split(",") if name)
    since, until = _since(query.get("period", ""), query.get("since", ""), now), _moment(query.get("until", ""), now)
    asked = UsageQuery(by, _tenant(request), since, until + (1e-6 if not query.get("until") else 0.0))
    prices = request.installation.projects.current.prices
    return {
        "items": await request.installation.usage.report(asked),
        "since": rfc3339(since),
        "until": rfc3339(until),
        "prices": {"source": prices.source, "date": prices.date, "currency": prices.currency},
    }


async def list_budgets(request: Request) -> Any:
    """Return what the tenant's budgets stand at in their current periods."""
    return {"items": await request.installation.ledger.pots(tenant=_tenant(request))}


def _tenant(request: Request) -> str:
    """Return the caller's tenant, or none where every tenant is asked for by who runs the place."""
    if request.query.get("everywhere", "") != "true":
        return request.principal.tenant
    request.require_operator()
    return ""


def _since(period: str, since: str, now: float) -> float:
    if not period:
        return _moment(since, 0.0)
    if since or period not in set(Period):
        fix = f"give `since`, or a period of {', '.join(Period)}"
        raise UsageQueryInvalid("the time that is asked for is not clear", fix=fix)
    return Period(period).begin(now)


def _moment(text: str, otherwise: float) -> float:
    if not text:
        return otherwise
    try:
        return parse_rfc3339(text)
    except ValueError as error:
        raise UsageQueryInvalid("a moment cannot be read", fix="write it like 2026-05-13T00:00:00Z") from error


ROUTES = (
    Route(
        "GET",
        "/v1/usage",
        "get_usage",
        "What models took and cost",
        get_usage,
        scope="read admin",
        parameters=_PARAMETERS,
        errors=("usage_query_invalid",),
    ),
    Route(
        "GET",
        "/v1/budgets",
        "list_budgets",
        "What budgets stand at",
        list_budgets,
        scope="read admin",
        parameters=(_PARAMETERS[-1],),
        response="Page",
    ),
)
