"""The kinds of jobs: for each what goes in, the type of its result, and which part of that decides."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson

from interlock.intelligence.confidence import leaves


class Abstention(StrEnum):
    """Why a model gives no result; it chooses among these."""

    not_in_input = "not_in_input"  # what is asked for does not stand in what it was given
    unclear = "unclear"  # the input can be meant in several ways
    conflicting = "conflicting"  # the input contradicts itself
    out_of_scope = "out_of_scope"  # the job is not meant for such an input


Result = Mapping[str, Any]
Schema = dict[str, Any]

_TEXT: Schema = {"type": "string", "minLength": 1}


def closed(**properties: Schema) -> Schema:
    """Return the schema of an object that has exactly these members."""
    required = sorted(properties)
    return {"type": "object", "additionalProperties": False, "required": required, "properties": properties}


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of job.

    *input* is the schema of what goes in where a job declares none. *result* returns the schema of what comes out, from
    the job's own declarations (`classes`, `schema`). *decisive* returns the texts of a result that must be alike in two
    samples, and that confidence is about. *claims* returns those that must stand in the *source* of an input.
    """

    name: str
    input: Schema
    result: Callable[[Mapping[str, Any]], Schema]
    decisive: Callable[[Result], Any]
    needs: str = ""
    claims: Callable[[Result], Iterable[str]] = leaves
    source: Callable[[Mapping[str, Any], Result], Iterable[str]] = lambda given, _result: leaves(given)

    def key(self, result: Result) -> str:
        """Return a text that is the same for results that decide the same."""
        return orjson.dumps(_folded(self.decisive(result)), option=orjson.OPT_SORT_KEYS).decode()


def _folded(value: Any) -> Any:
    """Return *value* without what does not matter between two samples: capitals, blanks, and 20.0 for 20."""
    if isinstance(value, str):
        return " ".join(value.split()).casefold()
    if isinstance(value, Mapping):
        return {str(name): _folded(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_folded(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _of_classes(declared: Mapping[str, Any]) -> Schema:
    return {"enum": list(declared["classes"])}


def _cited(given: Mapping[str, Any], result: Result) -> Iterable[str]:
    """Return the texts of the passages that a result cites."""
    cited = {str(citation.get("passage")) for citation in result.get("citations", ())}
    return [str(passage.get("text", "")) for passage in given.get("passages", ()) if str(passage.get("id")) in cited]


_ONE_TEXT = closed(text={"type": "string", "minLength": 1, "maxLength": 200_000})
_FACTS: Schema = {"type": "object", "minProperties": 1}
_QUESTION = closed(
    question={"type": "string", "minLength": 1, "maxLength": 20_000},
    passages={
        "type": "array",
        "maxItems": 200,
        "items": closed(id={"type": "string", "minLength": 1, "maxLength": 200}, text=_TEXT),
    },
)

KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "summarize",
            _ONE_TEXT,
            lambda _declared: closed(summary=_TEXT),
            lambda result: result["summary"],
        ),
        Kind(
            "extract",
            _ONE_TEXT,
            lambda declared: closed(value=declared["schema"]),
            lambda result: result["value"],
            needs="schema",
        ),
        Kind(
            "classify",
            _ONE_TEXT,
            lambda declared: closed(**{"class": _of_classes(declared)}),
            lambda result: result["class"],
            needs="classes",
        ),
        Kind("draft", _FACTS, lambda _declared: closed(text=_TEXT), lambda result: result["text"]),
        Kind(
            "answer",
            _QUESTION,
            lambda _declared: closed(
                answer=_TEXT,
                citations={"type": "array", "minItems": 1, "items": closed(passage=_TEXT, quote=_TEXT)},
            ),
            lambda result: result["answer"],
            claims=lambda result: [result["answer"]],
            source=_cited,
        ),
        Kind(
            "route",
            _ONE_TEXT,
            lambda declared: closed(to=_of_classes(declared), why={"type": "string"}),
            lambda result: result["to"],
            needs="classes",
        ),
        Kind(
            "reason",
            _FACTS,
            lambda declared: closed(
                conclusion=declared.get("schema", _TEXT),
                steps={"type": "array", "items": _TEXT},
            ),
            lambda result: result["conclusion"],
        ),
    )
}


def answer_schema(result: Schema) -> Schema:
    """Return the schema of a model's whole answer: a result, or why there is none."""
    return closed(
        result={"anyOf": [result, {"type": "null"}]},
        abstained={"enum": [None, *Abstention]},
    )
