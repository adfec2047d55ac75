"""Whether the person's own words ask for an act of some kind, beyond naming what it would touch."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from interlock.values.operations import Operation, Risk

_HUMPS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_USUAL = {
    Risk.destructive: (
        "delete remove erase cancel drop discard clear empty purge void revoke close archive terminate deactivate"
        " dismiss withdraw undo revert overwrite replace rewrite write off away back"
    ),
    Risk.spends: (
        "pay refund credit transfer buy purchase order settle reimburse claim book spend charge remit wire repay"
        " register enter record send ship deliver redirect money back"
    ),
    Risk.critical: (
        "add change set create grant allow permit invite share approve authorise authorize move rule forward"
        " publish open enable disable assign register join let give"
    ),
}
"""What people call such acts; a project adds its own words to an operation by `words`."""
LEAST_STEM = 4


def acts_of(operation: Operation) -> frozenset[str]:
    """Return the words that ask for *operation*: its own verb, those that the project declares, those of its risks."""
    first = _HUMPS.findall(operation.name)[:1]
    usual = [word for risk in operation.risks for word in _USUAL[risk].split()]
    return frozenset(word.casefold() for word in (*first, *operation.words, *usual))


def asked_for(acts: Collection[str], said: Collection[str]) -> bool:
    """Return whether any word that was *said* is one of *acts*, perhaps with another ending."""
    if not acts or not said:
        return False
    return any(act in said or (len(act) >= LEAST_STEM and any(_inflected(act, said))) for act in acts)


def _inflected(act: str, said: Collection[str]) -> Iterator[bool]:
    stem = act[:-1] if act.endswith(("e", "y")) else act
    for word in said:
        if word.startswith(stem) and len(word) - len(act) <= 4:
            yield True
