"""What a client brings back: the outcome of actions that it carried out, and the results of its own functions."""

from __future__ import annotations

import re
from typing import Any

import orjson

from interlock.experience.installation import Installation
from interlock.experience.openai.conversation import Conversation, ToolResult
from interlock.experience.openai.telling import told
from interlock.integration.systems import Answer, CompiledOperation
from interlock.orchestration.actions import Action, ActionStateInvalid
from interlock.orchestration.sessions import Session
from interlock.values.actions import ActionState
from interlock.values.principals import Principal

_ACTION = re.compile(r"act_[0-9a-z]{26}")


def handed_out(call_id: str) -> bool:
    """Return whether a tool call's id is that of an action, so that its result is the action's outcome."""
    return _ACTION.fullmatch(call_id) is not None


class Results:
    """Takes the results of a conversation's tool calls to where they belong, each once however often it comes."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._actions = installation.actions

    async def take(
        self, principal: Principal, session: Session, conversation: Conversation, limit: int
    ) -> tuple[dict[int, str], list[str]]:
        """Report and remember what is new. Return contents that the model has to see instead, and actions reported.

        A result that is the output of an action in this session is remembered as that operation declares its
        fields; anything else that the model gets to see counts as an outsider's text.
        """
        outside: list[tuple[str, str]] = []
        contents: dict[int, str] = {}
        reported: list[str] = []
        for result in conversation.results:
            if handed_out(result.id):
                action, fresh = await self._report(principal, result)
                reported += [action.id] if fresh else []
                if action.state is ActionState.succeeded and action.session == session.id:
                    continue
                if action.state is not ActionState.succeeded:
                    compiled = self._compiled(action)
                    operation = compiled.operation if compiled is not None else None
                    contents[result.place] = told(action, operation, limit, reported=result.text)
            outside.append((result.tool, result.text))
        await self._installation.sessions.overhear(principal, session.id, outside)
        return contents, reported

    async def _report(self, principal: Principal, result: ToolResult) -> tuple[Action, bool]:
        """Report an action's result if it is still awaited; return the action as it stands and whether it was.

        Raises `ActionUnknown`, `ActionForbidden` for another caller's, and `ActionStateInvalid` for an action whose
        result is not the client's to report.
        """
        action = await self._actions.get(result.id, principal)
        if action.external and action.state is not ActionState.executing:
            return action, False
        try:
            answer = Answer("succeeded", output=output_of(result.text, self._compiled(action)))
            return await self._actions.report(action.id, principal, answer), True
        except ActionStateInvalid:
            action = await self._actions.get(result.id, principal)
            if action.external and action.state is not ActionState.executing:
                return action, False  # somebody else reported or settled it at the same moment
            raise

    def _compiled(self, action: Action) -> CompiledOperation | None:
        return self._installation.projects.current.catalog.operations.get(action.operation)


def output_of(text: str, compiled: CompiledOperation | None) -> Any:
    """Return the output that a tool's result is.

    It is the JSON value that the text holds if the operation's schema takes that; the text itself if the schema
    takes that, or if there is no schema and the text is no object or list.
    """
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    if compiled is None or compiled.operation.output_schema is None:
        return value if isinstance(value, (dict, list)) else text
    fits = compiled.check_output(value) is None or compiled.check_output(text) is not None
    return value if fits else text
