"""A sales desk that speaks JSON-RPC 2.0 or 1.0 behind a real socket, with or without sessions; and one of XML-RPC."""

from __future__ import annotations

import asyncio
import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from xmlrpc.server import SimpleXMLRPCRequestHandler, SimpleXMLRPCServer

from interlock.testing.servers import Received, answers

PASSWORD = "hidden-password"
OPENRPC: dict[str, Any] = {
    "openrpc": "1.3.2",
    "info": {"title": "Sales desk", "version": "1"},
    "methods": [
        {
            "name": "order.get",
            "summary": "One order.",
            "paramStructure": "by-position",
            "params": [{"name": "id", "required": True, "schema": {"type": "integer"}}],
            "result": {"name": "order", "schema": {"$ref": "#/components/schemas/Order"}},
        },
        {
            "name": "order.place",
            "params": [{"$ref": "#/components/contentDescriptors/Customer"}, {"name": "note", "schema": True}],
            "result": {"name": "order", "schema": {"$ref": "#/components/schemas/Order"}},
        },
        {"name": "order.bad", "params": [{"name": "x", "schema": {"$ref": "#/components/schemas/Lost"}}]},
        {"name": "rpc.discover", "params": []},
    ],
    "components": {
        "contentDescriptors": {"Customer": {"name": "customer", "required": True, "schema": {"type": "string"}}},
        "schemas": {
            "Order": {
                "type": "object",
                "properties": {"id": {"type": "integer"}, "parts": {"$ref": "#/components/schemas/Parts"}},
                "required": ["id"],
            },
            "Parts": {"type": "array", "items": {"$ref": "#/components/schemas/Order"}},
        },
    },
}


class Refusal(Exception):
    """Becomes the error of an answer."""

    def __init__(self, error: Any) -> None:
        super().__init__()
        self.error = error


class Desk:
    """Answers as a server of JSON-RPC does. *effects* counts the orders; *error*, if any, is what placing one gives.

    With *sessions*, calls need the header that a login gives, as Tryton asks it to be. `valid` holds the live tokens.
    """

    def __init__(self, *, error: Any = None, sessions: bool = False) -> None:
        self.effects = 0
        self.logins = 0
        self.calls: list[dict[str, Any]] = []
        self.valid: set[str] = set()
        self._error = error
        self._sessions = sessions

    async def __call__(self, request: Received, writer: asyncio.StreamWriter) -> None:
        asked = request.json()
        self.calls.append(asked)
        if asked["method"] == "login":
            await self._login(request, asked, writer)
            return
        if self._sessions and self._token(request) not in self.valid:
            await answers(401, b"<html>", media_type="text/html")(request, writer)
            return
        reply: dict[str, Any] = {"jsonrpc": "2.0"} if "jsonrpc" in asked else {}
        reply["id"] = asked["id"]
        try:
            reply["result"] = self._do(asked["method"], asked.get("params", []))
        except Refusal as refusal:
            reply["error"] = refusal.error
        await answers(200, reply)(request, writer)

    async def _login(self, request: Received, asked: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        _user, parameters = asked["params"]
        if parameters != {"password": PASSWORD}:
            await answers(401, b"<html>", media_type="text/html")(request, writer)
            return
        self.logins += 1
        token = f"session-token-{self.logins}"
        self.valid.add(token)
        await answers(200, {"id": asked["id"], "result": [7, token, None]})(request, writer)

    def _token(self, request: Received) -> str:
        scheme, _, text = request.headers.get("authorization", "").partition(" ")
        if scheme != "Session":
            return ""
        user, number, token = base64.b64decode(text).decode().split(":")
        return token if (user, number) == ("clerk", "7") else ""

    def _do(self, method: str, params: Any) -> Any:
        given = params if isinstance(params, dict) else dict(zip(("id", "customer", "context"), params, strict=False))
        if method == "order.get":
            return [{"id": given["id"], "state": "draft"}] if given["id"] else []
        if method == "order.place":
            self.effects += 1
            if self._error is not None:
                raise Refusal(self._error)
            return {"id": self.effects}
        if method == "rpc.discover":
            return OPENRPC
        raise Refusal({"code": -32601, "message": "Method not found"})


def desk(port: int, **connection: Any) -> dict[str, Any]:
    """The content of a system file for a desk at *port*."""
    one = {"type": "object", "properties": {"id": {"type": "integer"}, "state": {"type": "string"}}, "required": ["id"]}
    return {
        "system": "desk",
        "connector": "rpc",
        "connection": {"url": f"http://127.0.0.1:{port}/rpc", "auth": {"bearer": "secret:desk"}} | connection,
        "limits": {"timeout": "5s", "retries": 0, "response": "64KiB", "failures": 100},
        "operations": {
            "read": {
                "from": "order.get",
                "effect": "read",
                "input": {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]},
                "output_schema": one,
                "options": {"params": ["{id}"], "result": "/0"},
            },
            "write": {
                "from": "order.place",
                "effect": "write",
                "input": {
                    "type": "object",
                    "properties": {"customer": {"type": "string"}, "note": {"type": "string"}},
                    "required": ["customer"],
                },
                "output_schema": {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]},
                "options": {"params": [0, "{customer}", {"note": "{note}"}]},
            },
        },
    }


SESSION: dict[str, Any] = {
    "username": "clerk",
    "password": "secret:desk",
    "login": {"method": "login", "params": ["{username}", {"password": "{password}"}]},
    "keep": {"user": "/0", "token": "/1"},
    "header": {"name": "Authorization", "scheme": "Session", "base64": "{username}:{user}:{token}"},
}


class _Handler(SimpleXMLRPCRequestHandler):
    rpc_paths = ("/rpc",)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


class Ledger:
    """What the XML-RPC desk does; its methods' names are those of the protocol."""

    def __init__(self) -> None:
        self.effects = 0
        self.given: list[Any] = []

    def get(self, number: int) -> dict[str, Any]:
        """One order."""
        return {"id": number, "state": "draft"}

    def place(self, customer: str, note: Any = None) -> dict[str, Any]:
        """Place an order."""
        self.effects += 1
        self.given.append((customer, note))
        return {"id": self.effects}

    def echo(self, value: Any) -> Any:
        """Return what was given."""
        self.given.append(value)
        return value


@contextmanager
def xml_desk() -> Iterator[tuple[int, Ledger]]:
    """Serve a ledger by the standard library's server of XML-RPC; yield its port and the ledger."""
    ledger = Ledger()
    with SimpleXMLRPCServer(("127.0.0.1", 0), _Handler, logRequests=False, allow_none=True) as server:
        server.register_introspection_functions()
        for name in ("get", "place", "echo"):
            server.register_function(getattr(ledger, name), f"order.{name}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.server_address[1], ledger
        finally:
            server.shutdown()
            thread.join()


def xml_system(port: int, **connection: Any) -> dict[str, Any]:
    """The content of a system file for an XML-RPC desk at *port*."""
    system = desk(port, protocol="xmlrpc", **connection)
    system["operations"]["read"]["options"] = {"params": ["{id}"]}
    system["operations"]["write"]["options"] = {"params": ["{customer}", "{note}"]}
    return system
