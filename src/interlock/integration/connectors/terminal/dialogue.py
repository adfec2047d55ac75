"""A dialogue with a screen: what is waited for and what is typed, step by step."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from interlock.foundation.settings.errors import QuantityInvalid
from interlock.foundation.settings.quantities import duration
from interlock.integration.connectors.program.command import ArgumentUnfit, filled, places_of
from interlock.integration.connectors.terminal.screen import Expected
from interlock.integration.contracts import Contract

SHORTEST = 4
"""How many signs a text has to have that decides how a call ended."""

LONGEST_LINE = 1000
"""How many bytes are typed in one line; a terminal keeps 4095 of them at most."""

_SPACES = re.compile(r"[ \t\u00a0]+")
_USUAL_WAIT = "5s"
_REFERENCE = "secret:"
_EXPECT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "expect": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[^\\x00-\\x1f{]"},
        "within": {"type": "string", "description": "how long it is waited for; by default 5s"},
        "refused": {"type": "string", "minLength": SHORTEST, "maxLength": 200, "pattern": "^[^\\x00-\\x1f{}]+$"},
        "confirms": {"type": "boolean", "description": "it says that the change was made"},
    },
    "required": ["expect"],
    "additionalProperties": False,
}
_SEND: dict[str, Any] = {
    "type": "object",
    "properties": {
        "send": {"type": "string", "maxLength": 500, "pattern": "^[^\\x00-\\x1f]*$"},
        "enter": {"type": "boolean", "description": "whether Enter is pressed behind it; by default true"},
        "harmless": {"type": "boolean", "description": "nothing can have been changed after it: signing in, a menu"},
    },
    "required": ["send"],
    "additionalProperties": False,
}
OPTIONS: dict[str, Any] = {
    "type": "object",
    "properties": {"dialogue": {"type": "array", "minItems": 1, "maxItems": 100, "items": {"anyOf": [_EXPECT, _SEND]}}},
    "required": ["dialogue"],
    "additionalProperties": False,
}
"""The JSON Schema of `options`."""
_FITS = Contract(OPTIONS)


class DialogueInvalid(ValueError):
    """A dialogue cannot be used; the text is for a finding."""


@dataclass(frozen=True, slots=True)
class Expect:
    """Wait *within* seconds for *text*; *refused*, if it comes instead, says that nothing was done."""

    text: Expected
    within: float
    refused: Expected | None
    confirms: bool


@dataclass(frozen=True, slots=True)
class Send:
    """Type *text*, or a secret. After one that is not *harmless* there may have been an effect."""

    text: str
    enter: bool
    harmless: bool

    @property
    def secret(self) -> str:
        """The reference to the secret that is typed, or nothing."""
        return self.text if self.text.startswith(_REFERENCE) else ""

    def line(self, arguments: Mapping[str, Any]) -> str:
        """Return what is typed, without Enter. Raises `ArgumentUnfit`, since no argument may press a key."""
        line = filled(self.text, arguments)
        if not line.isprintable():
            raise ArgumentUnfit("it holds signs that a terminal takes for keys")
        if len(line.encode("utf-8", "replace")) > LONGEST_LINE:
            raise ArgumentUnfit(f"a line is longer than {LONGEST_LINE} bytes")
        return line


@dataclass(frozen=True, slots=True)
class Dialogue:
    """All steps of an operation."""

    steps: tuple[Expect | Send, ...]

    @property
    def expects(self) -> tuple[Expect, ...]:
        """The steps that wait."""
        return tuple(step for step in self.steps if isinstance(step, Expect))

    @property
    def sends(self) -> tuple[Send, ...]:
        """The steps that type."""
        return tuple(step for step in self.steps if isinstance(step, Send))

    @property
    def places(self) -> frozenset[str]:
        """The names of arguments that are typed."""
        return frozenset(name for send in self.sends for name in places_of(send.text))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of what is read from the screen."""
        return tuple(name for step in self.expects for name in step.text.names)

    def check(self, arguments: Mapping[str, Any]) -> None:
        """Raise `ArgumentUnfit` for what cannot be typed, or would show a text on the screen that decides how the call
        ended: a program repeats what is typed, perhaps in capitals, and whoever chooses an argument must not choose the
        outcome.
        """
        typed = _plain("".join(f"{_shown(send, arguments)}{chr(10) if send.enter else ''}" for send in self.sends))
        for text in self.deciding():
            if any(len(part) >= SHORTEST and _plain(part) in typed for part in text.literals):
                raise ArgumentUnfit("it would type a text by which the program says how it ended")

    def deciding(self) -> Iterator[Expected]:
        """Yield the texts by which the program says how it ended."""
        for step in self.expects:
            if step.confirms:
                yield step.text
            if step.refused is not None:
                yield step.refused


def dialogue_of(options: Any, *, writes: bool) -> Dialogue:
    """Return the dialogue that `options` of an operation hold. Raises `DialogueInvalid`."""
    if breaches := _FITS.breaches(options):
        raise DialogueInvalid(f"{breaches[0].pointer} {breaches[0].reason}".strip())
    dialogue = Dialogue(tuple(_step(one) for one in options["dialogue"]))
    names = dialogue.names
    if len(set(names)) != len(names):
        raise DialogueInvalid("reads two things of one name")
    if any("" in step.text.literals[:-1] for step in dialogue.expects):
        raise DialogueInvalid("has two places beside each other, of which nobody knows where the first ends")
    for text in dialogue.deciding():
        if len(text.literals[0]) < SHORTEST:
            raise DialogueInvalid(f"has a text that decides and begins with less than {SHORTEST} signs: {text.text!r}")
    if writes:
        _confirmed(dialogue.steps)
    try:
        dialogue.check({})
    except ArgumentUnfit:
        raise DialogueInvalid("types a text that decides how it ended, which the screen would show at once") from None
    return dialogue


def _confirmed(steps: Sequence[Expect | Send]) -> None:
    """Raise `DialogueInvalid` unless a write's last step with an effect is followed by a confirmation, and no
    confirmation comes before it.
    """
    effects = [number for number, step in enumerate(steps) if isinstance(step, Send) and not step.harmless]
    confirming = [number for number, step in enumerate(steps) if isinstance(step, Expect) and step.confirms]
    if not effects:
        raise DialogueInvalid("is of a write, and types nothing that is not harmless")
    if not confirming or confirming[0] < effects[-1]:
        raise DialogueInvalid("is of a write, and needs `confirms: true` at what the program says when it was made")


def _step(written: Mapping[str, Any]) -> Expect | Send:
    if "send" in written:
        return Send(written["send"], written.get("enter", True), written.get("harmless", False))
    try:
        within = duration(written.get("within", _USUAL_WAIT))
    except QuantityInvalid as error:
        raise DialogueInvalid(f"has a `within` that is no duration: {error.fix}") from None
    refused = Expected(written["refused"]) if "refused" in written else None
    return Expect(Expected(written["expect"]), within, refused, written.get("confirms", False))


def _plain(text: str) -> str:
    """Return *text* as it is compared: a program may write small letters large, and several spaces as one."""
    return _SPACES.sub(" ", text).casefold()


def _shown(send: Send, arguments: Mapping[str, Any]) -> str:
    return "" if send.secret else send.line(arguments)
