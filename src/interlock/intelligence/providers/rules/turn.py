"""What to do next in one turn: the next call of the intent's steps, or the answer by how they ended."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from interlock.foundation.expressions import ExpressionFailed
from interlock.intelligence.gateway.messages import ToolCall
from interlock.intelligence.gateway.tools import tool_name
from interlock.intelligence.providers.rules.book import Answer, Intent, RuleBook, Step
from interlock.intelligence.providers.rules.conversation import Conversation, Done
from interlock.intelligence.providers.rules.slots import Slot
from interlock.intelligence.providers.rules.templates import holds, members

MOST_MEMBERS = 20
_NOTHING_DONE = Done("", "succeeded")


class Scope(Mapping[str, Any]):
    """The variables of one turn: results as they come, and slots, looked for when they are first wanted."""

    def __init__(self, intent: Intent | None, conversation: Conversation, texts: Mapping[str, str]) -> None:
        self._slots: Mapping[str, Slot] = intent.slots if intent else {}
        self._conversation = conversation
        self._texts = texts
        self._results: dict[str, Any] = {"words": conversation.words}
        self._results |= {"session": conversation.session, "context": conversation.context}
        self._looking: set[str] = set()

    def bind(self, name: str, value: Any) -> None:
        """Make *value* the variable *name*."""
        self._results[name] = value

    def __getitem__(self, name: str) -> Any:
        if name in self._results:
            return self._results[name]
        slot = self._slots.get(name)
        if slot is None or name in self._looking:
            return None
        self._looking.add(name)
        try:
            return self._find(slot)
        finally:
            self._looking.discard(name)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str)  # what is not there is null, so that a condition can ask for it

    def __iter__(self) -> Iterator[str]:
        return iter({**self._slots, **self._results})

    def __len__(self) -> int:
        return len({**self._slots, **self._results})

    def _find(self, slot: Slot) -> Any:
        if slot.name in self._texts:
            value = slot.read(self._texts[slot.name])
            if value is not None:
                return value
        for text in self._where(slot):
            value = slot.find(text)
            if value is not None:
                return value
        return slot.default.value(self) if slot.default else None

    def _where(self, slot: Slot) -> Iterator[str]:
        if slot.source is None:
            yield self._conversation.words
            if slot.earlier:
                yield from self._conversation.earlier
            return
        try:
            text = slot.source.evaluate(self)
        except ExpressionFailed:
            return
        if isinstance(text, str):
            yield text


class Turn:
    """One turn of a conversation by one rule book."""

    def __init__(self, book: RuleBook, conversation: Conversation, tools: frozenset[str]) -> None:
        self._book = book
        self._tools = tools
        self._calls = conversation.calls
        self._done = deque(conversation.done)
        self._intent, texts = book.intent_of(conversation.words)
        self._scope = Scope(self._intent, conversation, texts)

    def next(self) -> ToolCall | str:
        """Return the next tool call, or the text to answer with."""
        if self._intent is None:
            return self._answer("unknown", _NOTHING_DONE)
        last = _NOTHING_DONE
        for step in self._intent.steps:
            if not holds(step.when, self._scope):
                continue
            outcome = self._step(step)
            if not isinstance(outcome, Done):
                return outcome
            last = outcome
            if last.state != "succeeded" and not step.carry_on:
                break
        return self._answer(last.state, last)

    def _step(self, step: Step) -> ToolCall | str | Done:
        """The call that is due in *step*, what to ask first, or how its last call ended."""
        items = [None] if step.each is None else members(step.each, self._scope)[:MOST_MEMBERS]
        outputs: list[Any] = []
        last = _NOTHING_DONE
        for item in items:
            self._scope.bind("item", item)
            for _ in range(step.times):
                if not self._done:
                    return self._call(step)
                last = self._done.popleft()
                outputs.append(last.output)
                self._scope.bind(step.name, last.output)
                if last.state != "succeeded" and not step.carry_on:
                    return last
                if step.until is not None and holds(step.until, self._scope):
                    break
        self._scope.bind(step.name, outputs if step.each is not None else (outputs or [None])[-1])
        return last

    def _call(self, step: Step) -> ToolCall | str:
        for name in sorted(frozenset(name for each in step.arguments.values() for name in each.names)):
            slot = self._intent.slots.get(name) if self._intent else None
            if slot is not None and slot.ask and self._scope[name] is None:
                return slot.ask
        tool = tool_name(step.operation)
        if tool not in self._tools:
            return self._answer("unavailable", Done(step.operation, "unavailable"))
        found = {name: template.value(self._scope) for name, template in step.arguments.items()}
        arguments = {name: value for name, value in found.items() if value is not None}
        return ToolCall(f"call_{self._calls + 1}", tool, arguments)

    def _answer(self, state: str, last: Done) -> str:
        for name, value in _about(last).items():
            self._scope.bind(name, value)
        own = self._intent.answers.get(state, ()) if self._intent else ()
        for answer in (*own, *self._book.answers[state]):
            if holds(answer.when, self._scope):
                return self._told(answer)
        return state

    def _told(self, answer: Answer) -> str:
        if answer.each is None or answer.line is None:
            return answer.text.text(self._scope)
        lines: list[str] = []
        for item in members(answer.each, self._scope):
            self._scope.bind("item", item)
            lines.append(answer.line.text(self._scope))
        if not lines and answer.empty is not None:
            return answer.empty.text(self._scope)
        return "\n".join([answer.text.text(self._scope), *lines])


def _about(last: Done) -> dict[str, Any]:
    """What answers may say of the last call."""
    decision = last.result.get("decision") or {}
    reasons = [str(reason.get("text", "")) for reason in decision.get("reasons", ())]
    problem = last.result.get("problem") or {}
    return {
        "action": last.result.get("action") or None,
        "operation": last.tool or None,
        "reason": "; ".join(reason for reason in reasons if reason) or None,
        "requirement": " and ".join(map(str, decision.get("requirements", ()))) or None,
        "problem": problem.get("detail") or problem.get("title") or problem.get("code"),
        "result": last.output,
    }
