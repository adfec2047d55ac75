"""The command `interlock`: the command line, given the commands that need the whole product."""

from __future__ import annotations

import sys

from interlock.experience.cli.command import Command, argument
from interlock.experience.cli.main import run
from interlock.experience.cli.table import COMMANDS

_NORTHWIND = "examples/northwind"

APP_COMMANDS = (
    Command(
        "serve",
        "serve a project: REST, MCP and the console",
        "interlock.app.serve:serve",
        (
            argument("--project", metavar="DIR", default="", help="the project's folder (default: INTERLOCK_PROJECT)"),
            argument("--host", default="", help="the address to listen on (default: the project's)"),
            argument("--port", type=int, default=0, help="the port to listen on (default: the project's)"),
            argument("--workers", type=int, default=0, help="how many processes (default: the project's)"),
        ),
    ),
    Command(
        "demo",
        "run the demo that a project carries",
        "interlock.app.demo:demo",
        (
            argument("--project", metavar="DIR", default=_NORTHWIND, help=f"the project (default: {_NORTHWIND})"),
            argument("--once", action="store_true", help="run every step, check it, and stop"),
        ),
    ),
    Command(
        "attack",
        "attack a project's policies with injected texts; its systems are simulated",
        "interlock.app.attack:attack",
        (
            argument("--project", metavar="DIR", default="", help="the project's folder (default: INTERLOCK_PROJECT)"),
            argument("--set", action="append", metavar="NAME", help="only this set of attacks/; may be given again"),
            argument("--most", type=int, default=2000, metavar="N", help="how many derived goals at most (2000)"),
            argument(
                "--at-most",
                type=float,
                default=0.10,
                metavar="SHARE",
                help="which share of ordinary consequential steps may be stopped (0.10)",
            ),
            argument("--seed", type=int, default=0, metavar="N", help="which goals are chosen, and the values in them"),
        ),
    ),
)

ALL_COMMANDS = (*APP_COMMANDS, *COMMANDS)


def main(argv: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    return run(sys.argv[1:] if argv is None else argv, ALL_COMMANDS)


if __name__ == "__main__":
    sys.exit(main())
