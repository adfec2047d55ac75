"""Cursors that callers hand back as they were given: where to go on, and a mark of the list that it goes on with."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import orjson

LONGEST = 4000
"""How many characters a cursor may have."""


def cursor_of(position: Any, mark: str) -> str:
    """Return the cursor for *position*, a JSON value, in the list that *mark* stands for."""
    return base64.urlsafe_b64encode(orjson.dumps([mark, position])).rstrip(b"=").decode()


def position_in(cursor: str, mark: str) -> Any:
    """Return the position that *cursor* holds. Raises `ValueError` for what is no cursor of the list of *mark*.

    A cursor is not sealed: whoever reads a position has to hold it against what it may be.
    """
    try:
        known, position = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True))
    except (binascii.Error, ValueError, TypeError) as error:
        raise ValueError("this is no cursor") from error
    if known != mark:
        raise ValueError("this is a cursor of another list")
    return position
