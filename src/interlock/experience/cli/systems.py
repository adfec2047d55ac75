"""`interlock systems`: health, drift from the accepted definitions, and accepting a changed one."""

from __future__ import annotations

import argparse
import json
from typing import Any

from interlock.experience.cli.client import connect, segment
from interlock.experience.cli.command import OK, REFUSED
from interlock.experience.cli.output import confirmed, indented, note, say, show
from interlock.experience.cli.rendering import document_text


def list_systems(arguments: argparse.Namespace) -> int:
    """Show the health of every system."""
    page = connect(arguments).get("/v1/systems")
    show(arguments, page, lambda found: document_text(found["items"]) or "no systems")
    return OK


def drift(arguments: argparse.Namespace) -> int:
    """Compare a system's live definitions with the accepted ones; 1 if they differ."""
    page = connect(arguments).get(f"/v1/systems/{segment(arguments.system)}/drift")
    show(arguments, page, lambda found: document_text(found["items"]) if found["items"] else "no difference")
    return REFUSED if page["items"] else OK


def pins(arguments: argparse.Namespace) -> int:
    """List changed definitions in quarantine; 1 if there are any."""
    page = connect(arguments).get("/v1/pins")
    show(arguments, page, lambda found: _held(found["items"]) or "nothing in quarantine")
    return REFUSED if page["items"] else OK


def accept(arguments: argparse.Namespace) -> int:
    """Show the difference, ask, and accept the changed definition."""
    client = connect(arguments)
    changed = [pin for pin in client.get("/v1/pins")["items"] if pin["operation"] == arguments.operation]
    if not arguments.json:
        say(_held(changed) or f"{arguments.operation} is not in quarantine")
    if not confirmed("Accept this definition?", yes=arguments.yes):
        note("nothing was accepted")
        return REFUSED
    accepted = client.post(f"/v1/pins/{segment(arguments.operation)}/accept")
    show(arguments, accepted, lambda _: f"accepted {arguments.operation}")
    return OK


def _held(pins: list[dict[str, Any]]) -> str:
    return "\n".join(
        f"{pin['operation']}\n{indented(chr(10).join(map(_difference, pin['differences'])))}" for pin in pins
    )


def _difference(difference: dict[str, Any]) -> str:
    sides = [
        f"{side}: {json.dumps(difference[side], ensure_ascii=False)}"
        for side in ("before", "after")
        if side in difference
    ]
    return f"{difference['pointer']} {difference['change']}\n{indented(chr(10).join(sides))}"
