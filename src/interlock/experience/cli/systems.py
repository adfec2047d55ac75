"""`interlock systems`: an inventory, health, drift from the accepted definitions, and accepting a changed one."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from typing import Any

from interlock.assessment.inventory import inventories
from interlock.experience.cli.client import connect, segment
from interlock.experience.cli.command import OK, REFUSED
from interlock.experience.cli.output import confirmed, indented, note, say, show, table
from interlock.experience.cli.rendering import document_text
from interlock.experience.cli.storage import root_of
from interlock.experience.words import written_moment
from interlock.orchestration.project import load_project

_EFFECTS = ("read", "write", "irreversible")


def list_systems(arguments: argparse.Namespace) -> int:
    """Show the health of every system."""
    page = connect(arguments).get("/v1/systems")
    show(arguments, page, lambda found: _health_text(found["items"]))
    return OK


def _health_text(systems: list[dict[str, Any]]) -> str:
    head = ("SYSTEM", "CONNECTOR", "STATE", "BREAKER", "CALLS", "FAILURES", "WAITING", "LAST GOOD", "LAST PROBLEM")
    return table(head, map(_health_row, systems), empty="no systems")


def _health_row(one: Mapping[str, Any]) -> tuple[object, ...]:
    counted = (str(one[name]) for name in ("calls", "failures", "waiting"))
    state = "not called yet" if one["state"] == "unknown" else one["state"]
    problem = f"{one['last_problem']}, {written_moment(one['last_bad'])}" if "last_bad" in one else ""
    return one["system"], one["connector"], state, one["breaker"], *counted, _good(one), problem


def _good(one: Mapping[str, Any]) -> str:
    return written_moment(one.get("last_good", ""))


def inventory(arguments: argparse.Namespace) -> int:
    """Show the project's systems from its files, without a server. Raises `ProjectInvalid` and `SystemUnknown`."""
    project = load_project(root_of(arguments))
    if arguments.system:
        project.catalog.system(arguments.system)
    found = [one.to_json() for one in inventories(project) if arguments.system in ("", one.system)]
    show(
        arguments, {"systems": found}, lambda report: "\n\n".join(map(_system_text, report["systems"])) or "no systems"
    )
    return OK


def _system_text(system: Mapping[str, Any]) -> str:
    return "\n".join(_system_lines(system))


def _system_lines(system: Mapping[str, Any]) -> Iterator[str]:
    owner = system["owner"] or "nobody"
    yield f"{system['system']}  {system['kind']}, by {system['connector']} ({system['way_in']}), owner: {owner}"
    effects = sorted(system["operations"].items(), key=lambda one: _EFFECTS.index(one[0]))
    counts = ", ".join(f"{count} {effect}" for effect, count in effects) or "no operations"
    yield f"  operations: {counts}; holds what is {system['holds']}"
    yield f"  interfaces: {', '.join(system['interfaces'])}; agents: {', '.join(system['agents']) or 'none'}"
    yield f"  risk of this way in: {system['risk']}"
    for gap in system["gaps"]:
        yield f"  gap: {gap['what']}"
        yield f"       {gap['risk']}; {gap['fix']}"


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
