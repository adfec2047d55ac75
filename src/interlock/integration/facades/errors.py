"""Errors of facades.

InterlockError
 +-- CursorInvalid    a page is asked for that no answer has named
 +-- ListBroken       what a system returned is no list, or does not say how it goes on
"""

from __future__ import annotations

from interlock.values.errors import InterlockError


class CursorInvalid(InterlockError):
    """The cursor is not one that this list gave for these arguments."""

    code = "cursor_invalid"
    status = 422
    title = "No such page"


class ListBroken(InterlockError):
    """A result does not hold the list that the facade declares, or its pages cannot be gone through."""

    code = "list_broken"
    status = 502
    title = "The list cannot be read"

    def __init__(self, what: str, *, why: str = "") -> None:
        super().__init__(what, why=why, fix="compare `items` and `page` of the facade with what the operation returns")
