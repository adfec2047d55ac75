"""Errors of the systems registry.

InterlockError
 +-- OperationUnknown    no system of the project declares the operation
 +-- SystemUnknown       the project declares no such system
 +-- SourceUnknown       it cannot be told what is to be connected
 +-- SourceUnreadable    what is to be connected cannot be read
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


class SourceUnknown(InterlockError):
    """No connector, or more than one, knows what is to be connected."""

    code = "source_unknown"
    status = 400
    title = "The source is of no known kind"


class SourceUnreadable(InterlockError):
    """A file or address that is to be connected gives nothing."""

    code = "source_unreadable"
    status = 400
    title = "The source cannot be read"


_FEW = 20


def _nearest(name: str, known: Iterable[str], kind: str) -> str:
    near = get_close_matches(name, sorted(known), n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    few = sorted(known)
    shown = kind == "systems" and 0 < len(few) <= _FEW
    return f"{kind} of the project: {', '.join(few)}" if shown else f"list the {kind} to see what there is"
