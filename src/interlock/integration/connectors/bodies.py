"""Bodies that systems sent: how deep they are, and how long their words may be."""

from __future__ import annotations

from typing import Any

DEEPEST = 64
"""Levels of nesting that are taken."""
LONGEST = 300
"""Signs of an id, type, subject or time."""


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
