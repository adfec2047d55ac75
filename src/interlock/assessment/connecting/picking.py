"""Which of a system's operations are meant: by name or origin, by tag, by words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from interlock.assessment.declarations.guesses import words_of
from interlock.integration.systems import Offer


def picked(
    offers: Sequence[Offer], *, names: Iterable[str] = (), tags: Iterable[str] = (), search: str = ""
) -> list[Offer]:
    """Return the offers that any of *names* (patterns of names or origins) or *tags* means and that hold all words of
    *search*, deprecated ones only by name; those that a search fits best first, else in their order.
    """
    patterns, wanted, sought = tuple(names), {tag.casefold() for tag in tags}, search.casefold().split()
    found: list[tuple[int, Offer]] = []
    for offer in offers:
        named = any(fnmatchcase(offer.name, one) or fnmatchcase(offer.origin, one) for one in patterns)
        tagged = not wanted.isdisjoint(tag.casefold() for tag in offer.tags)
        if (patterns or wanted) and not (named or tagged):
            continue
        if offer.deprecated and not named:
            continue
        score = _score(offer, sought)
        if score or not sought:
            found.append((-score, offer))
    found.sort(key=lambda one: one[0])
    return [offer for _, offer in found]


def _score(offer: Offer, sought: Sequence[str]) -> int:
    """Return how well an offer fits: a word of its name counts most; 0 unless every word is somewhere."""
    spoken = set(words_of(offer.name))
    rest = f"{offer.origin} {' '.join(offer.tags)} {offer.description}".casefold()
    total = 0
    for word in sought:
        worth = 3 if word in spoken else 2 if word in offer.name else 1 if word in rest else 0
        if worth == 0:
            return 0
        total += worth
    return total
