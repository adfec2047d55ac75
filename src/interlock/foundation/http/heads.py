"""The head of a request as it goes over the wire."""

from __future__ import annotations

import re
from functools import lru_cache

from interlock.foundation.http.exchange import HttpRequest
from interlock.foundation.http.places import Place, invalid
from interlock.foundation.http.unpacking import ACCEPTED

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+", re.ASCII)
_UNSAFE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_OURS = {"accept": "*/*", "accept-encoding": ACCEPTED, "user-agent": "interlock"}
_ALWAYS = frozenset({"host", *_OURS})
_ONCE = frozenset({"content-length", "host"})
_WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


def head(request: HttpRequest, place: Place, target: str) -> bytes:
    """Return the head of *request*. Raises `HttpUnreachable` if something in it would not be what it seems."""
    method = request.method.upper()
    if not _TOKEN.fullmatch(method):
        raise invalid()
    size = len(request.body) if request.body is not None else 0
    lines = [f"{method} {target} HTTP/1.1"]
    given = set()
    for name, value in request.headers.items():
        known = name.lower()
        if not _TOKEN.fullmatch(name) or _UNSAFE.search(value) or known == "transfer-encoding":
            raise invalid()
        if (known == "content-length" and value != str(size)) or (known in given and known in _ONCE):
            raise invalid()
        given.add(known)
        lines.append(f"{name}: {value}")
    if "content-length" not in given and (size or method not in _WITHOUT_BODY):
        lines.append(f"Content-Length: {size}")
    if given.isdisjoint(_ALWAYS):
        lines.append(_usual(place))
    else:
        ours = {"host": place.authority} | _OURS
        lines.extend(f"{name}: {value}" for name, value in ours.items() if name not in given)
    try:
        return ("\r\n".join(lines) + "\r\n\r\n").encode()
    except UnicodeEncodeError as error:
        raise invalid() from error


@lru_cache(256)
def _usual(place: Place) -> str:
    """Return the lines that go to *place* with every request that does not say otherwise."""
    lines = {"Host": place.authority} | {name.title(): value for name, value in _OURS.items()}
    return "\r\n".join(f"{name}: {value}" for name, value in lines.items())
