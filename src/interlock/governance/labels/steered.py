"""Whether outsiders' text had a hand in a write, and what that makes of what it returns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interlock.values.labels import Origin, Source
from interlock.values.operations import Operation, Role

_NEUTRAL = frozenset({Source.session, Source.declared})


def standing_of(operation: Operation, origins: Mapping[str, Origin], *, agreed: bool, steered: bool) -> Source:
    """Return what a trusted field of a write's result is: the session's own, a system's, or an outsider's.

    It is the session's own where a person agreed, or meant all that the write touched.
    """
    if agreed:
        return Source.own
    if steered:
        return Source.untrusted_field
    touched = [origins[name] for name, role in operation.arguments.items() if role is Role.target and name in origins]
    meant = all(origin.naming or not _NEUTRAL.isdisjoint(origin.sources) for origin in touched)
    return Source.own if meant else Source.trusted_field


def is_steered(operation: Operation, arguments: Mapping[str, Any], origins: Mapping[str, Origin]) -> bool:
    """Return whether outsiders' text had a hand in a write with *arguments*, so that what it returns is theirs too."""
    return any(_steers(operation, name, value, origins.get(name)) for name, value in arguments.items())


def _steers(operation: Operation, name: str, value: Any, origin: Origin | None) -> bool:
    """Whether outsiders' text had a hand in a write by this argument; an ordinary word of theirs is none."""
    if origin is None:
        return False
    role = operation.arguments.get(name)
    if role is Role.target:
        return origin.untrusted
    if role is Role.content:
        return bool(origin.carries)
    return origin.untrusted and not (isinstance(value, str) and value.isalpha())
