"""The loop of one turn: context, model, proposals, results, answer. Every proposal goes through the one path."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

from interlock.context.assembly import Assembled, assemble
from interlock.foundation.clock import Clock
from interlock.governance.budgets import BudgetExceeded, BudgetUnpriced
from interlock.intelligence.gateway import (
    ModelReply,
    ModelRequest,
    RouteExhausted,
    ToolCall,
    ToolNames,
    Usage,
    tool_of,
)
from interlock.orchestration.agents.answers import limit_words, waiting_words, with_handle
from interlock.orchestration.agents.prompt import opening, result_text
from interlock.orchestration.agents.spec import AgentSpec, permitted_for
from interlock.orchestration.agents.turn import Ended, Step, Turn
from interlock.values.clearances import Clearance
from interlock.values.errors import InterlockError
from interlock.values.labels import PUBLIC, Label, label_from_json
from interlock.values.operations import Operation
from interlock.values.principals import Principal


class Actions(Protocol):
    """The one path, as agents use it."""

    async def propose(
        self, session_id: str, principal: Principal, operation: str, arguments: dict[str, Any]
    ) -> Mapping[str, Any]:
        """Return the view of the action: `{id, state, decision{outcome,reasons,requirements}, output, problem}`.

        A refusal is a view. Raises `InterlockError` for a proposal that is no action, such as wrong arguments.
        """
        ...


class Models(Protocol):
    """The model gateway, as agents use it."""

    async def complete(self, route: str, request: ModelRequest) -> ModelReply:
        """Return the answer of the route's first target that gives one.

        Raises `RouteExhausted`, and `BudgetExceeded` or `BudgetUnpriced` where a budget does not allow the call.
        """
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of an agent, and on whose behalf.

    *operations* are those that policy permits the principal; *session* holds the session's facts (such as
    `customer`), which context expressions may name and the model is told; *history* holds the messages of
    earlier turns, and *label* is the joined label of what they say. An answer is shared with others of the same
    *clearance* alone, where answers are kept at all.
    """

    session_id: str
    principal: Principal
    words: str
    operations: Sequence[Operation] = ()
    session: Mapping[str, Any] = field(default_factory=dict)
    history: Sequence[Mapping[str, Any]] = ()
    label: Label = PUBLIC
    clearance: Clearance | None = None


class AgentRunner:
    """Runs agents. It holds no state of its own between turns."""

    def __init__(self, models: Models, actions: Actions, clock: Clock) -> None:
        self._models = models
        self._actions = actions
        self._clock = clock

    async def ask(self, agent: AgentSpec, asked: Asked) -> Turn:
        """Return the turn that *asked.words* lead to.

        It ends when the model answers in words, when an action waits for a person (the answer says for what,
        with the action's id), at the agent's step limit, or when its time is up; an action that was begun is
        never cut off. That no model answers is told as the turn's end, not raised.
        """
        turn = _Running(self._models, self._actions, self._clock, agent, asked)
        return await turn.run()


