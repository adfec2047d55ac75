"""Records that the person's words single out: "the Hansen invoice" is the one whose fields hold the word."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from interlock.governance.labels.book import AddressBook
from interlock.governance.labels.normal import strict, words
from interlock.governance.labels.text import leaf_forms
from interlock.values.labels import Naming

MOST_BYTES = 2 << 20
MOST_WORDS = 20_000
MOST_SHARED = 5_000
"""Names that the house gave to several records; who has seen so many knows nobody by a name alone."""
LEAST_WORD = 3
LONGEST_NAME = 200
"""Characters of a field up to which it may name its record; longer ones are texts about something."""
LEAST_NUMBER = 10_000
"""A smaller number is taken for a key only in a field that is called one."""

_COST = 120
_KEY = re.compile(r"(?:^|_)(?:id|ids|key|code|number|no|ref|reference)$|[a-z](?:Id|Ids|Key|Code|Number|Ref)$")
_STATES = frozenset("status state type kind role category priority currency language media_type mode level".split())
"""Fields whose values are shared by many records and name none."""
_COMMON = frozenset(
    "about account accounts add address after agent all also amount and any answer are arrived ask back been before"
    " board book but can cancel case change client clients close closed com company could customer customers data date"
    " day delete department did document documents does done draft email event events example file files find first"
    " folder for forward from get give had has have hello her him his how into invoice invoices item its just know last"
    " latest let list look mail mails make may meeting message messages month move name need net new next not note now"
    " number off office old one open order orders org our out over paid pay payment pdf pending please post price"
    " project put read record records refund remove reply report request review say see send sent set she should show"
    " some start subject summarise summarize summary support take task team tell text than thank thanks that the their"
    " them then there they this ticket tickets today tomorrow total txt under until update use user users was week were"
    " what when where which who will with work would write year yes yesterday you your".split()
)
"""Words that name nothing by themselves."""

Path = tuple[str | int, ...]


@dataclass(slots=True)
class Record:
    """One object of a result: words that tell it from its neighbours, by who wrote them, and the forms of its keys.

    *key* is the form of the one that it is known by: the first that its own fields call so.
    """

    trusted: set[str] = field(default_factory=set)
    untrusted: set[str] = field(default_factory=set)
    forms: list[str] = field(default_factory=list)
    key: str = ""

    @property
    def size(self) -> int:
        """Roughly the bytes that it takes."""
        return (len(self.trusted) + len(self.untrusted) + len(self.forms)) * _COST


class Records:
    """What the person's words single out. Bounded: of too many records the oldest go, and are no longer named."""

    __slots__ = ("_blurred", "_matched", "_meant", "_named", "_records", "_said", "_shared", "_worn", "used")

    def __init__(self) -> None:
        self._records: list[Record] = []
        self._said: set[str] = set()
        self._meant: frozenset[str] = frozenset()
        self._named: set[str] = set()
        self._matched: set[str] = set()
        self._blurred: dict[str, set[str]] = {}
        self._shared: set[str] = set()
        self._worn = False
        self.used = 0
        """Roughly the bytes in use."""

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

    def calls(self, book: AddressBook, address: str) -> bool:
        """Return whether the person's words call an *address* of the house's *book*: by a name of it, or as their own.

        A name that the house gave to another record as well, as far as was seen, calls nobody; after too many names
        none does.
        """
        if self._worn or len(self._shared) >= MOST_SHARED:
            return False
        if self._meant and self._meant <= book.whole(address):
            return True
        called = (self._said & book.names(address)) - self._shared
        return bool(called) and not any(
            called & record.trusted and address not in record.forms for record in self._records
        )

    def hear(self, heard: str) -> None:
        """Take the person's words (in strict form) into account, also for records that were seen before."""
        fresh = set(_names(words(heard))) - self._said
        if fresh and len(self._said) < MOST_WORDS:
            self._said |= fresh
            for record in self._records:
                self._grade(record, fresh)

    def mean(self, name: frozenset[str]) -> None:
        """Take a record that holds all words of *name* as named: it is the person's own."""
        self._meant = name

    def see(self, result: Iterable[tuple[Path, Any, bool]]) -> bool:
        """Take the values of one result, each with its path and whether it is trusted; return whether any is meant.

        A record is a member of a list, or what is in none, with the keys that its own lists hold. A word that several
        neighbours hold names none of them, here and where one of them is seen alone later.
        """
        if self._worn:
            return False
        found: dict[Path, Record] = {}
        for path, leaf, trusted in result:
            place = _record_of(path)
            record = found.setdefault(place, Record())
            if isinstance(leaf, str) and len(leaf) <= LONGEST_NAME and _telling(path, leaf):
                spoken = words(strict(leaf).replace("_", " "))
                certain = trusted and (leaf != leaf.lower() or len(spoken) > 1)  # a single word may be a state
                (record.trusted if certain else record.untrusted).update(_names(spoken))
            if trusted and _is_key(path, leaf):
                forms = leaf_forms(leaf)
                if not record.key and _KEY.search(_field_of(path)) and path[:-1] == place:
                    record.key = forms[0]
                while True:
                    found.setdefault(place, Record()).forms += forms
                    if not place:
                        break
                    place = _record_of(place[:-1])
        self._distinguish(found)
        meant = False
        for record in found.values():
            if record.key in self._blurred:
                record.trusted -= self._blurred[record.key]
                record.untrusted -= self._blurred[record.key]
            if record.forms and (record.trusted or record.untrusted):
                self._records.append(record)
                self.used += record.size
                meant = self._grade(record, self._said) or meant
        if self.used > MOST_BYTES:
            self._shrink()
        return meant

    def _distinguish(self, found: dict[Path, Record]) -> None:
        """Take from each record the words that a neighbour in the same list holds too, and remember which they were."""
        neighbours: dict[Path, list[Record]] = {}
        for place, record in found.items():
            if place:
                neighbours.setdefault(place[:-1], []).append(record)
        for records in neighbours.values():
            counted = Counter(word for record in records for word in record.trusted | record.untrusted)
            shared = {word for word, count in counted.items() if count > 1}
            if shared:
                certain = Counter(word for record in records for word in record.trusted)
                self._share(word for word, count in certain.items() if count > 1)
            for record in records if shared else ():
                lost = (record.trusted | record.untrusted) & shared
                record.trusted -= shared
                record.untrusted -= shared
                if lost and record.key:
                    self._blurred.setdefault(record.key, set()).update(lost)
                    self.used += _COST * len(lost)

    def _share(self, names: Iterable[str]) -> None:
        """Remember names that the house gave to several records, or to one that is no longer known."""
        for word in names:
            if len(self._shared) >= MOST_SHARED:
                break
            if word not in self._shared:
                self._shared.add(word)
                self.used += _COST

    def _shrink(self) -> None:
        for record in self._records[: len(self._records) // 2 + 1]:
            self._share(record.trusted)
        self._records = self._records[len(self._records) // 2 + 1 :]
        self._named.clear()
        self._matched.clear()
        shared = sum(map(len, self._blurred.values())) * _COST
        names = len(self._shared) * _COST
        self.used = sum(record.size for record in self._records) + shared + names
        if shared > MOST_BYTES // 2:  # which words name nobody cannot be kept, so from now on none does
            self._worn = True
            self._records.clear()
            self._blurred.clear()
            self.used = names
        for record in self._records:
            self._grade(record, self._said)

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


def _field_of(path: Path) -> str:
    return next((step for step in reversed(path) if isinstance(step, str)), "")


def _telling(path: Path, leaf: str) -> bool:
    """Whether a text may name its record: no address, and no state that many share."""
    return "@" not in leaf and "://" not in leaf and _field_of(path).lower() not in _STATES


def _is_key(path: Path, leaf: Any) -> bool:
    """Whether a value is one that records are known by: an identifier or an address, no amount and no mark."""
    if isinstance(leaf, bool):
        return False
    named = _KEY.search(_field_of(path)) is not None
    if isinstance(leaf, str):
        return " " not in leaf and (named or not leaf.isalpha() or leaf.isupper())
    return named or (isinstance(leaf, int) and leaf >= LEAST_NUMBER)


def _names(spoken: Iterable[str]) -> Iterator[str]:
    """The words that may name something."""
    for word in spoken:
        if len(word) >= LEAST_WORD and word not in _COMMON and not word.isdigit():
            yield word
