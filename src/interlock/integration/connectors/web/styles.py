"""How OpenAPI writes parameters into paths, queries, headers and cookies: its styles, after RFC 6570.

Items and members are escaped one by one, so that none of them can be taken for two. Where a style cannot escape what
it separates them by, one that holds it is refused; so is what would leave nothing behind, which the system would take
for an argument that was not given.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any
from urllib.parse import quote

import orjson

from interlock.integration.connectors.templates import Unsendable

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_DOTS = re.compile(r"(?:^|[/\\])\.{1,2}(?:$|[/\\])")

STYLES: dict[str, tuple[str, ...]] = {
    "path": ("simple", "label", "matrix"),
    "query": ("form", "spaceDelimited", "pipeDelimited", "deepObject"),
    "header": ("simple",),
    "cookie": ("form",),
}
"""The styles by the place of a parameter, the usual one first."""
JSON = "json"
"""The style of what is declared by a content of JSON rather than by a style."""
_JOINED = {"csv": ",", "spaceDelimited": "%20", "pipeDelimited": "%7C"}
_SEPARATORS = {"spaceDelimited": " ", "pipeDelimited": "|", "label*": ".", "header": ",", "header*": ","}
"""What separates items or members in a style that does not escape it."""


def text_of(argument: str, value: Any) -> str:
    """Return a single value as text. Raises `Unsendable`."""
    if isinstance(value, str):
        return value
    if isinstance(value, (bool, int, float)):
        return orjson.dumps(value).decode()
    raise Unsendable(f"{argument} has a form that cannot be written as text")


def escaped(argument: str, value: Any) -> str:
    """Return a single value with everything but letters, digits and `-._~` percent-encoded. Raises `Unsendable`."""
    return quote(text_of(argument, value), safe="")


def segment(argument: str, style: str, name: str, value: Any) -> str:
    """Return *value* as exactly one segment of a path: it can neither end it nor climb out of it. Raises `Unsendable`.

    *style* is `simple`, `label` or `matrix`, with `*` behind it where lists and objects are exploded, or `json`.
    """
    if style == "simple" and isinstance(value, str) and value.isascii() and value.isalnum():
        return value
    if style == JSON:
        return quote(orjson.dumps(value).decode(), safe="")
    _told_apart(argument, style, value)
    for one in _singles(value):
        text = text_of(argument, one)
        if not text or _DOTS.search(text) or _CONTROL.search(text):
            raise Unsendable(f"{argument} is empty, or would change the path that is called")
    written = _WRITERS[style.removesuffix("*")](argument, name, value, style.endswith("*"))
    if not written or _DOTS.search(written):
        raise Unsendable(f"{argument} is empty, or would change the path that is called")
    return written


def plain(argument: str, style: str, value: Any) -> str:
    """Return *value* for a header, in the style `simple`, which escapes nothing there, or as `json`.

    Raises `Unsendable`.
    """
    if style == JSON:
        return json.dumps(value, separators=(",", ":"))  # in ASCII, as headers are
    exploded = style.endswith("*")
    _told_apart(argument, "header*" if exploded else "header", value)
    if isinstance(value, Mapping):
        sign = "=" if exploded else ","
        text = ",".join(f"{key}{sign}{text_of(argument, one)}" for key, one in _members(value))
    elif isinstance(value, list):
        text = ",".join(text_of(argument, one) for one in value)
    else:
        text = text_of(argument, value)
    if _CONTROL.search(text):
        raise Unsendable(f"{argument} holds control characters, which a header cannot carry")
    return text


def pairs(argument: str, name: str, style: str, value: Any, others: Collection[str] = ()) -> list[str]:
    """Return the `name=value` parts of a query or a form for one argument. Raises `Unsendable`.

    *name* is escaped already, as *others* are: the names of what stands beside it, which no member of an object may
    pass for. *style* is `form` (exploded), `csv` (`form` that is not), `spaceDelimited`, `pipeDelimited`, `deepObject`
    or `json`.
    """
    if style == JSON:
        return [f"{name}={quote(orjson.dumps(value).decode(), safe='')}"]
    _told_apart(argument, style, value)
    if style == "deepObject":
        return list(_deep(argument, name, value))
    if isinstance(value, Mapping):
        members = [(quote(key, safe=""), escaped(argument, one)) for key, one in _members(value)]
        if style == "form":
            if any(key in others for key, _ in members):
                raise Unsendable(f"{argument} has a member with the name of another argument, which it could pass for")
            return [f"{key}={one}" for key, one in members]
        return [f"{name}={_JOINED[style].join(part for pair in members for part in pair)}"]
    if isinstance(value, list):
        items = [escaped(argument, one) for one in value]
        return [f"{name}={one}" for one in items] if style == "form" else [f"{name}={_JOINED[style].join(items)}"]
    return [f"{name}={escaped(argument, value)}"]


def _deep(argument: str, name: str, value: Any) -> list[str]:
    """Write nested values as `name[member][0]=`, as the servers that take them read them."""
    if isinstance(value, Mapping):
        inner = [(quote(key, safe=""), one) for key, one in _members(value)]
    elif isinstance(value, list):
        inner = [(str(number), one) for number, one in enumerate(value)]
    else:
        return [f"{name}={escaped(argument, value)}"]
    if not inner:
        raise _nothing(argument)
    return [part for key, one in inner for part in _deep(argument, f"{name}%5B{key}%5D", one)]


def _members(value: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [(key, one) for key, one in value.items() if one is not None]


def _told_apart(argument: str, style: str, value: Any) -> None:
    """Raise `Unsendable` where what is written would be read as something else than *value*."""
    if not isinstance(value, (Mapping, list)):
        return
    singles = _singles(value)
    if not singles:
        raise _nothing(argument)
    sign = _SEPARATORS.get(style, "")
    named = style == "header*" and isinstance(value, Mapping) and any("=" in key for key in value)
    if named or (sign and any(sign in text_of(argument, one) for one in singles)):
        raise Unsendable(f"{argument} holds an item with a sign by which items are told apart in the style {style}")


def _nothing(argument: str) -> Unsendable:
    return Unsendable(f"{argument} is or holds an empty list or object, which would look as if it had been left out")


def _singles(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return [part for pair in _members(value) for part in pair]
    return value if isinstance(value, list) else [value]


def _joined(argument: str, value: Any, *, between: str, inside: str) -> str:
    if isinstance(value, Mapping):
        return between.join(f"{quote(key, safe='')}{inside}{escaped(argument, one)}" for key, one in _members(value))
    if isinstance(value, list):
        return between.join(escaped(argument, one) for one in value)
    return escaped(argument, value)


def _simple(argument: str, _name: str, value: Any, exploded: bool) -> str:  # noqa: FBT001 - one of a row of writers
    return _joined(argument, value, between=",", inside="=" if exploded else ",")


def _label(argument: str, _name: str, value: Any, exploded: bool) -> str:  # noqa: FBT001 - one of a row of writers
    return "." + _joined(argument, value, between="." if exploded else ",", inside="=" if exploded else ",")


def _matrix(argument: str, name: str, value: Any, exploded: bool) -> str:  # noqa: FBT001 - one of a row of writers
    name = quote(name, safe="")
    if exploded and isinstance(value, Mapping):
        return "".join(f";{quote(key, safe='')}={escaped(argument, one)}" for key, one in _members(value))
    if exploded and isinstance(value, list):
        return "".join(f";{name}={escaped(argument, one)}" for one in value)
    return f";{name}={_joined(argument, value, between=',', inside=',')}"


_WRITERS: dict[str, Callable[[str, str, Any, bool], str]] = {"simple": _simple, "label": _label, "matrix": _matrix}
