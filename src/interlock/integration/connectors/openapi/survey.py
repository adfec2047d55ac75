"""What an OpenAPI document offers: every operation of it, with what its method and its words say of the effect."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

from interlock.integration.connectors.errors import SourceUnfit
from interlock.integration.connectors.openapi.document import DocumentInvalid, OpenApiDocument, document_of
from interlock.integration.connectors.openapi.listing import pages_of
from interlock.integration.connectors.surveys import FILES, SECRET, Offer, Source, Survey
from interlock.values.operations import Effect

NAME = "openapi"
# At the beginning of a line, or of a member; each repetition is bounded, for anybody's text is looked at.
_BEGINNING = re.compile(
    rb"(?:^[ \t]{0,40}|[{,]\s{0,40})[\"']?"
    rb"(?:openapi[\"']?\s{0,9}:\s{0,9}[\"']?3\.[01]\.|swagger[\"']?\s{0,9}:\s{0,9}[\"']?2\.0\b)",
    re.MULTILINE,
)
_KEY_PLACES = ("header", "query", "cookie")
_TOKEN_URL = re.compile(r"https://[^\s?#{}]{1,500}")
_LOOKED_AT = 64 << 10
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_EFFECTS = {
    "get": Effect.read,
    "head": Effect.read,
    "options": Effect.read,
    "put": Effect.write,
    "patch": Effect.write,
    "post": Effect.write,
    "delete": Effect.irreversible,
}
_REPEATABLE = frozenset({"put", "delete"})
"""Methods that have the effect of one call however often they are called (RFC 9110, 9.2.2)."""


def recognises(source: Source) -> bool:
    """Return whether *source* begins like a document of OpenAPI 3 or Swagger 2.0."""
    return source.content is not None and _BEGINNING.search(source.content[:_LOOKED_AT]) is not None


def survey(source: Source) -> Survey:
    """Return what a document offers. Raises `SourceUnfit`."""
    content = source.document
    plain_json = content.lstrip()[:1] == b"{"
    file = f"{NAME}.json" if plain_json else f"{NAME}.yaml"
    try:
        document = document_of(content, file)
        offers = tuple(_offers(document))
    except DocumentInvalid as error:
        raise SourceUnfit("the OpenAPI document cannot be read", why=str(error)) from error
    connection: dict[str, Any] = {"spec": f"{FILES}{file}"}
    notes = []
    address = _address(document, source.address)
    if address:
        connection["base_url"] = address
    else:
        notes.append("the document names no server: write `base_url`")
        connection["base_url"] = "http://127.0.0.1:8080"
    auth, said = _auth(document)
    if auth is not None:
        connection["auth"] = auth
    notes += said
    info = document.data.get("info")
    title = str(info.get("title", "")) if isinstance(info, Mapping) else ""
    return Survey(title, connection, offers, files={file: content}, notes=tuple(notes))


def _offers(document: OpenApiDocument) -> Iterator[Offer]:
    taken: set[str] = set()
    for method, path, item in document.operations():
        operation = item[method]
        origin = f"{method.upper()} {path}"
        name = _fresh(_name(operation.get("operationId"), method, path), taken)
        parameters = _parameters(document, item, operation)
        headers = [one["name"] for one in parameters if one["in"] == "header"]
        header = next((one for one in headers if one.lower() == "idempotency-key"), "")
        settings: dict[str, Any] = {"idempotency": {"header": header}} if header else {}
        if pages := pages_of(document, method, operation, parameters):
            settings["options"] = {"pages": pages}
        tags = operation.get("tags")
        words = operation.get("summary") or operation.get("description") or ""
        yield Offer(
            origin=origin,
            name=name,
            description=" ".join(str(words).split())[:500],
            tags=tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else (),
            effect=_EFFECTS.get(method, Effect.write),
            idempotent=True if method in _REPEATABLE and not header else None,
            deprecated=operation.get("deprecated") is True,
            settings=settings,
        )


def _parameters(
    document: OpenApiDocument, item: Mapping[str, Any], operation: Mapping[str, Any]
) -> tuple[Mapping[str, Any], ...]:
    try:
        return document.parameters(item, operation)
    except DocumentInvalid:
        return ()  # picking the operation says what is wrong with it


def _name(identifier: Any, method: str, path: str) -> str:
    """Return a name for an operation: its own id, else its method and path."""
    spoken = identifier if isinstance(identifier, str) and identifier else f"{method} {path.replace('{', ' by ')}"
    name = "_".join(word.lower() for word in _WORD.findall(spoken))[:60].strip("_")
    return name if name[:1].isalpha() else f"{method}_{name}".strip("_")


def _fresh(name: str, taken: set[str]) -> str:
    number, found = 2, name
    while found in taken:
        found = f"{name}_{number}"
        number += 1
    taken.add(found)
    return found


def _address(document: OpenApiDocument, source: str) -> str:
    """Return where the system is: the document's server, which may be relative to where the document came from."""
    known = document.server()
    if known:
        return known.rstrip("/")
    servers = document.data.get("servers")
    first = servers[0] if isinstance(servers, list) and servers else {}
    relative = str(first.get("url", "/")) if isinstance(first, Mapping) else "/"
    if urlsplit(source).scheme in {"http", "https"} and "{" not in relative:
        return urljoin(source, relative).rstrip("/")
    return ""


def _token_url(scheme: Mapping[str, Any]) -> str:
    """Return where a client gets tokens with credentials of its own; empty where the document does not say."""
    flows = scheme.get("flows")
    flow = flows.get("clientCredentials") if isinstance(flows, Mapping) else None
    url = flow.get("tokenUrl") if isinstance(flow, Mapping) else None
    return url if isinstance(url, str) and _TOKEN_URL.fullmatch(url) else ""


def _auth(document: OpenApiDocument) -> tuple[dict[str, Any] | None, list[str]]:
    """Return the first way of authenticating that is supported, and what to know about it."""
    components = document.data.get("components")
    schemes = components.get("securitySchemes") if isinstance(components, Mapping) else None
    others = []
    for name, node in (schemes if isinstance(schemes, Mapping) else {}).items():
        try:
            scheme = document.resolved(node)
        except DocumentInvalid:
            continue
        kind = str(scheme.get("type", ""))
        if kind == "http" and str(scheme.get("scheme", "")).lower() == "bearer":
            return {"bearer": SECRET}, []
        if kind == "http" and str(scheme.get("scheme", "")).lower() == "basic":
            return {"basic": {"username": "interlock", "password": SECRET}}, ["write the user's name in `auth`"]
        if kind == "apiKey" and scheme.get("in") in _KEY_PLACES and isinstance(scheme.get("name"), str):
            return {"api_key": {scheme["in"]: scheme["name"], "value": SECRET}}, []
        if kind == "oauth2" and (token_url := _token_url(scheme)):
            client = {"token_url": token_url, "client_id": "interlock", "client_secret": SECRET}
            return {"oauth2": client}, ["write the `client_id`, and see whether `token_url` is the system's own"]
        if kind in {"oauth2", "openIdConnect"}:
            return {"bearer": SECRET}, [f"it wants a token of {kind}: keep a current one in the secret"]
        others.append(str(name)[:60])
    said = f"how it authenticates is not supported ({', '.join(others)}): write `auth` by hand" if others else ""
    return None, [said] if said else []
