"""`${VAR}` and `${VAR:-default}` in a document's strings, from the environment."""

from __future__ import annotations

import re
from collections.abc import Mapping

_USE = re.compile(r"\$\$\{|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<rest>:-(?P<default>[^{}]*))?\}|\$\{")


class NotInterpolated(Exception):
    """A string could not be completed; the message names the variable and never a value."""


def interpolate(text: str, environment: Mapping[str, str]) -> str:
    """Return *text* with every `${VAR}` replaced; `$${` stands for a literal `${`.

    As in a shell, an empty variable counts as not set where a default is given. Raises `NotInterpolated`
    for a variable that is not set and has no default, and for a `${` that is not closed or names no
    variable.
    """

    def replacement(use: re.Match[str]) -> str:
        if use.group() == "$${":
            return "${"
        name, default = use.group("name"), use.group("default")
        if name is None:
            raise NotInterpolated("'${' needs a variable's name and '}' (write '$${' for the sign itself)")
        value = environment.get(name)
        if default is not None:
            return value or default
        if value is None:
            hint = f"set it, or write ${{{name}:-default}}"
            raise NotInterpolated(f"variable {name} is not set (looked in the environment; {hint})")
        return value

    return _USE.sub(replacement, text)


def unset(text: str, environment: Mapping[str, str]) -> frozenset[str]:
    """Return the names of the variables that *text* uses without a default and *environment* does not have."""
    uses = (use for use in _USE.finditer(text) if use.group("name") and use.group("default") is None)
    return frozenset(use.group("name") for use in uses) - environment.keys()
