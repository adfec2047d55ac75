"""`interlock serve`: one project, one port, as many processes as the project says."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from interlock.foundation.settings import setting
from interlock.governance.credentials import check_listen
from interlock.orchestration.project import load_project


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--project", metavar="DIR", help="the project's folder (default: INTERLOCK_PROJECT, or .)")
    parser.add_argument("--host", help="the address to listen on (default: the project's)")
    parser.add_argument("--port", type=int, help="the port to listen on (default: the project's)")
    parser.add_argument("--workers", type=int, help="how many processes (default: the project's)")


def command(args: argparse.Namespace) -> int:
    """Check the project, then serve it until stopped. Raises `ProjectInvalid` and `UnsafeListen`."""
    import uvicorn

    root = Path(args.project or setting("INTERLOCK_PROJECT", os.environ)).resolve()
    settings = load_project(root).settings
    host, port = args.host or settings.server.host, args.port or settings.server.port
    check_listen(host, os.environ)
    os.environ["INTERLOCK_PROJECT"] = str(root)
    uvicorn.run(
        "interlock.app.server:create",
        factory=True,
        host=host,
        port=port,
        workers=args.workers or settings.server.workers,
        loop="uvloop",
        http="httptools",
        lifespan="on",
        access_log=False,
        server_header=False,
        date_header=False,
        log_level="warning",
        timeout_graceful_shutdown=10,
    )
    return 0
