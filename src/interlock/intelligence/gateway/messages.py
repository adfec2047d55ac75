"""What is asked of a model and what it answers, in the shape of OpenAI's chat completions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any, ClassVar

from interlock.values.clearances import Clearance

NOTHING: Mapping[str, Any] = MappingProxyType({})


class RouteKind(StrEnum):
    """What a route is asked for."""

    chat = "chat"
    embeddings = "embeddings"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A model's wish to use a tool. *problem* says why *arguments* could not be read, if they could not.

    *raw* is the text that the arguments came as, for whoever passes the call on; empty where they came as no text.
    """

    id: str
    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""
    raw: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class CallPart:
    """A part of a tool call that is under way. The parts of one call have the same *index*, counted from 0.

    *id* and *name* come with its first part; *arguments* is the next piece of their JSON text.
    """

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class Extras:
    """Members of a chat completion that the gateway has no use for, by where they stood; a client gets them as sent."""

    top: Mapping[str, Any] = field(default_factory=dict)
    choice: Mapping[str, Any] = field(default_factory=dict)
    message: Mapping[str, Any] = field(default_factory=dict)


PLAIN = Extras()


@dataclass(frozen=True, slots=True)
class Delta:
    """What one event of a stream adds to an answer.

    *reasoning* is what the model says to itself, where the provider tells. *reported* is the version that the provider
    names, with the first event at the latest.
    """

    text: str = ""
    reasoning: str = ""
    calls: tuple[CallPart, ...] = ()
    reported: str = ""
    extras: Extras = PLAIN


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that a call took, as the provider counts them; zero where nothing is counted.

    *cached_tokens* are part of the input, *reasoning_tokens* of the output.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cached_tokens + other.cached_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
        )

    def to_json(self) -> dict[str, int]:
        """Return the usage as a JSON object; reasoning is named where there was any."""
        counted = {
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "cached_tokens": self.cached_tokens,
        }
        return {**counted, "reasoning_tokens": self.reasoning_tokens} if self.reasoning_tokens else counted


Lowered = Callable[["ModelRequest", Clearance], "ModelRequest | None"]
"""Returns a request as a model of a lesser clearance may see it, labelled by what is left; None where it cannot."""


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One chat completion.

    *messages* and *tools* are in OpenAI's shape (`role`, `content`, `tool_calls`, `tool_call_id`; functions
    with JSON Schema parameters). *parameters* are further members of the request, such as `temperature` or
    `tool_choice`; they override what a target is configured with, and a provider that has no use for one passes
    over it. *metadata* says on whose behalf: `session`, `agent`, `tenant`, `actor`, and with which `label` the
    messages are to be treated; it is recorded and never sent to a provider. *begin_by* is when an answer must have
    begun, in the time of the event loop. *lowered* makes of it what a model that is cleared for less may be shown.
    """

    kind: ClassVar[RouteKind] = RouteKind.chat
    messages: Sequence[Mapping[str, Any]]
    tools: Sequence[Mapping[str, Any]] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    begin_by: float | None = None
    lowered: Lowered | None = field(default=None, compare=False, repr=False)

    def again(self, answer: str, wanted: str) -> ModelRequest:
        """Return it with the *answer* that came, and what is *wanted* of the next one."""
        said = [{"role": "assistant", "content": answer}] if answer else []
        return replace(self, messages=[*self.messages, *said, {"role": "user", "content": wanted}])

    def recorded(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return what is recorded of it: counts, and what is said in it."""
        fields: dict[str, Any] = {"messages": [dict(message) for message in self.messages]}
        if self.parameters:
            fields["parameters"] = dict(self.parameters)
        return {"messages": len(self.messages), "tools": len(self.tools)}, fields


@dataclass(frozen=True, slots=True)
class Attempt:
    """One target of a route in one call: what came of it, or why it was passed over.

    *outcome* is `ok`, the code of a `ProviderFailure`, or why the target was not asked: `not_configured`,
    `condition`, `condition_failed`, `not_cleared`, `resting`, `ejected`, `no_time`, `model_changed`. *why* says more
    where there is more to say. *wait* and *elapsed* are milliseconds: the pause before the target was asked, and what
    it then took. *usage* is what the provider counted, also for an answer that was not used.
    """

    target: str
    outcome: str
    why: str = ""
    wait: float = 0.0
    elapsed: float = 0.0
    asked: bool = False
    usage: Usage = Usage()

    def to_json(self) -> dict[str, Any]:
        """Return the attempt as a JSON object, as it is journalled and shown."""
        document: dict[str, Any] = {"target": self.target, "outcome": self.outcome}
        if self.why:
            document["why"] = self.why
        if self.asked:
            document |= {"wait_ms": self.wait, "elapsed_ms": self.elapsed}
        return document


@dataclass(frozen=True, slots=True)
class ModelReply:
    """What a model answered: a text, tool calls, or both; and who it was.

    *finish* is why it stopped in the provider's word, such as `length`; empty where the provider does not say.
    *reported* is the version that the provider itself names; empty where it names none. *declined* says that the
    model would not answer, or that a filter of the provider's cut it off. *rest* are the seconds for which the
    provider wants no more requests. The gateway adds *attempts*: all that it tried for this answer, in order; whoever
    meters the call adds *cost*, decimal text or `unknown`. *cache* is `hit` or `miss` where the route keeps answers,
    *degraded* what stood in where the route could not answer in time.
    *reasoning* is what the model said to itself, where the provider tells.
    """

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    provider: str = ""
    model: str = ""
    usage: Usage = Usage()
    finish: str = ""
    reported: str = ""
    declined: bool = False
    rest: float = 0.0
    attempts: tuple[Attempt, ...] = ()
    cost: str = ""
    reasoning: str = field(default="", repr=False)
    extras: Extras = field(default=PLAIN, repr=False, compare=False)
    cache: str = ""
    degraded: str = ""

    def recorded(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return what is recorded of it: names, and what is said in it."""
        calls = [{"name": call.name, "arguments": dict(call.arguments)} for call in self.tool_calls]
        reply = {"text": self.text, "tool_calls": calls}
        return {"tool_calls": [call.name for call in self.tool_calls]}, {"reply": reply}

    @property
    def asked(self) -> int:
        """How many times a target was asked for it."""
        return sum(attempt.asked for attempt in self.attempts)

    @property
    def target(self) -> str:
        """The name of the route's target that answered."""
        return self.attempts[-1].target if self.attempts else f"{self.provider}:{self.model}"


@dataclass(frozen=True, slots=True)
class Answering:
    """Which target has begun to answer; *attempts* counts all that was asked for it, this one too.

    *cache* and *degraded* are as in a `ModelReply`.
    """

    target: str
    provider: str
    model: str
    attempts: int
    cache: str = ""
    degraded: str = ""
