"""Errors of facades.

InterlockError
 +-- CursorInvalid    a page is asked for that no answer has named
"""

from __future__ import annotations

from interlock.values.errors import InterlockError


class CursorInvalid(InterlockError):
    """The cursor is not one that this list gave for these arguments."""

    code = "cursor_invalid"
    status = 422
    title = "No such page"
