"""`interlock facade`: interfaces of their own in front of systems, proposed, listed and shown, without a server."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

import orjson

from interlock.assessment.connecting import front
from interlock.experience.cli.command import OK, REFUSED
from interlock.experience.cli.errors import FolderTaken
from interlock.experience.cli.output import say, show, table
from interlock.experience.cli.storage import root_of
from interlock.experience.facades import PREFIX, openapi, sdl
from interlock.experience.facades.errors import FacadeUnknown
from interlock.integration.facades import Endpoint, Facade
from interlock.orchestration.project import Project, load_project

Json = Mapping[str, Any]
FORMS = ("operations", "openapi", "graphql")


def new(arguments: argparse.Namespace) -> int:
    """Write a facade over a system's operations; 1 where none of them can have one.

    Raises `ProjectInvalid`, `SystemUnknown`, and `FolderTaken` where the file exists and `--replace` was not given.
    """
    root = root_of(arguments)
    draft = front(load_project(root).catalog, arguments.system, arguments.name or arguments.system)
    path = root / draft.file
    if draft.operations and arguments.dry_run:
        show(arguments, {**draft.to_json(), "text": draft.text}, lambda found: str(found["text"]).rstrip("\n"))
        return OK
    if draft.operations:
        if path.exists() and not arguments.replace:
            raise FolderTaken(
                f"{draft.file} exists already",
                why="somebody may have put its guesses right",
                fix="give another --name, or --replace and look at the difference",
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(draft.text, "utf-8")
    show(arguments, draft.to_json(), _draft_text)
    return OK if draft.operations else REFUSED


def list_facades(arguments: argparse.Namespace) -> int:
    """List the project's facades. Raises `ProjectInvalid`."""
    project = load_project(root_of(arguments))
    found = [
        {"facade": one.name, "title": one.title, "operations": len(one.endpoints), "address": _address(project, one)}
        for one in project.facades.values()
    ]
    show(arguments, {"facades": found}, _list_text)
    return OK


def show_facade(arguments: argparse.Namespace) -> int:
    """Show what a facade offers, or its OpenAPI document or GraphQL schema. Raises `FacadeUnknown`."""
    project = load_project(root_of(arguments))
    facade = project.facades.get(arguments.facade)
    if facade is None:
        known = ", ".join(sorted(project.facades)) or "none"
        raise FacadeUnknown("the project has no facade of this name", fix=f"facades: {known}")
    endpoints = list(facade.endpoints.values())
    if arguments.form == "openapi":
        document = openapi(facade, endpoints, _address(project, facade))
        say(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())
    elif arguments.form == "graphql":
        say(sdl(facade, endpoints).rstrip("\n"))
    else:
        show(arguments, {"facade": facade.name, "operations": [_endpoint(one) for one in endpoints]}, _shown_text)
    return OK


def _address(project: Project, facade: Facade) -> str:
    server = project.settings.server
    base = server.public_url or f"http://{server.host}:{server.port}"
    return f"{base.rstrip('/')}{PREFIX}{facade.name}"


def _endpoint(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "name": endpoint.name,
        "method": endpoint.method,
        "path": endpoint.path,
        "operation": endpoint.compiled.operation.id,
        "cache": endpoint.cache,
        "pages": endpoint.paging is not None,
    }


def _draft_text(report: Json) -> str:
    lines = [f"wrote {report['file']}"] if report["operations"] else []
    lines += [f"  {way}" for way in report["operations"].values()]
    lines += [f"left out {one['operation']}: {one['why']}" for one in report["left_out"]]
    lines.append(
        "look at every remark in the file, then: interlock check" if report["operations"] else "nothing to offer"
    )
    return "\n".join(lines)


def _list_text(report: Json) -> str:
    rows = ((one["facade"], str(one["operations"]), one["address"]) for one in report["facades"])
    return table(("FACADE", "OPERATIONS", "ADDRESS"), rows, empty="no facades; interlock facade new SYSTEM writes one")


def _shown_text(report: Json) -> str:
    rows = (
        (f"{one['method']} {one['path']}", one["name"], one["operation"], f"{one['cache']:g}s" if one["cache"] else "")
        for one in report["operations"]
    )
    return table(("REST", "GRAPHQL, MCP", "OPERATION", "VALID"), rows)
