"""Packages that some formats and places need, loaded where they are first used."""

from __future__ import annotations

import importlib
from types import ModuleType

from interlock.integration.connectors.errors import PackageMissing


def package(name: str) -> ModuleType:
    """Return the module *name*. Raises `PackageMissing`, which names the extra."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise PackageMissing("files", name.partition(".")[0], "files") from None
