"""A declared command line: words with places for arguments, each of which stays one word whatever it holds."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
_PLACE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


class CommandInvalid(ValueError):
    """A command line cannot be used; the text is for a finding."""


class ArgumentUnfit(ValueError):
    """An argument cannot be a word of a command line."""


@dataclass(frozen=True, slots=True)
class Command:
    """The words of a command line. *dashes* lets arguments begin with a dash, as options do."""

    words: tuple[str, ...]
    dashes: bool = False

    @property
    def program(self) -> str:
        """The program's name or path."""
        return self.words[0]

    @property
    def places(self) -> frozenset[str]:
        """The names of the arguments that it has places for."""
        return frozenset(name for word in self.words for name in _PLACE.findall(word))

    def filled(self, arguments: Mapping[str, Any]) -> list[str]:
        """Return the words for *arguments*. A word of an argument that is not given is left out; a list that has a word
        to itself becomes as many. Raises `ArgumentUnfit`.
        """
        found: list[str] = []
        for word in self.words:
            names = _PLACE.findall(word)
            if any(arguments.get(name) is None for name in names):
                continue
            alone = _PLACE.fullmatch(word)
            value = arguments[alone[1]] if alone is not None else None
            if isinstance(value, list):
                found += [self._word(one, alone[1] if alone is not None else "") for one in value]
            elif alone is not None:
                found.append(self._word(value, alone[1]))
            else:
                found.append(self._within(word, arguments))
        return found

    def _within(self, word: str, arguments: Mapping[str, Any]) -> str:
        """Return *word* with its places filled. What it begins with may come from an argument."""
        text = _PLACE.sub(lambda place: _text(arguments[place[1]], place[1]), word)
        first = _PLACE.match(word)
        if first is not None and text.startswith("-") and not self.dashes:
            raise ArgumentUnfit(f"/{first[1]} makes a word begin with a dash, and would be taken for an option")
        return text

    def _word(self, value: Any, name: str) -> str:
        text = _text(value, name)
        if text.startswith("-") and not self.dashes and not isinstance(value, (int, float)):
            raise ArgumentUnfit(f"/{name} begins with a dash, and would be taken for an option")
        return text


def command_of(text: str, *, dashes: bool = False) -> Command:
    """Return the command written as *text*, with the quotes of a shell and none of its other signs. Raises
    `CommandInvalid`.
    """
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        raise CommandInvalid(f"has quotes that do not close: {error}") from None
    if not words:
        raise CommandInvalid("is missing: write the program and its words, such as `bin/ledger lookup {account}`")
    if _PLACE.search(words[0]):
        raise CommandInvalid("must name its program; which one runs is no argument")
    for word in words:
        if "{" in _PLACE.sub("", word):
            raise CommandInvalid("has a { that begins no place such as {account}")
    return Command(words, dashes)


def filled(template: str, arguments: Mapping[str, Any]) -> str:
    """Return a text with its places filled; those of arguments that are not given are empty. Raises `ArgumentUnfit`.

    Unless one argument is all of the text, none may hold the end of a line or another control: it would be more than a
    value to whoever reads the text line by line.
    """

    def value(place: re.Match[str]) -> str:
        text = _text(arguments.get(place[1]), place[1])
        if not alone and _CONTROL.search(text):
            raise ArgumentUnfit(f"/{place[1]} holds the end of a line, or another control")
        return text

    alone = _PLACE.fullmatch(template) is not None
    return _PLACE.sub(value, template)


def places_of(template: str) -> frozenset[str]:
    """Return the names of the arguments that a text has places for."""
    return frozenset(_PLACE.findall(template))


def _text(value: Any, name: str) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        if "\0" in value:
            raise ArgumentUnfit(f"/{name} holds a zero byte")
        return _whole(value, name)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)):
        return _whole(json.dumps(value, ensure_ascii=False), name)
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _whole(text: str, name: str) -> str:
    """Return *text*. Raises `ArgumentUnfit` for half of a sign, which would become a byte that is no text."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ArgumentUnfit(f"/{name} is no valid text") from None
    return text
