"""`interlock switches`: stopping an agent, an operation, a system, a tenant or everything at once."""

from __future__ import annotations

import argparse
from typing import Any

from interlock.experience.cli.client import connect, segment
from interlock.experience.cli.command import OK
from interlock.experience.cli.output import show
from interlock.experience.cli.rendering import document_text


def list_switches(arguments: argparse.Namespace) -> int:
    """List the kill switches that are set."""
    page = connect(arguments).get("/v1/switches")
    show(arguments, page, lambda found: document_text(found["items"]) if found["items"] else "no switch is set")
    return OK


def set_switch(arguments: argparse.Namespace) -> int:
    """Set a kill switch."""
    body: dict[str, Any] = {"scope": arguments.scope, "target": arguments.target, "reason": arguments.reason}
    show(arguments, connect(arguments).post("/v1/switches", body), document_text)
    return OK


def clear(arguments: argparse.Namespace) -> int:
    """Clear a kill switch."""
    cleared = connect(arguments).delete(f"/v1/switches/{segment(arguments.switch)}")
    show(arguments, cleared, lambda _: f"cleared {arguments.switch}")
    return OK
