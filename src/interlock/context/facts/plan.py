"""The compiled facts of one operation: expressions ready, dependencies sorted into stages that run in parallel."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from interlock.foundation.expressions import Expression, ExpressionInvalid, compile_expression
from interlock.governance.labels import FieldLabels, joined
from interlock.values.labels import PUBLIC, Label
from interlock.values.operations import Effect, Fact, Operation

VARIABLES = frozenset({"input", "session", "facts", "item"})

_REFERENCE = re.compile(r"\bfacts\.([A-Za-z_][A-Za-z0-9_]*)")
_FIELD = re.compile(r"\bfacts\.([A-Za-z_]\w*)((?:\.[A-Za-z_]\w*)*)(?![\w.])\s*([(\[]?)")
_ANY = re.compile(r"\bfacts\b")
_INPUT = re.compile(r"\binput\b")


@dataclass(frozen=True, slots=True)
class CompiledFact:
    """One fact with its expressions compiled; *needs* are the facts that must be known first."""

    fact: Fact
    arguments: Mapping[str, Expression]
    each: Expression | None
    expression: Expression | None
    needs: frozenset[str]


@dataclass(frozen=True, slots=True)
class FactSource:
    """Whose data a fact is, so that its labels stay with it, also where it is served from the cache.

    *label* is the strictest that it may carry. *operation* is the one whose result it is (a list of results where
    *each*), None where it was computed; *asks* says whether the arguments went into that.
    """

    label: Label
    operation: Operation | None = None
    each: bool = False
    asks: bool = False


@dataclass(frozen=True, slots=True)
class FactPlan:
    """The stages of one operation's facts: everything in a stage can run at once. *shapes* are JSON Schemas.

    *label* is the joined label of all of them; *record* is whose data the record's version is.
    """

    stages: tuple[tuple[CompiledFact, ...], ...]
    shapes: Mapping[str, Mapping[str, Any]]
    version: Expression | None = None
    sources: Mapping[str, FactSource] = field(default_factory=dict)
    label: Label = PUBLIC
    record: FactSource = FactSource(PUBLIC)


def _references(fact: Fact) -> frozenset[str]:
    texts = [fact.expression, fact.each, *(fact.read.arguments.values() if fact.read else ())]
    return frozenset(name for text in texts for name in _REFERENCE.findall(text))


def _compile(fact: Fact) -> CompiledFact:
    arguments = fact.read.arguments if fact.read else {}
    return CompiledFact(
        fact,
        {name: compile_expression(text, variables=VARIABLES) for name, text in arguments.items()},
        compile_expression(fact.each, variables=VARIABLES) if fact.each else None,
        compile_expression(fact.expression, variables=VARIABLES) if fact.expression else None,
        _references(fact),
    )


def _shape(fact: Fact, operations: Mapping[str, Operation]) -> Mapping[str, Any]:
    if fact.read is None:
        return {"type": fact.type}
    output = operations[fact.read.operation].output_schema or {}
    return {"type": "array", "items": output} if fact.each else output


def _stages(facts: Sequence[CompiledFact], report: Callable[[str, str], None]) -> list[tuple[CompiledFact, ...]]:
    stages: list[tuple[CompiledFact, ...]] = []
    known: set[str] = set()
    left = list(facts)
    while left:
        ready = tuple(fact for fact in left if fact.needs <= known)
        if not ready:
            _tell_stuck(left, {fact.fact.name for fact in facts}, report)
            return stages
        stages.append(ready)
        known.update(fact.fact.name for fact in ready)
        left = [fact for fact in left if fact.fact.name not in known]
    return stages


def _tell_stuck(left: Sequence[CompiledFact], declared: set[str], report: Callable[[str, str], None]) -> None:
    """Report why no fact in *left* can be read first: one it builds on is not declared, or they go in a circle."""
    unknown = [(fact.fact.name, name) for fact in left for name in sorted(fact.needs - declared)]
    for fact, name in unknown:
        near = get_close_matches(name, declared, n=1)
        report(fact, f"builds on facts.{name}, which is not declared" + (f"; did you mean {near[0]}?" if near else ""))
    if not unknown:
        names = ", ".join(sorted(fact.fact.name for fact in left))
        report(left[0].fact.name, f"goes in a circle: {names} build on each other")


def _sources(stages: Sequence[Sequence[CompiledFact]], operations: Mapping[str, Operation]) -> dict[str, FactSource]:
    sources: dict[str, FactSource] = {}
    for compiled in (compiled for stage in stages for compiled in stage):
        fact = compiled.fact
        if fact.read is not None:
            read = operations[fact.read.operation]
            sources[fact.name] = FactSource(read.returns, read, bool(fact.each))
        else:
            sources[fact.name] = _computed(fact.expression, sources)
    return sources


def _computed(expression: str, sources: Mapping[str, FactSource]) -> FactSource:
    """Return whose data an expression's value is: the fields' that it names, or all there are where that is unclear."""
    label, asks = PUBLIC, bool(_INPUT.search(expression))
    named = [(name, path.split(".")[1:], followed) for name, path, followed in _FIELD.findall(expression)]
    if len(named) < len(_ANY.findall(expression)):
        named = [(name, [], "") for name in sources]
    for name, path, followed in named:
        if name in sources:
            source = sources[name]
            asks = asks or source.asks
            if source.operation is not None and not source.each and not followed:
                label = label.join(_field_label(source.operation, path))
            else:
                label = label.join(source.label)
    return FactSource(label, asks=asks)


def _field_label(operation: Operation, path: Sequence[str]) -> Label:
    fields = FieldLabels(operation)
    return joined([fields.of(path), *fields.beneath(path)])


def compile_facts(
    operation: Operation, operations: Mapping[str, Operation], report: Callable[[str, str], None]
) -> FactPlan:
    """Return the plan of *operation*'s facts; what is wrong goes to `report(fact name, message)`.

    A fact may read only operations that are declared with the effect `read`.
    """
    compiled: list[CompiledFact] = []
    shapes: dict[str, Mapping[str, Any]] = {}
    for fact in operation.facts:
        if fact.read is not None:
            read = operations.get(fact.read.operation)
            if read is None:
                report(fact.name, f"reads {fact.read.operation!r}, which no system declares")
                continue
            if read.effect is not Effect.read:
                report(fact.name, f"reads {fact.read.operation!r}, which is not declared with effect: read")
                continue
        try:
            compiled.append(_compile(fact))
        except ExpressionInvalid as error:
            report(fact.name, error.what)
            continue
        shapes[fact.name] = _shape(fact, operations)
    version = None
    if operation.version:
        try:
            version = compile_expression(operation.version, variables=VARIABLES)
        except ExpressionInvalid as error:
            report("version", error.what)
    stages = _stages(compiled, report)
    sources = _sources(stages, operations)
    label = joined(source.label for source in sources.values())
    return FactPlan(tuple(stages), shapes, version, sources, label, _computed(operation.version, sources))
