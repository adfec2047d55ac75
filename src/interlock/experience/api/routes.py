"""Routes: one object says path, method, scope, schemas and verb; router and OpenAPI document are made from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import unquote

import jsonschema_rs

from interlock.experience.api.errors import MethodNotAllowed, NotFound, RequestInvalid
from interlock.experience.api.request import Request, Scope

Handler = Callable[[Request], Awaitable[Any]]
Schema = Mapping[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter or header of a route."""

    name: str
    text: str
    schema: Schema = field(default_factory=lambda: {"type": "string"})
    where: str = "query"


@dataclass(frozen=True, slots=True)
class Route:
    """One route. *scope* is any of the scopes that let a credential in, separated by spaces (empty: any)."""

    method: str
    path: str
    name: str
    summary: str
    handler: Handler
    scope: str = ""
    body: Schema | None = None
    parameters: tuple[Parameter, ...] = ()
    status: int = 200
    response: str = "Object"
    errors: tuple[str, ...] = ()

    @property
    def scopes(self) -> frozenset[str]:
        """The scopes of which one is needed."""
        return frozenset(self.scope.split())


class Match:
    """A route that fits, with its path parameters and its compiled body schema."""

    __slots__ = ("route", "scopes", "validator")

    def __init__(self, route: Route, definitions: Schema) -> None:
        self.route = route
        self.scopes = route.scopes
        self.validator = None
        if route.body is not None:
            schema = {**route.body, "components": {"schemas": definitions}}
            self.validator = jsonschema_rs.Draft202012Validator(schema)

    def check(self, body: Any) -> None:
        """Raise `RequestInvalid` naming the first member that does not fit; never shows the value."""
        if self.validator is None or self.validator.is_valid(body):
            return
        error = next(iter(self.validator.iter_errors(body)))
        pointer = "/" + "/".join(str(part) for part in error.instance_path)
        raise RequestInvalid(
            f"the body does not fit at {pointer!r}",
            why=f"it breaks the schema's {'/'.join(str(part) for part in error.schema_path)}",
            fix="see the request's schema at /openapi.json",
            pointer=pointer,
        )


class Paths(Generic[T]):
    """Finds what is at a method and a path: exact paths by one look-up, the others by their segments."""

    def __init__(self) -> None:
        self._exact: dict[str, dict[str, T]] = {}
        self._patterns: dict[tuple[int, str], list[tuple[tuple[str, ...], dict[str, T]]]] = {}

    def add(self, method: str, path: str, value: T) -> None:
        """Put *value* at *method* and *path*, whose second segment is a plain one."""
        if "{" not in path:
            self._exact.setdefault(path, {})[method] = value
            return
        segments = tuple(path.strip("/").split("/"))
        rows = self._patterns.setdefault((len(segments), segments[1]), [])
        for known, methods in rows:
            if known == segments:
                methods[method] = value
                return
        rows.append((segments, {method: value}))

    def find(self, scope: Scope) -> tuple[T, dict[str, str]]:
        """Return what is there for the request of *scope* (ASGI), and the path's parameters.

        Each segment is decoded once, by itself: `%2F` is a part of one, and `%2541` is `%41`. Raises `NotFound` and
        `MethodNotAllowed`.
        """
        method, path = scope["method"], scope["path"]
        methods = self._exact.get(path)
        if methods is not None:
            return _method(methods, method), {}
        segments = _segments(path, scope.get("raw_path"))
        if len(segments) > 1:
            for pattern, methods in self._patterns.get((len(segments), segments[1]), ()):
                found = _fit(pattern, segments)
                if found is not None:
                    return _method(methods, method), found
        raise NotFound("there is no such path", fix="the paths are listed in openapi.json")


class Router(Paths[Match]):
    """The routes, each with its compiled schemas."""

    def __init__(self, routes: Sequence[Route], definitions: Schema) -> None:
        super().__init__()
        for route in routes:
            self.add(route.method, route.path, Match(route, definitions))


def _segments(path: str, raw: bytes | None) -> list[str]:
    """Return the segments of a path, of which *raw* is what was sent."""
    if raw is None or b"%" not in raw:
        return path.strip("/").split("/")
    try:
        return [unquote(segment, errors="strict") for segment in raw.decode("ascii").strip("/").split("/")]
    except UnicodeDecodeError as error:
        raise NotFound("the path is not percent-encoded UTF-8", fix="the paths are listed in openapi.json") from error


def _fit(pattern: tuple[str, ...], segments: list[str]) -> dict[str, str] | None:
    found: dict[str, str] = {}
    for expected, segment in zip(pattern, segments, strict=True):
        if expected[0] == "{":
            found[expected[1:-1]] = segment
        elif expected != segment:
            return None
    return found


def _method(methods: Mapping[str, T], method: str) -> T:
    match = methods.get(method)
    if match is None:
        allowed = ", ".join(sorted(methods))
        raise MethodNotAllowed(f"this path takes {allowed}", allow=allowed)
    return match
