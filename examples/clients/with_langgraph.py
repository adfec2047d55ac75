"""An agent on langgraph. A tool whose action waits for a person interrupts the graph, and resuming goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from langchain_core.messages import HumanMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, ToolRuntime, tools_condition
from langgraph.types import Command, interrupt
from pydantic import SecretStr

from examples.clients.desk import Desk, told

Graph = Any
State = dict[str, Any]


@contextmanager
def graph_at(desk: Desk, route: str) -> Iterator[Graph]:
    """Return the graph: a model that is a route of Interlock's, and a tool that is an operation."""
    with httpx.Client(timeout=60) as http:
        model = ChatOpenAI(
            model=route,
            base_url=f"{desk.url}/v1",
            api_key=SecretStr(desk.key),
            default_headers={"Interlock-Session": desk.session},
            http_client=http,
        )
        yield _graph(desk, model)


def _graph(desk: Desk, model: ChatOpenAI) -> Graph:

    @tool
    def give_credit(
        order_id: int, customer_id: str, amount: float, reason: str, runtime: ToolRuntime[None, MessagesState]
    ) -> str:
        """Give a credit note on an order."""
        arguments = {"order_id": order_id, "customer_id": customer_id, "amount": amount, "reason": reason}
        # A resumed graph runs the whole tool again; under the same call it is the same action, not a second one.
        # A call's id need not be unique beyond the model's reply that makes it.
        call = f"{runtime.state['messages'][-1].id}:{runtime.tool_call_id}"
        action = desk.propose("billing.credit", arguments, call=call)
        while action["state"] == "waiting":
            interrupt({"action": action["id"], "waiting_for": action["waiting_for"]})
            action = desk.action(action["id"])
        return json.dumps(told(action))

    thinking = model.bind_tools([give_credit])

    def think(state: MessagesState) -> State:
        return {"messages": [thinking.invoke(state["messages"])]}

    graph = StateGraph(MessagesState)
    graph.add_node("think", think)
    graph.add_node("tools", ToolNode([give_credit]))
    graph.add_edge(START, "think")
    graph.add_conditional_edges("think", tools_condition)
    graph.add_edge("tools", "think")
    return graph.compile(checkpointer=InMemorySaver())  # one of a database survives the process


def ask(graph: Graph, thread: str, words: str) -> State:
    """Run the graph on *words* in the conversation *thread*."""
    state: State = graph.invoke({"messages": [HumanMessage(words)]}, _thread(thread))
    return state


def waiting(state: State) -> list[str]:
    """Return the ids of the actions that the graph waits for."""
    return [str(each.value["action"]) for each in state.get("__interrupt__", ())]


def go_on(graph: Graph, thread: str) -> State:
    """Go on in *thread*; where an action still waits, the graph is interrupted again."""
    state: State = graph.invoke(Command(resume=True), _thread(thread))
    return state


def _thread(name: str) -> dict[str, Any]:
    return {"configurable": {"thread_id": name}}
