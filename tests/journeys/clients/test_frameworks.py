"""Agents of other frameworks finish a governed task over a wait; billing judges that it was done, and once."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from examples.clients.desk import Desk
from tests.journeys.clients.model import model
from tests.journeys.place import Place, place

ORDERS = count(5001)
ROUTE = "clients"
STORY = (
    "session.opened model.called action.decided model.called approval.decided action.redecided action.succeeded "
    "model.called"
).split()


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with model() as address, place(tmp_path_factory.mktemp("frameworks"), {"CLIENTS_MODEL": address}) as found:
        yield found
        assert found["ada"].post("/v1/journal/verify")["ok"]


@pytest.fixture
def order() -> int:
    return next(ORDERS)


@pytest.fixture
def desk(town: Place, order: int) -> Desk:
    session = town.session(request=wish(order), customer="ALFKI")
    return Desk(town.server.url, town["helper"].key, session)


def wish(order: int) -> str:
    return f"Please credit 250 on order {order}"


def approve(town: Place, action: str) -> None:
    approval = town["lena"].action(action)["approvals"][0]
    verdict = {"verdict": "approve", "consent": approval["consent"]}
    assert town["luis"].post(f"/v1/approvals/{approval['id']}/decide", verdict)["state"] == "approved"


def reject(town: Place, action: str) -> None:
    approval = town["lena"].action(action)["approvals"][0]
    verdict = {"verdict": "reject", "consent": approval["consent"], "comment": "not this one"}
    town["luis"].post(f"/v1/approvals/{approval['id']}/decide", verdict)


def credits_of(town: Place, order: int) -> int:
    return town.billing.effects("created")[order]


def journal_of(town: Place, desk: Desk) -> list[str]:
    """Return the kinds of a session's records, oldest first."""
    records = town["ada"].get(f"/v1/journal?session={desk.session}&limit=100")["items"]
    return [record["kind"] for record in sorted(records, key=lambda record: record["seq"])]


def actions_of(town: Place, desk: Desk) -> list[str]:
    return [action["id"] for action in town["ada"].actions(session=desk.session)]


async def test_pydantic_ai(town: Place, desk: Desk, order: int) -> None:
    from examples.clients import with_pydantic_ai as client

    async with client.agent_at(desk, ROUTE) as agent:
        run = await client.ask(agent, desk, wish(order))
        (action,) = client.waiting(run)
        assert credits_of(town, order) == 0
        approve(town, action)
        done = await client.go_on(agent, desk, run)
    assert client.waiting(done) == []
    assert '"state":"succeeded"' in str(done.output).replace(" ", "")
    assert (credits_of(town, order), actions_of(town, desk)) == (1, [action])


async def test_pydantic_ai_is_told_of_a_refusal(town: Place, desk: Desk, order: int) -> None:
    from examples.clients import with_pydantic_ai as client

    async with client.agent_at(desk, ROUTE) as agent:
        run = await client.ask(agent, desk, wish(order))
        reject(town, *client.waiting(run))
        done = await client.go_on(agent, desk, run)
    assert "denied" in str(done.output)
    assert credits_of(town, order) == 0


async def test_pydantic_ai_that_is_gone_on_with_too_early_waits_on(town: Place, desk: Desk, order: int) -> None:
    from examples.clients import with_pydantic_ai as client

    async with client.agent_at(desk, ROUTE) as agent:
        run = await client.ask(agent, desk, wish(order))
        early = await client.go_on(agent, desk, run)
        (action,) = client.waiting(early)
        approve(town, action)
        done = await client.go_on(agent, desk, early)
    assert "succeeded" in str(done.output)
    assert (credits_of(town, order), actions_of(town, desk)) == (1, [action])


async def test_pydantic_ai_means_two_credits_where_two_calls_share_an_id(town: Place, desk: Desk, order: int) -> None:
    from examples.clients import with_pydantic_ai as client

    async with client.agent_at(desk, ROUTE) as agent:
        runs = [await client.ask(agent, desk, wish(each)) for each in (order, next(ORDERS))]
    (first,), (second,) = map(client.waiting, runs)
    assert first != second


async def test_pydantic_ai_waits_until_every_call_of_a_reply_is_over(town: Place, desk: Desk, order: int) -> None:
    from examples.clients import with_pydantic_ai as client

    orders = [order, next(ORDERS)]
    async with client.agent_at(desk, ROUTE) as agent:
        run = await client.ask(agent, desk, " and ".join(map(wish, orders)))
        first, second = client.waiting(run)
        approve(town, first)
        run = await client.go_on(agent, desk, run)
        assert client.waiting(run) == [first, second]
        approve(town, second)
        run = await client.go_on(agent, desk, run)
    assert str(run.output).count("succeeded") == 2
    assert [credits_of(town, each) for each in orders] == [1, 1]


