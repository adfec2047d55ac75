"""`interlock serve`: one project, one port, as many processes as the project says."""

from __future__ import annotations

import argparse
import asyncio
import os
import re
from pathlib import Path

from interlock.experience.cli.output import note
from interlock.foundation.clock import SystemClock
from interlock.foundation.http.egress import is_loopback
from interlock.foundation.secrets.errors import SecretMissing
from interlock.foundation.settings.environment import setting
from interlock.foundation.settings.state import state_folder
from interlock.foundation.store import open_database
from interlock.governance.credentials import Keys, check_listen, is_demo
from interlock.governance.journal import Journal
from interlock.orchestration.project import Project, load_project

_REFERENCE = re.compile(r"secret:([A-Za-z0-9_.-]+)")


def serve(args: argparse.Namespace) -> int:
    """Check the project, then serve it until stopped. Raises `ProjectInvalid` and `UnsafeListen`."""
    import uvicorn

    root = Path(args.project or setting("INTERLOCK_PROJECT", os.environ)).resolve()
    project = load_project(root)
    server = project.settings.server
    host = args.host or server.host
    if not is_loopback(host):
        check_listen(host, asyncio.run(_demo_secrets(project)))
    port = args.port or server.port
    os.environ["INTERLOCK_PROJECT"] = str(root)
    note(f"{project.settings.name} {project.version}: http://{host}:{port} (REST /v1, MCP /mcp, console /console)")
    uvicorn.run(
        "interlock.app.server:create",
        factory=True,
        host=host,
        port=port,
        workers=args.workers or server.workers,
        loop="uvloop",
        http="interlock.app.wire:BoundedProtocol",
        ws="none",
        lifespan="on",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        log_level="warning",
        timeout_graceful_shutdown=10,
    )
    return 0


async def _demo_secrets(project: Project) -> list[str]:
    """Return the names of secrets, and the ids of keys, that anyone could guess."""
    found = []
    for name in sorted(_referenced(project)):
        try:
            if is_demo(project.secrets.get(f"secret:{name}")):
                found.append(f"secret:{name}")
        except SecretMissing:
            continue
    state = state_folder(project.root, os.environ)
    database = open_database(project.settings.storage_url, base=state, read_only=True)
    if database.file is not None and not database.file.exists():
        return found  # nothing was ever stored, so there are no keys
    await database.open()
    try:
        return found + await Keys(database, Journal(database, state), clock=SystemClock()).demo_ids()
    finally:
        await database.close()


def _referenced(project: Project) -> set[str]:
    texts = ((project.root / name).read_text("utf-8", "replace") for name in project.files if name.endswith("yaml"))
    return {name for text in texts for name in _REFERENCE.findall(text)}
