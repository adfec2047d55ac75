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
            ((t["route"], t["provider"], t["model"], t["missing"] or "ready") for t in page["items"]),
            empty="no routes: there is no models.yaml",
        ),
    )
    return OK


def targets_of(project: Project) -> list[dict[str, Any]]:
    """Return every target: its route, provider, model, and what is missing to use it (empty: nothing)."""
    return [
        {
            "route": route.name,
            "provider": target.provider.name,
            "model": target.provider.model,
            "missing": target.provider.missing(),
        }
        for route in project.routes.values()
        for target in route.targets
    ]
