"""What is needed to take a system's events, from the name of its scheme of signatures; nothing is asked."""

from __future__ import annotations

from typing import Any

from interlock.integration.connectors.errors import SourceUnfit
from interlock.integration.connectors.surveys import SECRET, Offer, Source, Survey
from interlock.values.operations import Effect

_SIGNATURES: dict[str, dict[str, Any]] = {
    "standard": {"scheme": "standard"},
    "github": {"scheme": "github"},
    "stripe": {"scheme": "stripe"},
    "hmac": {"scheme": "hmac", "header": "X-Signature"},
    "token": {"scheme": "token", "header": "X-Token"},
}
_OFFERS = (
    Offer("list", "list_events", "Events that came, newest first, without their contents.", ("read",), Effect.read),
    Offer("get", "get_event", "An event that came, with its contents.", ("read",), Effect.read),
)


def survey(source: Source) -> Survey:
    """Return a receiver of events that are signed by the scheme that *source* names. Raises `SourceUnfit`."""
    declared = _SIGNATURES.get(source.address.strip().lower())
    if declared is None:
        raise SourceUnfit(
            "it is not known how this system signs its events",
            why="a webhook comes to us, so there is nothing to ask",
            fix=f"name the scheme of its signatures instead of its address: {', '.join(_SIGNATURES)}",
        )
    notes = ["events are sent to /hooks/SYSTEM; the secret is the one that the sender signs with"]
    if "header" in declared:
        notes.append(f"the header {declared['header']} is a guess: which one does the sender use?")
    notes.append("say with `type`, `subject` and `time` where the body holds them")
    return Survey("", {"signature": {**declared, "secret": SECRET}}, _OFFERS, notes=tuple(notes))
