"""A shop that speaks gRPC, on a server of grpcio, with reflection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.message_factory import GetMessageClass
from grpc import aio
from grpc_reflection.v1alpha import reflection

from interlock.integration.connectors.grpc.compiling import compile_protos
from interlock.integration.connectors.grpc.descriptors import Descriptors

PROTO = """
syntax = "proto3";
package acme.shop.v1;

import "google/protobuf/any.proto";
import "google/protobuf/duration.proto";
import "google/protobuf/empty.proto";
import "google/protobuf/field_mask.proto";
import "google/protobuf/struct.proto";
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";

service Shop {
  // One order, by its number.
  rpc GetOrder(GetOrderRequest) returns (Order) { option idempotency_level = NO_SIDE_EFFECTS; }
  rpc PlaceOrder(PlaceOrderRequest) returns (Order);
  rpc ListOrders(GetOrderRequest) returns (stream Order) { option idempotency_level = NO_SIDE_EFFECTS; }
  rpc ImportOrders(PlaceOrderRequest) returns (stream Order);
  rpc UploadOrders(stream Order) returns (Order);
  rpc Mirror(Everything) returns (Everything) { option idempotency_level = IDEMPOTENT; }
  rpc Shout(google.protobuf.StringValue) returns (google.protobuf.StringValue) { option deprecated = true; }
  rpc Ping(google.protobuf.Empty) returns (google.protobuf.Empty);
}

message GetOrderRequest { int64 id = 1; }
message PlaceOrderRequest {
  // Who orders.
  string customer = 1;
  int32 count = 2;
}
message Order {
  int64 id = 1;
  string customer = 2;
  Status status = 3;
}
enum Status { STATUS_UNSPECIFIED = 0; OPEN = 1; SHIPPED = 2; }

message Everything {
  int32 a_number = 1;
  uint64 large = 2;
  double real = 3;
  float small = 4;
  bool yes = 5;
  string text = 6;
  bytes raw = 7;
  Status status = 8;
  repeated int64 many = 9;
  map<int32, Order> by_number = 10;
  map<bool, string> by_truth = 11;
  oneof choice { string word = 12; int64 figure = 13; Order order = 14; }
  optional string perhaps = 15;
  google.protobuf.Timestamp at = 16;
  google.protobuf.Duration lasts = 17;
  google.protobuf.FieldMask mask = 18;
  google.protobuf.Struct object = 19;
  google.protobuf.Value value = 20;
  google.protobuf.ListValue list = 21;
  google.protobuf.Int64Value boxed = 22;
  google.protobuf.Any any = 23;
  Everything inner = 24;
  google.protobuf.NullValue nothing = 25;
  fixed32 fixed = 26;
  Old old = 27;
}
message Old { string own_name = 1 [json_name = "Custom"]; }
"""
SERVICE = "acme.shop.v1.Shop"
TOKEN = "hidden-token"


def files(root: Path, proto: str = PROTO) -> Descriptors:
    """Write the project's files, and return what they describe."""
    (root / "shop.proto").write_text(proto, encoding="utf-8")
    described = compile_protos([root / "shop.proto"], [])
    (root / "shop.binpb").write_bytes(described.content)
    return described


def shop(port: int, **connection: Any) -> dict[str, Any]:
    """Return the content of a system file."""
    usual = {"target": f"127.0.0.1:{port}", "tls": "none", "protos": ["shop.proto"], "auth": {"bearer": "secret:shop"}}
    if "descriptors" in connection:
        del usual["protos"]
    return {
        "system": "shop",
        "connector": "grpc",
        "connection": usual | connection,
        "operations": {
            "read": {"from": f"{SERVICE}/GetOrder", "effect": "read"},
            "write": {
                "from": f"{SERVICE}/PlaceOrder",
                "effect": "write",
                "idempotency": {"header": "Idempotency-Key"},
            },
            "list": {"from": f"{SERVICE}/ListOrders", "effect": "read", "options": {"messages": 3}},
            "import": {"from": f"{SERVICE}/ImportOrders", "effect": "write", "options": {"messages": 3}},
            "mirror": {"from": f"{SERVICE}/Mirror", "effect": "read"},
            "shout": {"from": f"{SERVICE}/Shout", "effect": "read"},
            "ping": {"from": f"{SERVICE}/Ping", "effect": "write"},
        },
    }


