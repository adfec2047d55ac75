"""The engine of CEL: the compiled part of the package `cel`, without the rest of it."""

from __future__ import annotations

import logging
import sys
from functools import cache
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from typing import Any

_COMPILED = "cel.cel"
_LOGGER = logging.getLogger("cel")


def engine() -> Any:
    """Return the module with `compile` and `Context`. Raises `ImportError` where the package is missing.

    The package's own `__init__` also loads its command line, with packages for terminals that nothing here needs, which
    took a sixth of the time that a server takes to start.
    """
    # The engine logs the arguments of a function that raised; values never belong in a log. Each time anew, since
    # whoever configures logging may have turned it on again.
    _LOGGER.disabled = True
    return _loaded()


@cache
def _loaded() -> Any:
    package = find_spec("cel")
    if package is None:
        raise ModuleNotFoundError("No module named 'cel'", name="cel")
    if _COMPILED not in sys.modules:
        spec = PathFinder.find_spec(_COMPILED, package.submodule_search_locations)
        if spec is None or spec.loader is None:
            raise ModuleNotFoundError(f"No module named {_COMPILED!r}", name="cel")
        made = module_from_spec(spec)
        sys.modules[_COMPILED] = made  # for whoever imports the whole package: there is one engine
        spec.loader.exec_module(made)
    return sys.modules[_COMPILED]
