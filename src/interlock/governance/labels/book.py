"""The addresses that the project's own files spell out: a book that nobody outside can write in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice

from interlock.governance.labels.normal import strict, words
from interlock.values.clearances import NOTHING, Clearance, Clearances
from interlock.values.labels import Confidentiality, Label

WHERE = "project#/clearances/recipients"
"""What the book is called where an origin names it."""
MOST_ADDRESSES = 10_000
_INTERNAL = Label(Confidentiality.internal)
_WILD = frozenset("*?")


class AddressBook:
    """Mail addresses of the project's recipients, each with the words that a person may call it by.

    Only an address that is written in full counts, and only if more than public data may go to it: a pattern names
    nobody, and a line that holds somebody back vouches for nobody. What calls an address are the words before its
    `@`, where there are two or more (a name; one word alone may be anything) and no other address of the book has
    the word. Immutable; one serves all sessions of a project's version.
    """

    __slots__ = ("_clearances", "_names", "_whole")

    def __init__(self, clearances: Clearances | None = None) -> None:
        self._clearances = dict(islice(_listed(clearances), MOST_ADDRESSES)) if clearances is not None else {}
        spoken = {address: frozenset(words(address.partition("@")[0])) for address in self._clearances}
        bearers = Counter(word for name in spoken.values() for word in name)
        whole = Counter(spoken.values())
        self._names: Mapping[str, frozenset[str]] = {
            address: frozenset(word for word in name if bearers[word] == 1) if len(name) > 1 else frozenset()
            for address, name in spoken.items()
        }
        self._whole = {address: name for address, name in spoken.items() if len(name) > 1 and whole[name] == 1}

    def __contains__(self, address: str) -> bool:
        """Whether *address*, in strict form, is in the book."""
        return address in self._names

    def clears(self, address: str, label: Label) -> bool:
        """Return whether data of *label* may go to *address*."""
        return self._clearances.get(address, NOTHING).admits(label)

    def names(self, address: str) -> frozenset[str]:
        """Return the words, each of which calls *address* and nobody else in the book."""
        return self._names.get(address, frozenset())

    def whole(self, address: str) -> frozenset[str]:
        """Return the words that are together the name of *address*, if nobody else in the book has that name."""
        return self._whole.get(address, frozenset())


NO_BOOK = AddressBook()


def _listed(clearances: Clearances) -> Iterator[tuple[str, Clearance]]:
    for pattern, _ in clearances.recipients:
        if _WILD.isdisjoint(pattern) and pattern.count("@") == 1:
            clearance = clearances.recipient(pattern)  # the first line that fits counts, which may be another
            if clearance.admits(_INTERNAL):
                yield strict(pattern), clearance
