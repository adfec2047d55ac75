"""The REST surface as a raw ASGI application: authenticate, route, parse, call, render."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter

import orjson

from interlock.experience.api.document import ROUTES, openapi
from interlock.experience.api.errors import InternalError
from interlock.experience.api.hooks import PREFIX, Hooks
from interlock.experience.api.request import Receive, Request, Scope, Send, parse_body, parse_query, read_body
from interlock.experience.api.responses import Headers, send_bytes, send_json, send_problem
from interlock.experience.api.routes import Match, Router
from interlock.experience.api.schemas import COMPONENTS
from interlock.experience.installation import Installation
from interlock.foundation.telemetry.overhead import begin_meter
from interlock.governance.credentials.errors import ScopeMissing
from interlock.values.errors import InterlockError, place_of

log = logging.getLogger("interlock.api")

Branch = Callable[[Scope, Receive, Send], Awaitable[None]]
"""Answers requests under a prefix; what it raises is answered as everything here is."""


class Api:
    """Answers everything under `/v1` and `/hooks`, `/openapi.json`, and what *branches* has, by prefix."""

    def __init__(self, installation: Installation, branches: Mapping[str, Branch] | None = None) -> None:
        self._installation = installation
        self._branches: dict[str, Branch] = {PREFIX: Hooks(installation), **(branches or {})}
        self._router = Router(ROUTES, COMPONENTS)
        self._document = orjson.dumps(openapi(installation.projects.current.settings.server.public_url))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. An error of ours is a problem document; anything else is `internal_error`."""
        started = perf_counter()
        try:
            await self._answer(scope, receive, send, started)
        except InterlockError as error:
            await send_problem(send, error, self._challenge(error))
        except Exception as error:
            log.error("%s at %s while answering %s", type(error).__name__, place_of(error), scope["method"])
            await send_problem(send, InternalError("the request could not be answered", fix="see the server's log"))

    async def _answer(self, scope: Scope, receive: Receive, send: Send, started: float) -> None:
        if scope["path"] == "/openapi.json":
            await send_bytes(send, 200, self._document, b"application/json")
            return
        for prefix, branch in self._branches.items():
            if scope["path"].startswith(prefix):
                await branch(scope, receive, send)
                return
        meter = begin_meter()
        headers = dict(scope["headers"])
        installation = self._installation
        principal = await installation.authenticator.authenticate(_authorization(headers))
        match, path = self._router.find(scope)
        if match.scopes and not match.scopes & principal.scopes:
            raise ScopeMissing(
                f"this needs a credential with the scope {match.route.scope.replace(' ', ' or ')}",
                fix="create such a key: interlock keys create --help",
            )
        request = Request(installation, principal, path, parse_query(scope["query_string"]), {}, headers)
        await self._read(request, match, receive)
        trace = request.header(b"traceparent")
        with installation.telemetry.request(match.route.method, match.route.path, traceparent=trace):
            value = await match.route.handler(request)
        overhead = max(perf_counter() - started - meter.waited / 1000, 0.0)
        installation.telemetry.metrics.observe("interlock_overhead_seconds", overhead)
        await send_json(send, match.route.status, value, [(b"x-interlock-overhead-ms", b"%.2f" % (overhead * 1000))])

    async def _read(self, request: Request, match: Match, receive: Receive) -> None:
        limits = request.installation.projects.current.settings.limits
        raw = await read_body(receive, request.headers, largest=limits.request_bytes)
        if match.validator is not None:
            body = parse_body(raw or b"{}", request.headers, deepest=limits.depth)
            match.check(body)
            request.body = body

    def _challenge(self, error: InterlockError) -> Headers:
        if error.status != 401:
            return []
        base = self._installation.projects.current.settings.server.public_url
        resource = f"{base}/.well-known/oauth-protected-resource" if base else "/.well-known/oauth-protected-resource"
        return [(b"www-authenticate", f'Bearer resource_metadata="{resource}"'.encode())]


def _authorization(headers: dict[bytes, bytes]) -> str | None:
    value = headers.get(b"authorization")
    return value.decode("latin-1") if value is not None else None
