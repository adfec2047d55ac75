"""What models cost: the dated price list of a project, in integers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from interlock.foundation.documents import Document, Findings, escape
from interlock.governance.budgets import MICRO, micro
from interlock.intelligence.gateway import Usage

UNMETERED = frozenset({"rules"})
"""Providers that are no model: they count no tokens and cost nothing."""

MOST_REMEMBERED = 1000


@dataclass(frozen=True, slots=True)
class Price:
    """Micro-units of the currency for a million tokens of each kind."""

    input: int
    output: int
    cached_input: int
    reasoning: int

    def cost(self, usage: Usage) -> int:
        """Return what *usage* costs in micro-units, rounded up once at the end."""
        parts = (
            (usage.input_tokens - usage.cached_tokens) * self.input,
            usage.cached_tokens * self.cached_input,
            (usage.output_tokens - usage.reasoning_tokens) * self.output,
            usage.reasoning_tokens * self.reasoning,
        )
        return -(-sum(parts) // MICRO)

    def most(self, input_tokens: int, output_tokens: int) -> int:
        """Return the most that so many tokens can cost, of whichever kind they turn out to be."""
        dearest_in, dearest_out = max(self.input, self.cached_input), max(self.output, self.reasoning)
        return -(-(input_tokens * dearest_in + output_tokens * dearest_out) // MICRO)


FREE = Price(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Prices:
    """A price list: by model or `provider:model`, exact names before patterns, longer patterns before shorter ones."""

    currency: str = ""
    source: str = ""
    date: str = ""
    models: Mapping[str, Price] = field(default_factory=dict)
    _found: dict[tuple[str, str], Price | None] = field(default_factory=dict, repr=False, compare=False)

    def of(self, provider: str, model: str) -> Price | None:
        """Return the price of a model, or None where the list has none: its cost is then unknown, and not zero."""
        if provider in UNMETERED:
            return FREE
        key = (provider, model)
        if key not in self._found:
            if len(self._found) >= MOST_REMEMBERED:  # a server may answer with ever new names
                self._found.clear()
            self._found[key] = self._look(f"{provider}:{model}", model)
        return self._found[key]

    def _look(self, whole: str, model: str) -> Price | None:
        for name in (whole, model):
            if name in self.models:
                return self.models[name]
        fitting = [pattern for pattern in self.models if fnmatchcase(model, pattern) or fnmatchcase(whole, pattern)]
        return self.models[max(fitting, key=len)] if fitting else None


def prices_of(document: Document) -> Prices:
    """Return the price list of a document of kind `prices`. Raises `ProjectInvalid` for a price that is too fine."""
    findings = Findings()
    models = {}
    for model, data in document.data["models"].items():
        amounts = {}
        for kind, value in data.items():
            amount = micro(value)
            if amount is None:
                findings.add(document.finding(f"/models/{escape(model)}/{kind}", "is finer than a millionth"))
            amounts[kind] = amount or 0
        cached = amounts.get("cached_input", amounts["input"])
        models[model] = Price(amounts["input"], amounts["output"], cached, amounts.get("reasoning", amounts["output"]))
    findings.raise_if_any()
    data = document.data
    return Prices(data["currency"], data["source"], data["date"], models)
