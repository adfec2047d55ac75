"""Compiles the parts that rules are made of, finding every mistake in them at its line."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from interlock.foundation.documents import Document, Findings
from interlock.foundation.expressions import Expression, ExpressionInvalid, compile_expression
from interlock.intelligence.providers.rules.matching import Example, compile_example, holes
from interlock.intelligence.providers.rules.slots import Slot, usual_pattern
from interlock.intelligence.providers.rules.templates import FORMATS, Template


class Compiler:
    """Compiles parts of one document; what is wrong becomes a finding, and something harmless stands in for it."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._findings = Findings()

    def raise_if_any(self) -> None:
        """Raise `ProjectInvalid` if anything was wrong."""
        self._findings.raise_if_any()

    def examples(self, name: str, sentences: Sequence[str], pointer: str, types: Mapping[str, str]) -> list[Example]:
        """Return the example sentences of the intent or class *name*; *types* has the type of every slot."""
        found: list[Example] = []
        for place, sentence in enumerate(sentences):
            where = f"{pointer}/{place}"
            unknown = [hole for hole in holes(sentence) if hole not in types]
            if unknown:
                self.wrong(where, f"names the slot {unknown[0]!r}, which is not declared")
            elif len(set(holes(sentence))) < len(holes(sentence)):
                self.wrong(where, "names a slot twice")
            else:
                found.append(compile_example(name, sentence, types))
        return found

    def slot(self, name: str, declared: Mapping[str, Any], pointer: str, names: frozenset[str]) -> Slot:
        """Return a slot; *names* are those that its expressions may use."""
        kind = declared.get("type", "text")
        patterns = declared.get("patterns", ())
        compiled = [self.pattern(text, f"{pointer}/patterns/{place}") for place, text in enumerate(patterns)]
        if not patterns and kind != "text":
            compiled = [self.pattern(usual_pattern(name, kind), pointer)]
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
            source=self.expression(source, f"{pointer}/from", local),
            earlier=bool(declared.get("earlier")),
            ask=declared.get("ask", ""),
            default=None if default is None else self.template(default, f"{pointer}/default", names),
            values={str(key).lower(): value for key, value in declared["values"].items()}
            if "values" in declared
            else None,
        )

    def template(self, value: Any, pointer: str, names: frozenset[str]) -> Template:
        """Return a template, or one that says nothing."""
        text = value if isinstance(value, str) else "{" + _literal(value) + "}"
        try:
            return Template(text, variables=names)
        except ExpressionInvalid as error:
            self.wrong(pointer, _explained(error))
        except KeyError as error:
            self.wrong(pointer, f"{error.args[0]!r} is no format; there are {', '.join(FORMATS)}")
        return Template("", variables=())

    def expression(self, text: str | None, pointer: str, names: frozenset[str]) -> Expression | None:
        """Return an expression, or None where there is none or it is wrong."""
        if text is None:
            return None
        try:
            return compile_expression(text, variables=names)
        except ExpressionInvalid as error:
            self.wrong(pointer, _explained(error))
            return None

    def pattern(self, text: str, pointer: str) -> re.Pattern[str] | None:
        """Return a pattern of a slot, or None where it is wrong."""
        try:
            pattern = re.compile(text, re.IGNORECASE | re.DOTALL)
        except re.error as error:
            self.wrong(pointer, f"is no regular expression: {error.msg}")
            return None
        if pattern.groups > 1:
            self.wrong(pointer, "has more than one group; make the others (?:...)")
        return pattern

    def wrong(self, pointer: str, message: str) -> None:
        """Add a finding."""
        self._findings.add(self._document.finding(pointer, message))


def _explained(error: ExpressionInvalid) -> str:
    return ". ".join(part.rstrip(".") for part in (error.what, error.why, error.fix) if part)


def _literal(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
