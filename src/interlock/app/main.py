"""The command `interlock`: the command line, given the commands that need the whole product."""

from __future__ import annotations

import sys

from interlock.experience.cli.main import COMMANDS, Command, run

APP_COMMANDS = (
    Command("serve", "serve a project: REST, MCP, console", "interlock.app.serve:command"),
    Command("demo", "run the demo that a project carries", "interlock.app.demo:command"),
)


def main(argv: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    return run(sys.argv[1:] if argv is None else argv, (*COMMANDS, *APP_COMMANDS))


if __name__ == "__main__":
    sys.exit(main())