class _Running:
    """One turn while it runs."""

    def __init__(self, models: Models, actions: Actions, clock: Clock, agent: AgentSpec, asked: Asked) -> None:
        self._models = models
        self._actions = actions
        self._clock = clock
        self._agent = agent
        self._asked = asked
        self._deadline = clock.monotonic() + agent.limits.time
        self._operations = {operation.id: operation for operation in permitted_for(agent, asked.operations)}
        self._names = ToolNames(self._operations)
        self._tools = [tool_of(operation) for operation in self._operations.values()]
        self._messages: list[dict[str, Any]] = [{"role": "user", "content": asked.words}]
        self._opening: list[dict[str, Any]] = []
        self._steps: list[Step] = []
        self._usage = Usage()
        self._context = Assembled()
        self._said: ModelReply | None = None
        self._label = asked.label.join(Label())
        """The joined label of all that the model has been shown, which is therefore that of whatever it says."""

    async def run(self) -> Turn:
        self._context = await self._gather()
        self._opening = opening(self._agent, self._asked.session, self._context)
        while True:
            try:
                reply = await self._call(self._tools)
            except TimeoutError:
                return self._end(Ended.time_limit, limit_words("time", self._steps))
            except RouteExhausted:
                return self._end(Ended.no_model, "No model is available to answer; nothing more was done.")
            except (BudgetExceeded, BudgetUnpriced):
                if not self._steps:
                    raise
                return self._end(Ended.budget, "A budget does not allow to go on; nothing more was done.")
            if not reply.tool_calls:
                return self._end(Ended.answered, reply.text)
            self._messages.append(_as_message(reply))
            for position, call in enumerate(reply.tool_calls):
                ended = await self._take(call)
                if ended is not None:
                    self._skip(reply.tool_calls[position + 1 :])
                    return await self._conclude(ended)

    async def _gather(self) -> Assembled:
        limits = self._agent.limits
        variables = {"session": dict(self._asked.session), "words": self._asked.words}
        budget = min(limits.context_time, limits.time)
        return await assemble(self._agent.context, variables, self._read, budget=budget)

    async def _read(self, operation: str, arguments: dict[str, Any]) -> Mapping[str, Any]:
        asked = self._asked
        view = await self._actions.propose(asked.session_id, asked.principal, operation, arguments)
        self._see(view)
        return view

    def _see(self, view: Mapping[str, Any]) -> None:
        if "label" in view:
            self._label = self._label.join(label_from_json(view["label"]))

    async def _call(self, tools: list[dict[str, Any]]) -> ModelReply:
        """Ask the model within what is left of the turn's time. Raises `TimeoutError` and as `Models.complete`."""
        left = self._deadline - self._clock.monotonic()
        if left <= 0:
            raise TimeoutError
        asked = self._asked
        metadata: dict[str, Any] = {"session": asked.session_id, "agent": self._agent.name}
        metadata |= {"tenant": asked.principal.tenant, "actor": asked.principal.name, "label": self._label.to_json()}
        if asked.clearance is not None:
            metadata["clearance"] = asked.clearance.to_json()
        request = ModelRequest([*self._opening, *asked.history, *self._messages], tools, metadata)
        async with asyncio.timeout(left):
            reply = await self._models.complete(self._agent.route, request)
        self._usage += reply.usage
        self._said = reply
        return reply

    async def _take(self, call: ToolCall) -> Ended | None:
        """Turn one tool call into an action, tell the model what came of it, and say whether the turn ends."""
        operation_id = self._names.operation(call.name)
        view = await self._view(operation_id, call)
        self._see(view)
        self._steps.append(Step(operation_id or call.name, call.arguments, view))
        operation = self._operations.get(operation_id or "")
        text = result_text(operation, view, self._agent.limits.result_bytes)
        self._messages.append({"role": "tool", "tool_call_id": call.id, "content": text})
        if view.get("state") == "waiting":
            return Ended.waiting
        if len(self._steps) >= self._agent.limits.steps:
            return Ended.step_limit
        return Ended.time_limit if self._clock.monotonic() >= self._deadline else None

    async def _view(self, operation_id: str | None, call: ToolCall) -> Mapping[str, Any]:
        if operation_id is None:
            return _refused("not-offered", "the agent was not offered this operation")
        if call.problem:
            return {"id": "", "state": "failed", "problem": {"code": "arguments-unreadable", "detail": call.problem}}
        asked = self._asked
        try:
            return await self._actions.propose(asked.session_id, asked.principal, operation_id, dict(call.arguments))
        except InterlockError as error:
            return {"id": "", "state": "failed", "problem": error.problem()}

    def _skip(self, calls: Sequence[ToolCall]) -> None:
        """Answer the calls that are not taken up any more: a conversation must not leave any open."""
        for call in calls:
            text = result_text(None, _refused("turn-ended", "the turn ended before this was proposed"), 1000)
            self._messages.append({"role": "tool", "tool_call_id": call.id, "content": text})

    async def _conclude(self, ended: Ended) -> Turn:
        """End the turn after an action: on a wait the model may say it in its own words, without any tools."""
        last = self._steps[-1].action
        if ended is not Ended.waiting:
            return self._end(ended, limit_words("steps" if ended is Ended.step_limit else "time", self._steps))
        plain = waiting_words(last)
        try:
            reply = await self._call([])
        except (TimeoutError, RouteExhausted, BudgetExceeded, BudgetUnpriced):
            return self._end(ended, plain)
        return self._end(ended, with_handle(reply.text or plain, last))

    def _end(self, ended: Ended, answer: str) -> Turn:
        self._messages.append({"role": "assistant", "content": answer})
        said = self._said or ModelReply()
        return Turn(
            session=self._asked.session_id,
            words=self._asked.words,
            answer=answer,
            ended=ended,
            steps=tuple(self._steps),
            provider=said.provider,
            model=said.model,
            usage=self._usage,
            missing_context=self._context.missing,
            label=self._label,
            messages=tuple(self._messages),
        )


def _refused(rule: str, text: str) -> dict[str, Any]:
    decision = {"outcome": "deny", "requirements": [], "reasons": [{"rule": rule, "text": text}]}
    return {"id": "", "state": "denied", "decision": decision}


def _as_message(reply: ModelReply) -> dict[str, Any]:
    calls = [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.name, "arguments": orjson.dumps(dict(call.arguments)).decode()},
        }
        for call in reply.tool_calls
    ]
    return {"role": "assistant", "content": reply.text or None, "tool_calls": calls}
