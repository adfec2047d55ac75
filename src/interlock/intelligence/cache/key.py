"""Under what an answer is kept: everything that may have had a say in it, and whose it is."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from interlock.intelligence.gateway import ModelRequest, Route
from interlock.values.digests import canonical

WHOSE = ("tenant", "clearance", "label")
"""What two requests must have in common to share an answer, whatever they say. One that lacks any of it shares none."""

NAMED = ("agent", "actor", "use_case", "session")
"""What a condition of a target may ask for besides."""

MOST_CHARACTERS = 8000
_FIGURE = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Question:
    """The last words of a person, and a digest of all else: *words* can be like others, *scope* must be the same."""

    words: str = field(repr=False)
    scope: bytes


def key_of(route: Route, request: ModelRequest) -> bytes | None:
    """Return the digest of all that tells *request* from others on *route*; None where it is not known whose it is."""
    whose = _whose(route, request)
    if whose is None:
        return None
    return _digest([whose, list(request.messages), list(request.tools), dict(request.parameters)])


def question_of(route: Route, request: ModelRequest) -> Question | None:
    """Return the question that *request* asks; None where a like question may well want another answer.

    That is one with tools, with anything but a plain text of a person at its end, or a very long one. Numbers, and
    words with figures in them, are told apart exactly: order 17 is like order 18 in the eyes of every model.
    """
    whose = _whose(route, request)
    if whose is None or request.tools or not request.messages:
        return None
    last = request.messages[-1]
    words = last.get("content")
    if last.get("role") != "user" or not isinstance(words, str) or not 0 < len(words) <= MOST_CHARACTERS:
        return None
    figures = sorted(word for word in words.split() if _FIGURE.search(word))
    rest = {name: value for name, value in last.items() if name != "content"}
    scope = _digest([whose, list(request.messages[:-1]), rest, figures, dict(request.parameters)])
    return Question(words, scope) if scope is not None else None


def _whose(route: Route, request: ModelRequest) -> list[Any] | None:
    about: Mapping[str, Any] = request.metadata
    if any(name not in about for name in WHOSE):
        return None
    conditions = " ".join(target.when.text for target in route.targets)
    named = [name for name in NAMED if name in conditions]
    return [route.name, [about[name] for name in WHOSE], [[name, about.get(name)] for name in named]]


def _digest(told_apart: list[Any]) -> bytes | None:
    try:
        return hashlib.sha256(canonical(told_apart)).digest()
    except TypeError:  # a request that is no JSON has no canonical form
        return None
