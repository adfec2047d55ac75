"""The conversation as the client tells it: turns of the person, what was said since, and the results of tools.

A client sends its whole conversation with every request. In it are the person's words and the results of the client's
own tools; what Interlock did in between is not, because the client never saw it. So each turn has an identity that
comes back with the next request (a digest of what the person said so far), and each step of ours is remembered under
it with the number of replies that the client had seen by then. With both, a step can be put back where it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile
from typing import Any

from interlock.experience.openai.errors import ConversationBroken
from interlock.experience.openai.shapes import text_of
from interlock.values.digests import digest

Message = Mapping[str, Any]
_OURS = ("system", "developer")


@dataclass(frozen=True, slots=True)
class Turn:
    """From one message of the person to the next. *replies* are the places of the model's messages in it."""

    mark: str
    start: int
    end: int
    replies: tuple[int, ...]

    def place(self, seen: int) -> int:
        """Return where a step belongs that was taken when the client had seen *seen* replies of this turn."""
        return self.replies[seen] if seen < len(self.replies) else self.end


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The result of one tool call, as the client brings it."""

    place: int
    id: str
    tool: str
    text: str


class Conversation:
    """A valid conversation. Raises `ConversationBroken` where calls and results of tools do not fit together."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self.messages = messages
        self.calls: dict[str, str] = {}
        self.results = _results(messages, self.calls)
        self.turns = _turns(messages)
        said = (text_of(message["content"]) for message in messages if message["role"] == "user")
        self.words = [text for text in said if text]

    @property
    def beginning(self) -> str:
        """What the conversation is known by: a digest of the first thing that the person said."""
        return self.turns[0].mark

    @property
    def instructions(self) -> list[Any]:
        """What stands before the first thing that the person said."""
        before = takewhile(lambda message: message["role"] != "user", self.messages)
        return [message["content"] for message in before if message["role"] in _OURS]

    @property
    def turn(self) -> Turn:
        """The turn that is to be answered."""
        return self.turns[-1]

    @property
    def seen(self) -> int:
        """How many replies of the present turn the client has seen."""
        return len(self.turn.replies)


def _turns(messages: Sequence[Message]) -> list[Turn]:
    starts = [place for place, message in enumerate(messages) if message["role"] == "user"]
    bounds = [*(starts or [0]), len(messages)]
    mark, turns = "", []
    for start, end in pairwise(bounds):
        mark = digest([mark, messages[start]["content"] if starts else None])[7:33]
        replies = tuple(place for place in range(start, end) if messages[place]["role"] == "assistant")
        turns.append(Turn(mark, start, end, replies))
    return turns


def _results(messages: Sequence[Message], names: dict[str, str]) -> list[ToolResult]:
    """Return the results of all tool calls, each of which is answered once, right after the message that makes it."""
    results: list[ToolResult] = []
    unanswered: dict[str, str] = {}
    answered: set[str] = set()
    for place, message in enumerate(messages):
        if message["role"] == "tool":
            call = message["tool_call_id"]
            if call not in unanswered:
                raise _stray(place, again=call in answered)
            answered.add(call)
            results.append(ToolResult(place, call, unanswered.pop(call), text_of(message["content"])))
            continue
        if unanswered:
            raise _missing(place, unanswered)
        if message["role"] == "assistant":
            answered = set()
            for call in message.get("tool_calls") or ():
                if call["id"] in unanswered:
                    raise ConversationBroken("two tool calls have the same id", param=f"messages[{place}].tool_calls")
                unanswered[call["id"]] = names[call["id"]] = call["function"]["name"]
    if unanswered:
        raise _missing(len(messages), unanswered)
    return results


def _stray(place: int, *, again: bool) -> ConversationBroken:
    what = "a tool call has two results" if again else "a result belongs to no tool call of the message before it"
    fix = "answer each tool call once, right after the assistant's message that makes it"
    return ConversationBroken(what, fix=fix, param=f"messages[{place}].tool_call_id")


def _missing(place: int, calls: Mapping[str, str]) -> ConversationBroken:
    return ConversationBroken(
        f"{len(calls)} tool calls have no result",
        fix="answer each tool call once, right after the assistant's message that makes it",
        param=f"messages[{place}]",
    )