class Shop(grpc.GenericRpcHandler):  # type: ignore[misc]  # the package ships no types
    """The service. *refusal* is a status, and its words, that every call ends with; *seen* the metadata that came."""

    def __init__(self, described: Descriptors) -> None:
        self.described = described
        self.effects = 0
        self.stream = 2
        self.refusal: tuple[Any, str, tuple[tuple[str, Any], ...]] | None = None
        self.echoes = False
        self.idle = False
        self.health: bytes | None = None
        self.seen: dict[str, str] = {}

    def service(self, details: Any) -> Any:
        if details.method == "/grpc.health.v1.Health/Check" and self.health is not None:
            return grpc.unary_unary_rpc_method_handler(self._healthy)
        if not details.method.startswith(f"/{SERVICE}/"):
            return None
        method = self.described.method(details.method)
        given, result = GetMessageClass(method.input_type), GetMessageClass(method.output_type)
        serve = getattr(self, f"_{method.name.lower()}")

        async def streaming(message: Any, context: Any) -> AsyncIterator[Any]:
            await self._begun(context)
            async for one in serve(message, result):
                yield one

        async def single(message: Any, context: Any) -> Any:
            await self._begun(context)
            return serve(message, result)

        make = grpc.unary_stream_rpc_method_handler if method.server_streaming else grpc.unary_unary_rpc_method_handler
        behaviour = streaming if method.server_streaming else single
        return make(behaviour, given.FromString, lambda message: message.SerializeToString())

    async def _begun(self, context: Any) -> None:
        self.seen = dict(context.invocation_metadata())
        if self.refusal is not None:
            code, details, trailing = self.refusal
            await context.abort(code, details, trailing)

    async def _healthy(self, _message: bytes, context: Any) -> bytes:
        self.seen = dict(context.invocation_metadata())
        assert self.health is not None
        return self.health

    def _getorder(self, message: Any, order: Any) -> Any:
        customer = f"said {self.seen['authorization']}" if self.echoes else "Ada"
        return order(id=message.id, customer=customer, status=1)

    def _placeorder(self, message: Any, order: Any) -> Any:
        self.effects += 1
        return order(id=2**40, customer=message.customer, status=1)

    async def _listorders(self, _message: Any, order: Any) -> AsyncIterator[Any]:
        for number in range(self.stream):
            yield order(id=number)
        if self.idle:
            await asyncio.Event().wait()

    async def _importorders(self, message: Any, order: Any) -> AsyncIterator[Any]:
        self.effects += 1
        async for one in self._listorders(message, order):
            yield one

    def _mirror(self, message: Any, _result: Any) -> Any:
        return message

    def _shout(self, message: Any, text: Any) -> Any:
        return text(value=message.value.upper())

    def _ping(self, _message: Any, empty: Any) -> Any:
        return empty()


@asynccontextmanager
async def serving(
    service: Shop, *, credentials: Any = None, reflects: bool = False, host: str = "127.0.0.1"
) -> AsyncIterator[int]:
    """Run a server, and yield its port."""
    server = aio.server()
    server.add_generic_rpc_handlers((service,))
    if reflects:
        names = (SERVICE, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, server, pool=Told(service.described))
    where = f"{host}:0"
    port: int = server.add_insecure_port(where) if credentials is None else server.add_secure_port(where, credentials)
    await server.start()
    try:
        yield port
    finally:
        await server.stop(None)


class Told:
    """The pool of a description, and the library's for the service of reflection."""

    def __init__(self, described: Descriptors) -> None:
        self._own = described.pool

    def FindFileByName(self, name: str) -> Any:  # noqa: N802 - the name that reflection calls
        return self._own.FindFileByName(name)

    def FindFileContainingSymbol(self, name: str) -> Any:  # noqa: N802 - the name that reflection calls
        return self._own.FindFileContainingSymbol(name)
