"""A facade over a system, proposed from its operations: paths, methods and pages by their names and shapes."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from interlock.assessment.connecting.proposal import LeftOut
from interlock.assessment.connecting.ways import Naming, keys_of, lists, plain_name
from interlock.assessment.declarations.guesses import words_of
from interlock.assessment.declarations.marked import marked_lines, plain, remark
from interlock.foundation.documents import ProjectInvalid, escape, parse_document
from interlock.integration.facades import facade_from_document
from interlock.integration.systems import Catalog
from interlock.values.operations import Effect, Operation

_HEAD = """\
# Proposed over the system {system}. Lines with a remark are guesses: look at each, put it right, and take the remark
# away. What is offered here is governed as ever: policies decide, and the journal tells.
"""
_OPERATION = re.compile(r"/operations/([a-z][a-z0-9_]*)(/.*)?")
_SPOKEN = re.compile(r"(?!__)[A-Za-z_][A-Za-z0-9_]{0,62}")
"""Names that GraphQL, and the paths of a facade, can have."""


@dataclass(frozen=True, slots=True)
class FacadeDraft:
    """A proposed facade: its *name*, the text of its file, what it offers by name, and what it leaves out."""

    name: str
    text: str = field(repr=False)
    operations: Mapping[str, str]
    left_out: tuple[LeftOut, ...] = ()

    @property
    def file(self) -> str:
        """Where in a project the file belongs."""
        return f"facades/{self.name}.yaml"

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object, without its text."""
        return {
            "facade": self.name,
            "file": self.file,
            "operations": dict(self.operations),
            "left_out": [{"operation": one.origin, "why": one.why} for one in self.left_out],
        }


def front(catalog: Catalog, system: str, name: str) -> FacadeDraft:
    """Return a facade *name* over all operations of *system* that can have one. Raises `SystemUnknown`."""
    catalog.system(system)
    operations = {
        compiled.operation.name: compiled.operation
        for compiled in catalog.operations.values()
        if compiled.operation.system == system
    }
    left_out: list[LeftOut] = []
    while operations:
        declared, marks, ways = _declared(operations)
        text = "".join(_written(name, system, declared, marks))
        try:
            facade_from_document(parse_document(text.encode(), "facade", name=f"facades/{name}.yaml"), catalog)
        except ProjectInvalid as error:
            blamed = {match[1]: one.message for one in error.findings if (match := _OPERATION.match(one.pointer))}
            if not blamed:
                raise
            left_out += (LeftOut(operations.pop(one).id, why) for one, why in blamed.items())
            continue
        shown = {one: f"{way.split(' ')[0].upper()} {way.split(' ')[1]}" for one, way in ways.items()}
        return FacadeDraft(name, text, shown, tuple(left_out))
    return FacadeDraft(name, "", {}, tuple(left_out))


def _declared(operations: Mapping[str, Operation]) -> tuple[dict[str, Any], dict[str, str], dict[str, str]]:
    """Return what is declared of each operation, the remarks by pointer, and each one's method and path."""
    declared: dict[str, Any] = {}
    marks: dict[str, str] = {}
    ways: dict[str, str] = {}
    naming = Naming(operations.values())
    for name, operation in operations.items():
        way = naming.way(operation)
        path, surely = way.path, way.surely
        if f"{way.method} {path}" in ways.values():
            path, surely = f"{path}/{name.replace('_', '-')}", False
        ways[name] = f"{way.method} {path}"
        endpoint: dict[str, Any] = {"operation": operation.id, way.method: path}
        place = f"/operations/{name}"
        if not surely:
            marks[f"{place}/{way.method}"] = "by its name; a better path?"
        items = None if way.of_one and not lists(operation) else _items(operation)
        if items is not None and operation.effect is Effect.read:
            endpoint["items"] = items
            page = _page(operation, items, operations)
            if page:
                endpoint["page"] = page
                marks[f"{place}/page"] = "by its arguments; does the next page begin where this one ends?"
        endpoint |= _renamed("input", operation.input_schema, but=set(endpoint.get("page", {}).values()))
        endpoint |= _renamed("output", _shown(operation, endpoint.get("items")))
        marks |= {f"{place}/{side}": "names that every interface can have" for side in ("input", "output")}
        declared[name] = endpoint
    return declared, marks, ways


