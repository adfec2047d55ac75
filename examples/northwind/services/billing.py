"""The billing system: credit notes over HTTP, kept in a SQLite file; its contract is billing.openapi.json."""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import hashlib
import hmac
import json
import os
import re
import socket
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from http import HTTPStatus
from pathlib import Path
from typing import Any

import jsonschema_rs
import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import Headers, QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTRACT = Path(__file__).resolve().with_name("billing.openapi.json")
SCHEMA = CONTRACT.with_name("billing_schema.sql")
OPEN_PATHS = frozenset({"/healthz", "/openapi.json"})
MAX_BODY = 16 * 1024
FILTERS = {
    "idempotency_key": "[!-~]{1,255}",
    "order_id": "[1-9][0-9]{0,8}",
    "customer_id": "[A-Z]{5}",
    "status": "issued|cancelled|settled",
    "after": "CN-[0-9]{6,12}",
    "limit": "[1-9][0-9]?|1[0-9][0-9]|200",
}
ETAG = re.compile(r'"([0-9]{1,9})"')
PROBLEMS = "https://billing.northwind.example/problems/"


class Problem(Exception):
    """A refusal that is answered as a problem document."""

    def __init__(self, status: int, code: str, detail: str, errors: Sequence[Mapping[str, object]] = ()) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.errors = status, code, detail, list(errors)

    def response(self, headers: Mapping[str, str] | None = None) -> Response:
        title = HTTPStatus(self.status).phrase
        body = {"type": PROBLEMS + self.code, "title": title, "status": self.status, "detail": self.detail}
        more = {"code": self.code, **({"errors": self.errors} if self.errors else {})}
        return JSONResponse({**body, **more}, self.status, headers, media_type="application/problem+json")


@dataclass
class Faults:
    """Ways to fail on purpose: which creation to die at, and how long to hold an answer."""

    crash_before_commit: int = 0
    crash_after_commit: int = 0
    delay: float = 0.0
    created: int = field(default=0, init=False)

    def before_commit(self) -> None:
        self.created += 1
        self._die_at(self.crash_before_commit)

    def after_commit(self) -> None:
        self._die_at(self.crash_after_commit)

    def _die_at(self, creation: int) -> None:
        if self.created == creation:
            os._exit(137)  # as if killed: nothing is flushed, closed or answered


class Requests:
    """Checks the body of a creation against the contract."""

    def __init__(self, document: dict[str, Any]) -> None:
        reference = {"$ref": "#/components/schemas/NewCreditNote", "components": document["components"]}
        self._validator = jsonschema_rs.Draft202012Validator(reference)

    def new_note(self, body: Any) -> dict[str, Any]:
        """What is to be kept, with the amount in whole cents; or a `Problem` that names what is at fault."""
        try:
            faults = [
                {
                    "pointer": "".join(f"/{step}" for step in error.instance_path),
                    "rule": error.schema_path[-1],
                }
                for error in self._validator.iter_errors(body)
            ]
        except ValueError as cause:
            raise Problem(400, "malformed", "Send one flat JSON object.") from cause
        cents = Decimal(0) if faults else Decimal(str(body["amount"])) * 100
        if cents != cents.to_integral_value():
            faults.append({"pointer": "/amount", "rule": "at most two digits after the point"})
        if faults:
            raise Problem(422, "validation", "The request breaks its contract, see errors.", faults)
        return {
            "order_id": int(body["order_id"]),
            "customer_id": body["customer_id"],
            "amount_cents": int(cents),
            "currency": body.get("currency", "USD"),
            "reason": body["reason"],
            "account": body.get("account"),
        }


