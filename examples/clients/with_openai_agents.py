"""An agent on the OpenAI Agents SDK. Interlock runs the operations itself, so that the tools need no code at all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from agents import Agent, FunctionTool, OpenAIResponsesModel, Runner, RunResult, Tool, set_tracing_disabled
from agents.tool_context import ToolContext
from openai import AsyncOpenAI

from examples.clients.desk import Desk

set_tracing_disabled(True)  # the journal has every step; nothing is sent anywhere else


@asynccontextmanager
async def agent_at(desk: Desk, route: str) -> AsyncIterator[Agent[None]]:
    """Return the agent; it is offered every operation that its key may use."""
    tools: list[Tool] = [
        FunctionTool(
            name=operation["id"].replace(".", "__"),
            description=operation["description"],
            params_json_schema=operation["input_schema"],
            on_invoke_tool=_never,
            strict_json_schema=False,
        )
        for operation in desk.operations()
    ]
    headers = {"Interlock-Session": desk.session}
    async with AsyncOpenAI(base_url=f"{desk.url}/v1", api_key=desk.key, default_headers=headers) as client:
        yield Agent(
            name="desk",
            instructions="You give credit notes. Say plainly where each stands.",
            model=OpenAIResponsesModel(model=route, openai_client=client),
            tools=tools,
        )


async def ask(agent: Agent[None], words: str) -> RunResult:
    """Run the agent on *words*. Where an action waits, the answer says so."""
    return await Runner.run(agent, words)


async def go_on(agent: Agent[None], run: RunResult, words: str) -> RunResult:
    """Go on with the conversation of *run*: the model is shown its actions as they stand by now."""
    return await Runner.run(agent, [*run.to_input_list(), {"role": "user", "content": words}])


async def _never(context: ToolContext[None], arguments: str) -> str:
    """Stand for a tool that Interlock runs: the call has been taken up before the answer comes back."""
    raise RuntimeError(f"{context.tool_name} is run by Interlock, and was handed out with {arguments}")
