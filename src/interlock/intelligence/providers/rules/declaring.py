"""Compiles what a rules document declares of jobs: a compiler per kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from interlock.foundation.documents import escape
from interlock.intelligence.providers.rules.book import JobRule
from interlock.intelligence.providers.rules.compiling import Compiler
from interlock.intelligence.providers.rules.jobs import (
    Answering,
    Choosing,
    Drafting,
    Extracting,
    Reasoning,
    Row,
    Summarizing,
)
from interlock.intelligence.providers.rules.matching import Matcher
from interlock.intelligence.providers.rules.slots import Slot

IN_REACH = frozenset({"input", "words"})
"""What expressions of jobs may name beside the slots."""


class _Jobs:
    """Compiles the jobs of one document."""

    def __init__(self, data: Mapping[str, Any], compiler: Compiler) -> None:
        self._compiler = compiler
        declared: Mapping[str, Any] = data.get("slots", {})
        self._names = IN_REACH | set(declared) | {"session", "context"}
        self._slots: Mapping[str, Slot] = {
            name: compiler.slot(name, slot, f"/slots/{escape(name)}", self._names) for name, slot in declared.items()
        }

    def summarize(self, declared: Any, pointer: str) -> JobRule:
        del pointer
        return Summarizing(declared.get("sentences", 3))

    def extract(self, declared: Any, pointer: str) -> JobRule:
        for field, slot in declared.items():
            if slot not in self._slots:
                self._compiler.wrong(f"{pointer}/{escape(field)}", f"names the slot {slot!r}, which is not declared")
        return Extracting(declared, self._slots)

    def classify(self, declared: Any, pointer: str) -> JobRule:
        return Choosing(self._matcher(declared, pointer), "class")

    def route(self, declared: Any, pointer: str) -> JobRule:
        return Choosing(self._matcher(declared, pointer), "to", why=True)

    def draft(self, declared: Any, pointer: str) -> JobRule:
        compiler, names = self._compiler, self._names
        texts = [
            (
                compiler.expression(choice.get("when"), f"{pointer}/{place}/when", names),
                compiler.template(choice["text"], f"{pointer}/{place}/text", names),
            )
            for place, choice in enumerate(declared)
        ]
        return Drafting(texts, self._slots)

    def answer(self, declared: Any, pointer: str) -> JobRule:
        del pointer
        return Answering(float(declared.get("least", 0.5)))

    def reason(self, declared: Any, pointer: str) -> JobRule:
        compiler, names = self._compiler, self._names
        rows = [
            Row(
                compiler.expression(row.get("when"), f"{pointer}/{place}/when", names),
                compiler.template(row["conclusion"], f"{pointer}/{place}/conclusion", names),
                tuple(
                    compiler.template(step, f"{pointer}/{place}/because/{number}", names)
                    for number, step in enumerate(row.get("because", ()))
                ),
            )
            for place, row in enumerate(declared)
        ]
        return Reasoning(rows, self._slots)

    def _matcher(self, declared: Any, pointer: str) -> Matcher:
        return Matcher(
            [
                example
                for name, sentences in declared.items()
                for example in self._compiler.examples(name, sentences, f"{pointer}/{escape(name)}", {})
            ]
        )


def read_jobs(data: Mapping[str, Any], compiler: Compiler) -> dict[str, JobRule]:
    """Return the rules for the jobs of a document of kind `rules`; what is wrong becomes a finding of *compiler*."""
    if "jobs" not in data:
        return {}
    jobs = _Jobs(data, compiler)
    kinds: Mapping[str, Callable[[Any, str], JobRule]] = {
        "summarize": jobs.summarize,
        "extract": jobs.extract,
        "classify": jobs.classify,
        "draft": jobs.draft,
        "answer": jobs.answer,
        "route": jobs.route,
        "reason": jobs.reason,
    }
    found: dict[str, JobRule] = {}
    for name, declared in data["jobs"].items():
        ((kind, how),) = declared.items()
        found[name] = kinds[kind](how, f"/jobs/{escape(name)}/{kind}")
    return found
