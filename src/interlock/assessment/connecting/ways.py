"""Method and path of an operation, guessed from its name, its arguments and the names of the system's other operations.

A path speaks the system's own language: a noun is put into the plural only where the system itself does so, or where it
is one of the English words below. Of any other language nobody here knows how.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from interlock.assessment.declarations.guesses import words_of
from interlock.integration.systems import folded
from interlock.values.operations import Effect, Operation, Role

_VERBS = {
    "get": "list find search get query read show fetch lookup look".split(),
    "post": "create add append new insert post open book make register issue submit place start send".split(),
    "patch": "update change modify edit patch rewrite".split(),
    "put": "set put replace rename".split(),
    "delete": "delete remove".split(),
}
_METHODS = {word: method for method, words in _VERBS.items() for word in words}
_CALLS = frozenset("call run do execute invoke".split())
"""Verbs that say nothing but that something is done."""
_LISTS = frozenset("list find search query".split())
_ONE = frozenset("get read show fetch delete remove update change modify edit rewrite set put cancel take".split())
_WORDS = frozenset({"string", "integer"})
_NAMING = frozenset("id number key code isbn uuid slug account".split())
_BESIDE = frozenset("by id all the a an of".split())
_SIGNS = re.compile(r"[^A-Za-z0-9_]+")
_PEOPLE = {"person": "people", "child": "children"}
_ENGLISH = frozenset(
    "account action address agreement amount answer appointment approval area article asset author bank batch bill book"
    " booking branch brand budget building calendar call campaign card case category charge city claim client comment"
    " company complaint condition contact contract country course credit customer deal delivery department deposit"
    " device discount document driver employee entry event expense feature file flight form group guest holding hotel"
    " house image inquiry invoice issue item job journal key label lead ledger letter line link list loan location"
    " machine mail meeting member message method model movement note notice notification offer office option order"
    " owner package page parcel part partner party passenger patient payment period permission permit photo plan plant"
    " policy position post posting price process product profile project property purchase question quote rate receipt"
    " record refund region reminder rental reply report request reservation resource return review ride role room route"
    " rule sale schedule seat service session setting shift ship shipment site source staff statement step stock store"
    " street subject subscription supplier table task tax team template tenant term test text thing ticket timesheet"
    " topic tour track transaction transfer trip truck type unit user vacancy value vehicle vendor version visit"
    " voucher wallet warehouse warranty week work worker zone".split()
)
"""Usual words of business, whose plural is known."""


@dataclass(frozen=True, slots=True)
class Way:
    """A method and a path; *keys* are the arguments in it. *surely* says whether the operation's name tells plainly."""

    method: str
    path: str
    keys: tuple[str, ...]
    surely: bool

    @property
    def of_one(self) -> bool:
        """Whether it leads to one thing, by its key."""
        return bool(self.keys) and self.path.endswith("}")


class Naming:
    """How the operations of one system are called."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self._lists = {
            tuple(_thing(words_of(one.name)))
            for one in operations
            if one.effect is Effect.read and words_of(one.name)[0] in _LISTS
        }

    def way(self, operation: Operation) -> Way:
        """Return the method and path that fit *operation* best."""
        words = words_of(operation.name)
        verb, thing = words[0], _thing(words)
        keys, reads = keys_of(operation), operation.effect is Effect.read
        nouns = f"/{self._collection(thing or words)}"
        place = "/".join([nouns, *(f"{{{plain_name(key)}}}" for key in keys)])
        method = _METHODS.get(verb, "")
        if thing and method and (method == "get") == reads:
            making = method == "post"
            return Way(method, nouns if making else place, () if making else keys, making or reads or bool(keys))
        if reads:
            return Way("get", place, keys, False) if thing else Way("get", f"/{'-'.join(words)}", (), False)
        if thing and verb not in _CALLS:
            return Way("post", f"{place}/{verb}", keys, False)
        return Way("post", f"/{'-'.join(thing or words)}", (), False)

    def _collection(self, thing: Sequence[str]) -> str:
        """Return what many of *thing* are called: as the system lists them, else in the plural of an English word."""
        *before, last = thing
        many = [*before, plural(last)]
        listed = next((one for one in (thing, many) if tuple(one) in self._lists), thing)
        known = listed[-1] in _ENGLISH or listed[-1] in _PEOPLE
        return "-".join(many if known else listed)


def keys_of(operation: Operation) -> tuple[str, ...]:
    """Return the arguments that say which thing is meant; none where they do not say so clearly.

    One that is called a number or an id does; else those that choose what is touched, where nothing else is needed.
    """
    schema, verb = operation.input_schema, words_of(operation.name)[0]
    properties = schema.get("properties", {})
    needed = [name for name in properties if name in schema.get("required", ())]
    spoken = {name for name, part in properties.items() if _is_word(part) and name.isidentifier()}
    named = [name for name in needed if name in spoken and not _NAMING.isdisjoint(words_of(name)[-1:])]
    targets = [name for name in properties if name in spoken and operation.arguments.get(name) is Role.target]
    if len(named) == 1 or (named and verb not in _ONE):
        return (str(named[0]),)
    if verb in _ONE and len(needed) == 1 and needed[0] in spoken:
        return (str(needed[0]),)
    sure = [name for name in targets if name in needed]
    if verb in _ONE and sure and (sure == needed or len(sure) == 1):
        return tuple(map(str, sure))
    if verb in _ONE and not needed and len(targets) == 1:  # descriptions that require nothing, such as those of gRPC
        return (str(targets[0]),)
    return (str(named[0]),) if named else ()


def _is_word(schema: Any) -> bool:
    return isinstance(schema, Mapping) and str(schema.get("type")) in _WORDS


def plain_name(name: str) -> str:
    """Return *name* as every interface can have it."""
    return _SIGNS.sub("_", folded(name))


def lists(operation: Operation) -> bool:
    """Return whether an operation's name says that it lists."""
    return words_of(operation.name)[0] in _LISTS


def plural(noun: str) -> str:
    """Return the plural of an English noun."""
    if noun in _PEOPLE:
        return _PEOPLE[noun]
    if noun.endswith("s") or noun in _PEOPLE.values():
        return noun
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(("x", "ch", "sh")) else f"{noun}s"


def _thing(words: Sequence[str]) -> list[str]:
    """Return the words for what an operation is about."""
    return [word for word in words[1:] if word not in _BESIDE]
