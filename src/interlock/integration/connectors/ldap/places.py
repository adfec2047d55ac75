"""Places in texts that an argument fills."""

from __future__ import annotations

import re
from typing import Any

PLACE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_-]{0,63})\}")
STRAY = re.compile(r"[{}]")


def text_of(value: Any) -> str:
    """Return how LDAP writes a text, a whole number or a truth value (RFC 4517)."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return str(value)
