"""What a route declares of guards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from interlock.foundation.contracts import SchemaInvalid
from interlock.foundation.documents import Document, Finding, ProjectInvalid
from interlock.governance.guards import Patterns, Phrases, Shape
from interlock.intelligence.gateway.formats import RESPONSE_FORMAT, json_format
from interlock.intelligence.gateway.messages import ModelRequest

ANSWER = "answer"
"""The name under which a provider is shown the shape that a route declares."""

ENFORCE, OBSERVE = "enforce", "observe"


@dataclass(frozen=True, slots=True)
class Guards:
    """*redact* are kinds of `governance.guards` that models do not get to see, *forbid* phrases, as (name, phrase).

    *shape* is what every answer in words has to fit, whatever a request asks for itself. One that is to be *grounded*
    cites the passages of the request. With the *mode* `observe` nothing is changed or refused, only reported.
    """

    redact: tuple[str, ...] = ()
    forbid: tuple[tuple[str, str], ...] = ()
    mode: str = ENFORCE
    shape: Shape | None = None
    grounded: bool = False
    detector: Patterns = field(init=False, repr=False, compare=False)
    phrases: Phrases = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "detector", Patterns(self.redact))
        object.__setattr__(self, "phrases", Phrases(self.forbid))

    def __bool__(self) -> bool:
        return bool(self.redact or self.forbid or self.reads_whole)

    @property
    def reads_whole(self) -> bool:
        """Whether an answer can be judged, and asked for again, only when it is whole."""
        return self.shape is not None or self.grounded

    def shown(self, request: ModelRequest) -> ModelRequest:
        """Return *request* with the declared shape, where it asks for none itself and guards are to change it."""
        if self.shape is None or self.mode == OBSERVE or RESPONSE_FORMAT in request.parameters:
            return request
        return replace(request, parameters={**request.parameters, **json_format(ANSWER, self.shape.schema)})


NO_GUARDS = Guards()


def guards_of(document: Document, place: str, declared: Mapping[str, Any]) -> Guards:
    """Return the guards that the route at *place* declares. Raises `ProjectInvalid` where its schema is none."""
    data = declared.get("guards", {})
    forbid = tuple(sorted(data.get("forbid", {}).items()))
    shape = _shape(document, place, data)
    return Guards(tuple(data.get("redact", ())), forbid, data.get("mode", ENFORCE), shape, "citations" in data)


def contradictions(document: Document, place: str, declared: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield what would silently mean nothing."""
    guards = declared.get("guards", {})
    if guards and declared.get("kind", "chat") != "chat":
        yield document.finding(f"{place}/guards", "means nothing for a route of this `kind`")
    if "mode" in guards and not guards.keys() - {"mode"}:
        yield document.finding(f"{place}/guards/mode", "means nothing without a guard beside it")


def _shape(document: Document, place: str, guards: Mapping[str, Any]) -> Shape | None:
    if "schema" not in guards:
        return None
    try:
        return Shape(guards["schema"])
    except SchemaInvalid as error:
        raise ProjectInvalid([document.finding(f"{place}/guards/schema", f"is no JSON Schema: {error}")]) from error
