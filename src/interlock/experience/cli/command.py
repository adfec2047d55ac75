"""A command as a row of a table: its words, its help, its arguments, and where its function is."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

Run = Callable[[argparse.Namespace], int]
"""What a command does with its parsed arguments; returns the exit code."""

OK, REFUSED, USAGE, UNREACHABLE = 0, 1, 2, 3
"""Exit codes: done; refused, failed or with findings; wrongly written; no server reached."""


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument as `argparse` takes it."""

    names: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)


def argument(*names: str, **options: Any) -> Argument:
    """Return the argument that `ArgumentParser.add_argument` would add for the same values."""
    return Argument(names, options)


@dataclass(frozen=True, slots=True)
class Command:
    """One command. *name* is one word or two (`actions list`); *target* is `module:function`, loaded when selected."""

    name: str
    help: str
    target: str
    arguments: tuple[Argument, ...] = ()

    def load(self) -> Run:
        """Return the command's function."""
        module, _, function = self.target.partition(":")
        run: Run = getattr(import_module(module), function)
        return run
