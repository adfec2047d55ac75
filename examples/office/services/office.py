"""The office's programs in one process: mail, calendar, files, payments and chat, each below its own name.

They know nothing of who calls them. Run it as `python examples/office/services/office.py`.
"""

from __future__ import annotations

import argparse
import datetime as dt
import hmac
import json
import os
import re
import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from examples.office.services.contract import Ask, Operation, operations
from examples.office.services.diary import Diary
from examples.office.services.documents import Documents
from examples.office.services.ledger import Ledger
from examples.office.services.mailbox import Mailbox
from examples.office.services.problem import Problem
from examples.office.services.records import Clock, Records
from examples.office.services.talk import Talk

HERE = Path(__file__).resolve().parent
DATA = HERE.parent / "data"
PROGRAMS = ("mail", "calendar", "files", "payments", "chat")
MORNING = "2026-03-17T08:40:00+02:00"
VERBS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
NAMES = {
    "person": "person_id",
    "message": "message_id",
    "draft": "draft_id",
    "rule": "rule_id",
    "event": "event_id",
    "invitation": "invitation_id",
    "folder": "folder_id",
    "file": "file_id",
    "vault file": "vault_id",
    "page": "url",
    "payee": "payee_id",
    "invoice": "invoice_id",
    "payment": "payment_id",
    "account": "account_id",
    "payroll": "month",
    "channel": "channel",
    "post": "message_id",
}
"""The member of a record that names it, by kind."""

Verb = Callable[[Ask], Any]


class Place:
    """Answers the operations of one path: checked, once per idempotency key, wholly or not at all."""

    def __init__(self, name: str, verbs: Mapping[str, tuple[Operation, Verb]], records: Records) -> None:
        self._name, self._verbs, self._records = name, verbs, records

    async def answer(self, request: Request) -> Response:
        if request.method not in self._verbs:
            raise HTTPException(405, headers={"Allow": ", ".join(sorted(self._verbs))})
        operation, verb = self._verbs[request.method]
        ask, key = await operation.read(request)
        asked = [self._name, operation.name, dict(ask.values), dict(ask.body)]
        with self._records.change():
            known = self._records.repeated(key, asked) if key else None
            if known is not None:
                return JSONResponse(known[1], known[0], {"Idempotency-Replayed": "true"})
            result = verb(ask)
            if key:
                self._records.answered(key, asked, operation.status, result)
        return JSONResponse(result, operation.status)


class Door:
    """Lets in who holds the token."""

    def __init__(self, app: ASGIApp, *, token: str) -> None:
        self._app, self._expected = app, f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = str(scope.get("path", ""))
        if scope["type"] == "http" and path != "/healthz" and not path.endswith("/openapi.json"):
            given = Headers(scope=scope).get("authorization", "").encode("latin-1")
            if not hmac.compare_digest(given, self._expected):
                refusal = Problem(401, "unauthenticated", "Send a valid bearer token.")
                await refusal.response()(scope, receive, send)
                return
        await self._app(scope, receive, send)


async def healthy(_: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def on_error(_: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException):
        response = Problem(error.status_code, "http", "See openapi.json for what can be asked.").response()
        response.headers.update(error.headers or {})
        return response
    assert isinstance(error, Problem)
    return error.response()


def seeds() -> dict[str, dict[str, dict[str, Any]]]:
    """Return the first records by kind and name."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for name in (*PROGRAMS, "pages"):
        for kind, members in json.loads((DATA / f"{name}.json").read_bytes()).items():
            found[kind] = {str(member.get(NAMES.get(kind, ""), place)): member for place, member in enumerate(members)}
    return found


def make_app(records: Records) -> Starlette:
    programs: dict[str, object] = {
        "mail": Mailbox(records),
        "calendar": Diary(records),
        "files": Documents(records),
        "payments": Ledger(records),
        "chat": Talk(records),
    }
    mounts = [Mount(f"/{name}", routes=routes_of(name, program, records)) for name, program in programs.items()]
    handlers: Any = {Problem: on_error, HTTPException: on_error}
    app = Starlette(routes=[*mounts, Route("/healthz", healthy)], exception_handlers=handlers)
    app.router.redirect_slashes = False
    return app


def routes_of(name: str, program: object, records: Records) -> list[Route]:
    """Return the routes of one program: what its document says, and the document itself."""
    document = HERE / f"{name}.openapi.json"
    paths: dict[str, dict[str, tuple[Operation, Verb]]] = {}
    for operation in operations(document):
        verb = getattr(program, re.sub("[A-Z]", lambda sign: "_" + sign[0].lower(), operation.name))
        paths.setdefault(operation.path, {})[operation.verb.upper()] = (operation, verb)

    async def contract(_: Request) -> Response:
        return Response(document.read_bytes(), media_type="application/json")

    routes = [Route(path, Place(name, verbs, records).answer, methods=VERBS) for path, verbs in paths.items()]
    return [*routes, Route("/openapi.json", contract)]


def main() -> None:
    parser = argparse.ArgumentParser(description="The office. Set OFFICE_TOKEN to the token that its callers send.")
    parser.add_argument("--db", default=":memory:", help="the SQLite file; in memory unless given")
    parser.add_argument("--now", default=MORNING, help="what its clock shows, all the time (default: %(default)s)")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8650, help="0 takes a free one (default: %(default)s)")
    options = parser.parse_args()
    token = os.environ.get("OFFICE_TOKEN", "")
    if not token:
        parser.error("set OFFICE_TOKEN to the token that callers must send")
    records = Records(options.db, Clock(dt.datetime.fromisoformat(options.now)))
    records.seed(seeds())
    app = Door(make_app(records), token=token)
    listener = socket.create_server((options.host, options.port))
    print(f"office listening on http://{options.host}:{listener.getsockname()[1]}", flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False)).run(sockets=[listener])


if __name__ == "__main__":
    main()
