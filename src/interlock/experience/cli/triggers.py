"""`interlock triggers`: what starts agents' work without a caller, and what it started."""

from __future__ import annotations

import argparse
from typing import Any

from interlock.experience.cli.client import connect, segment
from interlock.experience.cli.command import OK
from interlock.experience.cli.output import note, show, table
from interlock.experience.words import written_moment


def list_triggers(arguments: argparse.Namespace) -> int:
    """List the triggers of the project."""
    head = ("TRIGGER", "ON", "AGENT", "WHAT FOR")
    show(
        arguments,
        connect(arguments).get("/v1/triggers"),
        lambda found: table(
            head,
            ((one["trigger"], _on(one["on"]), one["agent"], one["description"]) for one in found["items"]),
            empty="no triggers",
        ),
    )
    return OK


def list_runs(arguments: argparse.Namespace) -> int:
    """List what a trigger started."""
    path = f"/v1/triggers/{segment(arguments.trigger)}/runs"
    page = connect(arguments).get(path, limit=arguments.limit, before=arguments.before)
    head = ("CREATED", "CAUSE", "STATE", "TURN", "PROBLEM")
    show(
        arguments,
        page,
        lambda found: table(
            head,
            (
                (written_moment(run["created"]), run["cause"], run["state"], run["turn"], run["problem"])
                for run in found["items"]
            ),
            empty="nothing was started",
        ),
    )
    if page.get("next") and not arguments.json:
        note(f"more with --before {page['next']}")
    return OK


def _on(told: dict[str, Any]) -> str:
    if "schedule" in told:
        return f"{told['schedule']} {told['zone']}"
    return f"{told['system']}: {', '.join(told['types']) or 'all'}"
