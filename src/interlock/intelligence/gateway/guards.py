"""What a route declares of guards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from interlock.foundation.contracts import SchemaInvalid
from interlock.foundation.documents import Document, Finding, ProjectInvalid
from interlock.governance.guards import Canary, Patterns, Phrases, Shape
from interlock.intelligence.gateway.formats import RESPONSE_FORMAT, json_format
from interlock.intelligence.gateway.messages import ModelRequest

ANSWER = "answer"
"""The name under which a provider is shown the shape that a route declares."""

CANARY = "canary"
ENFORCE, OBSERVE = "enforce", "observe"


@dataclass(frozen=True, slots=True)
class Guards:
    """*redact* are kinds of `governance.guards` that models do not get to see, *forbid* phrases, as (name, phrase).

    *shape* is what every answer in words has to fit, whatever a request asks for itself. One that is to be *grounded*
    cites the passages of the request; a *canary* is put among the instructions, and may not be said. With the *mode*
    `observe` nothing is changed or refused, only reported.
    """

    redact: tuple[str, ...] = ()
    forbid: tuple[tuple[str, str], ...] = ()
    mode: str = ENFORCE
    shape: Shape | None = None
    grounded: bool = False
    canary: Canary | None = None
    detector: Patterns = field(init=False, repr=False, compare=False)
    phrases: Phrases = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "detector", Patterns(self.redact))
        sung = ((CANARY, self.canary.song),) if self.canary is not None else ()
        object.__setattr__(self, "phrases", Phrases(self.forbid + sung))

    def __bool__(self) -> bool:
        return bool(self.redact or self.phrases.longest or self.reads_whole)

    @property
    def reads_whole(self) -> bool:
        """Whether an answer can be judged, and asked for again, only when it is whole."""
        return self.shape is not None or self.grounded

    def shown(self, request: ModelRequest) -> ModelRequest:
        """Return *request* with what guards add to it: the declared shape, where it asks for none, and the canary."""
        if self.mode == OBSERVE:
            return request
        if self.canary is not None:
            request = replace(request, messages=self.canary.among(request.messages))
        if self.shape is None or RESPONSE_FORMAT in request.parameters:
            return request
        return replace(request, parameters={**request.parameters, **json_format(ANSWER, self.shape.schema)})


NO_GUARDS = Guards()


def guards_of(document: Document, place: str, declared: Mapping[str, Any]) -> Guards:
    """Return the guards that the route at *place* declares. Raises `ProjectInvalid` where its schema is none."""
    data = declared.get("guards", {})
    forbid = tuple(sorted(data.get("forbid", {}).items()))
    shape = _shape(document, place, data)
    mode, canary = data.get("mode", ENFORCE), Canary() if "canary" in data else None
    return Guards(tuple(data.get("redact", ())), forbid, mode, shape, "citations" in data, canary)


def contradictions(document: Document, place: str, declared: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield what would silently mean nothing."""
    guards = declared.get("guards", {})
    if guards and declared.get("kind", "chat") != "chat":
        yield document.finding(f"{place}/guards", "means nothing for a route of this `kind`")
    if "mode" in guards and not guards.keys() - {"mode"} and not _bounded(declared):
        yield document.finding(f"{place}/guards/mode", "means nothing without a guard beside it")


def _bounded(declared: Mapping[str, Any]) -> bool:
    return "residency" in declared or any("clearance" in target for target in declared["targets"])


def _shape(document: Document, place: str, guards: Mapping[str, Any]) -> Shape | None:
    if "schema" not in guards:
        return None
    try:
        return Shape(guards["schema"])
    except SchemaInvalid as error:
        raise ProjectInvalid([document.finding(f"{place}/guards/schema", f"is no JSON Schema: {error}")]) from error
