"""A table is read and written only by the store that owns it."""

from __future__ import annotations

import ast
import re
from pathlib import PurePosixPath

from tests.house.source import Module, modules, texts

CREATES = re.compile(
    r"\bCREATE\s+(?:TEMP\w*\s+|UNLOGGED\s+)?TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?[\"`]?([a-z_]\w*)", re.IGNORECASE
)
TOUCHES = r"\b(?:FROM|JOIN|INTO|UPDATE|TABLE|EXISTS|REFERENCES)\s+[\"`]?(?:{names})\b"
STATEMENT = re.compile(
    r"\b(?:SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|REPLACE|MERGE|TRUNCATE|WITH)\b", re.IGNORECASE
)

# path -> reason. This list may only shrink.
TOUCHED_FROM_OUTSIDE: dict[str, str] = {}


def _is_store(place: str) -> bool:
    """Whether a file may hold tables: `store.py`, a file in a `store` or `migrations` folder, plain SQL."""
    path = PurePosixPath(place)
    return path.name == "store.py" or path.suffix == ".sql" or bool({"store", "migrations"} & set(path.parts[:-1]))


def _capability(place: str) -> str:
    """Return the folder that owns a store: `src/interlock/<layer>/<capability>`."""
    return "/".join(place.split("/")[:4])


def _text(node: ast.AST) -> str:
    """Return the text of a string, or of the fixed parts of a composed one."""
    if isinstance(node, ast.JoinedStr):
        return " ".join(map(_text, node.values))
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _strings(module: Module) -> str:
    parts = map(_text, ast.walk(module.tree))
    return "\n;\n".join(part for part in parts if STATEMENT.search(part))


def _sources() -> dict[str, str]:
    """Return the SQL-looking text of every file of the package, by path."""
    found = {module.place: _strings(module) for module in modules("src")}
    return found | {place: text for place, text in texts(".sql") if place.startswith("src/")}


def _owners() -> dict[str, str]:
    """Return every table's owning capability."""
    return {table.lower(): _capability(place) for place, text in _sources().items() for table in CREATES.findall(text)}


def test_tables_are_made_in_stores() -> None:
    offenders = [place for place, text in _sources().items() if CREATES.search(text) and not _is_store(place)]
    assert not offenders


def test_no_table_has_two_owners() -> None:
    owners: dict[str, set[str]] = {}
    for place, text in _sources().items():
        for table in CREATES.findall(text):
            owners.setdefault(table.lower(), set()).add(_capability(place))
    assert not {table: sorted(places) for table, places in owners.items() if len(places) > 1}


def test_only_the_owner_touches_a_table() -> None:
    owners = _owners()
    found = set()
    for place, text in _sources().items():
        foreign = [name for name, owner in owners.items() if owner != _capability(place) or not _is_store(place)]
        if foreign and re.search(TOUCHES.format(names="|".join(sorted(foreign))), text, re.IGNORECASE):
            found.add(place)
    assert found == TOUCHED_FROM_OUTSIDE.keys()
