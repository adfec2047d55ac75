"""The surface of models as a raw ASGI application: authenticate, parse, answer, render, in the client's dialect."""

from __future__ import annotations

import logging
from time import perf_counter
from typing import Any
from urllib.parse import unquote

from interlock.experience.api.errors import InternalError, MethodNotAllowed, NotFound, RequestInvalid
from interlock.experience.api.request import Receive, Scope, Send, parse_body, read_body
from interlock.experience.api.responses import JSON, Headers, send_bytes
from interlock.experience.installation import Installation
from interlock.experience.openai.completions import Completions
from interlock.experience.openai.dialects import DIALECTS, Dialect, dialect_of
from interlock.experience.openai.exchange import Asked, Exchange
from interlock.experience.openai.stream import Stream
from interlock.experience.openai.vectors import PATH as VECTORS
from interlock.experience.openai.vectors import Vectors, vector_request
from interlock.foundation.telemetry.overhead import begin_meter
from interlock.governance.credentials import demand_scope
from interlock.intelligence.cache.cache import ANEW, NOWHERE
from interlock.intelligence.gateway import route_unknown
from interlock.values.errors import InterlockError, place_of
from interlock.values.principals import Principal

log = logging.getLogger("interlock.openai")

MODELS = "/v1/models"
SCOPE = "act"
LONGEST_WORD = 200


class OpenAi:
    """Answers requests to models in every dialect, `/v1/embeddings` and `/v1/models`."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._completions = Completions(installation)
        self._vectors = Vectors(installation)

    @staticmethod
    def answers(path: str) -> bool:
        """Return whether *path* is one of this surface's."""
        return path in DIALECTS or path in (MODELS, VECTORS) or path.startswith(MODELS + "/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Every error is in the dialect's shape, with our code and status."""
        exchange = Exchange(begin_meter(), perf_counter())
        dialect = dialect_of(scope["path"], dict(scope["headers"]))
        stream = Stream(send, lambda: self._headers(exchange))
        try:
            body = await self._answer(dialect, scope, receive, exchange, stream)
            if body is not None:
                await send_bytes(send, 200, body, JSON, self._headers(exchange))
            return
        except InterlockError as error:
            failure = error
        except Exception as error:
            log.error("%s at %s while answering %s", type(error).__name__, place_of(error), scope["method"])
            failure = InternalError("the request could not be answered", fix="see the server's log")
        if stream.begun:
            await stream.break_off(failure)
        else:
            told = [*_about(failure), *self._headers(exchange)]
            await send_bytes(send, failure.status, dialect.error(failure), JSON, told)

    async def _answer(
        self, dialect: Dialect, scope: Scope, receive: Receive, exchange: Exchange, stream: Stream
    ) -> bytes | None:
        """Return the body of the answer, or None where it was streamed."""
        headers = dict(scope["headers"])
        credential = dialect.credential(headers).decode("latin-1")
        principal = await self._installation.authenticator.authenticate(credential or None)
        path, method = scope["path"], scope["method"]
        listing = path not in DIALECTS and path != VECTORS
        allowed = "GET" if listing else "POST"
        if method != allowed:
            raise MethodNotAllowed(f"this path takes {allowed}", allow=allowed)
        demand_scope(principal, SCOPE)
        trace = _text(headers, b"traceparent")
        with self._installation.telemetry.request(method, MODELS if listing else path, traceparent=trace):
            if path == VECTORS:
                return await self._embed(principal, headers, receive, exchange)
            if listing:
                return self._models(dialect, path)
            asked = await self._asked(dialect, principal, headers, receive)
            if asked.request.stream:
                rendering = dialect.stream(asked.request, int(self._installation.clock.now()))
                await stream.run(rendering, self._completions.stream(asked, exchange), receive)
                return None
            return dialect.whole(await self._completions.answer(asked, exchange))

    async def _asked(
        self, dialect: Dialect, principal: Principal, headers: dict[bytes, bytes], receive: Receive
    ) -> Asked:
        request = dialect.request(await self._body(headers, receive))
        session, key = _word(headers, b"interlock-session"), _word(headers, b"idempotency-key")
        return Asked(principal, request, session, key, _word(headers, b"x-interlock-use-case"), _around(headers))

    async def _embed(
        self, principal: Principal, headers: dict[bytes, bytes], receive: Receive, exchange: Exchange
    ) -> bytes:
        request = vector_request(await self._body(headers, receive))
        session, use_case = _word(headers, b"interlock-session"), _word(headers, b"x-interlock-use-case")
        return await self._vectors.answer(principal, request, exchange, session=session, use_case=use_case)

    async def _body(self, headers: dict[bytes, bytes], receive: Receive) -> Any:
        limits = self._installation.projects.current.settings.limits
        raw = await read_body(receive, headers, largest=limits.request_bytes)
        return parse_body(raw, headers, deepest=limits.depth)

    def _headers(self, exchange: Exchange) -> Headers:
        overhead = exchange.overhead()
        if exchange.route:
            self._installation.telemetry.metrics.observe("interlock_overhead_seconds", overhead / 1000)
        return [*_headers(exchange), (b"x-interlock-overhead-ms", b"%.2f" % overhead)]

    def _models(self, dialect: Dialect, path: str) -> bytes:
        project = self._installation.projects.current
        created = int(project.active_since)
        if path == MODELS:
            return dialect.models(sorted(project.routes), created)
        name = unquote(path.removeprefix(MODELS + "/"))
        if not name:
            raise NotFound("there is no such path", fix=f"the models are listed at {MODELS}")
        if name not in project.routes:
            raise route_unknown(name, project.routes)
        return dialect.model(name, created)


def _about(error: InterlockError) -> Headers:
    """Return the headers of an error. Clients repeat some statuses by themselves; ours says whether that helps."""
    headers: Headers = [(b"x-should-retry", b"true" if error.transient else b"false")]
    if error.status == 405:
        headers.append((b"allow", str(error.details.get("allow", "")).encode()))
    if error.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    retry_after = error.details.get("retry_after")
    if retry_after is not None:
        headers.append((b"retry-after", b"%d" % max(1, round(retry_after))))
    return headers


def _headers(exchange: Exchange) -> Headers:
    named = {
        b"x-interlock-session": exchange.session,
        b"x-interlock-actions": ",".join(exchange.actions),
        b"x-interlock-route": exchange.route,
        b"x-interlock-target": exchange.target,
        b"x-interlock-attempts": str(exchange.attempts or ""),
        b"x-interlock-cost": exchange.cost,
        b"x-interlock-cache": exchange.cache,
        b"x-interlock-degraded": exchange.degraded,
    }
    return [(name, _printable(value)) for name, value in named.items() if value]


def _printable(value: str) -> bytes:
    """Return a header's value; a model's name comes from its server, and may hold anything."""
    return "".join(char if " " <= char <= "~" else "?" for char in value[:8000]).encode("ascii")


def _word(headers: dict[bytes, bytes], name: bytes) -> str:
    value = _text(headers, name)
    if len(value) > LONGEST_WORD:
        raise RequestInvalid(f"{name.decode()} must be at most {LONGEST_WORD} characters", param=name.decode())
    return value


def _around(headers: dict[bytes, bytes]) -> str:
    """Return the stricter of the words of `Cache-Control` (RFC 9111) by which a client passes around kept answers."""
    said = {part.strip().lower() for part in _text(headers, b"cache-control").split(",")}
    return next((word for word in (NOWHERE, ANEW) if word in said), "")


def _text(headers: dict[bytes, bytes], name: bytes) -> str:
    return headers.get(name, b"").decode("latin-1")
