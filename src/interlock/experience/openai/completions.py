"""Chat completions: in which session, after which steps, and then the answer, whole or as it comes."""

from __future__ import annotations

from contextlib import aclosing

from interlock.experience.installation import Installation
from interlock.experience.openai.asking import Asking, InOnePiece, InParts
from interlock.experience.openai.completion import Completion
from interlock.experience.openai.conversation import Conversation
from interlock.experience.openai.exchange import Asked, Exchange
from interlock.experience.openai.frames import Frames
from interlock.experience.openai.results import Results
from interlock.experience.openai.running import Pieces, Running, for_client, handed, whole_part
from interlock.experience.openai.shapes import relaxed
from interlock.experience.openai.steps import MOST, PREFIX, Steps
from interlock.experience.openai.tools import OfferedTools
from interlock.intelligence.gateway import Delta, route_unknown
from interlock.orchestration.actions import View
from interlock.orchestration.agents import AgentLimits
from interlock.values.principals import Kind


class Completions:
    """Answers chat completions. It keeps nothing but which conversation belongs to which session."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._frames = Frames(installation)
        self._results = Results(installation)

    async def answer(self, asked: Asked, exchange: Exchange) -> Completion:
        """Return the answer; *exchange* is told of everything on the way. Raises as `stream` does."""
        async with aclosing(self._run(asked, exchange, InOnePiece(self._installation.models))) as pieces:
            async for piece in pieces:
                if isinstance(piece, Completion):
                    return piece
        raise AssertionError("a completion ends with a completion")

    def stream(self, asked: Asked, exchange: Exchange) -> Pieces:
        """Yield the answer as it comes, last the whole of it; *exchange* is told of everything on the way.

        Text, and calls of the client's own functions, are passed on at once; calls of operations once they are decided.
        Raises `RouteUnknown`, `RouteExhausted`, `ConversationBroken`, `RequestOvertaken` and what sessions and
        actions raise. Nothing that was done by then is lost: the same request goes on after it.
        """
        return self._run(asked, exchange, InParts(self._installation.models))

    async def _run(self, asked: Asked, exchange: Exchange, asking: Asking) -> Pieces:
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
        waiting = [handed(action, tools) for action in retried if for_client(action)]
        created = int(installation.clock.now())
        if waiting:
            yield [Delta(calls=(whole_part(at, call),)) for at, call in enumerate(waiting)]
            yield Completion(request.model, created, tool_calls=tuple(waiting))
            return
        messages = steps.spliced(tools, contents, retried, limits.result_bytes)
        running = Running(installation, asked, session, exchange, tools, steps, limits)
        parameters = relaxed(request.parameters) if retried else request.parameters
        async with aclosing(running.run(asking, messages, parameters)) as pieces:
            async for piece in pieces:
                yield piece
