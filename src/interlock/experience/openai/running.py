"""One completion while it runs: a model is asked, its calls of operations take the one path, until it answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import orjson

from interlock.experience.installation import Installation
from interlock.experience.openai.asking import Asking
from interlock.experience.openai.completion import Completion
from interlock.experience.openai.conversation import Message
from interlock.experience.openai.errors import RequestOvertaken
from interlock.experience.openai.exchange import Asked, Exchange
from interlock.experience.openai.passing import Passing
from interlock.experience.openai.shapes import call_json, relaxed
from interlock.experience.openai.steps import Steps
from interlock.experience.openai.telling import refused, told
from interlock.experience.openai.tools import OfferedTools
from interlock.governance.labels import Mask
from interlock.integration.contracts import InputInvalid
from interlock.integration.systems import OperationUnknown
from interlock.intelligence.gateway import (
    CallPart,
    Delta,
    Extras,
    ModelReply,
    ModelRequest,
    ToolCall,
    Usage,
)
from interlock.orchestration.actions import Action, IdempotencyKeyReused, Proposal, View
from interlock.orchestration.agents import AgentLimits, Shading, Step
from interlock.orchestration.agents.answers import limit_words
from interlock.orchestration.sessions import Session
from interlock.values.actions import ActionState
from interlock.values.labels import Label
from interlock.values.operations import Operation

Pieces = AsyncGenerator[Sequence[Delta] | Completion, None]
"""An answer as it comes: what is to be passed on, last the completion."""

PLAIN = Extras()
T = TypeVar("T")


class Running:
    """Asks, governs and asks again, within the limits of an agent."""

    def __init__(
        self,
        installation: Installation,
        asked: Asked,
        session: Session,
        exchange: Exchange,
        tools: OfferedTools,
        steps: Steps,
        limits: AgentLimits,
    ) -> None:
        self._installation = installation
        self._asked = asked
        self._session = session
        self._exchange = exchange
        self._tools = tools
        self._steps = steps
        self._limits = limits
        self._passing = Passing(lambda name: tools.governed(name) is None)
        self._reply: ModelReply | None = None
        self._usage = Usage()
        self._taken: list[Step] = []
        self._shading = Shading()

    async def run(self, asking: Asking, messages: list[Message], parameters: Mapping[str, Any]) -> Pieces:
        """Yield the answer to *messages*: what is passed on while it comes, last the completion."""
        clock = self._installation.clock
        deadline = clock.monotonic() + self._limits.time
        # What the client sent may repeat anything that the session had returned by then; our own steps are known.
        self._shading.begin(len(messages), self._session.memory.seen.join(Label()))
        for _ in range(self._limits.steps):
            if clock.monotonic() >= deadline:
                async for stopped in self._stopped("time"):
                    yield stopped
                return
            self._passing.begin()
            asked = asking.ask(self._asked.request.model, self._request(messages, parameters), self._exchange)
            reply = ModelReply()
            async with aclosing(asked) as pieces:
                async for piece in pieces:
                    if isinstance(piece, ModelReply):
                        reply = piece
                    elif passed := self._passing.deltas(piece):
                        yield passed
            self._usage += reply.usage
            self._reply = reply
            if not reply.tool_calls:
                yield self._completion(finish=reply.finish)
                return
            answered, given = await to_its_end(self._take(reply.tool_calls))
            if given or not answered:
                if late := [call for call in given if call.id not in self._passing.given]:
                    shown = self._passing.shown
                    yield [Delta(calls=(whole_part(shown + at, call),)) for at, call in enumerate(late)]
                yield self._completion(given, finish=reply.finish)
                return
            calls = [call_json(call) for call in reply.tool_calls]
            messages.append({"role": "assistant", "content": reply.text or None, "tool_calls": calls})
            messages += answered
            parameters = relaxed(parameters)
        async for stopped in self._stopped("steps"):
            yield stopped

    async def _stopped(self, limit: str) -> Pieces:
        said = limit_words(limit, self._taken)
        self._passing.begin()
        yield self._passing.deltas([Delta(said)])
        yield self._completion(finish="length")

    def _completion(self, calls: Sequence[ToolCall] = (), *, finish: str) -> Completion:
        reply = self._reply
        return Completion(
            self._asked.request.model,
            int(self._installation.clock.now()),
            self._passing.text or (reply.text if reply is not None else ""),
            tuple(calls),
            self._usage,
            finish,
            reply.reasoning if reply is not None else "",
            reply.extras if reply is not None else PLAIN,
        )

    def _request(self, messages: Sequence[Message], parameters: Mapping[str, Any]) -> ModelRequest:
        principal, request = self._asked.principal, self._asked.request
        metadata: dict[str, Any] = {"session": self._session.id, "tenant": principal.tenant, "actor": principal.name}
        metadata["label"] = self._session.memory.seen.to_json()
        metadata["clearance"] = self._installation.projects.current.clearance_of(principal).to_json()
        metadata["cache"] = self._asked.cache
        if self._session.agent:
            metadata["agent"] = self._session.agent
        if self._asked.use_case:
            metadata["use_case"] = self._asked.use_case
        return ModelRequest(list(messages), request.tools, metadata, parameters, lowered=self._shading.lowered)

    async def _take(self, calls: Sequence[ToolCall]) -> tuple[list[Message], list[ToolCall]]:
        """Take up every call of one reply: return results for the model, and the calls that are the client's.

        Where there are both, the client gets its calls now; the others are steps of ours that the client never
        sees, and the model finds them with their results when the conversation comes back.
        """
        answered: list[Message] = []
        own: list[ToolCall] = []
        handed_out: list[ToolCall] = []
        for place, call in enumerate(calls):
            operation = self._tools.governed(call.name)
            if operation is None:
                own.append(replace(call, id=self._passing.id_of(place, call)))
                continue
            outcome = await self._govern(call, operation)
            if isinstance(outcome, ToolCall):
                handed_out.append(outcome)
            else:
                answered.append({"role": "tool", "tool_call_id": call.id, "content": outcome})
        return answered, own + handed_out

    async def _govern(self, call: ToolCall, operation: str) -> ToolCall | str:
        """Propose what the model called for: return the call for the client to carry out, or the result."""
        if not operation:
            return refused("not-offered", "the caller did not offer this tool")
        if call.problem:
            return refused("arguments-unreadable", call.problem)
        known = self._steps.again(operation, call.arguments)
        if known is not None:
            return self._told(known, again=True)
        proposal = Proposal(self._session.id, operation, dict(call.arguments), client_key=self._steps.key(operation))
        try:
            action = await self._installation.actions.propose(self._asked.principal, proposal)
        except (OperationUnknown, InputInvalid) as error:
            self._taken.append(Step(operation, call.arguments, {"state": "failed"}))
            return refused(error.code, str(error))
        except IdempotencyKeyReused as error:
            raise RequestOvertaken(
                "the same request is being answered at the same moment, and was ahead in this",
                fix="send it again; what was done is not done twice",
            ) from error
        self._exchange.touch(action.id)
        self._taken.append(Step(operation, call.arguments, action.to_json()))
        if for_client(action):
            return handed(action, self._tools)
        return self._told(action)

    def _told(self, action: Action, *, again: bool = False) -> str:
        compiled = self._installation.projects.current.catalog.operations.get(action.operation)
        operation = compiled.operation if compiled is not None else None
        view = View(self._installation.projects.current, self._asked.principal)
        shown, limit = view.action(action), self._limits.result_bytes
        text = told(shown, operation, limit, again=again)
        if operation is not None and shown.label is not None:
            self._shading.took(text, operation, shown.label, partial(_behind, shown, operation, limit, again=again))
        return text


def _behind(action: Action, operation: Operation, limit: int, mask: Mask, words: str, *, again: bool) -> str:
    """Return what a model is told of an action that is shown, behind *mask*."""
    problem = {"code": "masked", "detail": words} if action.problem is not None else None
    return told(replace(action, output=mask.apply(action.output), problem=problem), operation, limit, again=again)


def for_client(action: Action) -> bool:
    return action.external and action.state is ActionState.executing


def handed(action: Action, tools: OfferedTools) -> ToolCall:
    """Return an allowed action as a call for the client, with the arguments that were decided on."""
    return ToolCall(action.id, tools.name(action.operation), action.input)


def whole_part(index: int, call: ToolCall) -> CallPart:
    """Return a tool call as one part of a stream."""
    return CallPart(index, call.id, call.name, call.raw or orjson.dumps(dict(call.arguments)).decode())


async def to_its_end(work: Coroutine[Any, Any, T]) -> T:
    """Return what *work* comes to; where the client goes away meanwhile, only after it has come to its end.

    What systems are asked to do is not cut off in the middle for want of a listener.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if not task.done():
            await asyncio.wait([task])
        raise
