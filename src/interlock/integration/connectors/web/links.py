"""Links to the next page: in the header `Link` (RFC 8288) or in the body. They are read, and never called."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urljoin, urlsplit

LONGEST = 8192
_LINK = re.compile(r'\s*<([^<>]*)>((?:[^",<]|"(?:[^"\\]|\\.)*")*)(?:,|$)')
_PARAMETER = re.compile(r';\s*([^\s=;"]+)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*)))?')
_EMPTY = re.compile(r"\s*,")
_PORTS = {"http": 80, "https": 443}


class LinkUnfit(ValueError):
    """A link does not lead to a page of the same list."""


def next_in(headers: Mapping[str, str]) -> str:
    """Return where the link of the relation `next` leads; empty where there is none.

    Raises `LinkUnfit` where what is written cannot be read to its end: a list must not seem to end there.
    """
    written = ", ".join(value for name, value in headers.items() if name.lower() == "link")
    if len(written) > LONGEST:
        raise LinkUnfit("its header Link is too long")
    found = [target for target, relations in _links(written) if "next" in relations]
    return found[0] if found else ""


def _links(written: str) -> Iterator[tuple[str, list[str]]]:
    position = 0
    while match := _LINK.match(written, position):
        said = ((name.lower(), quoted or plain) for name, quoted, plain in _PARAMETER.findall(match[2]))
        relations = next((value for name, value in said if name == "rel"), "")
        yield match[1].strip(), relations.strip("'").lower().split()
        position = match.end()
        while empty := _EMPTY.match(written, position):
            position = empty.end()
    if written[position:].strip():
        raise LinkUnfit("its header Link cannot be read")


def parameters_of(target: Any, called: str, base_url: str) -> dict[str, str]:
    """Return the query of the link *target* of an answer from *called*. Raises `LinkUnfit` where it leads elsewhere.

    Elsewhere is everything outside the host and the path of *base_url*.
    """
    if not isinstance(target, str) or len(target) > LONGEST:
        raise LinkUnfit("its link to the next page is no address")
    try:
        found, base = urlsplit(urljoin(called, target)), urlsplit(base_url)
        same = _host(found.scheme, found.hostname, found.port) == _host(base.scheme, base.hostname, base.port)
    except ValueError:
        raise LinkUnfit("its link to the next page is no address") from None
    root, path = base.path.rstrip("/"), unquote(found.path)
    if not same or found.username or found.password:
        raise LinkUnfit("its link to the next page leads to another host, which is refused")
    if not (path == root or path.startswith(f"{root}/")) or {".", ".."} & set(re.split(r"[/\\]", path)):
        raise LinkUnfit("its link to the next page leads out of the path of `base_url`, which is refused")
    return dict(parse_qsl(found.query, keep_blank_values=True))


def _host(scheme: str, host: str | None, port: int | None) -> tuple[str, str, int | None]:
    return scheme, host or "", port or _PORTS.get(scheme)
