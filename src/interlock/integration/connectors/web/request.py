"""One operation's request, prepared at load so that a call only fills in values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from interlock.integration.connectors.web.bodies import body_of
from interlock.integration.connectors.web.styles import pairs, plain, segment

_PART = re.compile(r"\{([^{}]+)\}")


class RequestTemplate:
    """Turns arguments into address, headers and body, by the binding of one operation."""

    __slots__ = ("_body", "_cookies", "_end", "_headers", "_path", "_query", "_sign", "accept", "method", "results")

    def __init__(self, binding: Mapping[str, Any], base_url: str) -> None:
        self.method: str = binding["method"]
        self.results: Mapping[str, str] = binding["results"]
        others = {"text", "bytes"} & set(self.results.values())
        self.accept = "application/json, */*;q=0.5" if others else "application/json"
        by_place: dict[str, list[Mapping[str, Any]]] = {"path": [], "query": [], "header": [], "cookie": []}
        for parameter in binding["parameters"]:
            by_place[parameter["in"]].append(parameter)
        named = {parameter["name"]: parameter for parameter in by_place["path"]}
        pieces = _PART.split(base_url.rstrip("/") + binding["path"])
        # Literal text and the names of parameters in turn, as the split leaves them.
        self._path = tuple(
            (pieces[i], (one := named[pieces[i + 1]])["argument"], one.get("style", "simple"), one["name"])
            for i in range(0, len(pieces) - 1, 2)
        )
        self._end = pieces[-1]
        self._sign = "&" if "?" in binding["path"] else "?"  # some documents write a constant query into the path
        self._query, self._cookies = (
            tuple(
                (parameter["argument"], quote(parameter["name"], safe=""), parameter.get("style", "form"))
                for parameter in by_place[place]
            )
            for place in ("query", "cookie")
        )
        self._headers = tuple(
            (parameter["argument"], parameter["name"], parameter.get("style", "simple"))
            for parameter in by_place["header"]
        )
        self._body = body_of(binding.get("body"))

    def url(self, arguments: Mapping[str, Any]) -> str:
        """Return the address with path and query filled in. Raises `Unsendable`."""
        written = [text + segment(name, style, own, arguments[name]) for text, name, style, own in self._path]
        text, query = "".join(written) + self._end, _pairs(self._query, arguments)
        return f"{text}{self._sign}{'&'.join(query)}" if query else text

    def fill(self, headers: dict[str, str], arguments: Mapping[str, Any]) -> bytes | None:
        """Add this operation's headers to *headers* and return the body, None for none. Raises `Unsendable`."""
        for argument, name, style in self._headers:
            value = arguments.get(argument)
            if value is not None:
                headers[name] = plain(argument, style, value)
        if cookies := _pairs(self._cookies, arguments):
            headers["Cookie"] = "; ".join(cookies)
        written = self._body.write(arguments)
        if written is None:
            return None
        body, kind = written
        headers.setdefault("Content-Type", kind)
        return body


def _pairs(parameters: tuple[tuple[str, str, str], ...], arguments: Mapping[str, Any]) -> list[str]:
    found: list[str] = []
    names = [name for _, name, _ in parameters]
    for argument, name, style in parameters:
        value = arguments.get(argument)
        if value is not None:
            found += pairs(argument, name, style, value, names)
    return found
