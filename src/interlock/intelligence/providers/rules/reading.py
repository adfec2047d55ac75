"""Compiles a rules document, finding every mistake in it at its line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interlock.foundation.documents import Document, escape
from interlock.intelligence.providers.rules.book import Answer, Intent, RuleBook, Step
from interlock.intelligence.providers.rules.compiling import Compiler
from interlock.intelligence.providers.rules.declaring import read_jobs
from interlock.intelligence.providers.rules.matching import Example, Matcher
from interlock.intelligence.providers.rules.templates import Template

ALWAYS = frozenset({"words", "session", "context"})
ABOUT_THE_LAST_CALL = frozenset({"action", "operation", "reason", "requirement", "problem", "result"})
"""What every expression may name beside slots and steps; the latter in answers only."""

USUAL_ANSWERS = {
    "succeeded": "Done.",
    "waiting": "This waits for {requirement}: {reason} (action {action})",
    "denied": "I may not do that: {reason}",
    "failed": "That did not work: {problem}",
    "in_doubt": "It is not certain whether that happened; someone will look into it (action {action}).",
    "executing": "That is still under way (action {action}).",
    "drafted": "I have prepared that as a draft (action {action}).",
    "shadowed": "I only noted what I would have done (action {action}).",
    "cancelled": "That was cancelled (action {action}).",
    "unavailable": "I have no way to do that here: {operation} is not open to me.",
    "unknown": "I do not understand that. I can only do what my rules describe.",
}


def read_rules(document: Document) -> RuleBook:
    """Return the rules of a document of kind `rules`. Raises `ProjectInvalid` with all that is wrong."""
    return _Reader(document).book()


class _Reader:
    """Compiles one document; expressions and patterns that are wrong become findings."""

    def __init__(self, document: Document) -> None:
        self._data = document.data
        self._compiler = Compiler(document)

    def book(self) -> RuleBook:
        usual = {
            state: (Answer(Template(text, variables=ABOUT_THE_LAST_CALL)),) for state, text in USUAL_ANSWERS.items()
        }
        answers = {**usual, **self._answers(self._data.get("answers", {}), "/answers", ALWAYS)}
        intents: dict[str, Intent] = {}
        examples: list[Example] = []
        for name, declared in self._data.get("intents", {}).items():
            intent = intents[name] = self._intent(name, declared)
            types = {key: slot.type for key, slot in intent.slots.items()}
            examples += self._compiler.examples(name, declared["examples"], f"/intents/{escape(name)}/examples", types)
        jobs = read_jobs(self._data, self._compiler)
        self._compiler.raise_if_any()
        operations = frozenset(step.operation for intent in intents.values() for step in intent.steps)
        threshold = float(self._data.get("threshold", 0.6))
        return RuleBook(self._data["rules"], intents, Matcher(examples), answers, threshold, operations, jobs)

    def _intent(self, name: str, declared: Mapping[str, Any]) -> Intent:
        base = f"/intents/{escape(name)}"
        shared: Mapping[str, Any] = self._data.get("slots", {})
        own: Mapping[str, Any] = declared.get("slots", {})
        steps = declared.get("steps", ())
        names = ALWAYS | set(shared) | set(own) | {_step_name(step) for step in steps}
        slots = {key: self._compiler.slot(key, value, f"/slots/{escape(key)}", names) for key, value in shared.items()}
        for key, value in own.items():
            slots[key] = self._compiler.slot(key, value, f"{base}/slots/{escape(key)}", names)
        return Intent(
            name,
            slots,
            tuple(self._step(step, f"{base}/steps/{place}", names) for place, step in enumerate(steps)),
            self._answers(declared.get("answers", {}), f"{base}/answers", names),
        )

    def _step(self, declared: Mapping[str, Any], pointer: str, names: frozenset[str]) -> Step:
        inner = names | {"item"} if "each" in declared else names
        repeat = declared.get("repeat", {})
        return Step(
            declared["call"],
            _step_name(declared),
            {
                key: self._compiler.template(value, f"{pointer}/with/{escape(key)}", inner)
                for key, value in declared.get("with", {}).items()
            },
            when=self._compiler.expression(declared.get("when"), f"{pointer}/when", names),
            each=self._compiler.expression(declared.get("each"), f"{pointer}/each", names),
            times=repeat.get("times", 1),
            until=self._compiler.expression(repeat.get("until"), f"{pointer}/repeat/until", names),
            carry_on=declared.get("otherwise") == "continue",
        )

    def _answers(
        self, declared: Mapping[str, Any], pointer: str, names: frozenset[str]
    ) -> dict[str, tuple[Answer, ...]]:
        found: dict[str, tuple[Answer, ...]] = {}
        names |= ABOUT_THE_LAST_CALL
        for state, value in declared.items():
            choices = value if isinstance(value, list) else [value]
            places = [f"{pointer}/{state}/{place}" for place in range(len(choices))]
            if not isinstance(value, list):
                places = [f"{pointer}/{state}"]
            found[state] = tuple(
                self._answer(choice, place, names) for choice, place in zip(choices, places, strict=True)
            )
        return found

    def _answer(self, declared: Any, pointer: str, names: frozenset[str]) -> Answer:
        if isinstance(declared, str):
            return Answer(self._compiler.template(declared, pointer, names))
        line, empty = declared.get("line"), declared.get("empty")
        return Answer(
            self._compiler.template(declared["text"], f"{pointer}/text", names),
            self._compiler.expression(declared.get("when"), f"{pointer}/when", names),
            self._compiler.expression(declared.get("each"), f"{pointer}/each", names),
            None if line is None else self._compiler.template(line, f"{pointer}/line", names | {"item"}),
            None if empty is None else self._compiler.template(empty, f"{pointer}/empty", names),
        )


def _step_name(step: Mapping[str, Any]) -> str:
    return str(step.get("as") or step["call"].rpartition(".")[2])
