"""What an argument or a field probably is, from its name and schema alone.

A guess may only distrust: it never says that a field may be trusted, or that data may go further than before.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from interlock.assessment.attacks.fields import free_text
from interlock.assessment.attacks.filling import branch, closed, type_of
from interlock.integration.systems import folded
from interlock.values.operations import Effect, Operation, Risk, Role

DEEPEST = 6
LONG_TEXT = 200
"""Text that may be as long as this is free text, whatever it is called."""

_WORD = re.compile(r"[A-Z]+s?(?![a-z])|[A-Z]?[a-z]+|\d+")
_FORMATS = frozenset("email idn-email uri iri url uri-reference hostname ipv4 ipv6 uuid".split())
_LAST = frozenset(
    "id ids uuid guid number numbers no nr num nummer numero numer code key keys ref refs reference dn to".split()
)
"""Words that say whom or what, but only at the end of a name: `order_number`, not `number_of_guests`."""
_TARGETS = frozenset(
    "iban bic account accounts email emails mail mails phone mobile fax url urls uri uris link webhook callback"
    " endpoint host hostname domain address addresses street city postcode zip cc bcc recipient recipients attendee"
    " attendees participant participants member members user users customer payee beneficiary owner assignee channel"
    " folder path file files filename bucket repository repo branch sku slug".split()
)
_PLACES = frozenset("after before cursor offset".split())
_CONTENTS = frozenset(
    "body text content message description comment comments note notes reason subject title summary memo remark remarks"
    " details html markdown caption greeting".split()
)
_ISSUED = frozenset(
    "id ids uuid guid number no nr code key ref reference sku status state type kind currency country language locale"
    " cursor token version etag hash unit at on date time day moment created updated".split()
)
"""Words at the end of a field's name for what systems write themselves."""
_RISKS = {
    Risk.spends: frozenset("pay payment payout refund credit transfer charge order purchase buy".split()),
    Risk.destructive: frozenset("delete remove cancel purge destroy wipe drop reset revert".split()),
    Risk.critical: frozenset("grant revoke permission permissions role roles password rule webhook".split()),
}


class Guess(NamedTuple):
    """What something probably is, in the word that declarations use, and *why*."""

    word: str
    why: str


def words_of(name: str) -> list[str]:
    """Return the words of a name in small ASCII letters: `shipTo_URL` is `ship`, `to`, `url`, `größe` is `groesse`."""
    return [word.lower() for word in _WORD.findall(folded(name))]


def role_guess(name: str, schema: Any, root: Mapping[str, Any], *, deep: int = DEEPEST) -> Guess:
    """Return what the argument *name* with *schema* is probably for; *root* is the schema it is a part of.

    Ids and addresses are targets, free text is content, and everything else is a control. Schemas that hold themselves
    are looked into *deep* levels.
    """
    if deep == 0:
        return Guess(Role.control, "it is nested too deep to tell")
    joined = branch(schema, root)
    kind = type_of(joined)
    if closed(joined):
        return Guess(Role.control, "one of a closed list")
    if kind == "array":
        return role_guess(name, joined.get("items", {}), root, deep=deep - 1)
    named = _named(words_of(name), numeric=kind in ("number", "integer"))
    if kind == "object" and (named is None or named.word == Role.content):
        return _inner(joined, root, deep - 1)
    if named is None and not _PLACES.isdisjoint(words_of(name)[-1:]):
        return Guess(Role.control, "it says where a list goes on")
    if joined.get("format") in _FORMATS:
        return Guess(Role.target, f"written as {joined['format']}")
    if named is not None and kind != "number":
        return named
    if kind in ("number", "integer"):
        return Guess(Role.control, "a number")
    if free_text(joined) and joined.get("maxLength", 0) >= LONG_TEXT:
        return Guess(Role.content, "long free text")
    return Guess(Role.control, "neither an address nor free text")


def _named(spoken: Sequence[str], *, numeric: bool) -> Guess | None:
    """The guess that the words of a name allow, the last word first; numbers are told by their last word alone."""
    if not spoken:
        return None
    if spoken[-1] in _LAST:
        return Guess(Role.target, f"the name ends in {spoken[-1]!r}")
    for word in () if numeric else reversed(spoken):
        if word in _TARGETS:
            return Guess(Role.target, f"the name says {word!r}")
        if word in _CONTENTS:
            return Guess(Role.content, f"the name says {word!r}")
    return None


def _inner(schema: Mapping[str, Any], root: Mapping[str, Any], deep: int) -> Guess:
    """The guess for an object: a target if anything in it is one, content if all of it is."""
    members = schema.get("properties", {})
    guesses = {name: role_guess(name, part, root, deep=deep).word for name, part in members.items()}
    for name, word in guesses.items():
        if word == Role.target:
            return Guess(Role.target, f"its member {name!r} looks like one")
    if guesses and all(word == Role.content for word in guesses.values()):
        return Guess(Role.content, "all its members look like it")
    return Guess(Role.control, "neither an address nor free text")


def distrusts(path: Sequence[str], schema: Mapping[str, Any]) -> bool:
    """Return whether outsiders can probably write the result's field at *path*: free text that no system issues."""
    name = next((step for step in reversed(path) if step != "*"), "")
    spoken = words_of(name)
    return free_text(schema) and not (spoken and spoken[-1] in _ISSUED)


def risk_guesses(operation: Operation) -> dict[Risk, str]:
    """Return what running an operation may cost by the words of its name, with the word."""
    spoken = words_of(operation.name)
    if operation.effect is Effect.read:
        return {}
    found = {risk: next((word for word in spoken if word in words), "") for risk, words in _RISKS.items()}
    return {risk: word for risk, word in found.items() if word}
