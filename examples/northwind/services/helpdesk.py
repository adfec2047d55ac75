"""The helpdesk: tickets written by customers, kept in SQLite; its contract is helpdesk.openapi.json."""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import hmac
import json
import os
import re
import socket
import sqlite3
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
from starlette.types import ASGIApp, Receive, Scope, Send

HERE = Path(__file__).resolve().parent
CONTRACT = HERE / "helpdesk.openapi.json"
SCHEMA = HERE / "helpdesk_schema.sql"
SEED = HERE.parent / "data" / "tickets.json"
OPEN_PATHS = frozenset({"/healthz", "/openapi.json"})
MAX_BODY = 64 * 1024
FILTERS = {
    "customer_id": "[A-Z]{5}",
    "order_id": "[1-9][0-9]{0,8}",
    "status": "open|pending|solved|closed",
    "idempotency_key": "[!-~]{1,255}",
    "after": "[0-9]{1,9}",
    "limit": "[1-9][0-9]?|1[0-9][0-9]|200",
}


class Refusal(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message

    def response(self) -> Response:
        return JSONResponse({"error": {"code": self.code, "message": self.message}}, self.status)


class Bodies:
    """Reads request bodies and checks them against the contract."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._validators = {
            name: jsonschema_rs.Draft4Validator(
                {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
            )
            for name in ("NewTicket", "NewReply", "NewStatus")
        }

    async def read(self, request: Request, schema: str) -> dict[str, Any]:
        if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
            raise Refusal(415, "media_type", "Send the body as application/json.")
        raw = bytearray()
        async for chunk in request.stream():
            raw += chunk
            if len(raw) > MAX_BODY:
                raise Refusal(413, "too_large", f"Send at most {MAX_BODY} bytes.")
        try:
            body = json.loads(bytes(raw))
            json.dumps(body, ensure_ascii=False, allow_nan=False).encode()  # no NaN, no half characters
            faults = [
                f"{'/'.join(map(str, error.instance_path)) or 'body'}: {error.schema_path[-1]}"
                for error in self._validators[schema].iter_errors(body)
            ]
        except (ValueError, RecursionError) as cause:
            raise Refusal(400, "malformed", "Send one flat JSON object in UTF-8.") from cause
        if faults or not isinstance(body, dict):
            raise Refusal(422, "validation", "Rules that the body breaks: " + ", ".join(faults))
        return body


class Tickets:
    """The tickets and replies. Every change is on disk before its method returns."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.executescript(SCHEMA.read_text(encoding="utf-8"))

    def _insert(self, table: str, values: dict[str, Any]) -> int:
        names, marks = ", ".join(values), ", ".join(f":{name}" for name in values)
        number = self._db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", values).lastrowid
        assert number is not None
        return number

    def _effect(self, kind: str, ticket_id: int) -> None:
        self._insert("effects", {"kind": kind, "ticket_id": ticket_id, "at": now()})

    def seed(self, tickets: list[dict[str, Any]]) -> None:
        """Load the first tickets into an empty database; they are no effects."""
        if self._db.execute("SELECT 1 FROM tickets").fetchone():
            return
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            for ticket in tickets:
                replies = ticket.pop("replies")
                times = [ticket["created_at"], *(reply["created_at"] for reply in replies)]
                self._insert("tickets", {**ticket, "updated_at": max(times), "version": 1 + len(replies)})
                for reply in replies:
                    self._insert("replies", {**reply, "ticket_id": ticket["ticket_id"]})

    def _repeated(self, table: str, key: str | None, digest: str) -> sqlite3.Row | None:
        """The record that this key made before, if it made one."""
        row = self._db.execute(f"SELECT * FROM {table} WHERE idempotency_key = ?", (key,)).fetchone()
        if not isinstance(row, sqlite3.Row):
            return None
        if row["request_digest"] != digest:
            raise Refusal(422, "key_reused", "This Idempotency-Key was used for another request.")
        return row

    def _touch(self, ticket_id: int, at: str) -> None:
        self._db.execute(
            "UPDATE tickets SET version = version + 1, updated_at = ? WHERE ticket_id = ?", (at, ticket_id)
        )

    def get(self, ticket_id: int) -> sqlite3.Row:
        row = self._db.execute("SELECT * FROM tickets WHERE ticket_id = ?", (ticket_id,)).fetchone()
        if not isinstance(row, sqlite3.Row):
            raise Refusal(404, "not_found", "No ticket has this number.")
        return row

    def find(self, query: QueryParams) -> list[sqlite3.Row]:
        """Tickets that match every given filter, in the order of their numbers."""
        checked(query)
        names = [name for name in ("customer_id", "order_id", "status", "idempotency_key") if name in query]
        where = "".join(f" AND {name} = ?" for name in names)
        values = [query.get("after", "0"), *(query[name] for name in names), query.get("limit", "50")]
        statement = f"SELECT * FROM tickets WHERE ticket_id > ?{where} ORDER BY ticket_id LIMIT ?"
        return self._db.execute(statement, values).fetchall()

    def replies(self, ticket_id: int, key: str | None = None) -> list[sqlite3.Row]:
        where, values = ("", [ticket_id]) if key is None else (" AND idempotency_key = ?", [ticket_id, key])
        statement = f"SELECT * FROM replies WHERE ticket_id = ?{where} ORDER BY reply_id"
        return self._db.execute(statement, values).fetchall()

    def create(self, wanted: dict[str, Any], key: str | None) -> tuple[sqlite3.Row, bool]:
        at, digest = now(), digest_of(wanted)
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            if old := self._repeated("tickets", key, digest):
                return old, False
            defaults = {"channel": "web", "priority": "normal", "status": "open"}
            kept = {"idempotency_key": key, "request_digest": digest, "created_at": at, "updated_at": at}
            ticket_id = self._insert("tickets", {**defaults, **wanted, **kept})
            self._effect("ticket created", ticket_id)
        return self.get(ticket_id), True

    def reply(self, ticket_id: int, wanted: dict[str, Any], key: str | None) -> tuple[sqlite3.Row, bool]:
        """Add an answer of ours; a closed ticket takes none."""
        at, digest = now(), digest_of({**wanted, "ticket_id": ticket_id})
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            ticket = self.get(ticket_id)
            if old := self._repeated("replies", key, digest):
                return old, False
            if ticket["status"] == "closed":
                raise Refusal(409, "closed", "The ticket is closed and takes no replies.")
            kept = {"idempotency_key": key, "request_digest": digest, "created_at": at}
            values = {"author": "agent", "public": True, **wanted, "ticket_id": ticket_id, **kept}
            reply_id = self._insert("replies", values)
            self._touch(ticket_id, at)
            self._effect("reply added", ticket_id)
        row: sqlite3.Row = self._db.execute("SELECT * FROM replies WHERE reply_id = ?", (reply_id,)).fetchone()
        return row, True

    def set_status(self, ticket_id: int, status: str) -> sqlite3.Row:
        """Move the ticket; one that already is there stays as it is, and a closed one stays closed."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            ticket = self.get(ticket_id)
            if ticket["status"] == status:
                return ticket
            if ticket["status"] == "closed":
                raise Refusal(409, "closed", "The ticket is closed and stays so.")
            self._db.execute("UPDATE tickets SET status = ? WHERE ticket_id = ?", (status, ticket_id))
            self._touch(ticket_id, now())
            self._effect("status set", ticket_id)
        return self.get(ticket_id)


def now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def digest_of(wanted: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()


def checked(query: QueryParams) -> None:
    for name, rule in FILTERS.items():
        if name in query and not re.fullmatch(rule, query[name], re.ASCII):
            raise Refusal(422, "validation", f"{name} in the query must match {rule}")


def summary(ticket: sqlite3.Row) -> dict[str, object]:
    plain = "ticket_id customer_id channel order_id subject status priority version created_at updated_at"
    return {name: ticket[name] for name in plain.split()}


def shown_reply(reply: sqlite3.Row) -> dict[str, object]:
    names = ("reply_id", "ticket_id", "author", "body", "idempotency_key", "created_at")
    return {**{name: reply[name] for name in names}, "public": bool(reply["public"])}


class Api:
    """The operations of the contract."""

    def __init__(self, tickets: Tickets, bodies: Bodies) -> None:
        self._tickets, self._bodies = tickets, bodies

    def _detail(self, ticket: sqlite3.Row) -> dict[str, object]:
        more = {name: ticket[name] for name in ("contact_name", "contact_email", "body")}
        replies = [shown_reply(reply) for reply in self._tickets.replies(ticket["ticket_id"])]
        return {**summary(ticket), **more, "replies": replies}

    def _key(self, request: Request) -> str | None:
        key = request.headers.get("idempotency-key")
        if key is not None and not re.fullmatch(FILTERS["idempotency_key"], key):
            raise Refusal(422, "validation", "Idempotency-Key must be 1 to 255 visible ASCII characters.")
        return key

    def _number(self, request: Request) -> int:
        number = str(request.path_params["ticket_id"])
        if not re.fullmatch("[1-9][0-9]{0,8}", number):
            raise Refusal(404, "not_found", "No ticket has this number.")
        return int(number)

    async def tickets(self, request: Request) -> Response:
        if request.method == "POST":
            key = self._key(request)
            ticket, is_new = self._tickets.create(await self._bodies.read(request, "NewTicket"), key)
            return JSONResponse(self._detail(ticket), 201 if is_new else 200)
        found = self._tickets.find(request.query_params)
        return JSONResponse({"tickets": [summary(ticket) for ticket in found]})

    async def ticket(self, request: Request) -> Response:
        return JSONResponse(self._detail(self._tickets.get(self._number(request))))

    async def replies(self, request: Request) -> Response:
        number = self._number(request)
        if request.method == "POST":
            key, body = self._key(request), await self._bodies.read(request, "NewReply")
            reply, is_new = self._tickets.reply(number, body, key)
            return JSONResponse(shown_reply(reply), 201 if is_new else 200)
        checked(request.query_params)
        self._tickets.get(number)
        found = self._tickets.replies(number, request.query_params.get("idempotency_key"))
        return JSONResponse({"replies": [shown_reply(reply) for reply in found]})

    async def status(self, request: Request) -> Response:
        number, body = self._number(request), await self._bodies.read(request, "NewStatus")
        return JSONResponse(self._detail(self._tickets.set_status(number, body["status"])))


class Door:
    """Lets in who holds the key."""

    def __init__(self, app: ASGIApp, *, key: str) -> None:
        self._app, self._expected = app, key.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in OPEN_PATHS:
            given = Headers(scope=scope).get("x-api-key", "").encode("latin-1")
            if not hmac.compare_digest(given, self._expected):
                refusal = Refusal(401, "unauthenticated", "Send a valid X-API-Key.")
                await refusal.response()(scope, receive, send)
                return
        await self._app(scope, receive, send)


async def healthy(_: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def contract(_: Request) -> Response:
    return Response(CONTRACT.read_bytes(), media_type="application/json")


async def on_error(_: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException):
        response = Refusal(error.status_code, "http", "See /openapi.json for what can be asked.").response()
        response.headers.update(error.headers or {})
        return response
    assert isinstance(error, Refusal)
    return error.response()


def make_app(tickets: Tickets) -> Starlette:
    api = Api(tickets, Bodies(json.loads(CONTRACT.read_bytes())))
    app = Starlette(
        routes=[
            Route("/tickets", api.tickets, methods=["GET", "POST"]),
            Route("/tickets/{ticket_id}", api.ticket, methods=["GET"]),
            Route("/tickets/{ticket_id}/replies", api.replies, methods=["GET", "POST"]),
            Route("/tickets/{ticket_id}/status", api.status, methods=["POST"]),
            Route("/healthz", healthy, methods=["GET"]),
            Route("/openapi.json", contract, methods=["GET"]),
        ],
        exception_handlers={Refusal: on_error, HTTPException: on_error},
    )
    app.router.redirect_slashes = False
    return app


def main() -> None:
    parser = argparse.ArgumentParser(description="The helpdesk. Set HELPDESK_KEY to the key its callers send.")
    parser.add_argument("--db", type=Path, required=True, help="the SQLite file; made when it is not there")
    parser.add_argument("--seed", type=Path, default=SEED, help="first tickets of a new file (default: %(default)s)")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8082, help="0 takes a free one (default: %(default)s)")
    options = parser.parse_args()
    key = os.environ.get("HELPDESK_KEY", "")
    if not key:
        parser.error("set HELPDESK_KEY to the key that callers must send as X-API-Key")
    tickets = Tickets(options.db)
    tickets.seed(json.loads(options.seed.read_bytes()))
    app = Door(make_app(tickets), key=key)
    listener = socket.create_server((options.host, options.port))
    print(f"helpdesk listening on http://{options.host}:{listener.getsockname()[1]}", flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False)).run(sockets=[listener])


if __name__ == "__main__":
    main()
