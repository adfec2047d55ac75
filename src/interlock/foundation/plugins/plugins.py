"""Finding and loading plug-ins."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from interlock.foundation.plugins.errors import PluginBroken, PluginConflict, PluginMissing

CONNECTORS = "interlock.connectors"
PROVIDERS = "interlock.providers"


def plugins(group: str) -> dict[str, EntryPoint]:
    """Return the plug-ins of *group* (`CONNECTORS`, `PROVIDERS`) by name, sorted, without loading any.

    Raises `PluginConflict` if two packages offer different objects under one name.
    """
    found: dict[str, EntryPoint] = {}
    for entry in sorted(_offered(group, tuple(sys.path)), key=lambda entry: (entry.name, entry.value)):
        known = found.setdefault(entry.name, entry)
        if known.value != entry.value:
            raise PluginConflict(
                f"two installed packages offer the plug-in {entry.name!r} of {group}",
                why=f"one is {known.value}, the other {entry.value}",
                fix="uninstall one of the two packages",
            )
    return found


@cache
def _offered(group: str, path: tuple[str, ...]) -> tuple[EntryPoint, ...]:  # noqa: ARG001 - another path has other packages
    """Return what the packages on *path* offer; to find out takes a look at every one of them."""
    return tuple(entry_points(group=group))


def load_plugin(group: str, name: str, *, extras: Mapping[str, str] | None = None) -> Any:
    """Import and return the plug-in *name* of *group*.

    *extras* says which extra brings a missing package (`{"asyncpg": "postgres"}`), for the error's hint.
    Raises `PluginMissing` (with the nearest name and all known ones), `PluginConflict` or `PluginBroken`.
    """
    known = plugins(group)
    entry = known.get(name)
    if entry is None:
        near = get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise PluginMissing(
            f"no plug-in {name!r} of {group} is installed",
            why=f"installed are {', '.join(known) or 'none'}",
            fix=f"{hint}install the package that brings it, or correct the name",
        )
    try:
        return entry.load()
    except ImportError as error:
        package = (error.name or "").partition(".")[0]
        extra = (extras or {}).get(package, "")
        fix = f"pip install 'interlock-control[{extra}]'" if extra else "install what the reason names"
        raise PluginBroken(f"the plug-in {name!r} of {group} cannot be loaded", why=str(error), fix=fix) from error
    except AttributeError as error:
        raise PluginBroken(
            f"the plug-in {name!r} of {group} cannot be loaded",
            why=f"{entry.value} does not exist",
            fix="correct the entry point of the package that brings it",
        ) from error
