"""The steps that Interlock took in a conversation: kept as actions, found again, and put back where they were.

A step's client key is `chat:TURN:SEEN:MARK:NUMBER`: the turn of the person, how many replies the client had seen in
it, a mark of the request's own Idempotency-Key, and a number. From these follows what a repeated request means:

- Of writing steps the number is their position, so that two attempts at one request cannot both take the same step.
- A request whose steps wait, or had an effect a short while ago, is a retry: it goes on after those steps. The model
  is shown them, because asked anew it might word them differently, and then they would run twice. If it calls for one
  of them again all the same, it gets the action that there is.
- Reads are repeated freely (their number is drawn), so that a client that polls gets fresh answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from interlock.experience.openai.conversation import Conversation, Turn
from interlock.experience.openai.shapes import call_json
from interlock.experience.openai.telling import told
from interlock.experience.openai.tools import OfferedTools
from interlock.integration.systems import Catalog
from interlock.intelligence.gateway import ToolCall
from interlock.orchestration.actions import Action, View
from interlock.values.actions import WITHOUT_EFFECT, ActionState
from interlock.values.digests import digest
from interlock.values.identifiers import new_id
from interlock.values.operations import Effect

PREFIX = "chat:"
RETRIED = 900.0
"""Seconds after an effect for which an identical request is taken for a retry of the one that had it."""
MOST = 200
"""How many steps of one session are looked at; older ones are not put back."""

Message = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Step:
    """One action with where it was taken: *seen* replies into the turn *turn*."""

    action: Action
    turn: str
    seen: int
    mark: str
    number: str


class Steps:
    """The steps of one session, seen from one request."""

    def __init__(
        self, actions: Sequence[Action], conversation: Conversation, view: View, *, key: str, catalog: Catalog
    ) -> None:
        self._conversation = conversation
        self._catalog = catalog
        self._view = view
        self._mark = digest(key)[7:23] if key else "-"
        self._steps = [step for action in actions if (step := _step(action)) is not None]
        self._unclaimed: list[Action] = []
        here = [step for step in self._steps if (step.turn, step.seen, step.mark) == self._here]
        self._number = max((int(step.number) + 1 for step in here if step.number.isdigit()), default=0)

    @property
    def _here(self) -> tuple[str, int, str]:
        return (self._conversation.turn.mark, self._conversation.seen, self._mark)

    def key(self, operation: str) -> str:
        """Return the client key of the next step."""
        turn, seen, mark = self._here
        number = new_id("r")
        if self._writes(operation):
            number, self._number = str(self._number), self._number + 1
        return f"{PREFIX}{turn}:{seen}:{mark}:{number}"

    def retried(self, now: float) -> list[Action]:
        """Return what an earlier attempt at this very request did, oldest first; empty where this is the first.

        A client that went back in its conversation is told as well what was done after the place it went back to.
        """
        turn, seen, mark = self._here
        found = [
            step.action
            for step in self._steps
            if step.turn == turn and step.mark == mark and step.seen >= seen and _recent(step.action, now)
        ]
        self._unclaimed = [action for action in found if self._counts(action)]
        return found if self._unclaimed else []

    def again(self, operation: str, arguments: Mapping[str, Any]) -> Action | None:
        """Return the writing step of an earlier attempt that a call repeats, each once, or None."""
        for action in self._unclaimed:
            if action.operation == operation and action.input == arguments:
                self._unclaimed.remove(action)
                return action
        return None

    def _counts(self, action: Action) -> bool:
        if action.external and action.state is ActionState.executing:
            return True  # handed to the client; until it reports, the same call is meant
        return self._writes(action.operation) and action.state not in WITHOUT_EFFECT

    def _writes(self, operation: str) -> bool:
        compiled = self._catalog.operations.get(operation)
        return compiled is None or compiled.operation.effect is not Effect.read

    def spliced(
        self, tools: OfferedTools, contents: Mapping[int, str], retried: Sequence[Action], limit: int
    ) -> list[Message]:
        """Return the conversation as the model has to see it: with the steps that the client never saw.

        *contents* replaces the content of messages by their place; of a result *limit* bytes are shown.
        """
        again = {action.id for action in retried}
        inserted: dict[int, list[Action]] = {}
        for step in self._steps:
            place = self._place(step, again)
            if place is not None and step.action.id not in self._conversation.calls:
                inserted.setdefault(place, []).append(step.action)
        messages: list[Message] = []
        for place, message in enumerate([*self._conversation.messages, None]):
            for action in inserted.get(place, ()):
                messages += self._told(action, tools, limit)
            if message is not None:
                messages.append({**message, "content": contents[place]} if place in contents else message)
        return messages

    def _place(self, step: _Step, again: set[str]) -> int | None:
        turn = self._turn(step.turn)
        if turn is None:
            return None
        here = turn is self._conversation.turn and step.seen >= self._conversation.seen
        if here:
            return turn.end if step.action.id in again else None
        return turn.place(step.seen)

    def _turn(self, mark: str) -> Turn | None:
        return next((turn for turn in reversed(self._conversation.turns) if turn.mark == mark), None)

    def _told(self, action: Action, tools: OfferedTools, limit: int) -> list[Message]:
        compiled = self._catalog.operations.get(action.operation)
        text = told(self._view.action(action), compiled.operation if compiled is not None else None, limit)
        call = call_json(ToolCall(action.id, tools.name(action.operation), action.input))
        return [
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": action.id, "content": text},
        ]


def _recent(action: Action, now: float) -> bool:
    """Whether whoever repeats a request may still mean *action*: people take longer to decide than clients to retry."""
    return action.state is ActionState.waiting or now - action.updated < RETRIED


def _step(action: Action) -> _Step | None:
    parts = action.client_key.removeprefix(PREFIX).split(":")
    if len(parts) != 4 or not parts[1].isdigit():
        return None
    return _Step(action, parts[0], int(parts[1]), parts[2], parts[3])
