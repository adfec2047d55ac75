"""The loop of one turn: context, model, proposals, results, answer. Every proposal goes through the one path.

A turn that begins and one that goes on, after a wait or after a crash, are the same loop from another state.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol

import orjson

from interlock.context.assembly import Assembled, assemble
from interlock.foundation.clock import Clock
from interlock.foundation.faults import fault
from interlock.governance.budgets import BudgetExceeded, BudgetUnpriced
from interlock.governance.labels import Mask
from interlock.intelligence.gateway import (
    ModelReply,
    ModelRequest,
    RouteExhausted,
    RouteNotCleared,
    ToolCall,
    ToolNames,
    tool_of,
)
from interlock.orchestration.agents.answers import idle_words, limit_words, waiting_words, with_handle
from interlock.orchestration.agents.handing import PERSON, handed_to, tools_of
from interlock.orchestration.agents.progress import Progress
from interlock.orchestration.agents.prompt import opening, result_text
from interlock.orchestration.agents.shading import Shading
from interlock.orchestration.agents.spec import AgentSpec, permitted_for
from interlock.orchestration.agents.step import Step
from interlock.orchestration.agents.turn import Ended, Turn
from interlock.values.clearances import Clearance
from interlock.values.errors import InterlockError
from interlock.values.labels import PUBLIC, Label, label_from_json
from interlock.values.operations import Operation
from interlock.values.principals import Principal

UNSETTLED = frozenset({"executing", "in_doubt"})
"""States of an action that ends by itself, or by somebody's work."""
MOST_IDLE = 5
"""Steps one after the other of which nothing came, after which a turn ends."""


class Actions(Protocol):
    """The one path, as agents use it."""

    async def propose(
        self, session_id: str, principal: Principal, operation: str, arguments: dict[str, Any], *, key: str = ""
    ) -> Mapping[str, Any]:
        """Return the view of the action: `{id, state, decision{outcome,reasons,requirements}, output, problem}`.

        The same *key* in a session is the same action, however often it is proposed. A refusal is a view. Raises
        `InterlockError` for a proposal that is no action, such as wrong arguments.
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
    *clearance* alone, where answers are kept at all. *turn_id* names the turn where it may be gone on with later.
    *colleagues* are the agents that the request may be handed over to, each with what it is for.
    """

    session_id: str
    principal: Principal
    words: str
    operations: Sequence[Operation] = ()
    session: Mapping[str, Any] = field(default_factory=dict)
    history: Sequence[Mapping[str, Any]] = ()
    label: Label = PUBLIC
    clearance: Clearance | None = None
    turn_id: str = ""
    colleagues: Mapping[str, str] = field(default_factory=dict)


Keep = Callable[[Progress], Awaitable[None]]
"""Called with a turn's progress when the model has replied with calls, before any of them is taken up."""


async def _kept_by_nobody(progress: Progress) -> None:
    """Keep nothing: the turn is not gone on with elsewhere."""


@dataclass(frozen=True, slots=True)
class _Ports:
    models: Models
    actions: Actions
    clock: Clock


class AgentRunner:
    """Runs agents. It holds no state of its own between turns."""

    def __init__(self, models: Models, actions: Actions, clock: Clock) -> None:
        self._ports = _Ports(models, actions, clock)

    async def ask(
        self, agent: AgentSpec, asked: Asked, progress: Progress | None = None, keep: Keep = _kept_by_nobody
    ) -> Turn:
        """Return the turn that *asked.words* lead to, from where *progress* stands, or from its beginning.

        It ends when the model answers in words, when an action waits for a person (the answer says for what,
        with the action's id), when nothing comes of its steps any more, at the agent's step limit, or when its time is
        up; an action that was begun is never cut off. That no model answers is told as the turn's end, not raised.
        """
        resumed = progress is not None
        if progress is None:
            progress = Progress([{"role": "user", "content": asked.words}], label=asked.label.join(Label()))
        turn = _Running(self._ports, agent, asked, progress, keep)
        return await turn.run(resumed=resumed)


