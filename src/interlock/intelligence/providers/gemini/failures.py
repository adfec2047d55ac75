"""What Google's errors say beside their status: a `google.rpc.Status` with details."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

import orjson

from interlock.foundation.http import HttpResponse
from interlock.intelligence.providers.upstream import raise_denied, raise_for

RETRY = "type.googleapis.com/google.rpc.RetryInfo"
KEY_REASONS = frozenset({"API_KEY_INVALID", "API_KEY_EXPIRED"})
"""Reasons that come with status 400, although it is the key that is wrong."""

_SECONDS = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)s")


def raise_from(answer: HttpResponse) -> NoReturn:
    """Raise what the answer means; of its body only the time to wait and the reason are read."""
    wait = 0.0
    for detail in _details(answer.body):
        if answer.status == 400 and detail.get("reason") in KEY_REASONS:
            raise_denied(answer.status)
        delay = detail.get("retryDelay") if detail.get("@type") == RETRY else None
        found = _SECONDS.fullmatch(delay) if isinstance(delay, str) else None
        wait = max(wait, float(found[1])) if found else wait
    raise_for(answer, wait=wait)


def _details(body: bytes) -> Iterator[Mapping[str, Any]]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return
    if isinstance(document, list) and document:  # a stream that is refused may come as a list of its only part
        document = document[0]
    error = document.get("error") if isinstance(document, dict) else None
    details = error.get("details") if isinstance(error, dict) else None
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, dict):
            # A reason that is no text could not be looked up among the known ones.
            yield {name: value for name, value in detail.items() if isinstance(value, str)}
