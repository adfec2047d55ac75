"""`interlock switches`: stopping an agent, an operation, a system, a tenant or everything at once."""

from __future__ import annotations

import argparse
from typing import Any

from interlock.experience.cli.client import connect
from interlock.experience.cli.command import OK
from interlock.experience.cli.output import show, table
from interlock.experience.words import moment


def list_switches(arguments: argparse.Namespace) -> int:
    """List the kill switches that are set."""
    show(arguments, connect(arguments).get("/v1/switches"), lambda page: switch_rows(page["items"]))
    return OK


def set_switch(arguments: argparse.Namespace) -> int:
    """Set a kill switch."""
    switch = connect(arguments).post("/v1/switches", {**_what(arguments), "reason": arguments.reason})
    show(arguments, switch, lambda one: switch_rows([one]))
    return OK


def clear(arguments: argparse.Namespace) -> int:
    """Clear a kill switch."""
    cleared = connect(arguments).post("/v1/switches/clear", _what(arguments))
    show(arguments, cleared, lambda _: f"cleared: {arguments.scope} {arguments.target}".rstrip())
    return OK


def switch_rows(switches: list[dict[str, Any]]) -> str:
    """Return switches as a table."""
    rows = [
        (f"{s['scope']} {s['target']}".strip(), s["tenant"] or "every tenant", s["by"], moment(s["at"]), s["reason"])
        for s in switches
    ]
    return table(("STOPPED", "FOR", "BY", "SINCE", "BECAUSE"), rows, empty="no switch is set")


def _what(arguments: argparse.Namespace) -> dict[str, Any]:
    what: dict[str, Any] = {"scope": arguments.scope, "target": arguments.target}
    return {**what, "everywhere": True} if arguments.everywhere else what
