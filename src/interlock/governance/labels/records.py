"""Records that the person's words single out: "the Hansen invoice" is the one whose fields hold the word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from interlock.governance.labels.normal import strict, words
from interlock.governance.labels.text import leaf_forms
from interlock.values.labels import Naming

MOST_RECORDS = 4000
LEAST_WORD = 3
LONGEST_NAME = 200
"""Characters of a field up to which it may name its record; longer ones are texts about something."""

_COMMON = frozenset(
    "about after all also and any are ask back been before but can could did does done for from get give had has have"
    " her him his how into its just know let look make may need new next not now off old one our out over please put"
    " read say see send set she should show some take tell than that the their them then there they this today"
    " tomorrow under until use was week were what when where which who will with work would yes you your mail email"
    " message file event invoice order ticket open closed number date txt pdf example com org net".split()
)
"""Words that name nothing by themselves."""

Path = tuple[str | int, ...]


@dataclass(slots=True)
class Record:
    """One object of a result: words that tell it from its neighbours, by who wrote them, and its values' forms."""

    trusted: set[str] = field(default_factory=set)
    untrusted: set[str] = field(default_factory=set)
    forms: list[str] = field(default_factory=list)


class Records:
    """What the person's words single out. Bounded: of too many records the oldest go, and are no longer named."""

    __slots__ = ("_matched", "_meant", "_named", "_records", "_said")

    def __init__(self) -> None:
        self._records: list[Record] = []
        self._said: set[str] = set()
        self._meant: frozenset[str] = frozenset()
        self._named: set[str] = set()
        self._matched: set[str] = set()

    def naming(self, forms: Iterable[str]) -> Naming:
        """Return how surely the person meant the value with these *forms*."""
        if not self._named and not self._matched:
            return Naming.nothing
        found = Naming.nothing
        for form in forms:
            if form in self._named:
                return Naming.named
            if form in self._matched:
                found = Naming.matched
        return found

    def hear(self, heard: str) -> None:
        """Take the person's words (in strict form) into account, also for records that were seen before."""
        fresh = set(_names(words(heard))) - self._said
        if fresh:
            self._said |= fresh
            for record in self._records:
                self._grade(record, fresh)

    def mean(self, name: frozenset[str]) -> None:
        """Take a record that holds all words of *name* as named: it is the person's own."""
        self._meant = name

    def see(self, result: Iterable[tuple[Path, Any, bool]]) -> bool:
        """Take the values of one result, each with its path and whether it is trusted; return whether any is meant.

        A record is a member of a list, or what is in none, with all that its own lists hold. A word that several
        neighbours hold names none of them.
        """
        found: dict[Path, Record] = {}
        for path, leaf, trusted in result:
            place = _record_of(path)
            record = found.setdefault(place, Record())
            if isinstance(leaf, str) and len(leaf) <= LONGEST_NAME:
                spoken = words(strict(leaf).replace("_", " "))
                telling = trusted and (leaf != leaf.lower() or len(spoken) > 1)  # a single word may be a state
                (record.trusted if telling else record.untrusted).update(_names(spoken))
            if trusted and (not isinstance(leaf, str) or " " not in leaf):
                forms = leaf_forms(leaf)
                while True:  # what stands in a member's own lists is the member's too
                    found.setdefault(place, Record()).forms += forms
                    if not place:
                        break
                    place = _record_of(place[:-1])
        _distinguish(found)
        meant = False
        for record in found.values():
            if record.forms and (record.trusted or record.untrusted):
                self._records.append(record)
                meant = self._grade(record, self._said) or meant
        if len(self._records) > MOST_RECORDS:
            self._records = self._records[-MOST_RECORDS // 2 :]
            self._named.clear()
            self._matched.clear()
            for record in self._records:
                self._grade(record, self._said)
        return meant

    def _grade(self, record: Record, said: set[str]) -> bool:
        if not said.isdisjoint(record.trusted) or (self._meant and self._meant <= record.trusted):
            self._named.update(record.forms)
            return True
        if not said.isdisjoint(record.untrusted):
            self._matched.update(record.forms)
            return True
        return False


def _record_of(path: Path) -> Path:
    """The path of the nearest list member around a field, or the empty one."""
    last = max((at for at, step in enumerate(path) if isinstance(step, int)), default=-1)
    return path[: last + 1]


def _distinguish(found: dict[Path, Record]) -> None:
    """Take from each record the words that a neighbour in the same list holds too."""
    neighbours: dict[Path, list[Record]] = {}
    for place, record in found.items():
        if place:
            neighbours.setdefault(place[:-1], []).append(record)
    for records in neighbours.values():
        if len(records) > 1:
            counted = Counter(word for record in records for word in record.trusted | record.untrusted)
            for record in records:
                record.trusted = {word for word in record.trusted if counted[word] == 1}
                record.untrusted = {word for word in record.untrusted if counted[word] == 1}


def _names(spoken: Iterable[str]) -> Iterator[str]:
    """The words that may name something."""
    for word in spoken:
        if len(word) >= LEAST_WORD and word not in _COMMON and not word.isdigit():
            yield word