class _Running:
    """One turn while it runs."""

    def __init__(self, ports: _Ports, agent: AgentSpec, asked: Asked, progress: Progress, keep: Keep) -> None:
        self._ports = ports
        self._agent = agent
        self._asked = asked
        self._progress = progress
        self._keep = keep
        self._deadline = ports.clock.monotonic() + agent.limits.time
        self._operations = {operation.id: operation for operation in permitted_for(agent, asked.operations)}
        self._names = ToolNames(self._operations)
        self._hand_offs = [name for name in agent.hand_offs if name == PERSON or name in asked.colleagues]
        self._tools = [tool_of(operation) for operation in self._operations.values()]
        self._tools += tools_of(self._hand_offs, asked.colleagues)
        self._handed_to = ""
        self._opening: list[dict[str, Any]] = []
        self._context = Assembled()
        self._shading = Shading()

    async def run(self, *, resumed: bool) -> Turn:
        progress = self._progress
        self._context = await self._gather()
        self._opening = opening(self._agent, self._asked.session, self._context)
        # What a turn that goes on had seen is part of its beginning: its results are not known by their fields.
        self._shading.begin(len(self._opening) + len(self._asked.history) + len(progress.messages), progress.label)
        while True:
            # What was proposed before a crash is proposed again under its key, and so found and not repeated.
            ended = await self._take_up(patient=resumed)
            if ended is not None:
                return await self._conclude(ended)
            resumed = False
            try:
                reply = await self._call(self._tools)
            except TimeoutError:
                return self._end(Ended.time_limit, limit_words("time", progress.steps))
            except RouteNotCleared as error:
                return self._end(Ended.no_model, f"No model may be shown what this holds ({error.why}).")
            except RouteExhausted:
                return self._end(Ended.no_model, "No model is available to answer; nothing more was done.")
            except (BudgetExceeded, BudgetUnpriced):
                if not progress.steps:
                    raise
                return self._end(Ended.budget, "A budget does not allow to go on; nothing more was done.")
            if not reply.tool_calls:
                if not reply.text.strip():
                    return self._end(Ended.no_answer, "The model gave no answer; nothing more was done.")
                return self._end(Ended.answered, reply.text)
            progress.messages.append(_as_message(reply))
            progress.pending = list(reply.tool_calls)
            await self._keep(progress)
            fault("turn.kept")

    async def _gather(self) -> Assembled:
        limits = self._agent.limits
        variables = {"session": dict(self._asked.session), "words": self._asked.words}
        budget = min(limits.context_time, limits.time)
        return await assemble(self._agent.context, variables, self._read, budget=budget)

    async def _read(self, operation: str, arguments: dict[str, Any]) -> Mapping[str, Any]:
        asked = self._asked
        view = await self._ports.actions.propose(asked.session_id, asked.principal, operation, arguments)
        self._see(view)
        return view

    def _left(self) -> float:
        return self._deadline - self._ports.clock.monotonic()

    def _see(self, view: Mapping[str, Any]) -> None:
        if "label" in view:
            self._progress.label = self._progress.label.join(label_from_json(view["label"]))

    async def _call(self, tools: list[dict[str, Any]]) -> ModelReply:
        """Ask the model within what is left of the turn's time. Raises `TimeoutError` and as `Models.complete`."""
        left = self._left()
        if left <= 0:
            raise TimeoutError
        asked, progress = self._asked, self._progress
        metadata: dict[str, Any] = {"session": asked.session_id, "agent": self._agent.name}
        metadata |= {"tenant": asked.principal.tenant, "actor": asked.principal.name, "label": progress.label.to_json()}
        if asked.clearance is not None:
            metadata["clearance"] = asked.clearance.to_json()
        messages = [*self._opening, *asked.history, *progress.messages]
        request = ModelRequest(messages, tools, metadata, lowered=self._shading.lowered)
        async with asyncio.timeout(left):
            reply = await self._ports.models.complete(self._agent.route, request)
        progress.usage += reply.usage
        progress.provider, progress.model = reply.provider, reply.model
        return reply

    async def _take_up(self, *, patient: bool) -> Ended | None:
        """Take up the calls that are pending, one after the other, until the turn ends or there are no more."""
        progress = self._progress
        calls, progress.pending = progress.pending, []
        for position, call in enumerate(calls):
            ended = await self._take(call, patient=patient)
            if ended is not None:
                self._skip(calls[position + 1 :])
                return ended
        return None

    async def _take(self, call: ToolCall, *, patient: bool) -> Ended | None:
        """Turn one tool call into an action, tell the model what came of it, and say whether the turn ends."""
        progress, limits = self._progress, self._agent.limits
        self._handed_to = handed_to(call, self._hand_offs)
        if self._handed_to:
            given = {"kind": "data", "state": "handed_over", "to": self._handed_to}
            progress.messages.append({"role": "tool", "tool_call_id": call.id, "content": orjson.dumps(given).decode()})
            return Ended.handed_over
        operation_id = self._names.operation(call.name)
        view = await self._view(operation_id, call)
        self._see(view)
        progress.steps.append(Step(operation_id or call.name, call.arguments, view))
        operation = self._operations.get(operation_id or "")
        text = result_text(operation, view, limits.result_bytes)
        progress.messages.append({"role": "tool", "tool_call_id": call.id, "content": text})
        if operation is not None and "label" in view:
            tell = partial(_behind, operation, view, limits.result_bytes)
            self._shading.took(text, operation, label_from_json(view["label"]), tell)
        state = view.get("state")
        if state == "waiting" or (patient and state in UNSETTLED and "execute" not in view):
            progress.awaited = call.id
            return Ended.waiting
        progress.idle = 0 if state == "succeeded" else progress.idle + 1
        if len(progress.steps) - progress.since >= limits.steps:
            return Ended.step_limit
        if progress.idle >= MOST_IDLE:
            return Ended.no_progress
        return Ended.time_limit if self._left() <= 0 else None

    async def _view(self, operation_id: str | None, call: ToolCall) -> Mapping[str, Any]:
        if operation_id is None:
            return _refused("not-offered", "the agent was not offered this operation")
        if call.problem:
            return {"id": "", "state": "failed", "problem": {"code": "arguments-unreadable", "detail": call.problem}}
        asked, progress = self._asked, self._progress
        key = f"{asked.turn_id}:{progress.proposals}" if asked.turn_id else ""
        progress.proposals += 1
        try:
            return await self._ports.actions.propose(
                asked.session_id, asked.principal, operation_id, dict(call.arguments), key=key
            )
        except InterlockError as error:
            return {"id": "", "state": "failed", "problem": error.problem()}

    def _skip(self, calls: Sequence[ToolCall]) -> None:
        """Answer the calls that are not taken up any more: a conversation must not leave any open."""
        for call in calls:
            text = result_text(None, _refused("turn-ended", "the turn ended before this was proposed"), 1000)
            self._progress.messages.append({"role": "tool", "tool_call_id": call.id, "content": text})

    async def _conclude(self, ended: Ended) -> Turn:
        """End the turn after an action: on a wait the model may say it in its own words, without any tools."""
        steps = self._progress.steps
        if ended is Ended.no_progress:
            return self._end(ended, idle_words(steps))
        if ended is Ended.handed_over:
            return self._end(ended, f"I have handed this over to {self._handed_to}.")
        if ended is not Ended.waiting:
            return self._end(ended, limit_words("steps" if ended is Ended.step_limit else "time", steps))
        plain = waiting_words(steps[-1].action)
        try:
            reply = await self._call([])
        except (TimeoutError, RouteExhausted, BudgetExceeded, BudgetUnpriced):
            return self._end(ended, plain)
        return self._end(ended, with_handle(reply.text or plain, steps[-1].action))

    def _end(self, ended: Ended, answer: str) -> Turn:
        progress = self._progress
        return Turn(
            session=self._asked.session_id,
            words=self._asked.words,
            answer=answer,
            ended=ended,
            steps=tuple(progress.steps),
            provider=progress.provider,
            model=progress.model,
            usage=progress.usage,
            missing_context=self._context.missing,
            label=progress.label,
            messages=(*progress.messages, {"role": "assistant", "content": answer}),
            progress=progress,
            id=self._asked.turn_id,
            handed_to=self._handed_to,
        )


