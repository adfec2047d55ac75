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
_NOBODY: frozenset[str] = frozenset()


class AddressBook:
    """Recipients of the project, each with the words that a person may call it by.

    Only one that is written in full counts, and only if more than public data may go to it: a pattern names
    nobody, and a line that holds somebody back vouches for nobody. What calls it are the words that its line says, and
    those before the `@` of a mail address, where there are two or more (a name; one word alone may be anything); in
    each case only if no other recipient of the book has the word. Immutable; one serves all sessions of a project's
    version.
    """

    __slots__ = ("_clearances", "_names", "_whole")

    def __init__(self, clearances: Clearances | None = None) -> None:
        self._clearances = dict(islice(_listed(clearances), MOST_ADDRESSES)) if clearances is not None else {}
        said = {strict(name): spoken for name, spoken in clearances.called.items()} if clearances is not None else {}
        local = {one: frozenset(words(one.partition("@")[0])) if "@" in one else _NOBODY for one in self._clearances}
        called = {one: frozenset(map(strict, said.get(one, ()))) for one in self._clearances}
        bearers = Counter(word for one, name in local.items() for word in name | called[one])
        whole = Counter(local.values())
        self._names: Mapping[str, frozenset[str]] = {
            one: frozenset(word for word in called[one] | _full(name) if bearers[word] == 1)
            for one, name in local.items()
        }
        self._whole = {one: name for one, name in local.items() if len(name) > 1 and whole[name] == 1}

    def __bool__(self) -> bool:
        return bool(self._names)

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


def _full(name: frozenset[str]) -> frozenset[str]:
    """Return the words of a name; none of one word, which may be anything."""
    return name if len(name) > 1 else _NOBODY


def _listed(clearances: Clearances) -> Iterator[tuple[str, Clearance]]:
    for pattern, _ in clearances.recipients:
        if _WILD.isdisjoint(pattern) and (pattern.count("@") == 1 or pattern in clearances.called):
            clearance = clearances.recipient(pattern)  # the first line that fits counts, which may be another
            if clearance.admits(_INTERNAL):
                yield strict(pattern), clearance
