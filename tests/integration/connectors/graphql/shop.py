"""A shop that speaks GraphQL, executed by graphql-core behind a real socket."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from graphql import GraphQLError, GraphQLSchema, build_schema, graphql_sync

from interlock.testing.servers import Received, answers

SCHEMA = """
scalar Date
enum Status { OPEN SHIPPED }
interface Node { id: ID! }
type Customer implements Node { id: ID! name: String! mail: String }
type Order implements Node { id: ID! status: Status! placed: Date customer: Customer! total: Float note: String }
union Found = Customer | Order
input Where { status: Status all: [Where!] not: Where limit: Int! = 10 }
input NewOrder { customer: ID! "What the customer wrote." note: String count: Int! }
type Query {
  "One order."
  order(id: ID!): Order
  orders(where: Where): [Order!]!
  find(text: String!): [Found!]!
  node(id: ID!): Node
}
type Mutation {
  "Places an order."
  place(order: NewOrder!): Order
  cancel(id: ID!): Boolean
}
"""
DOCUMENTS = """
query OneOrder($id: ID!) { order(id: $id) { ...Line customer { name } } }
query Orders($where: Where, $notes: Boolean = false) { orders(where: $where) { id note @include(if: $notes) } }
query Find($text: String!) { find(text: $text) { __typename ... on Node { id } ... on Order { total } } }
mutation Place($order: NewOrder!) { place(order: $order) { ...Line } }
mutation Two($id: ID!) { cancel(id: $id) again: cancel(id: $id) }
fragment Line on Order { id status placed }
"""
SCALARS = {"Date": {"type": "string", "format": "date"}}


class Shop:
    """Answers as a server does; *effects* counts the orders placed, *failing* is raised when one is."""

    def __init__(self, schema: str = SCHEMA, *, failing: GraphQLError | None = None, closed: bool = False) -> None:
        self.schema: GraphQLSchema = build_schema(schema)
        self.effects = 0
        self.requests: list[dict[str, Any]] = []
        self._failing = failing
        self._closed = closed

    async def __call__(self, request: Received, writer: asyncio.StreamWriter) -> None:
        asked = orjson.loads(request.body)
        self.requests.append(asked)
        if self._closed and "__schema" in asked["query"]:
            await answers(400, {"errors": [{"message": "introspection is not allowed"}]})(request, writer)
            return
        result = graphql_sync(
            self.schema,
            asked["query"],
            root_value={"order": self._order, "orders": [], "place": self._place, "find": self._find},
            variable_values=asked.get("variables"),
            operation_name=asked.get("operationName"),
        )
        await answers(200, result.formatted)(request, writer)

    def _order(self, _: Any, id: str) -> dict[str, Any]:
        return {"id": id, "status": "OPEN", "placed": "2026-01-02", "customer": {"id": "C1", "name": "Ada"}}

    def _find(self, _: Any, text: str) -> list[dict[str, Any]]:
        return [{"__typename": "Customer", "id": text}, {"__typename": "Order", "id": "O1", "total": 2}]

    def _place(self, _: Any, order: dict[str, Any]) -> dict[str, Any]:
        self.effects += 1
        if self._failing is not None:
            raise self._failing
        return {"id": "O9", "status": "OPEN", "placed": None, "customer": {"id": order["customer"], "name": "Ada"}}


def shop(port: int, **connection: Any) -> dict[str, Any]:
    return {
        "system": "shop",
        "connector": "graphql",
        "connection": {
            "url": f"http://127.0.0.1:{port}/graphql",
            "schema": "shop.graphql",
            "documents": ["operations.graphql"],
            "scalars": SCALARS,
            "auth": {"bearer": "secret:shop"},
        }
        | connection,
        "limits": {"timeout": "5s", "retries": 0, "response": "64KiB", "failures": 100},
        "operations": {
            "read": {"from": "OneOrder", "effect": "read"},
            "find": {"from": "Find", "effect": "read"},
            "orders": {"from": "Orders", "effect": "read"},
            "write": {"from": "Place", "effect": "write"},
        },
    }
