"""One chat completion: the model is asked, its calls of operations take the one path, until there is an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from interlock.experience.installation import Installation
from interlock.experience.openai.conversation import Conversation, Message
from interlock.experience.openai.errors import RequestOvertaken
from interlock.experience.openai.exchange import Asked, Exchange
from interlock.experience.openai.frames import Frames
from interlock.experience.openai.rendering import Completion, call_json, refused, told
from interlock.experience.openai.results import Results, handed_out
from interlock.experience.openai.shapes import relaxed
from interlock.experience.openai.steps import MOST, PREFIX, Steps
from interlock.experience.openai.tools import OfferedTools
from interlock.integration.contracts import InputInvalid
from interlock.integration.systems import OperationUnknown
from interlock.intelligence.gateway import ModelReply, ModelRequest, ToolCall, Usage, route_unknown
from interlock.orchestration.actions import Action, IdempotencyKeyReused, Proposal, View
from interlock.orchestration.agents import AgentLimits, Step
from interlock.orchestration.agents.answers import limit_words
from interlock.orchestration.sessions import Session
from interlock.values.actions import ActionState
from interlock.values.identifiers import new_id
from interlock.values.principals import Kind


class Completions:
    """Answers chat completions. It keeps nothing but which conversation belongs to which session."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._frames = Frames(installation)
        self._results = Results(installation)

    async def answer(self, asked: Asked, exchange: Exchange) -> Completion:
        """Return the answer; *exchange* is told of everything on the way.

        Raises `RouteUnknown`, `RouteExhausted`, `ConversationBroken`, `RequestOvertaken` and what sessions and
        actions raise. Nothing that was done by then is lost: the same request goes on after it.
        """
        installation, principal, request = self._installation, asked.principal, asked.request
        project = installation.projects.current
        if request.model not in project.routes:
            raise route_unknown(request.model, project.routes)
        exchange.route = request.model
        conversation = Conversation(request.messages)
        tools = OfferedTools(request.tools, project.catalog.operations)
        session = await self._frames.session(asked, conversation)
        exchange.session = session.id
        await self._frames.hear(principal, session, conversation.words)
        spec = project.agents.get(principal.id) if principal.kind is Kind.agent else None
        limits = spec.limits if spec is not None else AgentLimits()
        contents, reported = await self._results.take(principal, session, conversation, limits.result_bytes)
        for action_id in reported:
            exchange.touch(action_id)
        known = await installation.actions.under(principal, session.id, PREFIX, limit=MOST)
        view = View(project, asked.principal)
        steps = Steps(known, conversation, view, key=asked.key, catalog=project.catalog)
        retried = steps.retried(installation.clock.now())
        for action in retried:
            exchange.touch(action.id)
        waiting = [_handed(action, tools) for action in retried if _for_client(action)]
        created = int(installation.clock.now())
        if waiting:
            return Completion(request.model, created, tool_calls=tuple(waiting))
        messages = steps.spliced(tools, contents, retried, limits.result_bytes)
        running = _Running(installation, asked, session, exchange, tools, steps, limits)
        return await running.run(messages, relaxed(request.parameters) if retried else request.parameters)


class _Running:
    """One completion while it runs."""

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
        self._usage = Usage()
        self._taken: list[Step] = []

    async def run(self, messages: list[Message], parameters: Mapping[str, Any]) -> Completion:
        clock = self._installation.clock
        deadline = clock.monotonic() + self._limits.time
        for _ in range(self._limits.steps):
            if clock.monotonic() >= deadline:
                return self._completion(limit_words("time", self._taken), finish="length")
            reply = await self._call(messages, parameters)
            answered, handed = await self._take(reply.tool_calls)
            if handed or not answered:
                return self._completion(reply.text, handed, finish=reply.finish)
            calls = [call_json(call) for call in reply.tool_calls]
            messages.append({"role": "assistant", "content": reply.text or None, "tool_calls": calls})
            messages += answered
            parameters = relaxed(parameters)
        return self._completion(limit_words("steps", self._taken), finish="length")

    def _completion(self, text: str, calls: Sequence[ToolCall] = (), *, finish: str) -> Completion:
        created = int(self._installation.clock.now())
        return Completion(self._asked.request.model, created, text, tuple(calls), self._usage, finish)

    async def _call(self, messages: Sequence[Message], parameters: Mapping[str, Any]) -> ModelReply:
        principal, request = self._asked.principal, self._asked.request
        metadata: dict[str, Any] = {"session": self._session.id, "tenant": principal.tenant, "actor": principal.name}
        metadata["label"] = self._session.memory.seen.to_json()
        if self._session.agent:
            metadata["agent"] = self._session.agent
        wanted = ModelRequest(list(messages), request.tools, metadata, parameters)
        reply = await self._installation.turns.complete(request.model, wanted)
        self._usage += reply.usage
        self._exchange.target = f"{reply.provider}:{reply.model}"
        return reply

    async def _take(self, calls: Sequence[ToolCall]) -> tuple[list[Message], list[ToolCall]]:
        """Take up every call of one reply: return results for the model, and the calls that are the client's.

        Where there are both, the client gets its calls now; the others are steps of ours that the client never
        sees, and the model finds them with their results when the conversation comes back.
        """
        answered: list[Message] = []
        handed: list[ToolCall] = []
        ids: set[str] = set()
        for call in calls:
            operation = self._tools.governed(call.name)
            if operation is None:
                handed.append(_own(call, ids))
                ids.add(handed[-1].id)
                continue
            outcome = await self._govern(call, operation)
            if isinstance(outcome, ToolCall):
                handed.append(outcome)
            else:
                answered.append({"role": "tool", "tool_call_id": call.id, "content": outcome})
        return answered, handed

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
        if _for_client(action):
            return _handed(action, self._tools)
        return self._told(action)

    def _told(self, action: Action, *, again: bool = False) -> str:
        compiled = self._installation.projects.current.catalog.operations.get(action.operation)
        operation = compiled.operation if compiled is not None else None
        view = View(self._installation.projects.current, self._asked.principal)
        return told(view.action(action), operation, self._limits.result_bytes, again=again)


def _for_client(action: Action) -> bool:
    return action.external and action.state is ActionState.executing


def _handed(action: Action, tools: OfferedTools) -> ToolCall:
    """Return an allowed action as a call for the client, with the arguments that were decided on."""
    return ToolCall(action.id, tools.name(action.operation), action.input)


def _own(call: ToolCall, taken: set[str]) -> ToolCall:
    """Return a call of the client's own function as it came, but under an id that cannot be taken for another's."""
    if call.id in taken or handed_out(call.id):
        return ToolCall(new_id("call"), call.name, call.arguments, call.problem, call.raw)
    return call
