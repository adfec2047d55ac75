"""What a route declares of guards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from interlock.foundation.documents import Document, Finding
from interlock.governance.guards import Patterns, Phrases

ENFORCE, OBSERVE = "enforce", "observe"


@dataclass(frozen=True, slots=True)
class Guards:
    """*redact* are kinds of `governance.guards` that models do not get to see, *forbid* phrases, as (name, phrase).

    With the *mode* `observe` nothing is changed or refused, only reported.
    """

    redact: tuple[str, ...] = ()
    forbid: tuple[tuple[str, str], ...] = ()
    mode: str = ENFORCE
    detector: Patterns = field(init=False, repr=False, compare=False)
    phrases: Phrases = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "detector", Patterns(self.redact))
        object.__setattr__(self, "phrases", Phrases(self.forbid))

    def __bool__(self) -> bool:
        return bool(self.redact or self.forbid)


NO_GUARDS = Guards()


def guards_of(declared: Mapping[str, Any]) -> Guards:
    """Return the guards that a route declares."""
    data = declared.get("guards", {})
    forbid = tuple(sorted(data.get("forbid", {}).items()))
    return Guards(tuple(data.get("redact", ())), forbid, data.get("mode", ENFORCE))


def contradictions(document: Document, place: str, declared: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield what would silently mean nothing."""
    guards = declared.get("guards", {})
    if guards and declared.get("kind", "chat") != "chat":
        yield document.finding(f"{place}/guards", "means nothing for a route of this `kind`")
    if "mode" in guards and not guards.keys() - {"mode"}:
        yield document.finding(f"{place}/guards/mode", "means nothing without `redact` or `forbid`")