class Ledger:
    """The credit notes. Every change is on disk before its method returns."""

    def __init__(self, path: Path, faults: Faults) -> None:
        self._faults = faults
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.executescript(SCHEMA.read_text(encoding="utf-8"))

    def _effect(self, kind: str, number: int | None, at: str) -> None:
        self._db.execute("INSERT INTO effects (kind, number, at) VALUES (?, ?, ?)", (kind, number, at))

    def get(self, note_id: str) -> sqlite3.Row:
        number = int(note_id[3:]) if re.fullmatch(r"CN-[0-9]{6,12}", note_id) else 0
        row = self._db.execute("SELECT * FROM credit_notes WHERE number = ?", (number,)).fetchone()
        if not isinstance(row, sqlite3.Row):
            raise Problem(404, "not-found", "No credit note has this id.")
        return row

    def create(self, wanted: dict[str, Any], key: str | None) -> tuple[sqlite3.Row, bool]:
        """The note for this request, and whether it is new. A key used for another request is refused."""
        digest, at = hashlib.sha256(json.dumps(wanted).encode()).hexdigest(), now()
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            old = self._db.execute("SELECT * FROM credit_notes WHERE idempotency_key = ?", (key,)).fetchone()
            if old is not None and old["request_digest"] != digest:
                raise Problem(422, "key-reused", "This Idempotency-Key was used for another request.")
            if old is not None:
                return old, False
            number = self._db.execute(
                "INSERT INTO credit_notes (order_id, customer_id, amount_cents, currency, reason, account,"
                " idempotency_key, request_digest, created_at, updated_at) VALUES (:order_id, :customer_id,"
                " :amount_cents, :currency, :reason, :account, :key, :digest, :at, :at)",
                {**wanted, "key": key, "digest": digest, "at": at},
            ).lastrowid
            self._effect("created", number, at)
            self._faults.before_commit()
        self._faults.after_commit()
        return self.get(f"CN-{number:06d}"), True

    def move(self, note_id: str, status: str, if_version: int | None) -> sqlite3.Row:
        """Cancel or settle an issued note; one that already is so stays as it is."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            note = self.get(note_id)
            if if_version not in {None, note["version"]}:
                raise Problem(412, "changed", "The note has another version than If-Match names.")
            if note["status"] == status:
                return note
            if note["status"] != "issued":
                raise Problem(409, "not-issued", f"The note is {note['status']} and no longer issued.")
            at = now()
            self._db.execute(
                "UPDATE credit_notes SET status = ?, version = version + 1, updated_at = ? WHERE number = ?",
                (status, at, note["number"]),
            )
            self._effect(status, note["number"], at)
        return self.get(note_id)

    def find(self, query: QueryParams) -> list[sqlite3.Row]:
        """Notes that match every given filter, in the order of their creation."""
        for name, rule in FILTERS.items():
            if name in query and not re.fullmatch(rule, query[name], re.ASCII):
                raise Problem(422, "validation", f"{name} in the query must match {rule}")
        wanted = [name for name in ("idempotency_key", "order_id", "customer_id", "status") if name in query]
        filters = "".join(f" AND {name} = ?" for name in wanted)
        select = f"SELECT * FROM credit_notes WHERE number > ?{filters} ORDER BY number LIMIT ?"
        values = [query.get("after", "CN-0")[3:], *(query[name] for name in wanted), query.get("limit", "50")]
        return self._db.execute(select, values).fetchall()


def now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def shown(note: sqlite3.Row) -> dict[str, object]:
    plain = "order_id customer_id currency reason account status version idempotency_key created_at updated_at"
    first = {"id": f"CN-{note['number']:06d}", "amount": note["amount_cents"] / 100}
    return {**first, **{name: note[name] for name in plain.split()}}


def answer(note: sqlite3.Row, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse(shown(note), status, {"ETag": f'"{note["version"]}"', **(headers or {})})


async def json_body(request: Request) -> Any:
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
        raise Problem(415, "media-type", "Send the body as application/json.")
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > MAX_BODY:
            raise Problem(413, "too-large", f"Send at most {MAX_BODY} bytes.")
    try:
        body = json.loads(bytes(raw))
        json.dumps(body, ensure_ascii=False, allow_nan=False).encode()  # no NaN, no half characters
    except (ValueError, RecursionError) as cause:
        raise Problem(400, "malformed", "Send one JSON document in UTF-8.") from cause
    return body


class Api:
    """The operations of the contract."""

    def __init__(self, ledger: Ledger, requests: Requests) -> None:
        self._ledger, self._requests = ledger, requests

    async def notes(self, request: Request) -> Response:
        return await (self.create(request) if request.method == "POST" else self.find(request))

    async def create(self, request: Request) -> Response:
        key = request.headers.get("idempotency-key")
        if key is not None and not re.fullmatch(FILTERS["idempotency_key"], key):
            raise Problem(422, "validation", "Idempotency-Key must be 1 to 255 visible ASCII characters.")
        note, is_new = self._ledger.create(self._requests.new_note(await json_body(request)), key)
        where = {"Location": f"/credit-notes/CN-{note['number']:06d}"}
        return answer(note, 201, where) if is_new else answer(note, 200, {"Idempotency-Replayed": "true"})

    async def get(self, request: Request) -> Response:
        return answer(self._ledger.get(request.path_params["id"]))

    async def find(self, request: Request) -> Response:
        return JSONResponse({"items": [shown(note) for note in self._ledger.find(request.query_params)]})

    async def cancel(self, request: Request) -> Response:
        return self._move(request, "cancelled")

    async def settle(self, request: Request) -> Response:
        return self._move(request, "settled")

    def _move(self, request: Request, status: str) -> Response:
        wanted = request.headers.get("if-match")
        if wanted is not None and not ETAG.fullmatch(wanted):
            raise Problem(422, "validation", 'If-Match must be one ETag, as in "1".')
        version = int(wanted.strip('"')) if wanted else None
        return answer(self._ledger.move(request.path_params["id"], status, version))


class Door:
    """Lets in who holds the token, and holds the answers back where a delay is asked for."""

    def __init__(self, app: ASGIApp, *, token: str, delay: float) -> None:
        self._app, self._delay = app, delay
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("authorization", "").encode("latin-1")
        if not hmac.compare_digest(given, self._expected):
            problem = Problem(401, "unauthenticated", "Send a valid bearer token.")
            await problem.response({"WWW-Authenticate": "Bearer"})(scope, receive, send)
            return

        async def late(message: Message) -> None:
            if message["type"] == "http.response.start" and self._delay:
                await asyncio.sleep(self._delay)
            await send(message)

        await self._app(scope, receive, late)


async def healthy(_: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def contract(_: Request) -> Response:
    return Response(CONTRACT.read_bytes(), media_type="application/json")


async def on_problem(_: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException):
        problem = Problem(error.status_code, "http", "See /openapi.json for what can be asked.")
        return problem.response(error.headers)
    assert isinstance(error, Problem)
    return error.response()


def make_app(ledger: Ledger) -> Starlette:
    api = Api(ledger, Requests(json.loads(CONTRACT.read_bytes())))
    app = Starlette(
        routes=[
            Route("/credit-notes", api.notes, methods=["GET", "POST"]),
            Route("/credit-notes/{id}", api.get, methods=["GET"]),
            Route("/credit-notes/{id}/cancel", api.cancel, methods=["POST"]),
            Route("/credit-notes/{id}/settle", api.settle, methods=["POST"]),
            Route("/healthz", healthy, methods=["GET"]),
            Route("/openapi.json", contract, methods=["GET"]),
        ],
        exception_handlers={Problem: on_problem, HTTPException: on_problem},
    )
    app.router.redirect_slashes = False
    return app


def main() -> None:
    parser = argparse.ArgumentParser(description="The billing system. Set BILLING_TOKEN to its bearer token.")
    parser.add_argument("--db", type=Path, required=True, help="the SQLite file; made when it is not there")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8081, help="0 takes a free one (default: %(default)s)")
    faults_on_purpose = {
        "CRASH_BEFORE_COMMIT": "die just before the N-th creation is committed",
        "CRASH_AFTER_COMMIT": "die just after the N-th creation is committed, without an answer",
        "DELAY_MS": "hold each answer for N milliseconds",
    }
    for name, purpose in faults_on_purpose.items():
        default = int(os.environ.get(f"BILLING_{name}", "0"))
        option, text = "--" + name.lower().replace("_", "-"), f"{purpose}; also BILLING_{name}"
        parser.add_argument(option, type=int, default=default, metavar="N", help=text)
    options = parser.parse_args()
    token = os.environ.get("BILLING_TOKEN", "")
    if not token:
        parser.error("set BILLING_TOKEN to the bearer token that callers must send")
    faults = Faults(options.crash_before_commit, options.crash_after_commit, options.delay_ms / 1000)
    app = Door(make_app(Ledger(options.db, faults)), token=token, delay=faults.delay)
    listener = socket.create_server((options.host, options.port))
    print(f"billing listening on http://{options.host}:{listener.getsockname()[1]}", flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False)).run(sockets=[listener])


if __name__ == "__main__":
    main()