def test_langgraph(town: Place, desk: Desk, order: int) -> None:
    from examples.clients import with_langgraph as client

    with client.graph_at(desk, ROUTE) as graph:
        state = client.ask(graph, f"thread-{order}", wish(order))
        (action,) = client.waiting(state)
        assert credits_of(town, order) == 0
        approve(town, action)
        done = client.go_on(graph, f"thread-{order}")
    assert client.waiting(done) == []
    assert "succeeded" in done["messages"][-1].content
    assert (credits_of(town, order), actions_of(town, desk)) == (1, [action])


def test_langgraph_that_is_resumed_too_early_goes_on_waiting(town: Place, desk: Desk, order: int) -> None:
    from examples.clients import with_langgraph as client

    with client.graph_at(desk, ROUTE) as graph:
        state = client.ask(graph, f"early-{order}", wish(order))
        (action,) = client.waiting(state)
        for _ in range(2):
            assert client.waiting(client.go_on(graph, f"early-{order}")) == [action]
        assert credits_of(town, order) == 0
        approve(town, action)
        done = client.go_on(graph, f"early-{order}")
    assert "succeeded" in done["messages"][-1].content
    assert (credits_of(town, order), actions_of(town, desk)) == (1, [action])


def test_langgraph_means_two_credits_where_two_calls_share_an_id(town: Place, desk: Desk, order: int) -> None:
    from examples.clients import with_langgraph as client

    done: list[str] = []
    with client.graph_at(desk, ROUTE) as graph:
        for each in (order, next(ORDERS)):
            state = client.ask(graph, f"two-{order}", wish(each))
            (action,) = client.waiting(state)
            approve(town, action)
            client.go_on(graph, f"two-{order}")
            assert credits_of(town, each) == 1
            done.append(action)
    assert sorted(actions_of(town, desk)) == sorted(done)


def test_langgraph_waits_until_every_call_of_a_reply_is_over(town: Place, desk: Desk, order: int) -> None:
    from examples.clients import with_langgraph as client

    orders = [order, next(ORDERS)]
    seen: set[str] = set()
    with client.graph_at(desk, ROUTE) as graph:
        state = client.ask(graph, f"both-{order}", " and ".join(map(wish, orders)))
        for _ in orders:
            (action,) = set(client.waiting(state)) - seen
            approve(town, action)
            seen.add(action)
            state = client.go_on(graph, f"both-{order}")
    assert client.waiting(state) == []
    assert [credits_of(town, each) for each in orders] == [1, 1]
    assert set(actions_of(town, desk)) == seen


async def test_openai_agents(town: Place, desk: Desk, order: int) -> None:
    from examples.clients import with_openai_agents as client

    async with client.agent_at(desk, ROUTE) as agent:
        first = await client.ask(agent, wish(order))
        (action,) = actions_of(town, desk)
        assert "waiting" in first.final_output
        assert credits_of(town, order) == 0
        approve(town, action)
        second = await client.go_on(agent, first, "How does it stand?")
    assert "succeeded" in second.final_output
    assert (credits_of(town, order), actions_of(town, desk)) == (1, [action])


async def test_a_bare_client_of_mcp(town: Place, desk: Desk, order: int) -> None:
    from examples.clients import with_mcp as client

    arguments = {"order_id": order, "customer_id": "ALFKI", "amount": 250, "reason": "A broken jar"}
    async with client.client_at(desk) as connected:
        waiting = await client.call(connected, "billing.credit", arguments)
        assert waiting["state"] == "waiting"
        assert credits_of(town, order) == 0
        approve(town, waiting["action"])
        done = await client.follow(connected, waiting["action"], every=0.05)
    assert done["state"] == "succeeded"
    assert (credits_of(town, order), actions_of(town, desk)) == (1, [waiting["action"]])


async def test_every_step_is_in_the_journal(town: Place, desk: Desk, order: int) -> None:
    from examples.clients import with_openai_agents as client

    async with client.agent_at(desk, ROUTE) as agent:
        first = await client.ask(agent, wish(order))
        approve(town, *actions_of(town, desk))
        await client.go_on(agent, first, "How does it stand?")
    assert [kind for kind in journal_of(town, desk) if kind != "usage.alarm"] == STORY
