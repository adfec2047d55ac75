"""One operation's request, prepared at load so that a call only fills in values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import orjson

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_DOTS = re.compile(r"(?:^|[/\\])\.{1,2}(?:$|[/\\])")
_PART = re.compile(r"\{([^{}]+)\}")


class Unsendable(ValueError):
    """An argument cannot be written into the request; the text names it and why, never its value."""


class RequestTemplate:
    """Turns arguments into address, headers and body, by the binding of one operation."""

    __slots__ = ("_body", "_headers", "_members", "_path", "_query", "_required", "_whole", "method", "results")

    def __init__(self, binding: Mapping[str, Any], base_url: str) -> None:
        self.method: str = binding["method"]
        self.results: Mapping[str, str] = binding["results"]
        by_place: dict[str, list[Mapping[str, Any]]] = {"path": [], "query": [], "header": []}
        for parameter in binding["parameters"]:
            by_place[parameter["in"]].append(parameter)
        names = {parameter["name"]: parameter["argument"] for parameter in by_place["path"]}
        pieces = _PART.split(base_url.rstrip("/") + binding["path"])
        # Literal text and the names of arguments in turn, as the split leaves them.
        self._path = tuple((pieces[i], names[pieces[i + 1]]) for i in range(0, len(pieces) - 1, 2)), pieces[-1]
        self._query = tuple(
            (parameter["argument"], quote(parameter["name"], safe=""), parameter.get("style", "form"))
            for parameter in by_place["query"]
        )
        self._headers = tuple((parameter["argument"], parameter["name"]) for parameter in by_place["header"])
        body = binding.get("body")
        self._body = body is not None
        self._whole: str = body.get("argument", "") if body else ""
        self._members = tuple(body.get("members", {}).items()) if body else ()
        self._required = bool(body and body.get("required"))

    def url(self, arguments: Mapping[str, Any]) -> str:
        """Return the address with path and query filled in. Raises `Unsendable`."""
        pairs, end = self._path
        text = "".join([literal + _segment(name, arguments[name]) for literal, name in pairs]) + end
        query: list[str] = []
        for argument, name, style in self._query:
            value = arguments.get(argument)
            if value is not None:
                query += _query(argument, name, style, value)
        return f"{text}?{'&'.join(query)}" if query else text

    def fill(self, headers: dict[str, str], arguments: Mapping[str, Any]) -> bytes | None:
        """Add this operation's headers to *headers* and return the body, None for none. Raises
        `Unsendable`.
        """
        for argument, name in self._headers:
            value = arguments.get(argument)
            if value is not None:
                text = _text(argument, value)
                if _CONTROL.search(text):
                    raise Unsendable(f"{argument} holds control characters, which a header cannot carry")
                headers[name] = text
        if not self._body:
            return None
        body = self._content(arguments)
        if body is not None:
            headers["Content-Type"] = "application/json"
        return body

    def _content(self, arguments: Mapping[str, Any]) -> bytes | None:
        if self._whole:
            return orjson.dumps(arguments[self._whole]) if self._whole in arguments else None
        members = {name: arguments[argument] for argument, name in self._members if argument in arguments}
        return orjson.dumps(members) if members or self._required else None


def _text(argument: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (bool, int, float)):
        return orjson.dumps(value).decode()
    if isinstance(value, list):
        return ",".join(_text(argument, item) for item in value)
    raise Unsendable(f"{argument} has a form that cannot be written as text")


def _segment(argument: str, value: Any) -> str:
    """Return *value* as exactly one segment of a path: it can neither end it nor climb out of it."""
    text = _text(argument, value)
    if text.isascii() and text.isalnum():
        return text
    if not text or _DOTS.search(text) or _CONTROL.search(text):
        raise Unsendable(f"{argument} is empty, or would change the path that is called")
    return quote(text, safe="")


def _query(argument: str, name: str, style: str, value: Any) -> list[str]:
    if style == "json":
        return [f"{name}={quote(orjson.dumps(value).decode(), safe='')}"]
    if isinstance(value, Mapping):
        members = {key: quote(_text(argument, item), safe="") for key, item in value.items() if item is not None}
        if style == "deepObject":
            return [f"{name}%5B{quote(key, safe='')}%5D={item}" for key, item in members.items()]
        if style == "form":
            return [f"{quote(key, safe='')}={item}" for key, item in members.items()]
        raise Unsendable(f"{argument} has a form that cannot be written into the address")
    if isinstance(value, list):
        items = [quote(_text(argument, item), safe="") for item in value]
        return [f"{name}={','.join(items)}"] if style == "csv" else [f"{name}={item}" for item in items]
    return [f"{name}={quote(_text(argument, value), safe='')}"]