def _behind(operation: Operation, view: Mapping[str, Any], limit: int, mask: Mask, words: str) -> str:
    """Return the result of *operation* behind *mask*, with *words* for a problem."""
    shown = {**view, "output": mask.apply(view.get("output"))}
    return result_text(operation, shown if view.get("problem") is None else {**shown, "problem": words}, limit)


def told(progress: Progress, operation: Operation | None, view: Mapping[str, Any], limit: int) -> Progress:
    """Return *progress* with what came of the action that it waited for, so that the turn can go on."""
    text = result_text(operation, view, limit)
    messages = [
        {**message, "content": text} if message.get("tool_call_id") == progress.awaited else message
        for message in progress.messages
    ]
    label = progress.label.join(label_from_json(view["label"])) if "label" in view else progress.label
    last = progress.steps[-1]
    idle = 0 if view.get("state") == "succeeded" else progress.idle + 1
    steps = [*progress.steps[:-1], replace(last, action=view)]
    return replace(progress, messages=messages, steps=steps, label=label, awaited="", idle=idle)


def advised(progress: Progress, words: str) -> Progress:
    """Return *progress* with the *words* of a person who was asked, so that the turn can go on."""
    messages = [*progress.messages, {"role": "user", "content": words}]
    return replace(progress, messages=messages, awaited="", idle=0, since=len(progress.steps))


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
