"""`/facades/NAME`: its REST paths, `openapi.json`, `graphql` and `mcp`, for callers with a credential."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import orjson

from interlock.experience.api.errors import MethodNotAllowed, RequestInvalid, RequestMalformed
from interlock.experience.api.request import Receive, Request, Scope, Send, parse_body, parse_query, read_body
from interlock.experience.api.responses import JSON, PROBLEM, Headers
from interlock.experience.api.routes import Paths
from interlock.experience.facades.arguments import given_of
from interlock.experience.facades.calling import Calling, Rates, Told, Visit
from interlock.experience.facades.errors import FacadeUnknown
from interlock.experience.facades.graphql import GraphQl
from interlock.experience.facades.graphql.serving import query_of
from interlock.experience.facades.openapi import openapi
from interlock.experience.facades.shelf import FacadeShelf, offered
from interlock.experience.facades.standing import pending, problem_of, standing_of, status_of
from interlock.experience.installation import Installation
from interlock.experience.mcp import Mcp
from interlock.experience.mcp.metadata import base_url
from interlock.foundation.secrets.kept import derived_key
from interlock.foundation.telemetry.overhead import begin_meter
from interlock.governance.credentials import demand_scope
from interlock.integration.facades import Endpoint, Facade
from interlock.orchestration.project import Project
from interlock.values.principals import Principal

PREFIX = "/facades/"
DOCUMENT, GRAPHQL, MCP = "openapi.json", "graphql", "mcp"
SCOPE = "act"
LONGEST_KEY = 200
GRAPHQL_JSON = b"application/graphql-response+json"


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back."""

    status: int
    body: bytes
    kind: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Facades:
    """Answers everything under `/facades/`. *secret* is what MCP's answers are sealed with."""

    def __init__(self, installation: Installation, *, secret: bytes = b"") -> None:
        self._installation = installation
        self._secret = secret
        self._rates = Rates(installation)
        self._calling = Calling(installation, self._rates)
        self._graphql = GraphQl(self._calling)
        self._mcp: dict[str, Mcp] = {}
        self._paths: dict[str, Paths[Endpoint]] = {}
        self._version = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Raises `InterlockError`, for which REST has a problem document."""
        name, _, rest = scope["path"].removeprefix(PREFIX).partition("/")
        if rest == MCP and (served := self._served(name)) is not None:
            await served(scope, receive, send)
            return
        started, meter = perf_counter(), begin_meter()
        answer = await self._answer(scope, receive, name, rest)
        overhead = max(perf_counter() - started - meter.waited / 1000, 0.0)
        self._installation.telemetry.metrics.observe("interlock_overhead_seconds", overhead)
        await _send(send, answer, [(b"x-interlock-overhead-ms", b"%.2f" % (overhead * 1000))])

    def _served(self, name: str) -> Mcp | None:
        """Return what answers MCP for a facade; a name that no facade has takes no memory."""
        if name not in self._installation.projects.current.facades:
            return None
        if name not in self._mcp:
            secret = derived_key(self._secret, f"facade {name}") if self._secret else b""
            self._mcp[name] = Mcp(self._installation, secret=secret, shelf=FacadeShelf(name, self._rates))
        return self._mcp[name]

    async def _answer(self, scope: Scope, receive: Receive, name: str, rest: str) -> Answer:
        installation, headers = self._installation, dict(scope["headers"])
        authorization = headers.get(b"authorization")
        text = authorization.decode("latin-1") if authorization is not None else None
        principal = await installation.authenticator.authenticate(text)
        project = installation.projects.current
        facade = project.facades.get(name)
        if facade is None:
            raise FacadeUnknown("the project has no facade of this name", fix="list them: interlock facade list")
        if rest in ("", DOCUMENT):
            return self._described(scope, headers, project, facade, principal, rest)
        demand_scope(principal, SCOPE)
        request = Request(installation, principal, {}, {}, {}, headers)
        visit = _visit(facade, request)
        limits = project.settings.limits
        raw = await read_body(receive, headers, largest=limits.request_bytes)
        if rest == GRAPHQL:
            body = parse_body(raw, headers, deepest=limits.depth) if scope["method"] == "POST" else None
            return await self._queried(scope, visit, project, body)
        endpoint, path = self._at(project, facade).find(scope)
        body = parse_body(raw, headers, deepest=limits.depth) if raw else {}
        if not isinstance(body, dict):
            raise RequestMalformed("the body is no JSON object", fix="send the arguments as members of an object")
        if body and endpoint.method in ("GET", "DELETE"):
            raise RequestInvalid("this path takes no body", fix="give the arguments in the query")
        given = given_of(endpoint, path, scope["query_string"], body)
        route, trace = f"{PREFIX}{facade.name}{endpoint.path}", request.header(b"traceparent")
        with installation.telemetry.request(endpoint.method, route, traceparent=trace):
            told = await self._calling.call(visit, endpoint, given, key=visit.key)
        return _told(told, headers)

    def _described(
        self,
        scope: Scope,
        headers: Mapping[bytes, bytes],
        project: Project,
        facade: Facade,
        principal: Principal,
        rest: str,
    ) -> Answer:
        if scope["method"] != "GET":
            raise MethodNotAllowed("this path takes GET", allow="GET")
        host = headers.get(b"host", b"").decode("latin-1")
        base = base_url(project.settings, scheme=scope.get("scheme", "http"), host=host) + PREFIX + facade.name
        endpoints = list(offered(project, facade, principal))
        if rest == DOCUMENT:
            return Answer(200, orjson.dumps(openapi(facade, endpoints, base)))
        interfaces = {"openapi": f"{base}/{DOCUMENT}", "graphql": f"{base}/{GRAPHQL}", "mcp": f"{base}/{MCP}"}
        shown = {
            "facade": facade.name,
            "title": facade.title,
            "version": facade.version,
            "description": facade.description,
            "interfaces": interfaces,
            "operations": [f"{one.method} {one.path}" for one in endpoints],
        }
        return Answer(200, orjson.dumps(shown))

    async def _queried(self, scope: Scope, visit: Visit, project: Project, body: Any) -> Answer:
        if scope["method"] not in ("GET", "POST"):
            raise MethodNotAllowed("GraphQL is asked with GET or POST", allow="GET, POST")
        if scope["method"] == "GET":
            body = dict(parse_query(scope["query_string"]))
            body["variables"] = _variables(body.get("variables", ""))
        endpoints = list(offered(project, visit.facade, visit.principal))
        only_reads = scope["method"] == "GET"
        with self._installation.telemetry.request(scope["method"], f"{PREFIX}{visit.facade.name}/{GRAPHQL}"):
            shown = await self._graphql.answer(
                visit, query_of(body), endpoints, version=project.version, only_reads=only_reads
            )
        accepted = dict(scope["headers"]).get(b"accept", b"")
        strict = GRAPHQL_JSON in accepted
        return Answer(
            400 if strict and "data" not in shown else 200, orjson.dumps(shown), GRAPHQL_JSON if strict else JSON
        )

    def _at(self, project: Project, facade: Facade) -> Paths[Endpoint]:
        if project.version != self._version:
            self._paths, self._version = {}, project.version
        if facade.name not in self._paths:
            paths = self._paths[facade.name] = Paths()
            for endpoint in facade.endpoints.values():
                paths.add(endpoint.method, f"{PREFIX}{facade.name}{endpoint.path}", endpoint)
        return self._paths[facade.name]


def _visit(facade: Facade, request: Request) -> Visit:
    key = request.header(b"idempotency-key")
    if len(key) > LONGEST_KEY:
        raise RequestInvalid(f"Idempotency-Key may have at most {LONGEST_KEY} characters", field="Idempotency-Key")
    fresh = "no-cache" in request.header(b"cache-control").lower()
    return Visit(facade, request.principal, request.header(b"interlock-session"), key, fresh)


def _variables(text: str) -> Any:
    if not text:
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise RequestMalformed("`variables` is not JSON") from error


def _told(told: Told, headers: Mapping[bytes, bytes]) -> Answer:
    """Return the answer to a REST call: the result, where the action stands, or a problem document."""
    if told.done:
        return _result(told, headers)
    action = told.action
    assert action is not None  # or it were done
    where = ((b"location", f"/v1/actions/{action.id}".encode()),)
    if pending(action):
        return Answer(status_of(action), orjson.dumps(standing_of(action)), headers=where)
    later = (action.problem or {}).get("retry_after")
    more = ((b"retry-after", b"%d" % max(1, round(later))),) if isinstance(later, (int, float)) else ()
    return Answer(status_of(action), orjson.dumps(problem_of(action)), PROBLEM, where + more)


def _result(told: Told, headers: Mapping[bytes, bytes]) -> Answer:
    more: list[tuple[bytes, bytes]] = []
    if told.action is not None:
        more.append((b"interlock-action", told.action.id.encode()))
    if told.value is None:
        return Answer(204, b"", headers=tuple(more))
    body = orjson.dumps(told.value)
    if told.valid > 0:
        tag = b'"%s"' % hashlib.sha256(body).hexdigest()[:32].encode()
        more += [
            (b"etag", tag),
            (b"age", b"%d" % told.age),
            (b"cache-control", b"private, max-age=%d" % (told.age + told.valid)),
        ]
        more.append((b"vary", b"authorization, interlock-session"))
        if tag in (one.strip() for one in headers.get(b"if-none-match", b"").split(b",")):
            return Answer(304, b"", headers=tuple(more))
    return Answer(200, body, headers=tuple(more))


async def _send(send: Send, answer: Answer, more: Headers) -> None:
    headers = [*answer.headers, *more]
    if answer.body:
        headers += [(b"content-type", answer.kind), (b"content-length", b"%d" % len(answer.body))]
    if not any(name == b"cache-control" for name, _ in headers):
        headers.append((b"cache-control", b"no-store"))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
