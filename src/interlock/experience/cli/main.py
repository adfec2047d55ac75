"""The entry of the command line: finds the command, runs it, and turns errors into words and exit codes.

Nothing heavy is loaded here: the table names each command's function by text, and only the selected one is imported.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any

from interlock.experience.cli.command import OK, REFUSED, UNREACHABLE, USAGE, Command, argument
from interlock.experience.cli.errors import FileUnusable, UsageInvalid
from interlock.experience.cli.output import emit, note, write_in_any_locale
from interlock.experience.cli.table import COMMANDS, GROUPS
from interlock.experience.client.errors import AddressInvalid, ServerUnreachable
from interlock.values.errors import InterlockError

__all__ = ["COMMANDS", "Command", "argument", "build_parser", "run"]

INTERRUPTED = 130

_EPILOG = """\
exit codes:
  0  done
  1  refused by policy, failed, or something was found
  2  the command is written wrongly
  3  the server cannot be reached

Commands talk to the server at INTERLOCK_URL with the key in INTERLOCK_KEY; those that take --project
work on a project's folder without a server. Answers go to stdout, all else to stderr; --json makes
every answer JSON.
"""


class _Parser(argparse.ArgumentParser):
    """One that takes the values of a list before and after options: `call shop.refund --json order=1`."""

    _mixing = False

    def parse_known_args(  # type: ignore[override]  # of its two forms ours is the one that is called
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parse once more, with options aside, where values are left over."""
        found, left = super().parse_known_args(args, namespace)
        if self._mixing or self.get_default("command") is None or not left or left[0].startswith("-"):
            return found, left
        self._mixing = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._mixing = False


class _Formatter(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28)


def build_parser(commands: Sequence[Command] = COMMANDS) -> argparse.ArgumentParser:
    """Return the parser of *commands*; parsing sets `command` to the one selected."""
    parser = _Parser(
        prog="interlock",
        description="The control layer between AI and the systems that run a business.",
        epilog=_EPILOG,
        formatter_class=_Formatter,
        allow_abbrev=False,
    )
    top = parser.add_subparsers(metavar="COMMAND", title="commands", required=True)
    groups: dict[str, Any] = {}
    for command in commands:
        first, _, second = command.name.partition(" ")
        if not second:
            _add(top, first, command)
            continue
        if first not in groups:
            group = _parser(top, first, GROUPS[first])
            groups[first] = group.add_subparsers(metavar="COMMAND", title="commands", required=True)
        _add(groups[first], second, command)
    return parser


def run(argv: Sequence[str], commands: Sequence[Command] = COMMANDS) -> int:
    """Run the command that *argv* (without the program's name) selects; return the exit code."""
    write_in_any_locale()
    try:
        arguments = build_parser(commands).parse_args(argv)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else USAGE
    selected: Command = arguments.command
    try:
        code = selected.load()(arguments)
        sys.stdout.flush()
    except InterlockError as error:
        return _failed(error, as_json=arguments.json)
    except KeyboardInterrupt:
        note("interrupted")
        return INTERRUPTED
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except OSError as error:
        if error.filename is None:  # no file that was named: a fault of ours, which is shown whole
            raise
        return _failed(_unusable(error), as_json=arguments.json)
    return code


def _add(subparsers: Any, name: str, command: Command) -> None:
    parser = _parser(subparsers, name, command.help)
    for one in command.arguments:
        parser.add_argument(*one.names, **one.options)
    parser.add_argument("--json", action="store_true", help="answer with JSON on stdout")
    parser.set_defaults(command=command)


def _parser(subparsers: Any, name: str, text: str) -> Any:
    sentence = text[0].upper() + text[1:] + "."
    return subparsers.add_parser(name, help=text, description=sentence, formatter_class=_Formatter, allow_abbrev=False)


def _unusable(error: OSError) -> FileUnusable:
    """Return what is to be said of a file that the operating system refuses."""
    return FileUnusable(
        f"{os.fsdecode(error.filename)!r} cannot be read or written",
        why=str(error.strerror),
        fix="name another, or ask whoever owns it for the rights",
    )


def _failed(error: InterlockError, *, as_json: bool) -> int:
    if as_json:
        emit(error.problem())
    note(str(error))
    if isinstance(error, (UsageInvalid, AddressInvalid)):
        return USAGE
    return UNREACHABLE if isinstance(error, ServerUnreachable) else REFUSED
