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
_CHANGE = (
    "write update change edit correct amend adjust note add enter put set fix revise complete rewrite replace date"
)
_REMOVE = "delete remove go rid throw bin trash drop discard"
_LIKE = {
    **dict.fromkeys(("write", "update", "edit", "change", "modify", "set", "put", "patch", "replace"), _CHANGE),
    **dict.fromkeys(("delete", "remove", "discard", "trash"), _REMOVE),
}
"""What people also say for an operation's own verb."""
LEAST_STEM = 4


def acts_of(operation: Operation) -> frozenset[str]:
    """Return the words that ask for *operation*: its own verb, those that the project declares, those of its risks."""
    first = [word.casefold() for word in _HUMPS.findall(operation.name)[:1]]
    like = [word for verb in first for word in _LIKE.get(verb, "").split()]
    usual = [word for risk in operation.risks for word in _USUAL[risk].split()]
    return frozenset((*first, *like, *usual, *(word.casefold() for word in operation.words)))


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
