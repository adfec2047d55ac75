"""Which target may be shown what a call holds: how far it is cleared, where it stands, and what the call is for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from interlock.foundation.documents import Document, Finding, escape
from interlock.values.clearances import EVERY, Clearance
from interlock.values.labels import Category, Confidentiality, Label, label_from_json

CLEARANCE = "clearance"
"""The name of the rule that a target is shown nothing above its own clearance."""

UNKNOWN = Label(Confidentiality.restricted, EVERY)
"""What counts where nobody says what a call holds."""


@dataclass(frozen=True, slots=True)
class Broken:
    """The rule that a target may not be asked by, and its words."""

    rule: str
    words: str


@dataclass(frozen=True, slots=True)
class Residency:
    """A rule of a route. It is about calls for *use_cases* that hold data of *level* or above, or of *categories*.

    None of these, and it is about every call. Such a call may be made for *purposes* alone, and only to targets in
    *regions*; None allows any.
    """

    name: str
    because: str
    use_cases: frozenset[str] = frozenset()
    level: Confidentiality | None = None
    categories: frozenset[Category] = frozenset()
    purposes: frozenset[str] | None = None
    regions: frozenset[str] | None = None

    def concerns(self, label: Label, use_case: str) -> bool:
        """Return whether it is about a call for *use_case* that holds data of *label*."""
        if self.use_cases and use_case not in self.use_cases:
            return False
        if self.level is None and not self.categories:
            return True
        high = self.level is not None and label.confidentiality >= self.level
        return high or bool(label.categories & self.categories)

    def allows(self, region: str, use_case: str) -> bool:
        """Return whether a call that it is about may go to *region* for *use_case*; one that is not named, nowhere."""
        fitting = self.purposes is None or use_case in self.purposes
        return fitting and (self.regions is None or region in self.regions)


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of one call: the *label* of all that it holds, what it is for, and the route's rules."""

    label: Label
    use_case: str
    rules: tuple[Residency, ...]

    def broken(self, clearance: Clearance, region: str) -> Broken | None:
        """Return the first rule by which a target of *clearance* in *region* may not be asked."""
        if not clearance.admits(self.label):
            shown = ", ".join([f"up to {clearance.confidentiality.name}", *sorted(clearance.categories)])
            return Broken(CLEARANCE, f"the call holds {self.label} data, and the target may be shown {shown}")
        for rule in self.rules:
            if rule.concerns(self.label, self.use_case) and not rule.allows(region, self.use_case):
                return Broken(rule.name, rule.because)
        return None


def terms_of(metadata: Mapping[str, Any], rules: tuple[Residency, ...]) -> Terms:
    """Return the terms of a call by its *metadata*.

    What people write counts as the house's own, whatever else the call holds. A call whose label is not known holds
    everything.
    """
    try:
        label = label_from_json(metadata["label"]).join(Label())
    except (KeyError, ValueError, TypeError):
        label = UNKNOWN
    return Terms(label, str(metadata.get("use_case", "")), rules)


def residency_of(declared: Mapping[str, Any]) -> tuple[Residency, ...]:
    """Return the rules that a route declares."""
    return tuple(
        Residency(
            name,
            rule["because"],
            frozenset(rule.get("use_cases", ())),
            Confidentiality[rule["confidentiality"]] if "confidentiality" in rule else None,
            frozenset(map(Category, rule.get("categories", ()))),
            frozenset(rule["purposes"]) if "purposes" in rule else None,
            frozenset(rule["regions"]) if "regions" in rule else None,
        )
        for name, rule in declared.get("residency", {}).items()
    )


def contradictions(document: Document, place: str, declared: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield rules that allow everything, and regions in which no target stands."""
    known = {target.get("region", "") for target in declared["targets"]}
    for name, rule in declared.get("residency", {}).items():
        pointer = f"{place}/residency/{escape(name)}"
        if not rule.keys() & {"purposes", "regions"}:
            yield document.finding(pointer, "means nothing without `purposes` or `regions`")
        for at, region in enumerate(rule.get("regions", ())):
            if region not in known:
                yield document.finding(f"{pointer}/regions/{at}", f"no target of the route stands in {region!r}")