def _renamed(side: str, schema: Mapping[str, Any], but: Container[str] = ()) -> dict[str, Any]:
    """Return names for the members of *schema*, *but* some, where one has a name that not every interface can have."""
    members = [member for member in schema.get("properties", {}) if member not in but]
    names = {plain_name(member): member for member in members}
    if all(map(_SPOKEN.fullmatch, members)) or len(names) < len(members) or not all(map(_SPOKEN.fullmatch, names)):
        return {}
    return {side: {name: member if name == member else f"/{escape(member)}" for name, member in names.items()}}


def _shown(operation: Operation, items: str | None) -> Mapping[str, Any]:
    """Return the schema of what a caller is given of a result, or of an item of its list *items*."""
    schema = operation.output_schema or {}
    if items is None:
        return schema
    listed = schema.get("properties", {}).get(items, {}) if items else schema
    found: Mapping[str, Any] = listed.get("items", {})
    return found


def _items(operation: Operation) -> str | None:
    """Return where a result has its only list, None where it has none, or more than one."""
    schema = operation.output_schema or {}
    if schema.get("type") == "array":
        return ""
    found = {name: part for name, part in schema.get("properties", {}).items() if part.get("type") == "array"}
    if len(found) > 1:  # of several, the one with things in it; the others say something of it
        found = {name: part for name, part in found.items() if part.get("items", {}).get("type") == "object"}
    name = next(iter(found), "/")
    return name if len(found) == 1 and "/" not in name and len(schema["properties"]) <= _BESIDE_A_LIST else None


_BESIDE_A_LIST = 4
"""Members up to which a result with a list in it is taken for a page of that list, and not for a thing that has one."""


def _page(operation: Operation, items: str, operations: Mapping[str, Operation]) -> dict[str, str]:
    """Return how its pages are asked for, as far as its arguments tell."""
    names = operation.input_schema.get("properties", {})
    limit = next((name for name in ("limit", "page_size", "per_page", "size", "top", "first") if name in names), "")
    offset = next((name for name in ("offset", "skip", "start") if name in names), "")
    if limit and offset:
        return {"limit": limit, "offset": offset}
    cursor = next((name for name in ("cursor", "page_token", "after", "starting_after") if name in names), "")
    results = (operation.output_schema or {}).get("properties", {})
    following = next((n for n in ("next", "next_cursor", "next_page_token", "nextPageToken") if n in results), "")
    if cursor and following:
        return {"cursor": cursor, "next": following, **({"limit": limit} if limit else {})}
    key = _key(operation, items, operations)
    return {"limit": limit, "cursor": cursor, "last": key} if limit and cursor and key else {}


def _key(operation: Operation, items: str, operations: Mapping[str, Operation]) -> str:
    """Return the member of an item by which another operation finds the one thing, if it is only one."""
    schema = operation.output_schema or {}
    listed = schema.get("properties", {}).get(items, {}) if items else schema
    members = listed.get("items", {}).get("properties", {})
    thing = words_of(operation.name)[1:]
    for other in operations.values():
        same = words_of(other.name)[1:] == thing and other.name != operation.name and other.effect is Effect.read
        keys = keys_of(other) if same else ()
        if len(keys) == 1 and keys[0] in members:
            return keys[0]
    return ""


def _written(name: str, system: str, declared: Mapping[str, Any], marks: Mapping[str, str]) -> Iterator[str]:
    yield _HEAD.format(system=remark(system))
    yield from marked_lines({"facade": name}, {}, "", 0)
    yield "# rate: 50/s   # how often one caller may call\n"
    yield "operations:\n"
    for one, endpoint in declared.items():
        yield f"  {plain(one)}:\n"
        yield from marked_lines(endpoint, marks, f"/operations/{one}", 4)
        if "get" in endpoint:
            yield "    # cache: 30s   # if an answer may be that old\n"
