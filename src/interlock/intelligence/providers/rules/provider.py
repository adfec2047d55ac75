"""The provider itself: messages in, the next call or the answer out; the same messages, the same reply."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from interlock.intelligence.gateway.formats import PLAN, format_of
from interlock.intelligence.gateway.messages import ModelReply, ModelRequest, ToolCall
from interlock.intelligence.gateway.provider import Streamed, in_one_piece
from interlock.intelligence.providers.rules.book import RuleBook
from interlock.intelligence.providers.rules.conversation import read_conversation
from interlock.intelligence.providers.rules.jobs import asked_job, do_job
from interlock.intelligence.providers.rules.planning import plan
from interlock.intelligence.providers.rules.turn import Turn


class RulesProvider:
    """Answers by one rule book."""

    name = "rules"

    def __init__(self, book: RuleBook) -> None:
        self._book = book

    @property
    def model(self) -> str:
        return self._book.name

    @property
    def operations(self) -> frozenset[str]:
        """The ids of every operation that the rules may propose."""
        return self._book.operations

    def missing(self) -> str:
        return ""

    def stream(self, request: ModelRequest, *, timeout: float, idle: float) -> Streamed:
        del idle
        return in_one_piece(self, request, timeout)

    async def complete(self, request: ModelRequest, *, timeout: float) -> ModelReply:
        del timeout
        job = asked_job(request)
        if job is not None:
            return do_job(self._book, job, request)
        conversation = read_conversation(request.messages)
        if format_of(request) == PLAN:
            foreseen = orjson.dumps(plan(self._book, conversation)).decode()
            return ModelReply(text=foreseen, provider=self.name, model=self.model)
        tools = frozenset(_tool(tool) for tool in request.tools)
        due = Turn(self._book, conversation, tools).next()
        if isinstance(due, ToolCall):
            return ModelReply(tool_calls=(due,), provider=self.name, model=self.model)
        return ModelReply(text=due, provider=self.name, model=self.model)


def _tool(tool: Mapping[str, Any]) -> str:
    return str(tool.get("function", {}).get("name", ""))
