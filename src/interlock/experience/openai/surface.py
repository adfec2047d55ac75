"""The OpenAI-compatible surface as a raw ASGI application: authenticate, parse, answer, render in OpenAI's shapes."""

from __future__ import annotations

import logging
from time import perf_counter
from urllib.parse import unquote

from interlock.experience.api.errors import InternalError, MethodNotAllowed, NotFound, RequestInvalid
from interlock.experience.api.request import Receive, Scope, Send, parse_body, read_body
from interlock.experience.api.responses import JSON, Headers, send_bytes
from interlock.experience.installation import Installation
from interlock.experience.openai import rendering
from interlock.experience.openai.completions import Completions
from interlock.experience.openai.exchange import Asked, Exchange
from interlock.experience.openai.shapes import chat_request
from interlock.foundation.telemetry.overhead import begin_meter
from interlock.governance.credentials import demand_scope
from interlock.intelligence.gateway import route_unknown
from interlock.values.errors import InterlockError, place_of
from interlock.values.principals import Principal

log = logging.getLogger("interlock.openai")

COMPLETIONS = "/v1/chat/completions"
MODELS = "/v1/models"
SCOPE = "act"
LONGEST_WORD = 200
STREAM = b"text/event-stream"
_Body = tuple[bytes, bytes]


class OpenAi:
    """Answers `/v1/chat/completions` and `/v1/models`."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._completions = Completions(installation)

    @staticmethod
    def answers(path: str) -> bool:
        """Return whether *path* is one of this surface's."""
        return path in (COMPLETIONS, MODELS) or path.startswith(MODELS + "/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Every error is in OpenAI's shape, with our code and status."""
        started, meter, exchange = perf_counter(), begin_meter(), Exchange()
        status, more = 200, []
        try:
            body, kind = await self._answer(scope, receive, exchange)
        except InterlockError as error:
            status, body, kind, more = error.status, rendering.error_body(error), JSON, _about(error)
        except Exception as error:
            log.error("%s at %s while answering %s", type(error).__name__, place_of(error), scope["method"])
            broken = InternalError("the request could not be answered", fix="see the server's log")
            status, body, kind = broken.status, rendering.error_body(broken), JSON
        overhead = max((perf_counter() - started) * 1000 - meter.waited, 0.0)
        if exchange.route:
            self._installation.telemetry.metrics.observe("interlock_overhead_seconds", overhead / 1000)
        headers = [*more, *_headers(exchange), (b"x-interlock-overhead-ms", b"%.2f" % overhead)]
        await send_bytes(send, status, body, kind, headers)

    async def _answer(self, scope: Scope, receive: Receive, exchange: Exchange) -> _Body:
        headers = dict(scope["headers"])
        principal = await self._installation.authenticator.authenticate(_text(headers, b"authorization") or None)
        path, method = scope["path"], scope["method"]
        chat = path == COMPLETIONS
        allowed = "POST" if chat else "GET"
        if method != allowed:
            raise MethodNotAllowed(f"this path takes {allowed}", allow=allowed)
        demand_scope(principal, SCOPE)
        route = COMPLETIONS if chat else MODELS
        trace = _text(headers, b"traceparent")
        with self._installation.telemetry.request(method, route, traceparent=trace):
            if chat:
                return await self._chat(principal, headers, receive, exchange)
            return self._models(path), JSON

    async def _chat(
        self, principal: Principal, headers: dict[bytes, bytes], receive: Receive, exchange: Exchange
    ) -> _Body:
        limits = self._installation.projects.current.settings.limits
        raw = await read_body(receive, headers, largest=limits.request_bytes)
        request = chat_request(parse_body(raw, headers, deepest=limits.depth))
        asked = Asked(principal, request, _word(headers, b"interlock-session"), _word(headers, b"idempotency-key"))
        answer = await self._completions.answer(asked, exchange)
        if request.stream:
            return rendering.chunks(answer, include_usage=request.include_usage), STREAM
        return rendering.completion(answer), JSON

    def _models(self, path: str) -> bytes:
        project = self._installation.projects.current
        created = int(project.active_since)
        if path == MODELS:
            return rendering.model_list(sorted(project.routes), created)
        name = unquote(path.removeprefix(MODELS + "/"))
        if not name:
            raise NotFound("there is no such path", fix=f"the models are listed at {MODELS}")
        if name not in project.routes:
            raise route_unknown(name, project.routes)
        return rendering.one_model(name, created)


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


def _text(headers: dict[bytes, bytes], name: bytes) -> str:
    return headers.get(name, b"").decode("latin-1")
