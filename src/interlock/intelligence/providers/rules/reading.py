"""Compiles a rules document, finding every mistake in it at its line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from interlock.foundation.documents import Document, Findings, escape
from interlock.foundation.expressions import Expression, ExpressionInvalid, compile_expression
from interlock.intelligence.providers.rules.book import Answer, Intent, RuleBook, Step
from interlock.intelligence.providers.rules.matching import Example, Matcher, compile_example, holes
from interlock.intelligence.providers.rules.slots import Slot, usual_pattern
from interlock.intelligence.providers.rules.templates import FORMATS, Template

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
        self._document = document
        self._data = document.data
        self._findings = Findings()

    def book(self) -> RuleBook:
        usual = {
            state: (Answer(Template(text, variables=ABOUT_THE_LAST_CALL)),) for state, text in USUAL_ANSWERS.items()
        }
        answers = {**usual, **self._answers(self._data.get("answers", {}), "/answers", ALWAYS)}
        intents: dict[str, Intent] = {}
        examples: list[Example] = []
        for name, declared in self._data["intents"].items():
            intents[name] = self._intent(name, declared)
            examples += self._examples(name, declared, intents[name])
        self._findings.raise_if_any()
        operations = frozenset(step.operation for intent in intents.values() for step in intent.steps)
        threshold = float(self._data.get("threshold", 0.6))
        return RuleBook(self._data["rules"], intents, Matcher(examples), answers, threshold, operations)

    def _intent(self, name: str, declared: Mapping[str, Any]) -> Intent:
        base = f"/intents/{escape(name)}"
        shared: Mapping[str, Any] = self._data.get("slots", {})
        own: Mapping[str, Any] = declared.get("slots", {})
        steps = declared.get("steps", ())
        names = ALWAYS | set(shared) | set(own) | {_step_name(step) for step in steps}
        slots = {key: self._slot(key, value, f"/slots/{escape(key)}", names) for key, value in shared.items()}
        for key, value in own.items():
            slots[key] = self._slot(key, value, f"{base}/slots/{escape(key)}", names)
        return Intent(
            name,
            slots,
            tuple(self._step(step, f"{base}/steps/{place}", names) for place, step in enumerate(steps)),
            self._answers(declared.get("answers", {}), f"{base}/answers", names),
        )

    def _examples(self, name: str, declared: Mapping[str, Any], intent: Intent) -> list[Example]:
        found: list[Example] = []
        types = {key: slot.type for key, slot in intent.slots.items()}
        for place, sentence in enumerate(declared["examples"]):
            pointer = f"/intents/{escape(name)}/examples/{place}"
            unknown = [hole for hole in holes(sentence) if hole not in types]
            if unknown:
                self._wrong(pointer, f"names the slot {unknown[0]!r}, which is not declared")
            elif len(set(holes(sentence))) < len(holes(sentence)):
                self._wrong(pointer, "names a slot twice")
            else:
                found.append(compile_example(name, sentence, types))
        return found

    def _slot(self, name: str, declared: Mapping[str, Any], pointer: str, names: frozenset[str]) -> Slot:
        kind = declared.get("type", "text")
        patterns = declared.get("patterns", ())
        compiled = [self._pattern(text, f"{pointer}/patterns/{place}") for place, text in enumerate(patterns)]
        if not patterns and kind != "text":
            compiled = [self._pattern(usual_pattern(name, kind), pointer)]
        # A slot of all intents may look into a result that only some of them have.
        source = declared.get("from")
        local = names if source is None else names | {source.split(".")[0].strip()}
        default = declared.get("default")
        if default is not None and not isinstance(default, str):
            default = "{" + str(default).lower() + "}"
        return Slot(
            name,
            kind,
            tuple(pattern for pattern in compiled if pattern is not None),
            source=self._expression(source, f"{pointer}/from", local),
            earlier=bool(declared.get("earlier")),
            ask=declared.get("ask", ""),
            default=None if default is None else self._template(default, f"{pointer}/default", names),
            values={str(key).lower(): value for key, value in declared["values"].items()}
            if "values" in declared
            else None,
        )

    def _step(self, declared: Mapping[str, Any], pointer: str, names: frozenset[str]) -> Step:
        inner = names | {"item"} if "each" in declared else names
        repeat = declared.get("repeat", {})
        return Step(
            declared["call"],
            _step_name(declared),
            {
                key: self._template(value, f"{pointer}/with/{escape(key)}", inner)
                for key, value in declared.get("with", {}).items()
            },
            when=self._expression(declared.get("when"), f"{pointer}/when", names),
            each=self._expression(declared.get("each"), f"{pointer}/each", names),
            times=repeat.get("times", 1),
            until=self._expression(repeat.get("until"), f"{pointer}/repeat/until", names),
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
            return Answer(self._template(declared, pointer, names))
        line, empty = declared.get("line"), declared.get("empty")
        return Answer(
            self._template(declared["text"], f"{pointer}/text", names),
            self._expression(declared.get("when"), f"{pointer}/when", names),
            self._expression(declared.get("each"), f"{pointer}/each", names),
            None if line is None else self._template(line, f"{pointer}/line", names | {"item"}),
            None if empty is None else self._template(empty, f"{pointer}/empty", names),
        )

    def _template(self, value: Any, pointer: str, names: frozenset[str]) -> Template:
        text = value if isinstance(value, str) else "{" + _literal(value) + "}"
        try:
            return Template(text, variables=names)
        except ExpressionInvalid as error:
            self._wrong(pointer, _explained(error))
        except KeyError as error:
            self._wrong(pointer, f"{error.args[0]!r} is no format; there are {', '.join(FORMATS)}")
        return Template("", variables=())

    def _expression(self, text: str | None, pointer: str, names: frozenset[str]) -> Expression | None:
        if text is None:
            return None
        try:
            return compile_expression(text, variables=names)
        except ExpressionInvalid as error:
            self._wrong(pointer, _explained(error))
            return None

    def _pattern(self, text: str, pointer: str) -> re.Pattern[str] | None:
        try:
            pattern = re.compile(text, re.IGNORECASE | re.DOTALL)
        except re.error as error:
            self._wrong(pointer, f"is no regular expression: {error.msg}")
            return None
        if pattern.groups > 1:
            self._wrong(pointer, "has more than one group; make the others (?:...)")
        return pattern

    def _wrong(self, pointer: str, message: str) -> None:
        self._findings.add(self._document.finding(pointer, message))


def _explained(error: ExpressionInvalid) -> str:
    return ". ".join(part.rstrip(".") for part in (error.what, error.why, error.fix) if part)


def _step_name(step: Mapping[str, Any]) -> str:
    return str(step.get("as") or step["call"].rpartition(".")[2])


def _literal(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
