"""The written form of a call, and the schemas of results."""

from __future__ import annotations

from typing import Any

import pytest

from interlock.foundation.expressions import ExpressionInvalid, parse_call, result_schema
from interlock.values.operations import Call


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("orders.get(id = input.order_id, n = 3)", Call("orders.get", {"id": "input.order_id", "n": "3"})),
        (
            "orders.get( id=f(a, [b, c]) , q = 'x, y = (' )",
            Call("orders.get", {"id": "f(a, [b, c])", "q": "'x, y = ('"}),
        ),
        ("orders.list()", Call("orders.list", {})),
        ("cancel_credit", Call("cancel_credit", {})),
        ("a.b(x = i == 1 ? 2 : 3)", Call("a.b", {"x": "i == 1 ? 2 : 3"})),
    ],
)
def test_a_call(text: str, call: Call) -> None:
    assert parse_call(text) == call


@pytest.mark.parametrize(
    "text",
    [
        "",
        "(id = 1)",
        "orders.get(",
        "orders.get)",
        "orders.get(1)",
        "orders.get(id = )",
        "orders.get(id == 1)",
        "orders.get(id = 1,)",
        "orders.get(id = 1, id = 2)",
        "orders.get(id = 1) + 2",
        "orders..get()",
        "a.b(x = 'y)",
    ],
)
def test_what_is_no_call(text: str) -> None:
    with pytest.raises(ExpressionInvalid):
        parse_call(text)


SHAPES: dict[str, dict[str, Any]] = {
    "input": {"type": "object", "properties": {"amount": {"type": "number"}, "note": {"type": "string"}}},
    "order": {
        "type": "object",
        "properties": {
            "n": {"type": "integer"},
            "lines": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "price": {"type": "number"},
                        "n": {"type": "integer"},
                        "id": {"type": "string"},
                    },
                },
            },
        },
    },
}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("input.amount", "number"),
        ("(order.n)", "integer"),
        ("order.n + 1", "integer"),
        ("order.n / 2", "number"),
        ("-order.n", "integer"),
        ("order.n * input.amount - 2", "number"),
        ("sum(order.lines.map(l, l.price * l.n))", "number"),
        ("sum(order.lines.map(l, l.n))", "integer"),
        ("order.lines.map(l, l.n).sum()", "integer"),
        ("order.lines.filter(l, l.n > 1)[0].id", "string"),
        ("max(order.n, 3)", "integer"),
        ("size(order.lines)", "integer"),
        ("order.lines.size() > 3", "boolean"),
        ("order.lines.exists(l, l.n > 1)", "boolean"),
        ("!has(order.n)", "boolean"),
        ("'x' in ['x']", "boolean"),
        ("order.n > 1 ? order.n : input.amount", "number"),
        ("order.n > 1 ? 'a' : input.note", "string"),
        ("input.note + 'x'", "string"),
        ("['a', 'b']", "array"),
        ("days_between(input.note, input.note)", "integer"),
        ("order.nothing", None),
        ("order.n > 1 ? 'a' : 1", None),
        ("null", None),
        ("{'a': 1}", None),
        ("nothing(1)", None),
    ],
)
def test_the_schema_of_a_result(text: str, kind: str | None) -> None:
    shape = result_schema(text, SHAPES)
    assert (shape["type"] if shape else None) == kind


def test_the_schema_of_a_list_keeps_its_items() -> None:
    assert result_schema("order.lines.map(l, l.id)", SHAPES) == {"type": "array", "items": {"type": "string"}}
    assert result_schema("order.lines + order.lines", SHAPES) == SHAPES["order"]["properties"]["lines"]
