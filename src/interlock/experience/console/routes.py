"""The console's pages and forms by path."""

from __future__ import annotations

from interlock.experience.api.errors import MethodNotAllowed, NotFound
from interlock.experience.console import actions, approvals, escalations, oversight
from interlock.experience.console.visit import PageFunction

ROUTES: dict[str, dict[str, PageFunction]] = {
    "approvals": {"GET": approvals.waiting},
    "approvals/{id}": {"GET": approvals.judge},
    "approvals/{id}/decide": {"POST": approvals.decide},
    "approvals/{id}/review": {"POST": approvals.review},
    "approvals/{id}/delegate": {"POST": approvals.delegate},
    "escalations": {"GET": escalations.waiting},
    "escalations/{id}": {"GET": escalations.look},
    "escalations/{id}/take": {"POST": escalations.take},
    "escalations/{id}/return": {"POST": escalations.give_back},
    "escalations/{id}/answer": {"POST": escalations.answer},
    "escalations/{id}/close": {"POST": escalations.close},
    "actions": {"GET": actions.listed},
    "actions/{id}": {"GET": actions.trace},
    "actions/{id}/explanation": {"GET": actions.explanation},
    "actions/{id}/confirm": {"POST": actions.confirm},
    "actions/{id}/cancel": {"POST": actions.cancel},
    "actions/{id}/settle": {"POST": actions.settle},
    "actions/{id}/resolve": {"POST": actions.resolve},
    "doubts": {"GET": actions.doubts},
    "switches": {"GET": oversight.switches},
    "switches/set": {"POST": oversight.set_switch},
    "switches/clear": {"POST": oversight.clear_switch},
    "project": {"GET": oversight.project},
}


def find(method: str, path: str) -> tuple[PageFunction, dict[str, str]]:
    """Return the view of a path below `/console/`. Raises `NotFound` and `MethodNotAllowed`."""
    segments = path.split("/")
    parameters: dict[str, str] = {}
    views = ROUTES.get(path)
    if views is None and len(segments) > 1:
        parameters = {"id": segments[1]}
        views = ROUTES.get("/".join([segments[0], "{id}", *segments[2:]]))
    if views is None:
        raise NotFound("there is no such page", fix="start from the list of approvals")
    view = views.get("GET" if method == "HEAD" else method)
    if view is None:
        raise MethodNotAllowed(f"this takes {', '.join(views)}", allow=", ".join(views))
    return view, parameters
