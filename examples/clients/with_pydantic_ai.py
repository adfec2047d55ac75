"""An agent on pydantic-ai. A call whose action waits for a person is deferred, and the run goes on when it is over."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from openai import AsyncOpenAI
from pydantic_ai import Agent, AgentRunResult, CallDeferred, DeferredToolRequests, DeferredToolResults, RunContext
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from examples.clients.desk import Desk, told

Answer = str | DeferredToolRequests
Run = AgentRunResult[Answer]


@asynccontextmanager
async def agent_at(desk: Desk, route: str) -> AsyncIterator[Agent[Desk, Answer]]:
    """Return the agent; its model is a route of Interlock's, and its tool an operation."""
    headers = {"Interlock-Session": desk.session}
    async with AsyncOpenAI(base_url=f"{desk.url}/v1", api_key=desk.key, default_headers=headers) as client:
        yield _agent(client, route)


def _agent(client: AsyncOpenAI, route: str) -> Agent[Desk, Answer]:
    model = OpenAIChatModel(route, provider=OpenAIProvider(openai_client=client))
    agent: Agent[Desk, Answer] = Agent(
        model,
        deps_type=Desk,
        output_type=[str, DeferredToolRequests],
        instructions="You give credit notes. Say plainly where each stands.",
    )

    @agent.tool
    def give_credit(
        context: RunContext[Desk], order_id: int, customer_id: str, amount: float, reason: str
    ) -> dict[str, Any]:
        """Give a credit note on an order."""
        arguments = {"order_id": order_id, "customer_id": customer_id, "amount": amount, "reason": reason}
        # A call's id need not be unique beyond the model's reply that makes it.
        call = f"{context.run_id}:{context.run_step}:{context.tool_call_id}"
        action = context.deps.propose("billing.credit", arguments, call=call)
        if action["state"] == "waiting":
            raise CallDeferred(metadata={"action": action["id"]})
        return told(action)

    return agent


async def ask(agent: Agent[Desk, Answer], desk: Desk, words: str) -> Run:
    """Run the agent on *words*. The output is text, or the calls that wait: `waiting` names their actions."""
    return await agent.run(words, deps=desk)


def waiting(run: Run) -> list[str]:
    """Return the ids of the actions that *run* waits for; keep the run, or its messages, until they are over."""
    if not isinstance(run.output, DeferredToolRequests):
        return []
    return [str(metadata["action"]) for metadata in run.output.metadata.values()]


async def go_on(agent: Agent[Desk, Answer], desk: Desk, run: Run) -> Run:
    """Go on with a *run* that waited, and return it as it is while one of its actions still waits."""
    assert isinstance(run.output, DeferredToolRequests)
    results = DeferredToolResults()
    for call_id, metadata in run.output.metadata.items():
        action = desk.action(metadata["action"])
        if action["state"] == "waiting":
            return run
        results.calls[call_id] = told(action)
    return await agent.run(message_history=run.all_messages(), deferred_tool_results=results, deps=desk)
