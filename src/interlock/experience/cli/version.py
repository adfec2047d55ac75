"""`interlock version`."""

from __future__ import annotations

import argparse
import platform

from interlock import __version__
from interlock.experience.cli.command import OK
from interlock.experience.cli.output import show


def version(arguments: argparse.Namespace) -> int:
    """Print the version of Interlock and of the Python that runs it."""
    found = {"interlock": __version__, "python": platform.python_version()}
    show(arguments, found, lambda value: f"interlock {value['interlock']} (Python {value['python']})")
    return OK
