"""The SQL that both databases share: placeholders, scripts of several statements, types, migrations."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from interlock.foundation.store.errors import SchemaConflict

_TOKENS = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/|[?;]", re.DOTALL)

MIGRATIONS = (
    "CREATE TABLE IF NOT EXISTS store_migrations (capability TEXT NOT NULL, step INTEGER NOT NULL, "
    "digest TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY (capability, step))"
)
APPLIED = "SELECT step, digest FROM store_migrations WHERE capability = ? ORDER BY step"
APPLY = "INSERT INTO store_migrations (capability, step, digest, at) VALUES (?, ?, ?, ?)"


@lru_cache(maxsize=2048)
def numbered(sql: str) -> str:
    """Return *sql* with each `?` outside of texts, names and comments replaced by `$1`, `$2`, ..."""
    count = 0

    def number(match: re.Match[str]) -> str:
        nonlocal count
        if match.group() != "?":
            return match.group()
        count += 1
        return f"${count}"

    return _TOKENS.sub(number, sql)


def split(script: str) -> list[str]:
    """Return the statements of *script*, which are separated by `;`."""
    parts, start = [], 0
    for match in _TOKENS.finditer(script):
        if match.group() == ";":
            parts.append(script[start : match.start()])
            start = match.end()
    parts.append(script[start:])
    return [part.strip() for part in parts if part.strip()]


def typed(script: str, types: Mapping[str, str]) -> str:
    """Return *script* with `{name}` replaced by the dialect's type of that name."""
    for name, text in types.items():
        script = script.replace("{" + name + "}", text)
    return script


def pending(capability: str, steps: Sequence[str], applied: Sequence[tuple[int, str]]) -> list[tuple[int, str, str]]:
    """Return (number, step, digest) of the steps not yet applied. Raises `SchemaConflict`."""
    digests = [hashlib.sha256(step.encode()).hexdigest() for step in steps]
    if len(applied) > len(steps):
        raise SchemaConflict(
            f"the tables of {capability} are at step {len(applied)}, this program knows {len(steps)}",
            why="they were made by a newer version",
            fix="run the newer version, or restore the backup from before the upgrade",
        )
    for step, digest in applied:
        if digests[step - 1] != digest:
            raise SchemaConflict(
                f"step {step} of the tables of {capability} is not the one that was applied",
                why="the database was made by a different build",
                fix="run the build that made it, or start with an empty database",
            )
    return [(number + 1, steps[number], digests[number]) for number in range(len(applied), len(steps))]
