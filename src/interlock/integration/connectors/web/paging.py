"""What a declaration says of a list's pages (`options.pages`), and what that makes of the operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from interlock.foundation.documents import steps_of
from interlock.integration.connectors.declared import OperationInvalid
from interlock.integration.connectors.pointers import POINTER
from interlock.integration.connectors.web.walks import (
    Counted,
    Empty,
    End,
    Following,
    Keyed,
    Linked,
    More,
    Numbered,
    Pages,
    Short,
    Total,
    Walk,
)
from interlock.integration.contracts import Definition
from interlock.integration.contracts.cursors import LONGEST
from interlock.values.operations import Effect

CURSOR, ITEMS, NEXT = "cursor", "items", "next"
USUAL_MOST = 1000
_NAME: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 200}
_NAMES: dict[str, Any] = {"type": "array", "items": _NAME, "minItems": 1, "maxItems": 10, "uniqueItems": True}
_COUNT: dict[str, Any] = {"type": "integer", "minimum": 1, "maximum": 10_000}


def _way(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


_ENDS = {name: _way([name], **{name: POINTER}) for name in ("total", "pages", "more")}
PAGES: dict[str, Any] = {
    "type": "object",
    "properties": {
        ITEMS: {**POINTER, "description": "where the answer holds the items; by default it is the list itself"},
        "cursor": {
            "oneOf": [
                _way(["parameter", "next"], parameter=_NAME, next=POINTER),
                _way(["parameter", "last"], parameter=_NAME, last=POINTER),
            ]
        },
        "page": _way(["parameter"], parameter=_NAME, first={"type": "integer", "minimum": 0, "maximum": 1}),
        "offset": _way(["parameter"], parameter=_NAME),
        "link": _way(["parameters"], parameters=_NAMES, next=POINTER, ignored=_NAMES),
        "size": _way(["parameter", "items"], parameter=_NAME, items=_COUNT),
        "end": {"oneOf": [{"enum": ["empty", "short"]}, *_ENDS.values()]},
        "follow": {"type": "integer", "minimum": 1, "maximum": 100, "description": "pages gathered in one call"},
        "most": {**_COUNT, "description": f"items gathered in one call, by default {USUAL_MOST}"},
    },
    "oneOf": [{"required": [way]} for way in ("cursor", "page", "offset", "link")],
    "additionalProperties": False,
}
"""The JSON Schema of `pages`."""


def hidden(pages: Mapping[str, Any]) -> list[str]:
    """Return the arguments that paging sets, which callers do not."""
    way = next(pages[name] for name in ("cursor", "page", "offset", "link") if name in pages)
    size = [pages["size"]["parameter"]] if "size" in pages else []
    return [*(way["parameters"] if "parameters" in way else [way["parameter"]]), *size]


def paged(
    definition: Definition, pages: Mapping[str, Any], effect: Effect, items: Any, names: Callable[[str], str]
) -> Definition:
    """Return *definition* as one of an operation that gives `items` and `next` and takes a `cursor`.

    *items* is the schema of the list, *names* the name in the query by argument. Raises `OperationInvalid`.
    """
    _fits(pages, effect)
    schema, set_by_us = dict(definition.input_schema), hidden(pages)
    properties = dict(schema["properties"])
    for name in set_by_us:
        if properties.pop(name, None) is None:
            known = ", ".join(properties)[:200] or "none"
            raise OperationInvalid(f"pages: the operation has no argument {name!r}; it has {known}", "options")
    if CURSOR in properties:
        raise OperationInvalid("pages: the operation has another argument `cursor`, which would be hidden", "options")
    told = {"type": "string", "maxLength": LONGEST, "description": "What the page before named as `next`."}
    schema["properties"] = {**properties, CURSOR: told}
    if needed := [name for name in schema.pop("required", ()) if name not in set_by_us]:
        schema["required"] = needed
    together = schema.pop("dependentRequired", {})
    if left := {
        name: [one for one in others if one not in set_by_us]
        for name, others in together.items()
        if name not in set_by_us
    }:
        schema["dependentRequired"] = left
    written = dict(pages)
    if "link" in pages:
        written["link"] = {**pages["link"], "names": {one: names(one) for one in pages["link"]["parameters"]}}
    output = {
        "type": "object",
        "properties": {
            ITEMS: items,
            NEXT: {"type": ["string", "null"], "description": "what to ask for more with, as `cursor`"},
        },
        "required": [ITEMS, NEXT],
        "additionalProperties": False,
    }
    definitions = (definition.output_schema or {}).get("$defs")
    return replace(
        definition,
        input_schema=schema,
        output_schema=output | ({"$defs": definitions} if definitions else {}),
        binding={**definition.binding, "pages": written},
    )


def _fits(pages: Mapping[str, Any], effect: Effect) -> None:
    """Raise `OperationInvalid` where parts of *pages* do not fit one another."""
    if effect is not Effect.read:
        raise OperationInvalid("pages: only an operation that reads has pages", "options")
    end = pages.get("end", "empty")
    if end == "short" and "size" not in pages:
        raise OperationInvalid("pages: `end: short` needs `size`, below which a page is the last", "options")
    if "end" in pages and ("link" in pages or "next" in pages.get("cursor", {})):
        raise OperationInvalid(
            "pages: with `next` or `link` the end is where there is no next; leave `end` out", "options"
        )
    if isinstance(end, Mapping) and "pages" in end and "page" not in pages:
        raise OperationInvalid("pages: an `end` by the number of pages is for `page`", "options")


def items_of(schema: Mapping[str, Any] | None, pointer: str) -> Any:
    """Return the schema of what an answer of *schema* holds at *pointer*; of any list, where it does not say."""
    whole: Mapping[str, Any] = schema or {}
    node: Mapping[str, Any] = whole
    for step in [*steps_of(pointer), ""]:
        for _ in range(8):
            reference = str(node.get("$ref", ""))
            if not reference.startswith("#/$defs/"):
                break
            node = whole.get("$defs", {}).get(reference.removeprefix("#/$defs/"), {})
        if step:
            found = node.get("properties", {}).get(step)
            node = found if isinstance(found, Mapping) else {}
    listed = node.get("type") in ("array", ["array"])
    return {key: value for key, value in node.items() if key != "$defs"} if listed else {"type": "array"}


def walk_of(pages: Mapping[str, Any], base_url: str) -> Walk:
    """Return the way of going through a list that a binding's *pages* describe."""
    if "link" in pages:
        link = pages["link"]
        return Linked(link["names"], link.get("next", ""), frozenset(link.get("ignored", ())), base_url)
    if "cursor" in pages:
        own = pages["cursor"]
        if "next" in own:
            return Following(own["parameter"], own["next"])
        return Keyed(own["parameter"], own["last"], _end(pages))
    if "page" in pages:
        return Numbered(pages["page"]["parameter"], pages["page"].get("first", 1), _end(pages))
    return Counted(pages["offset"]["parameter"], _end(pages))


def _end(pages: Mapping[str, Any]) -> End:
    written = pages.get("end", "empty")
    if written == "empty":
        return Empty()
    if written == "short":
        return Short(pages["size"]["items"])
    kinds: dict[str, Callable[[str], End]] = {"total": Total, "pages": Pages, "more": More}
    (kind, pointer) = next(iter(written.items()))
    return kinds[kind](pointer)
