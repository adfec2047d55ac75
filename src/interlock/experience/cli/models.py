"""`interlock models`: which routes a project has, and which models they would use now."""

from __future__ import annotations

import argparse
from typing import Any

from interlock.experience.cli.command import OK
from interlock.experience.cli.output import show, table
from interlock.experience.cli.storage import root_of
from interlock.orchestration.project import Project, load_project


def list_models(arguments: argparse.Namespace) -> int:
    """List every target of every route, in the order it is tried; contacts nothing."""
    found = {"items": targets_of(load_project(root_of(arguments)))}
    head = ("ROUTE", "PROVIDER", "MODEL", "IS")
    show(
        arguments,
        found,
        lambda page: table(
            head,
            ((t["route"], t["provider"], t["model"], _standing(t)) for t in page["items"]),
            empty="no routes: there is no models.yaml",
        ),
    )
    return OK


def targets_of(project: Project) -> list[dict[str, Any]]:
    """Return every instance of every target with its pin, its condition, and what is missing (empty: nothing)."""
    return [
        {
            "route": route.name,
            "target": instance.name,
            "provider": instance.provider.name,
            "model": instance.provider.model,
            "pin": target.pin.version,
            "when": target.when.text,
            "missing": instance.provider.missing(),
        }
        for route in project.routes.values()
        for target in route.targets
        for instance in target.instances
    ]


def _standing(target: dict[str, Any]) -> str:
    words = [target["missing"] or "ready"]
    words += [f"pinned to {target['pin']}"] if target["pin"] else []
    words += [f"when {target['when']}"] if target["when"] else []
    return ", ".join(words)
