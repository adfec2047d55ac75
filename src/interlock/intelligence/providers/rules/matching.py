"""Which intent a sentence has: by the form of an example sentence, else by the words it shares with one."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from interlock.intelligence.providers.rules.slots import TYPES

_HOLE = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_WORD = re.compile(r"[^\W\d_]+")
_OPENING = re.compile(
    r"^(?:(?:hi|hello|hey|dear)\b[^,.!]{0,30}[,.!]\s*|(?:please|kindly|now|and|then)\s+"
    r"|(?:can|could|would|will)\s+you\s+(?:please\s+)?|i\s+(?:want|need)\s+you\s+to\s+)+",
    re.IGNORECASE,
)
_CLOSING = re.compile(r"(?:[\s,.!?]|\bplease\b|\bthanks\b|\bthank you\b)+$", re.IGNORECASE)
_EMPTY = frozenset(
    "a an and are as at be by can could dear do for from have hello hi i in is it kindly let me my now of on"
    " our please s so thank thanks that the their them then there they this to us we will with would you your".split()
)


@dataclass(frozen=True, slots=True)
class Example:
    """One example sentence of an intent: its form, and the words that carry its meaning."""

    intent: str
    form: re.Pattern[str]
    words: frozenset[str]


@dataclass(frozen=True, slots=True)
class Match:
    """The intent of a sentence, how sure (0 to 1), and the texts of the slots that its form showed."""

    intent: str
    score: float
    texts: Mapping[str, str]


def holes(sentence: str) -> list[str]:
    """Return the names of the slots in an example sentence."""
    return _HOLE.findall(sentence)


def compile_example(intent: str, sentence: str, types: Mapping[str, str]) -> Example:
    """Return an example sentence compiled; *types* has the type of every slot it names."""
    parts = _HOLE.split(sentence.strip().rstrip(".!?"))
    form = ""
    for position, part in enumerate(parts):
        if position % 2:
            form += f"(?P<{part}>{TYPES[types[part]][0]})"
        else:
            form += r"[\s,:]+".join(re.escape(word) for word in re.split(r"[\s,:]+", part))
    return Example(intent, re.compile(form, re.IGNORECASE | re.DOTALL), meaning(_HOLE.sub(" ", sentence)))


def meaning(sentence: str) -> frozenset[str]:
    """Return the words of a sentence that carry meaning, without endings of number and time."""
    return frozenset(_stem(word) for word in _WORD.findall(sentence.lower()) if word not in _EMPTY)


def _stem(word: str) -> str:
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word.removesuffix(ending)
    return word.removesuffix("e") if len(word) > 4 else word


class Matcher:
    """Finds the intent of a sentence. The order of the examples breaks ties, so that answers never waver."""

    def __init__(self, examples: Sequence[Example]) -> None:
        self._examples = tuple(examples)
        intents = {example.intent for example in examples}
        spread: dict[str, set[str]] = {}
        for example in examples:
            for word in example.words:
                spread.setdefault(word, set()).add(example.intent)
        self._weights = {word: math.log(1 + len(intents) / len(found)) for word, found in spread.items()}
        self._rare = math.log(1 + len(intents)) / 2

    def match(self, sentence: str) -> Match | None:
        """Return the best match, or `None` where not one word is shared."""
        bare = _CLOSING.sub("", _OPENING.sub("", sentence.strip()))
        exact = [
            (sum(map(len, example.words)), -position, example, found)
            for position, example in enumerate(self._examples)
            if (found := example.form.fullmatch(bare)) is not None
        ]
        if exact:
            _, _, example, found = max(exact, key=lambda each: each[:2])
            return Match(example.intent, 1.0, found.groupdict())
        spoken = meaning(bare)
        best: Match | None = None
        for example in self._examples:
            score = self._score(spoken, example.words)
            if score and (best is None or score > best.score):
                best = Match(example.intent, score, {})
        return best

    def _score(self, spoken: frozenset[str], words: frozenset[str]) -> float:
        shared = self._weight(spoken & words)
        if not shared:
            return 0.0
        recalled = shared / self._weight(words)
        precise = shared / self._weight(spoken)
        return round(0.7 * recalled + 0.3 * precise, 6)

    def _weight(self, words: frozenset[str]) -> float:
        return sum(self._weights.get(word, self._rare) for word in sorted(words))
