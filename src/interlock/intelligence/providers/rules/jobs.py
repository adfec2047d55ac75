"""Jobs by declared rules: one object per kind, each answering from the input alone, or not at all."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jsonschema_rs
import orjson

from interlock.foundation.expressions import Expression
from interlock.intelligence.gateway.formats import RESPONSE_FORMAT, format_of
from interlock.intelligence.gateway.messages import PLAIN, Extras, ModelReply, ModelRequest
from interlock.intelligence.providers.rules.book import Found, Intent, RuleBook
from interlock.intelligence.providers.rules.conversation import Conversation
from interlock.intelligence.providers.rules.matching import Matcher, meaning
from interlock.intelligence.providers.rules.slots import Slot
from interlock.intelligence.providers.rules.templates import Template, holds
from interlock.intelligence.providers.rules.turn import Scope

_FORMAT = re.compile(r"job_([a-z]+)_(.+)")
_SENTENCE = re.compile(r"[^.!?\n]+(?:[.!?](?=\S)[^.!?\n]*)*[.!?]*")
NOT_IN_INPUT, UNCLEAR, OUT_OF_SCOPE = "not_in_input", "unclear", "out_of_scope"


@dataclass(frozen=True, slots=True)
class Choosing:
    """Chooses a class by the example that the input is most like. *name* is the result's member; *why* goes with it."""

    matcher: Matcher
    name: str
    why: bool = False

    def find(self, given: Mapping[str, Any]) -> Found:
        match = self.matcher.match(_text(given))
        if match is None:
            return Found(abstained=UNCLEAR)
        found: dict[str, Any] = {self.name: match.intent}
        if self.why:
            found["why"] = "It is most like an example of this destination."
        return Found(found, match.score)


@dataclass(frozen=True, slots=True)
class Extracting:
    """Reads fields by slots."""

    fields: Mapping[str, str]
    slots: Mapping[str, Slot]

    def find(self, given: Mapping[str, Any]) -> Found:
        scope = _scope(given, self.slots)
        values = {field: scope[slot] for field, slot in self.fields.items()}
        present = sum(value is not None for value in values.values())
        if not present:
            return Found(abstained=NOT_IN_INPUT)
        return Found({"value": values}, present / len(values))


@dataclass(frozen=True, slots=True)
class Summarizing:
    """Takes over the sentences that hold most of what the text keeps coming back to, in their order."""

    sentences: int

    def find(self, given: Mapping[str, Any]) -> Found:
        told = list(dict.fromkeys(_sentences(_text(given))))
        if not told:
            return Found(abstained=NOT_IN_INPUT)
        spread = Counter(word for sentence in told for word in meaning(sentence))
        weights = [sum(spread[word] for word in meaning(sentence)) / (len(meaning(sentence)) + 3) for sentence in told]
        best = sorted(range(len(told)), key=lambda place: (-weights[place], place))[: self.sentences]
        return Found({"summary": " ".join(told[place] for place in sorted(best))}, 1.0)


@dataclass(frozen=True, slots=True)
class Drafting:
    """Fills in the first text whose condition holds."""

    texts: Sequence[tuple[Expression | None, Template]]
    slots: Mapping[str, Slot]

    def find(self, given: Mapping[str, Any]) -> Found:
        scope = _scope(given, self.slots)
        for when, text in self.texts:
            if holds(when, scope):
                return Found({"text": text.text(scope)}, 1.0)
        return Found(abstained=OUT_OF_SCOPE)


