"""Errors of the systems registry.

InterlockError
 +-- OperationUnknown    no system of the project declares the operation
 +-- SystemUnknown       the project declares no such system
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from interlock.values.errors import InterlockError


class OperationUnknown(InterlockError):
    """No system of the project declares the operation."""

    code = "operation_unknown"
    status = 404
    title = "No such operation"

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__("the project declares no operation of that name", fix=_nearest(name, known, "operations"))


class SystemUnknown(InterlockError):
    """The project declares no such system."""

    code = "system_unknown"
    status = 404
    title = "No such system"

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__("the project declares no system of that name", fix=_nearest(name, known, "systems"))


def _nearest(name: str, known: Iterable[str], kind: str) -> str:
    near = get_close_matches(name, sorted(known), n=1)
    return f"did you mean {near[0]!r}?" if near else f"list the {kind} to see what there is"
