"""What is needed to take a system's events, from the name of its scheme, or to send it some, from its address.

Nothing is asked.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from interlock.integration.connectors.errors import SourceUnfit
from interlock.integration.connectors.receiving import CAME
from interlock.integration.connectors.surveys import SECRET, Offer, Source, Survey
from interlock.values.operations import Effect

_SIGNATURES: dict[str, dict[str, Any]] = {
    "standard": {"scheme": "standard"},
    "github": {"scheme": "github"},
    "stripe": {"scheme": "stripe"},
    "hmac": {"scheme": "hmac", "header": "X-Signature"},
    "token": {"scheme": "token", "header": "X-Token"},
}


def survey(source: Source) -> Survey:
    """Return a receiver of events that are signed by the scheme that *source* names, or a sender to its address.

    Raises `SourceUnfit`.
    """
    if "://" in source.address:
        return _sender(source.address)
    declared = _SIGNATURES.get(source.address.strip().lower())
    if declared is None:
        raise SourceUnfit(
            "it is not known how this system signs its events",
            why="a webhook comes to us, so there is nothing to ask",
            fix=f"name the scheme of its signatures ({', '.join(_SIGNATURES)}), or the address to send events to",
        )
    notes = ["events are sent to /hooks/SYSTEM; the secret is the one that the sender signs with"]
    if "header" in declared:
        notes.append(f"the header {declared['header']} is a guess: which one does the sender use?")
    notes.append("say with `type`, `subject` and `time` where the body holds them")
    return Survey("", {"signature": {**declared, "secret": SECRET}}, CAME, notes=tuple(notes))


def _sender(address: str) -> Survey:
    try:
        parts = urlsplit(address)
        host, why = parts.hostname or "", "it holds credentials" if parts.username or parts.password else ""
    except ValueError:
        host, why = "", ""
    if why or not host or not address.lower().startswith(("http://", "https://")):
        raise SourceUnfit(
            "events cannot be sent to this address",
            why=why or "it is no address of HTTP",
            fix="write https://HOST/PATH; who sends is proven by the signature",
        )
    offer = Offer(
        "send",
        "send_event",
        "Send an event.",
        ("write",),
        Effect.write,
        idempotent=True,
        settings={"options": {"type": "com.example.happened"}, "input": {"properties": {"about": {"type": "string"}}}},
    )
    notes = (
        "nothing was asked: the type and the input of what is sent are guesses",
        "the secret is the key that the receiver expects: whsec_ and base64, or our own that begins with whsk_",
        "it is sent again under the same webhook-id where it is not known whether it came: does the receiver heed it?",
    )
    return Survey(host.split(".")[0], {"to": {"url": address, "sign": {"secret": SECRET}}}, (offer,), notes=notes)
