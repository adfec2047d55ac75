"""`interlock doctor`: what would keep an installation from working, found before it does."""

from __future__ import annotations

import argparse
import asyncio
import os
import stat
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict, dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from interlock.experience.cli.command import OK, REFUSED
from interlock.experience.cli.output import indented, note, show
from interlock.experience.cli.storage import Place, place_of, reading, root_of
from interlock.experience.words import span
from interlock.foundation.clock import SystemClock, parse_rfc3339
from interlock.foundation.documents import ProjectInvalid
from interlock.foundation.http import HttpClient
from interlock.foundation.secrets import SecretStore, is_reference
from interlock.foundation.settings.environment import setting
from interlock.governance.credentials import is_demo
from interlock.governance.journal import JournalReader, Search
from interlock.integration.systems import Ports, Systems
from interlock.orchestration.project import Project, load_project
from interlock.values.errors import InterlockError

OLDEST = (3, 11)
PRIVATE = ("journal.key", "surfaces.key")
PATIENCE = 10.0  # seconds for the server
_LEEWAY = 5.0


@dataclass(frozen=True, slots=True)
class Found:
    """One thing looked at: *state* is `ok`, `warning` or `problem`; *hint* says what to do about it."""

    what: str
    state: str
    text: str
    hint: str = ""


def doctor(arguments: argparse.Namespace) -> int:
    """Look at everything, print what was found; 1 if anything is a problem."""
    found = asyncio.run(_examine(root_of(arguments)))
    bad = any(one.state == "problem" for one in found)
    show(arguments, {"ok": not bad, "found": [asdict(one) for one in found]}, _text)
    return REFUSED if bad else OK


async def _examine(root: Path) -> list[Found]:
    found = [_python()]
    try:
        place, project = place_of(root), load_project(root)
    except ProjectInvalid as error:
        found += [Found("project", "problem", str(finding)) for finding in error.findings]
        return found
    found.append(Found("project", "ok", f"{project.settings.name} {project.version} is valid"))
    found += _permissions(place)
    found += [one async for one in _storage(place)]
    found += _secrets(project)
    found += [one async for one in _systems(project)]
    found.append(await asyncio.to_thread(_server))
    return found


def _python() -> Found:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < OLDEST:
        return Found("python", "problem", f"{version} is too old", f"use {'.'.join(map(str, OLDEST))} or newer")
    return Found("python", "ok", version)


def _permissions(place: Place) -> Iterator[Found]:
    if not place.state.exists():
        yield Found("state", "ok", f"{place.state} is not there yet; it is made at first use")
        return
    if not os.access(place.state, os.W_OK):
        yield Found("state", "problem", f"{place.state} cannot be written", "give it to the user that runs Interlock")
    loose = [
        path for path in (place.state, *(place.state / name for name in PRIVATE)) if path.exists() and _open_to(path)
    ]
    for path in loose:
        mode = "700" if path.is_dir() else "600"
        yield Found("permissions", "problem", f"{path} is open to others than its owner", f"chmod {mode} {path}")
    if not loose:
        yield Found("permissions", "ok", f"{place.state} is its owner's alone")


def _open_to(path: Path) -> bool:
    return bool(stat.S_IMODE(path.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO))


async def _storage(place: Place) -> AsyncIterator[Found]:
    kind = place.settings.storage_url.partition(":")[0]
    file = place.database().file
    if file is not None and not file.exists():
        yield Found("storage", "ok", f"{file} is not there yet; it is made at first use")
        return
    try:
        async with reading(place) as database:
            newest = (await JournalReader(database).search(Search(), tenant=None, limit=1)).records
    except InterlockError as error:
        yield Found("storage", "problem", f"{kind}: {error.what}", error.fix)
        return
    yield Found("storage", "ok", f"{kind} answers")
    ahead = parse_rfc3339(newest[0].at) - time.time() if newest else 0.0
    if ahead > _LEEWAY:
        text = f"the journal's newest record lies {span(ahead)} ahead of this machine's clock"
        yield Found("clock", "problem", text, "set the clock; deadlines and expiry depend on it")
    else:
        yield Found("clock", "ok", "not behind the journal")


def _secrets(project: Project) -> Iterator[Found]:
    connections = [system.connection for system in project.catalog.systems.values()]
    for reference in sorted({text for connection in connections for text in _references(connection)}):
        yield _secret(project.secrets, reference)
    for route in project.routes.values():
        for target in route.targets:
            for instance in target.instances:
                missing = instance.provider.missing()
                if missing and not target.optional:
                    yield Found("models", "warning", f"{route.name}: {instance.name} cannot be used: {missing}")


def _secret(secrets: SecretStore, reference: str) -> Found:
    try:
        secret = secrets.get(reference)
    except InterlockError as error:
        return Found("secrets", "problem", error.what, error.fix)
    if is_demo(secret):
        return Found("secrets", "warning", f"{reference} can be guessed", "set one of your own: openssl rand -hex 32")
    return Found("secrets", "ok", f"{reference} is set")


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for member in value.values():
            yield from _references(member)
    elif isinstance(value, list):
        for member in value:
            yield from _references(member)
    elif is_reference(value):
        yield value


async def _systems(project: Project) -> AsyncIterator[Found]:
    systems = Systems(Ports(HttpClient(), project.secrets, project.root), clock=SystemClock())
    await systems.open()
    try:
        await systems.apply(project.catalog)
        for name in project.catalog.systems:
            note(f"asking {name}")
            yield await _system(systems, name)
    except InterlockError as error:
        yield Found("systems", "problem", error.what, error.fix)
    finally:
        await systems.close()


async def _system(systems: Systems, name: str) -> Found:
    answer = await systems.probe(name)
    if answer.succeeded:
        return Found("systems", "ok", f"{name} answers")
    problem = answer.problem or {}
    return Found("systems", "problem", f"{name}: {problem.get('detail', 'no answer')}", problem.get("fix", ""))


def _server() -> Found:
    url = setting("INTERLOCK_URL", os.environ)
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=PATIENCE)
    try:
        connection.request("GET", f"{parts.path.rstrip('/')}/readyz")
        status = connection.getresponse().status
    except (OSError, HTTPException):
        return Found("server", "warning", f"none answers at {url}", "start it: interlock serve")
    finally:
        connection.close()
    if status == 200:
        return Found("server", "ok", f"ready at {url}")
    return Found("server", "problem", f"{url} is not ready: status {status}", "see the server's log")


def _text(report: dict[str, Any]) -> str:
    lines = []
    for one in report["found"]:
        lines.append(f"{one['state']:<8} {one['what']}: {one['text']}")
        if one["hint"]:
            lines.append(indented(f"hint: {one['hint']}", 9))
    return "\n".join(lines)
