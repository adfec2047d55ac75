"""How an operation of a document pages, where names and schemas leave no doubt; else nothing is proposed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from interlock.integration.connectors.openapi.document import DocumentInvalid, OpenApiDocument

_CURSORS = frozenset({"cursor", "after", "page_token", "pageToken", "next_token", "nextToken", "start_cursor"})
_NEXTS = frozenset({"next_cursor", "nextCursor", "next_page_token", "nextPageToken", "next_token", "nextToken"})
_HOLDERS = ("", "meta", "pagination", "paging", "response_metadata")
_TOTALS = ("total", "total_count", "totalCount", "total_items", "total_entries")
_PAGES = ("total_pages", "totalPages", "page_count", "last_page")
_OFFSETS = ("offset", "skip")
_WRITTEN = ("string", ["string", "null"], ["null", "string"])


def pages_of(
    document: OpenApiDocument, method: str, operation: Mapping[str, Any], parameters: Sequence[Mapping[str, Any]]
) -> dict[str, Any] | None:
    """Return what `pages` would say of an operation, or None where that is not clear."""
    queries = {one["name"] for one in parameters if one["in"] == "query"}
    if method != "get" or not queries:
        return None
    try:
        response, body = _answer(document, operation)
        return _by_link(document, response, queries) if _is_list(body) else _by_body(document, body, queries)
    except DocumentInvalid:
        return None  # picking the operation says what is wrong with it


def _answer(document: OpenApiDocument, operation: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return the answer of status 200, and the schema of its JSON."""
    responses = operation.get("responses")
    response = document.resolved(responses.get("200", {}) if isinstance(responses, Mapping) else {})
    content = response.get("content")
    media = content.get("application/json", {}) if isinstance(content, Mapping) else {}
    return response, document.resolved(media.get("schema", {}) if isinstance(media, Mapping) else {})


def _by_link(document: OpenApiDocument, response: Mapping[str, Any], queries: set[str]) -> dict[str, Any] | None:
    headers = response.get("headers")
    for name, node in headers.items() if isinstance(headers, Mapping) else ():
        said = str(document.resolved(node).get("description", "")).lower()
        if name.lower() == "link" and "next" in said and "page" in queries:
            return {"link": {"parameters": ["page"]}}
    return None


def _by_body(document: OpenApiDocument, body: Mapping[str, Any], queries: set[str]) -> dict[str, Any] | None:
    members = _members(document, body)
    lists = [name for name, one in members.items() if _is_list(one)]
    if len(lists) != 1:
        return None
    items = {"items": f"/{lists[0]}"}
    places = dict(_places(document, members))
    nexts = [place for place, (name, one) in places.items() if name in _NEXTS and one.get("type") in _WRITTEN]
    cursors = sorted(queries & _CURSORS)
    if len(nexts) == 1 and len(cursors) == 1:
        return {**items, "cursor": {"parameter": cursors[0], "next": nexts[0]}}
    row = document.resolved(members[lists[0]].get("items", {}))
    if "starting_after" in queries and "has_more" in members and "id" in _members(document, row):
        keyed = {"cursor": {"parameter": "starting_after", "last": "/id"}}
        return {**items, **keyed, "end": {"more": "/has_more"}}
    following = places.get("/next", ("", {}))[1]
    moving = sorted(queries & {"page", "cursor", *_OFFSETS})
    if following.get("format") == "uri" and following.get("type") in _WRITTEN and len(moving) == 1:
        ignored = sorted(queries & {"limit", "page_size", "per_page"})
        link = {"parameters": moving, "next": "/next", **({"ignored": ignored} if ignored else {})}
        return {**items, "link": link}
    return _by_number(items, places, queries)


def _by_number(
    items: dict[str, Any], places: Mapping[str, tuple[str, Mapping[str, Any]]], queries: set[str]
) -> dict[str, Any] | None:
    counts = {name: place for place, (name, one) in places.items() if one.get("type") == "integer"}
    total = next((counts[name] for name in _TOTALS if name in counts), "")
    last = next((counts[name] for name in _PAGES if name in counts), "")
    offset = next((name for name in _OFFSETS if name in queries), "")
    if "page" in queries and not offset and (total or last):
        return {**items, "page": {"parameter": "page"}, "end": {"pages": last} if last else {"total": total}}
    if offset and "page" not in queries and total:
        return {**items, "offset": {"parameter": offset}, "end": {"total": total}}
    return None


def _places(
    document: OpenApiDocument, members: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[str, tuple[str, Mapping[str, Any]]]]:
    """Yield what an answer holds beside its items: pointer, name and schema."""
    for holder in _HOLDERS:
        inner = members if not holder else _members(document, members.get(holder, {}))
        for name, one in inner.items():
            yield (f"/{holder}/{name}" if holder else f"/{name}"), (name, one)


def _members(document: OpenApiDocument, schema: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the members of an object by name, those of an `allOf` among them; none with a `/` or `~` in its name."""
    parts = [schema, *(document.resolved(one) for one in schema.get("allOf", ()) if isinstance(one, Mapping))]
    found: dict[str, Mapping[str, Any]] = {}
    for part in parts:
        properties = part.get("properties")
        for name, one in properties.items() if isinstance(properties, Mapping) else ():
            if isinstance(one, Mapping) and not {"/", "~"} & set(str(name)):
                found[str(name)] = document.resolved(one)
    return found


def _is_list(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") in ("array", ["array", "null"])
