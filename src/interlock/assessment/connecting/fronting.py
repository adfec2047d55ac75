"""A facade over a system, proposed from its operations: paths, methods and pages by their names and shapes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from interlock.assessment.connecting.proposal import LeftOut
from interlock.assessment.declarations.guesses import words_of
from interlock.assessment.declarations.marked import marked_lines, plain, remark
from interlock.foundation.documents import ProjectInvalid, parse_document
from interlock.integration.facades import facade_from_document
from interlock.integration.systems import Catalog
from interlock.values.operations import Effect, Operation

_HEAD = """\
# Proposed over the system {system}. Lines with a remark are guesses: look at each, put it right, and take the remark
# away. What is offered here is governed as ever: policies decide, and the journal tells.
"""
_VERBS = {
    "get": "list find search get query read show fetch lookup look".split(),
    "post": "create add new insert post open book make register issue submit place start send".split(),
    "patch": "update change modify edit patch".split(),
    "put": "set put replace rename".split(),
    "delete": "delete remove".split(),
}
_METHODS = {word: method for method, words in _VERBS.items() for word in words}
_OPERATION = re.compile(r"/operations/([a-z][a-z0-9_]*)(/.*)?")
_WORDS = frozenset({"string", "integer"})
_NAMING = frozenset("id number key code isbn uuid slug account".split())
_ONE = frozenset("get read show fetch delete remove update change set put".split())
_BESIDE = frozenset("by id all the a an of".split())


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
    for name, operation in operations.items():
        method, path, surely = _way(operation)
        if f"{method} {path}" in ways.values():
            path, surely = f"{path}/{name.replace('_', '-')}", False
        ways[name] = f"{method} {path}"
        endpoint: dict[str, Any] = {"operation": operation.id, method: path}
        place = f"/operations/{name}"
        if not surely:
            marks[f"{place}/{method}"] = "by its name; a better path?"
        items = _items(operation)
        if items is not None and operation.effect is Effect.read:
            endpoint["items"] = items
            page = _page(operation, items, operations)
            if page:
                endpoint["page"] = page
                marks[f"{place}/page"] = "by its arguments; does the next page begin where this one ends?"
        declared[name] = endpoint
    return declared, marks, ways


def _way(operation: Operation) -> tuple[str, str, bool]:
    """Return method and path for an operation, and whether its name says so plainly."""
    words = words_of(operation.name)
    verb, thing = words[0], [word for word in words[1:] if word not in _BESIDE]
    key, reads = _key_of(operation, verb), operation.effect is Effect.read
    place = ["", _plural("-".join(thing or words)), *([f"{{{key}}}"] if key else [])]
    method = _METHODS.get(verb, "")
    if thing and method and (method == "get") == reads:
        making = method == "post"
        return method, "/".join(place[:2] if making else place), making or reads or bool(key)
    if reads:
        return "get", "/".join(place if thing else ["", "-".join(words)]), False
    return "post", "/".join([*place, verb] if thing else ["", "-".join(words)]), False


def _key_of(operation: Operation, verb: str) -> str:
    """Return the argument that says which thing is meant, empty where none does so clearly."""
    schema = operation.input_schema
    needed = [name for name in schema.get("properties", {}) if name in schema.get("required", ())]
    words = [name for name in needed if schema["properties"][name].get("type") in _WORDS and name.isidentifier()]
    named = [name for name in words if words_of(name)[-1] in _NAMING]
    sole = words if verb in _ONE and len(needed) == 1 else []
    return next((str(name) for name in (*named, *sole)), "")


def _plural(noun: str) -> str:
    if noun.endswith("s"):
        return noun
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(("x", "ch", "sh")) else f"{noun}s"


def _items(operation: Operation) -> str | None:
    """Return where a result has its only list, None where it has none, or more than one."""
    schema = operation.output_schema or {}
    if schema.get("type") == "array":
        return ""
    lists = [name for name, part in schema.get("properties", {}).items() if part.get("type") == "array"]
    return lists[0] if len(lists) == 1 and "/" not in lists[0] and len(schema["properties"]) <= _BESIDE_A_LIST else None


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
        key = _key_of(other, words_of(other.name)[0]) if same else ""
        if key in members:
            return key
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
