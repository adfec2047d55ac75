"""What the rules foresee for a person's words before anything is done: the steps of the intents, as a plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from interlock.intelligence.providers.rules.book import Intent, RuleBook, Step
from interlock.intelligence.providers.rules.conversation import Conversation
from interlock.intelligence.providers.rules.templates import holds, members
from interlock.intelligence.providers.rules.turn import MOST_MEMBERS, Scope

_SAID = frozenset({"words", "session"})
UNKNOWN = "No rule fits what was said."


def plan(book: RuleBook, conversation: Conversation) -> dict[str, Any]:
    """Return `{steps, notes}` for all that the person has said, in the format of a plan.

    Arguments are narrowed to what the words and the session say of them; those that only a result could fill are left
    free. Of words that no rule fits, or that leave a question open, nothing is planned.
    """
    spoken = [*reversed(conversation.earlier), conversation.words]
    steps: list[dict[str, Any]] = []
    notes: list[str] = []
    for place, words in enumerate(spoken):
        intent, texts = book.intent_of(words)
        if intent is None:
            notes.append(UNKNOWN)
            continue
        said = replace(conversation, words=words, earlier=tuple(reversed(spoken[:place])), context={})
        sketch = _Sketch(intent, Scope(intent, said, texts))
        questions = list(dict.fromkeys(sketch.questions()))
        notes += questions
        if not questions:
            steps += [sketch.step(step) for step in sketch.due()]
    return {"steps": steps, "notes": list(dict.fromkeys(notes))}


class _Sketch:
    """One intent, of which no step has been taken yet: what its results will be is not known."""

    def __init__(self, intent: Intent, scope: Scope) -> None:
        self._intent = intent
        self._scope = scope
        self._results = {step.name for step in intent.steps}

    def due(self) -> Iterator[Step]:
        """Yield the steps that may be taken: all but those whose condition is known not to hold."""
        for step in self._intent.steps:
            if step.when is None or not self._known(step.when.names) or holds(step.when, self._scope):
                yield step

    def questions(self) -> Iterator[str]:
        """Yield what the person would be asked first."""
        for step in self.due():
            for name in sorted({name for template in step.arguments.values() for name in template.names}):
                slot = self._intent.slots.get(name)
                if slot is not None and slot.ask and self._known([name]) and self._scope[name] is None:
                    yield slot.ask

    def step(self, step: Step) -> dict[str, Any]:
        """Return *step* as a plan writes it."""
        arguments: dict[str, Any] = {}
        for name, template in step.arguments.items():
            if self._known(template.names):
                value = template.value(self._scope)
                if not isinstance(value, Mapping):  # an object would be read as a pattern
                    arguments[name] = value
        return {"operation": step.operation, "times": self._times(step), "arguments": arguments}

    def _times(self, step: Step) -> int:
        if step.each is None:
            return step.times
        listed = len(members(step.each, self._scope)) if self._known(step.each.names) else MOST_MEMBERS
        return max(1, min(listed, MOST_MEMBERS) * step.times)

    def _known(self, names: Iterable[str], looking: frozenset[str] = frozenset()) -> bool:
        """Return whether the person's words and the session say all there will ever be to know of *names*."""
        return all(name in _SAID or self._found(name, looking) for name in names)

    def _found(self, name: str, looking: frozenset[str]) -> bool:
        slot = self._intent.slots.get(name)
        if slot is None or name in self._results or name in looking:
            return False
        within = looking | {name}
        sources = slot.source.names if slot.source is not None else ()
        defaults = slot.default.names if slot.default is not None else ()
        return self._known(sources, within) and self._known(defaults, within)