@dataclass(frozen=True, slots=True)
class Answering:
    """Answers with the sentence of a passage that has the most of the question's words, if it has enough of them."""

    least: float

    def find(self, given: Mapping[str, Any]) -> Found:
        asked = meaning(str(given.get("question", "")))
        best: tuple[float, str, str] = (0.0, "", "")
        for passage in given.get("passages", ()):
            text = str(passage.get("text", ""))
            about = meaning(text)
            for sentence in _sentences(text):
                # What a passage is about as a whole helps a sentence of it, and cannot stand in for it.
                own = len(asked & meaning(sentence)) / max(len(asked), 1)
                whole = len(asked & about) / max(len(asked), 1)
                score = 0.8 * own + 0.2 * whole
                if score > best[0]:
                    best = (score, str(passage.get("id")), sentence)
        score, passage_id, sentence = best
        if score < self.least:
            return Found(abstained=NOT_IN_INPUT)
        return Found({"answer": sentence, "citations": [{"passage": passage_id, "quote": sentence}]}, score)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a decision table."""

    when: Expression | None
    conclusion: Template
    because: tuple[Template, ...]


@dataclass(frozen=True, slots=True)
class Reasoning:
    """Concludes by the first row of a decision table whose condition holds."""

    rows: Sequence[Row]
    slots: Mapping[str, Slot]

    def find(self, given: Mapping[str, Any]) -> Found:
        scope = _scope(given, self.slots)
        for row in self.rows:
            if holds(row.when, scope):
                steps = [step.text(scope) for step in row.because]
                return Found({"conclusion": row.conclusion.value(scope), "steps": steps}, 1.0)
        return Found(abstained=UNCLEAR)


def asked_job(request: ModelRequest) -> str | None:
    """Return the name of the job that *request* asks for; None where it asks for none."""
    named = _FORMAT.fullmatch(format_of(request))
    return named[2] if named else None


def do_job(book: RuleBook, job: str, request: ModelRequest) -> ModelReply:
    """Return the answer to *request* by the rule for *job*.

    A caller that asks for log probabilities is told how well the rule fitted, in their place, and decides itself
    whether that is enough; for any other the book's threshold decides.
    """
    rule = book.jobs.get(job)
    if rule is None:
        return _reply(book, Found(abstained=OUT_OF_SCOPE), weighed=False)
    weighed = request.parameters.get("logprobs") is True
    found = _fitted(rule.find(_given(request)), _result_schema(request))
    if not weighed and found.result is not None and found.score < book.threshold:
        found = Found(abstained=UNCLEAR)
    return _reply(book, found, weighed=weighed)


def _fitted(found: Found, schema: Mapping[str, Any]) -> Found:
    """Return *found* as it fits *schema*: without the fields that were not found, where they may not be null."""
    value = found.result.get("value") if found.result else None
    if not isinstance(value, Mapping) or None not in value.values():
        return found
    validator = jsonschema_rs.Draft202012Validator(dict(schema))
    without = {"value": {name: member for name, member in value.items() if member is not None}}
    for candidate in (found.result, without):
        if validator.is_valid(candidate):
            return Found(candidate, found.score)
    return Found(abstained=NOT_IN_INPUT)


def _reply(book: RuleBook, found: Found, *, weighed: bool) -> ModelReply:
    text = orjson.dumps({"result": found.result, "abstained": found.abstained or None}).decode()
    extras = PLAIN
    if weighed and found.score > 0:
        token = {"token": text, "logprob": math.log(found.score), "bytes": None, "top_logprobs": []}
        extras = Extras(choice={"logprobs": {"content": [token], "refusal": None}})
    return ModelReply(text=text, provider="rules", model=book.name, extras=extras)


def _given(request: ModelRequest) -> Mapping[str, Any]:
    for message in reversed(request.messages):
        if message.get("role") != "user":
            continue
        try:
            document = orjson.loads(str(message.get("content")))
        except orjson.JSONDecodeError:
            return {}
        given = document.get("input") if isinstance(document, dict) else None
        return given if isinstance(given, dict) else {}
    return {}


def _result_schema(request: ModelRequest) -> Mapping[str, Any]:
    """Return the schema of a result within that of the whole answer; one that everything fits where there is none."""
    try:
        schema = request.parameters[RESPONSE_FORMAT]["json_schema"]["schema"]
        return dict(schema["properties"]["result"]["anyOf"][0])
    except (KeyError, IndexError, TypeError):
        return {}


def _scope(given: Mapping[str, Any], slots: Mapping[str, Slot]) -> Scope:
    scope = Scope(Intent("job", slots, (), {}), Conversation(_text(given)), {})
    scope.bind("input", given)
    return scope


def _text(value: Any) -> str:
    """Return every text in *value*, a line each."""
    return "\n".join(_texts(value))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _sentences(text: str) -> Iterator[str]:
    for match in _SENTENCE.finditer(text):
        sentence = " ".join(match[0].split())
        if meaning(sentence):
            yield sentence
