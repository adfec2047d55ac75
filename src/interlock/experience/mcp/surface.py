"""The MCP surface as a raw ASGI application: check where it comes from, authenticate, parse, call one verb, render."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import orjson

from interlock.experience.api.errors import MethodNotAllowed, NotFound, RequestMalformed
from interlock.experience.api.request import Receive, Scope, Send, parse_body, read_body
from interlock.experience.api.responses import JSON, Headers, send_bytes, send_json, send_problem
from interlock.experience.installation import Installation
from interlock.experience.mcp import messages, metadata, rendering
from interlock.experience.mcp.addresses import Addresses
from interlock.experience.mcp.calls import Calls, call_of
from interlock.experience.mcp.errors import NotAcceptable, ProtocolFault
from interlock.experience.mcp.messages import METHOD_NOT_FOUND, PARSE_ERROR, Message, MessageId, Reply
from interlock.experience.mcp.revisions import (
    HANDSHAKE,
    SERVER,
    SERVER_KEY,
    STATELESS,
    Revision,
    revision_of,
    speaks_for_itself,
)
from interlock.experience.mcp.shelf import Operations, Shelf
from interlock.experience.mcp.toolbox import OWN, Toolbox
from interlock.foundation.telemetry import NO_SPAN, Span
from interlock.foundation.telemetry.overhead import begin_meter
from interlock.governance.credentials import demand_scope
from interlock.governance.credentials.errors import ScopeMissing
from interlock.orchestration.project import Project
from interlock.values.errors import InterlockError, place_of
from interlock.values.principals import Principal

log = logging.getLogger("interlock.mcp")

ALLOWED = "POST, DELETE"
CALL, LIST, DISCOVER, INITIALIZE, PING = "tools/call", "tools/list", "server/discover", "initialize", "ping"
METHODS = frozenset({CALL, LIST, DISCOVER, INITIALIZE, PING})
INSTRUCTIONS = (
    "Tools are operations of business systems, governed by Interlock: each call is decided by policy and recorded. "
    "A call may be refused with reasons, or wait for a person; then its result has the state `waiting` and an action "
    "id to look at with interlock.action_status. Never repeat a call that waits or is in doubt."
)
FRESH_MS = 60_000
_CACHE = b',"ttlMs":%d,"cacheScope":"private","resultType":"complete","_meta":' % FRESH_MS + orjson.dumps(
    {SERVER_KEY: SERVER}
)
_DISCOVERED = orjson.dumps(
    {
        "resultType": "complete",
        "supportedVersions": list(STATELESS),
        "capabilities": {"tools": {}},
        "instructions": INSTRUCTIONS,
        "ttlMs": FRESH_MS,
        "cacheScope": "private",
        "_meta": {SERVER_KEY: SERVER},
    }
)


@dataclass(slots=True)
class _Exchange:
    """What is known of a request when it fails: which message it answers, and how."""

    number: MessageId | None = None
    stateless: bool = False
    acts: bool = False


class Mcp:
    """Answers `/mcp` and the protected-resource metadata under `/.well-known/`, with the tools of *shelf*.

    *secret* seals what clients echo while a person is asked; processes that serve one installation share it. Without
    one, each process makes its own, and an answer must come back to the process that asked.
    """

    def __init__(self, installation: Installation, *, secret: bytes = b"", shelf: Shelf | None = None) -> None:
        self._installation = installation
        self._resource = metadata.RESOURCE if shelf is None else ""
        shelf = shelf or Operations()
        self._calls = Calls(installation, secret or os.urandom(32), shelf)
        self._toolbox = Toolbox(shelf)
        self._project: Project | None = None
        self._addresses = Addresses("", "")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Everything but an answer of the protocol itself is a JSON-RPC error with a status."""
        if scope["path"].startswith("/.well-known/"):
            await self._metadata(scope, send)
            return
        started, meter, exchange = perf_counter(), begin_meter(), _Exchange()
        try:
            reply = await self._answer(scope, receive, exchange)
        except ProtocolFault as fault:
            reply = messages.fault_reply(exchange.number, fault, stateless=exchange.stateless)
        except InterlockError as error:
            reply = messages.refusal_reply(exchange.number, error, self._challenge(scope, error))
        except Exception as error:
            reply = _broken(exchange, error)
        overhead = max((perf_counter() - started) * 1000 - meter.waited, 0.0)
        if exchange.acts:
            self._installation.telemetry.metrics.observe("interlock_overhead_seconds", overhead / 1000)
        headers = [*reply.headers, (b"x-interlock-overhead-ms", b"%.2f" % overhead)]
        await send_bytes(send, reply.status, reply.body, JSON, headers)

    async def _answer(self, scope: Scope, receive: Receive, exchange: _Exchange) -> Reply:
        headers = dict(scope["headers"])
        project = self._current()
        self._addresses.check(headers)
        if scope["method"] not in ("POST", "DELETE"):
            raise MethodNotAllowed(f"this path takes {ALLOWED}", why="nothing is streamed here", allow=ALLOWED)
        principal = await self._installation.authenticator.authenticate(_text(headers, b"authorization"))
        if scope["method"] == "DELETE":
            return Reply(200)  # no session was kept, so none is left
        limits = project.settings.limits
        _check_acceptable(headers)
        raw = await read_body(receive, headers, largest=limits.request_bytes)
        try:
            value = parse_body(raw, headers, deepest=limits.depth)
        except RequestMalformed as error:
            raise ProtocolFault(PARSE_ERROR, error.what, fix=error.fix) from error
        exchange.number = messages.id_of(value)
        message = messages.message_of(value)
        exchange.stateless = speaks_for_itself(message, headers)
        revision = revision_of(message, headers, scope["headers"])
        if message.id is None:
            return Reply(202)
        exchange.acts = message.method == CALL
        with self._span(message, revision):
            body = await self._result(message, principal, revision, headers)
        return Reply(200, messages.result(message.id, body))

    def _span(self, message: Message, revision: Revision) -> Span:
        telemetry = self._installation.telemetry
        if not telemetry.tracing.enabled:
            return NO_SPAN
        method = message.method if message.method in METHODS else "unknown"
        name, parent = message.params.get("name"), message.meta.get("traceparent")
        known = isinstance(name, str) and (name in self._current().catalog.operations or name in OWN)
        return telemetry.mcp(
            method,
            tool=str(name) if known and method == CALL else "",
            version=revision.version,
            traceparent=parent if isinstance(parent, str) else "",
        )

    async def _result(
        self, message: Message, principal: Principal, revision: Revision, headers: dict[bytes, bytes]
    ) -> bytes:
        if message.method == CALL:
            demand_scope(principal, metadata.SCOPE)
            shown = await self._calls.answer(call_of(message, principal, revision, headers))
            return rendering.completed(shown, stateless=revision.stateless)
        if message.method == LIST:
            tools = self._toolbox.tools(self._installation.projects.current, principal)
            return b'{"tools":' + tools + (_CACHE if revision.stateless else b"") + b"}"
        if revision.stateless and message.method == DISCOVER:
            return _DISCOVERED
        if not revision.stateless and message.method == INITIALIZE:
            return orjson.dumps(_initialized(message.params.get("protocolVersion")))
        if not revision.stateless and message.method == PING:
            return b"{}"
        raise ProtocolFault(METHOD_NOT_FOUND, "there is no such method in this revision")

    async def _metadata(self, scope: Scope, send: Send) -> None:
        path = scope["path"].removeprefix(metadata.WELL_KNOWN)
        headers = dict(scope["headers"])
        try:
            if path not in ("", metadata.RESOURCE):
                raise NotFound("there is no such path", fix=f"the metadata is at {metadata.WELL_KNOWN}")
            if scope["method"] not in ("GET", "HEAD"):
                raise MethodNotAllowed("this path takes GET", allow="GET, HEAD")
            settings = self._current().settings
            self._addresses.check({b"host": headers.get(b"host", b"")})
        except InterlockError as error:
            await send_problem(send, error)
            return
        document = metadata.metadata(settings, self._base(scope, headers), path)
        await send_json(send, 200, document, [(b"access-control-allow-origin", b"*")])

    def _current(self) -> Project:
        project = self._installation.projects.current
        if project is not self._project:
            server = project.settings.server
            self._addresses = Addresses(server.host, server.public_url)
            self._project = project
        return project

    def _challenge(self, scope: Scope, error: InterlockError) -> Headers:
        if error.status == 405:
            return [(b"allow", ALLOWED.encode())]
        if error.status == 401 or isinstance(error, ScopeMissing):
            base = self._base(scope, dict(scope["headers"]))
            return metadata.challenge(base, self._resource, missing_scope=error.status != 401)
        return []

    def _base(self, scope: Scope, headers: dict[bytes, bytes]) -> str:
        settings = self._installation.projects.current.settings
        host = _text(headers, b"host") or ""
        return metadata.base_url(settings, scheme=scope.get("scheme", "http"), host=host)


def _initialized(asked: Any) -> dict[str, Any]:
    return {
        "protocolVersion": asked if asked in HANDSHAKE else HANDSHAKE[0],
        "capabilities": {"tools": {}},
        "serverInfo": SERVER,
        "instructions": INSTRUCTIONS,
    }


def _check_acceptable(headers: dict[bytes, bytes]) -> None:
    accepted = headers.get(b"accept")
    if accepted and not any(kind in accepted for kind in (JSON, b"application/*", b"*/*")):
        raise NotAcceptable("answers are JSON", fix="send accept: application/json, text/event-stream")


def _broken(exchange: _Exchange, error: Exception) -> Reply:
    log.error("%s at %s while answering a message", type(error).__name__, place_of(error))
    body = messages.error(exchange.number, messages.INTERNAL_ERROR, "the message could not be answered")
    return Reply(500 if exchange.stateless else 200, body)


def _text(headers: dict[bytes, bytes], name: bytes) -> str | None:
    value = headers.get(name)
    return value.decode("latin-1") if value is not None else None
