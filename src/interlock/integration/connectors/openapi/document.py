"""An OpenAPI document (3.0, 3.1, or Swagger 2.0) from a local file: operations by name, references within itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import orjson

from interlock.foundation.documents import ForeignInvalid, foreign, unescape
from interlock.integration.connectors.openapi import swagger

MAX_BYTES = 32 << 20
MAX_DEPTH = 200
MAX_CHAIN = 32
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


_Index = dict[str, tuple[str, str, Mapping[str, Any]]]


class DocumentInvalid(ValueError):
    """The document cannot be used as it is; the text is for a finding."""


@dataclass(frozen=True, slots=True)
class Found:
    """One operation of a document. *parameters* are the path's and its own, references resolved."""

    method: str
    path: str
    operation: Mapping[str, Any]
    parameters: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class OpenApiDocument:
    """A parsed document. *nullable* says that it is of version 3.0, where null is written `nullable: true`.

    *kept* holds what was worked out of it already, by whoever worked it out: a document does not change.
    """

    data: Mapping[str, Any] = field(repr=False)
    nullable: bool = False
    kept: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    def at(self, reference: str) -> Any:
        """Return what a local reference (`#/...`) points to. Raises `DocumentInvalid`."""
        if not reference.startswith("#/"):
            outside = f"the reference {reference[:120]!r} leads outside the document"
            raise DocumentInvalid(f"{outside}; bundle it into one file")
        node: Any = self.data
        for escaped in unquote(reference[2:]).split("/"):
            part = unescape(escaped)
            if isinstance(node, Mapping) and part in node:
                node = node[part]
            elif isinstance(node, list) and part.isdigit() and int(part) < len(node):
                node = node[int(part)]
            else:
                raise DocumentInvalid(f"the reference {reference[:120]!r} leads nowhere")
        return node

    def resolved(self, node: Any) -> Mapping[str, Any]:
        """Return *node*, or what it refers to over any number of steps. Raises `DocumentInvalid`."""
        for _ in range(MAX_CHAIN):
            if not isinstance(node, Mapping):
                raise DocumentInvalid("something that must be an object is none")
            reference = node.get("$ref")
            if not isinstance(reference, str):
                return node
            node = self.at(reference)
        raise DocumentInvalid("a reference leads back to itself")

    def find(self, origin: str) -> Found:
        """Return the operation that *origin* names: `POST /refunds` or an `operationId`. Raises
        `DocumentInvalid`.
        """
        method, _, path = origin.partition(" ")
        by_path = path.startswith("/") and method.lower() in METHODS
        paths, identifiers = self._index()
        near, wanted = (paths, f"{method.upper()} {path}") if by_path else (identifiers, origin)
        if wanted in near:
            name, route, item = near[wanted]
            return Found(name.upper(), route, item[name], self.parameters(item, item[name]))
        close = get_close_matches(origin, near, n=1, cutoff=0.5)
        hint = f" (did you mean {close[0]!r}?)" if close else ""
        raise DocumentInvalid(
            f"the document has no operation {origin[:120]!r}{hint}; write METHOD /path or an operationId"
        )

    def _index(self) -> tuple[_Index, _Index]:
        """Return the operations by method and path, and by `operationId`; of two with one id, the first."""
        if "index" not in self.kept:
            paths: _Index = {}
            identifiers: _Index = {}
            for name, route, item in self.operations():
                paths[f"{name.upper()} {route}"] = (name, route, item)
                identifier = item[name].get("operationId")
                if isinstance(identifier, str) and identifier:
                    identifiers.setdefault(identifier, (name, route, item))
            self.kept["index"] = (paths, identifiers)
        found: tuple[_Index, _Index] = self.kept["index"]
        return found

    def operations(self) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        """Yield method, path and path item of every operation."""
        paths = self.data.get("paths")
        for route, node in (paths if isinstance(paths, Mapping) else {}).items():
            if not route.startswith("/") or node is None:
                continue  # an extension, of whatever form, or a path without anything
            item = self.resolved(node)
            for name in METHODS:
                if isinstance(item.get(name), Mapping):
                    yield name, route, item

    def parameters(self, item: Mapping[str, Any], operation: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
        """Return the parameters of a path and of one of its operations, references resolved."""
        merged: dict[tuple[str, str], Mapping[str, Any]] = {}
        nodes = [item.get("parameters", []), operation.get("parameters", [])]
        if not all(isinstance(one, list) for one in nodes):
            raise DocumentInvalid("what must be a list of parameters is none")
        for node in chain.from_iterable(nodes):
            parameter = self.resolved(node)
            if not isinstance(parameter.get("name"), str) or not isinstance(parameter.get("in"), str):
                raise DocumentInvalid("a parameter lacks its name or its place ('in')")
            merged[parameter["name"], parameter["in"]] = parameter
        return tuple(merged.values())

    def server(self) -> str:
        """Return the address of the first server, its variables at their defaults; empty where there is
        none.
        """
        servers = self.data.get("servers")
        found = servers[0] if isinstance(servers, list) and servers else {}
        first: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
        url, variables = str(first.get("url", "")), first.get("variables")
        for name, variable in variables.items() if isinstance(variables, Mapping) else ():
            usual = variable.get("default", "") if isinstance(variable, Mapping) else ""
            url = url.replace("{" + name + "}", str(usual))
        return url if url.startswith(("http://", "https://")) and "{" not in url else ""


def load_document(path: Path) -> OpenApiDocument:
    """Read the JSON or YAML file at *path*. Raises `DocumentInvalid`; fetches nothing."""
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise DocumentInvalid(f"{path.name} cannot be read: {error.strerror or 'unknown cause'}") from error
    return document_of(content, path.name)


def document_of(content: bytes, name: str) -> OpenApiDocument:
    """Return the document that *content* is, JSON or YAML, called *name* in findings. Raises `DocumentInvalid`."""
    if len(content) > MAX_BYTES:
        raise DocumentInvalid(f"{name} is larger than {MAX_BYTES} bytes")
    data = _parsed(content, name)
    if isinstance(data, dict) and str(data.get("swagger", "")) == swagger.VERSION:
        data = swagger.upgraded(data)
    version = str(data.get("openapi", "")) if isinstance(data, dict) else ""
    if not version.startswith(("3.0.", "3.1.")):
        raise DocumentInvalid(f"{name} is no OpenAPI 3.0 or 3.1 document, and none of Swagger 2.0")
    return OpenApiDocument(data, nullable=version.startswith("3.0."))


def _parsed(content: bytes, name: str) -> Any:
    if name.lower().endswith(".json") or content.lstrip()[:1] == b"{":
        try:
            data = orjson.loads(content)
        except orjson.JSONDecodeError as error:
            raise DocumentInvalid(f"{name}:{error.lineno}: is not valid JSON: {error.msg}") from error
        _shallow(data, 0)
        return data
    try:
        return foreign(content, deepest=MAX_DEPTH)
    except ForeignInvalid as error:
        line = f":{error.line}" if error.line else ""
        raise DocumentInvalid(f"{name}{line}: {error}") from error


def _shallow(node: Any, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise DocumentInvalid(f"the document is nested deeper than {MAX_DEPTH} levels")
    for one in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        if isinstance(one, (dict, list)):
            _shallow(one, depth + 1)
