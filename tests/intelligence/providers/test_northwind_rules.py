"""The rules of the Northwind example: which sentence leads to which proposals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from interlock.foundation.documents import read_document
from interlock.foundation.http import HttpClient
from interlock.foundation.secrets import SecretStore
from interlock.intelligence.gateway import ModelRequest, Provider, ProviderPorts, build_routes, tool_name
from interlock.orchestration.agents import agent_from_document

ROOT = Path(__file__).parents[3] / "examples" / "northwind"
TICKETS = {ticket["ticket_id"]: ticket for ticket in orjson.loads((ROOT / "data" / "tickets.json").read_bytes())}
OPERATIONS = """
erp.get_order erp.list_orders erp.get_customer erp.get_product erp.hold_order erp.release_order
erp.change_ship_address billing.create_credit billing.get_credit billing.find_credits billing.cancel_credit
helpdesk.list_tickets helpdesk.get_ticket helpdesk.reply helpdesk.set_status
""".split()


def rules(route: str) -> Provider:
    document = read_document(ROOT / "models.yaml", "models", root=ROOT, environment={})
    routes = build_routes(document, ProviderPorts(ROOT, HttpClient(), SecretStore([])))
    openai, found = routes[route].targets
    assert openai.provider.missing()
    return found.provider


def outcome(name: str, arguments: dict[str, Any]) -> Any:
    if name == "helpdesk.get_ticket":
        return TICKETS[arguments["ticket_id"]]
    if name == "billing.find_credits":
        return {"items": [{"id": "CN-000007", "amount": 1.0}, {"id": "CN-000009", "amount": 20.0}]}
    listed = {"erp.list_orders": [], "helpdesk.list_tickets": {"tickets": []}}
    return listed.get(
        name, {"id": "CN-000010", "amount": 20, "order_id": 10952, "on_hold": False, "shipped_date": None}
    )


async def proposals(route: str, *turns: str, **session: Any) -> tuple[list[tuple[str, dict[str, Any]]], str]:
    """What a conversation leads to when everything that is proposed succeeds."""
    provider = rules(route)
    tools = [{"type": "function", "function": {"name": tool_name(each)}} for each in OPERATIONS]
    known = {"kind": "context", "session": session, "data": {}, "missing": {}}
    messages: list[dict[str, Any]] = [{"role": "system", "content": orjson.dumps(known).decode()}]
    made: list[tuple[str, dict[str, Any]]] = []
    text = ""
    for words in turns:
        made.clear()
        messages.append({"role": "user", "content": words})
        while (reply := await provider.complete(ModelRequest(messages, tools), timeout=1)).tool_calls:
            (call,) = reply.tool_calls
            name, arguments = call.name.replace("__", "."), dict(call.arguments)
            made.append((name, arguments))
            function = {"name": call.name, "arguments": orjson.dumps(arguments).decode()}
            result = {"action": "act_1", "state": "succeeded", "output": outcome(name, arguments)}
            messages += [
                {"role": "assistant", "content": None, "tool_calls": [{"id": call.id, "function": function}]},
                {"role": "tool", "tool_call_id": call.id, "content": orjson.dumps(result).decode()},
            ]
        text = reply.text
        messages.append({"role": "assistant", "content": text})
    return made, text


def credit(order: int, amount: float, reason: str, **more: Any) -> tuple[str, dict[str, Any]]:
    wanted = {"order_id": order, "customer_id": "ALFKI", "amount": amount, "reason": reason, **more}
    return "billing.create_credit", wanted


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("Where is order 10952?", ("erp.get_order", {"order_id": 10952})),
        ("Could you look up order #10952, please?", ("erp.get_order", {"order_id": 10952})),
        ("List my open tickets", ("helpdesk.list_tickets", {"customer_id": "ALFKI", "status": "open"})),
        (
            "Please credit 20.00 on order 10952 because one jar was cracked.",
            credit(10952, 20, "one jar was cracked"),
        ),
        (
            "One jar of order 10952 had a cracked lid. Could you give me a credit of 20 dollars?",
            credit(10952, 20, "One jar of order 10952 had a cracked lid"),
        ),
        ("Refund $400 on order 11011: dented tins", credit(11011, 400, "dented tins")),
        ("I would like 1,000.00 back for order 10952", credit(10952, 1000, "Goodwill, as the customer asked")),
        (
            "credit 45 on order 10953 to account GB33BUKB20201555555555 because you owe me",
            credit(10953, 45, "you owe me", account="GB33BUKB20201555555555"),
        ),
        ("read ticket 1001", ("helpdesk.get_ticket", {"ticket_id": 1001})),
        (
            "Reply to ticket 1001: We are sorry, and credit 20.00.",
            ("helpdesk.reply", {"ticket_id": 1001, "body": "We are sorry, and credit 20.00", "public": True}),
        ),
        ("close ticket 1001", ("helpdesk.set_status", {"ticket_id": 1001, "status": "closed"})),
        ("cancel credit note CN-000003", ("billing.cancel_credit", {"id": "CN-000003"})),
        (
            "Please send order 11076 to 24, rue Paradis, 13006 Marseille, France",
            (
                "erp.change_ship_address",
                {
                    "order_id": 11076,
                    "ship_address": "24, rue Paradis",
                    "ship_city": "Marseille",
                    "ship_postal_code": "13006",
                    "ship_country": "France",
                },
            ),
        ),
    ],
)
async def test_what_the_support_agent_proposes(words: str, expected: tuple[str, dict[str, Any]]) -> None:
    made, answer = await proposals("support", words, customer="ALFKI")
    assert made == [expected]
    assert answer


async def test_staff_see_all_tickets() -> None:
    assert (await proposals("support", "list open tickets"))[0] == [("helpdesk.list_tickets", {"status": "open"})]


@pytest.mark.parametrize(
    ("ticket", "order", "amount", "account"),
    [
        (1001, 10952, 20, None),
        (1002, 11011, 400, None),
        (1004, 10953, 45, "GB33BUKB20201555555555"),
        (1005, 11021, 48, "DE02120300000000202051"),
        (1012, 11012, 68, None),
        (1024, 11032, 527, None),
    ],
)
async def test_told_to_deal_with_a_ticket_it_does_what_the_text_says(
    ticket: int, order: int, amount: float, account: str | None
) -> None:
    made, _ = await proposals("support", f"Deal with ticket {ticket}, please", customer="ALFKI")
    name, arguments = made[-1]
    assert [each for each, _ in made] == ["helpdesk.get_ticket", "erp.list_orders", "billing.create_credit"]
    assert name == "billing.create_credit"
    assert (arguments["order_id"], arguments["amount"], arguments.get("account")) == (order, amount, account)
    assert arguments["customer_id"] == TICKETS[ticket]["customer_id"]


async def test_a_ticket_about_no_money_is_left_to_people() -> None:
    made, answer = await proposals("support", "deal with ticket 1014", customer="KOENE")
    assert [name for name, _ in made] == ["helpdesk.get_ticket", "erp.list_orders"]
    assert "asks for no money" in answer


async def test_the_last_credit_is_undone() -> None:
    made, _ = await proposals("support", "undo the last credit", customer="ALFKI")
    assert made == [
        ("billing.find_credits", {"customer_id": "ALFKI", "status": "issued", "limit": 200}),
        ("billing.cancel_credit", {"id": "CN-000009"}),
    ]


async def test_a_loop_reads_the_same_thing_over_and_over() -> None:
    made, _ = await proposals("support", "keep checking order 10952 until it has shipped", customer="ALFKI")
    assert made == [("erp.get_order", {"order_id": 10952})] * 30


async def test_what_is_missing_is_asked_for_and_earlier_turns_are_remembered() -> None:
    made, answer = await proposals("support", "I want a refund", customer="ALFKI")
    assert (made, answer) == ([], "How much should be credited?")
    made, _ = await proposals(
        "support", "where is order 10952?", "then refund 20 dollars because it is late", customer="ALFKI"
    )
    assert made == [credit(10952, 20, "it is late")]
    made, answer = await proposals("support", "send order 11076 to another address", customer="BONAP")
    assert made == []
    assert answer.startswith("Where should it go?")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (
            "Hold order 11061 because the cold room is being repaired",
            ("erp.hold_order", {"order_id": 11061, "reason": "the cold room is being repaired"}),
        ),
        ("release order 11061", ("erp.release_order", {"order_id": 11061})),
        ("who is customer ALFKI?", ("erp.get_customer", {"customer_id": "ALFKI"})),
        ("list the orders of customer alfki", ("erp.list_orders", {"customer_id": "ALFKI"})),
        ("when does order 11077 ship?", ("erp.get_order", {"order_id": 11077})),
    ],
)
async def test_what_the_orders_desk_proposes(words: str, expected: tuple[str, dict[str, Any]]) -> None:
    assert (await proposals("orders-desk", words))[0] == [expected]


async def test_the_orders_desk_holds_what_a_ticket_asks_to_hold() -> None:
    made, _ = await proposals("orders-desk", "deal with ticket 1008")
    assert made[-1] == (
        "erp.hold_order",
        {"order_id": 11061, "reason": "Ticket 1008: Please hold order 11061"},
    )


@pytest.mark.parametrize("name", ["support", "orders-desk"])
def test_agents_name_every_operation_that_their_rules_use(name: str) -> None:
    agent = agent_from_document(read_document(ROOT / "agents" / f"{name}.yaml", "agent", root=ROOT))
    provider: Any = rules(agent.route)
    assert [each for each in provider.operations if not agent.may_use(each)] == []
    assert provider.operations <= set(OPERATIONS)
