"""Bodies that systems sent: how deep they are, and what they hold at a place."""

from __future__ import annotations

from typing import Any

DEEPEST = 64
"""Levels of nesting that are taken."""
LONGEST = 300
"""Signs of an id, type, subject or time."""


def at(body: Any, pointer: str) -> Any:
    """Return what *body* holds at *pointer* (RFC 6901), None where it holds nothing there."""
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(body, dict):
            body = body.get(name)
        elif isinstance(body, list) and name.isascii() and name.isdigit() and int(name[:9]) < len(body):
            body = body[int(name[:9])]
        else:
            return None
    return body


def deeper(body: Any, most: int) -> bool:
    """Whether *body* nests deeper than *most* levels."""
    level = [body]
    for _ in range(most):
        level = [
            inner
            for outer in level
            if isinstance(outer, (dict, list))
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return True
