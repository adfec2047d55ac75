"""With a key the same files run on a model of OpenAI's interface: both agents do their work over it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from examples.northwind.demonstration.processes import Town
from examples.northwind.demonstration.scene import Scene, set_up
from tests.journeys.clients.model import model

WISHES: dict[str, tuple[str, dict[str, Any]]] = {
    "large": (
        "billing__create_credit",
        {"order_id": 11011, "customer_id": "ALFKI", "amount": 400.0, "reason": "Thirty tins are dented"},
    ),
    "credit": (
        "billing__create_credit",
        {"order_id": 10702, "customer_id": "ALFKI", "amount": 12.5, "reason": "A bag was torn"},
    ),
    "where": ("erp__get_order", {"order_id": 10643}),
}


def reply(body: dict[str, Any]) -> dict[str, Any]:
    """Return the call that a word of the person's wish leads to, and then what came of it."""
    last = body["messages"][-1]
    if last["role"] == "tool":
        result = json.loads(last["content"])
        return {"role": "assistant", "content": f"It is {result['state']}."}
    name, arguments = next(call for word, call in WISHES.items() if word in last["content"])
    assert name in [tool["function"]["name"] for tool in body["tools"]]
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c1", "type": "function", "function": function}],
    }


@pytest.fixture(scope="module")
def northwind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with model(reply) as address, pytest.MonkeyPatch.context() as patch:
        for name, value in {"BASE_URL": f"{address}/v1", "API_KEY": "k-1", "MODEL": "scripted-1"}.items():
            patch.setenv(f"OPENAI_{name}", value)
        town = Town(Path(tmp_path_factory.mktemp("modelled")), keep_model=True)
        try:
            yield set_up(town)
        finally:
            town.stop()


def asked(scene: Scene, agent: str, words: str, customer: str = "ALFKI") -> Any:
    turn = scene.who("laura").post("/v1/ask", agent=agent, request=words, customer=customer)
    assert turn["model"]["provider"] == "openai"
    return turn


def test_the_support_agent_gives_a_small_credit(northwind: Scene) -> None:
    turn = asked(northwind, "support", "Please credit 12.50 on order 10702, a bag was torn")
    assert turn["answer"] == "It is succeeded.", turn["steps"]
    assert northwind.books.amounts(10702) == [12.5]


def test_a_large_credit_waits_and_the_model_hears_of_its_end(northwind: Scene) -> None:
    turn = asked(northwind, "support", "A large matter: credit 400.00 on order 11011")
    assert turn["ended"] == "waiting"
    approval = northwind.approval(turn["steps"][0]["action"], "billing-lead")
    verdict = {"verdict": "approve", "consent": approval["consent"]}
    northwind.who("steven").post(f"/v1/approvals/{approval['id']}/decide", **verdict)

    def now() -> Any:
        return northwind.who("laura").get(f"/v1/turns/{turn['turn']}")

    assert northwind.until(lambda: now()["state"] == "ended")
    assert now()["answer"] == "It is succeeded."
    assert northwind.books.amounts(11011) == [400.0]


def test_the_orders_desk_looks_an_order_up(northwind: Scene) -> None:
    turn = asked(northwind, "orders-desk", "where is order 10643")
    assert [step["operation"] for step in turn["steps"]] == ["erp.get_order"]
    assert turn["answer"] == "It is succeeded."
