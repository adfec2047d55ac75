"""`interlock keys`: creating, rotating and revoking API keys; the first one without a server."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from interlock.experience.cli.client import connect, segment
from interlock.experience.cli.command import OK
from interlock.experience.cli.errors import AdminKeyExists
from interlock.experience.cli.output import note, show, table
from interlock.experience.cli.storage import Place, place_of, root_of
from interlock.experience.words import moment
from interlock.foundation.clock import SystemClock
from interlock.governance.credentials import IssuedKey, KeyRequest, Keys
from interlock.governance.journal import Journal
from interlock.orchestration.project import Project, load_project
from interlock.values.principals import Kind, Principal

DAY = 86_400.0
_FIRST = {Kind.person: ("act", "approve", "read", "admin"), Kind.service: ("act", "read", "admin")}
"""What the first administrator's key covers unless `--scopes` says otherwise."""


def create(arguments: argparse.Namespace) -> int:
    """Create a key through the server, or with `--local` the first administrator's in the project's storage."""
    if arguments.local:
        root = root_of(arguments)
        issued = asyncio.run(_create_locally(place_of(root), load_project(root), arguments))
        created: dict[str, Any] = {**issued.key.to_json(), "text": issued.text.reveal()}
    else:
        created = connect(arguments).post("/v1/keys", _body(arguments))
    show(arguments, created, _shown_once)
    return OK


def list_keys(arguments: argparse.Namespace) -> int:
    """List keys, without their text."""
    head = ("KEY", "HOLDER", "SCOPES", "CREATED", "UNTIL", "NOTE")
    show(
        arguments,
        connect(arguments).get("/v1/keys"),
        lambda page: table(head, map(_row, page["items"]), empty="no keys"),
    )
    return OK


def rotate(arguments: argparse.Namespace) -> int:
    """Replace a key; its successor's text is shown once."""
    body = {"overlap_hours": arguments.overlap_hours}
    show(arguments, connect(arguments).post(f"/v1/keys/{segment(arguments.key)}/rotate", body), _shown_once)
    return OK


def revoke(arguments: argparse.Namespace) -> int:
    """Revoke a key at once."""
    revoked = connect(arguments).delete(f"/v1/keys/{segment(arguments.key)}")
    show(arguments, revoked, lambda _: f"revoked {arguments.key}")
    return OK


async def _create_locally(place: Place, project: Project, arguments: argparse.Namespace) -> IssuedKey:
    """Make the first administrator's key; journalled as any other. Raises `AdminKeyExists`."""
    database, clock = place.database(read_only=False), SystemClock()
    await database.open()
    journal = Journal(database, place.state, clock=clock)
    try:
        await journal.open()
        keys = Keys(database, journal, clock=clock)
        await keys.open()
        kind = Kind(arguments.kind)
        scopes = frozenset(_scopes(arguments) or _FIRST.get(kind, ("act",)))
        expires = clock.now() + arguments.days * DAY if arguments.days else None
        member = project.directory.find(kind, arguments.id)
        tenant = (member.tenant if member else "") or place.settings.tenants[0]
        await _demand_first(keys, tenant, clock.now())
        request = KeyRequest(kind, arguments.id, tenant, scopes, expires, note=arguments.note)
        by = Principal(Kind.service, "local", tenant, scopes=frozenset({"admin"}))
        return await keys.create(request, directory=project.directory, by=by)
    finally:
        await journal.close()
        await database.close()
        journal.seal()


async def _demand_first(keys: Keys, tenant: str, now: float) -> None:
    for key in await keys.all(tenant):
        if "admin" in key.scopes and key.state(now) == "active":
            raise AdminKeyExists(
                f"the key {key.id} is an administrator's of the tenant {tenant!r} already",
                why="--local makes the first one of each tenant only; storage alone gives nobody more than that",
                fix="create keys through the server: interlock keys create, with that key in INTERLOCK_KEY",
            )


def _body(arguments: argparse.Namespace) -> dict[str, Any]:
    body: dict[str, Any] = {"kind": arguments.kind, "id": arguments.id}
    if scopes := _scopes(arguments):
        body["scopes"] = scopes
    if arguments.days is not None:
        body["days"] = arguments.days
    return {**body, "note": arguments.note} if arguments.note else body


def _scopes(arguments: argparse.Namespace) -> list[str]:
    return [word for word in arguments.scopes.replace(",", " ").split() if word]


def _shown_once(created: dict[str, Any]) -> str:
    note(f"key {created['id']} of {created['kind']}:{created['principal']}, for {', '.join(created['scopes'])};")
    note("its text is shown this once:")
    return str(created["text"])


def _row(key: dict[str, Any]) -> tuple[str, ...]:
    until = "revoked" if key["revoked"] else moment(key["expires"]) if key["expires"] else "revoked by hand"
    holder = f"{key['kind']}:{key['principal']}"
    return (key["id"], holder, ",".join(key["scopes"]), moment(key["created"]), until, key["note"])
