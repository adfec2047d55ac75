"""Names of files and paths of folders that mean the same everywhere and cannot leave where they are."""

from __future__ import annotations

import fnmatch
import unicodedata

MOST_NAME = 200
TEMPORARY = ".interlock-new"
_FORBIDDEN = frozenset('/\\:*?"<>|')
_DEVICES = frozenset(
    "con prn aux nul conin$ conout$".split()
    + [f"{port}{digit}" for port in ("com", "lpt") for digit in "0123456789¹²³"]
)


def unfit(name: str) -> str:
    """Return why *name* cannot be a file's name on every system that may meet it, or nothing."""
    if not name or name.startswith("."):
        return "is empty or begins with a dot"
    if len(name.encode("utf-8", "surrogatepass")) > MOST_NAME:
        return f"is longer than {MOST_NAME} bytes"
    if any(sign in _FORBIDDEN or unicodedata.category(sign)[0] == "C" for sign in name):
        return "holds a separator, a control sign or another that no system takes"
    if name != name.strip() or name.endswith("."):
        return "begins or ends with a space, or ends with a dot"
    if name.split(".", maxsplit=1)[0].rstrip().lower() in _DEVICES:
        return "is the name of a device on Windows"
    if unicodedata.normalize("NFC", name) != name:
        return "is not in the composed form of Unicode (NFC)"
    return ""


def unfit_path(path: str) -> str:
    """Return why *path* is no folder below the root, or nothing. The root itself is `.`."""
    if path == ".":
        return ""
    for part in path.split("/"):
        if reason := unfit(part):
            return f"must be a path below the root: a part of it {reason}"
    return ""


def matches(name: str, pattern: str) -> bool:
    """Return whether *name* fits *pattern* (`*`, `?` and `[...]`), with attention to case."""
    return fnmatch.fnmatchcase(name, pattern)
