"""The one way out to HTTP: a pooled client with hard limits, whose failures say whether anything was sent."""

from __future__ import annotations

from interlock.foundation.http.answers import HttpStream
from interlock.foundation.http.client import HttpClient
from interlock.foundation.http.errors import (
    HttpClosed,
    HttpFailure,
    HttpForbidden,
    HttpLost,
    HttpTimedOut,
    HttpUnreachable,
    ResponseTooLarge,
    ResponseUnreadable,
)
from interlock.foundation.http.events import Event, EventReader
from interlock.foundation.http.exchange import HttpRequest, HttpResponse

__all__ = [
    "Event",
    "EventReader",
    "HttpClient",
    "HttpClosed",
    "HttpFailure",
    "HttpForbidden",
    "HttpLost",
    "HttpRequest",
    "HttpResponse",
    "HttpStream",
    "HttpTimedOut",
    "HttpUnreachable",
    "ResponseTooLarge",
    "ResponseUnreadable",
]
