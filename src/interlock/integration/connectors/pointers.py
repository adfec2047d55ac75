"""Parts of what a system returns, named by JSON pointers (RFC 6901)."""

from __future__ import annotations

from typing import Any

POINTER: dict[str, Any] = {"type": "string", "pattern": "^(/[^/]*)*$", "maxLength": 200}
"""The JSON Schema of a pointer in a declaration; the empty one is the whole."""


def found_at(value: Any, pointer: str) -> tuple[bool, Any]:
    """Return whether *value* holds something at *pointer* (RFC 6901), and what."""
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and name.isascii() and name.isdigit() and int(name[:9]) < len(value):
            value = value[int(name[:9])]
        else:
            return False, None
    return True, value
