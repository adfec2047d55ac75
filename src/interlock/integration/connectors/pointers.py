"""Parts of what a system returns, named by JSON pointers (RFC 6901)."""

from __future__ import annotations

from typing import Any

from interlock.foundation.documents import steps_of

POINTER: dict[str, Any] = {"type": "string", "pattern": "^(/[^/]*)*$", "maxLength": 200}
"""The JSON Schema of a pointer in a declaration; the empty one is the whole."""


def found_at(value: Any, pointer: str) -> tuple[bool, Any]:
    """Return whether *value* holds something at *pointer* (RFC 6901), and what."""
    for name in steps_of(pointer):
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and name.isascii() and name.isdigit() and int(name[:9]) < len(value):
            value = value[int(name[:9])]
        else:
            return False, None
    return True, value
