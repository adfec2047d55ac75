"""What an interchange offers: messages of its types, read, taken and acknowledged, and what is sent in answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from interlock.integration.connectors.edi.messages import MAPPINGS
from interlock.integration.connectors.edi.syntax import KINDS, Interchange, InterchangeBroken, parse_interchanges
from interlock.integration.connectors.errors import SourceUnfit
from interlock.integration.connectors.surveys import STATE, Offer, Source, Survey
from interlock.values.operations import Effect

OUTBOX = "edi/out"
_BEGINS = (b"ISA", b"UNA", b"UNB")
_KINDS = {
    "850": "order",
    "855": "order_answer",
    "810": "invoice",
    "ORDERS": "order",
    "ORDRSP": "order_answer",
    "INVOIC": "invoice",
}
_ANSWERS = {"850": ("855", "810"), "ORDERS": ("ORDRSP", "INVOIC")}
_ACKNOWLEDGES = {"x12": ("997",), "edifact": ("CONTRL",)}


_NAMED = {"arguments": dict.fromkeys(("sender", "interchange", "group", "control"), "target")}
"""What says which message is meant."""


def recognises(source: Source) -> bool:
    """Return whether *source* begins as interchanges do."""
    return source.content is not None and source.content.lstrip()[:3] in _BEGINS


def survey(source: Source, root: Path) -> Survey:
    """Return what a received interchange offers to whoever received it. Raises `SourceUnfit`."""
    text = source.document.decode("latin-1")
    try:
        first = parse_interchanges(text)[0]
    except InterchangeBroken as error:
        raise SourceUnfit("the interchange cannot be read", why=str(error)) from error
    types = list(dict.fromkeys(message.type for _, message in first.messages))
    known = [one for one in types if one in MAPPINGS and MAPPINGS[one].standard == first.standard]
    notes = ["who we are is taken from the interchange, as its receiver: is this one that we got?"]
    notes += [
        f"{one} has no mapping that ships: write one, and name it under `mappings`" for one in types if one not in known
    ]
    if not known:
        names = ", ".join(name for name, one in MAPPINGS.items() if one.standard == first.standard)
        raise SourceUnfit("none of its messages has a mapping that ships", why=f"there are mappings for {names}")
    connection: dict[str, Any] = {
        "standard": first.standard,
        "inbox": _inbox(source.address, root),
        "outbox": OUTBOX,
        "state": STATE,
        "us": _party(first.receiver, first.receiver_qualifier, first),
        "partner": _party(first.sender, first.sender_qualifier, first),
        "usage": "test",
    }
    if not (root / OUTBOX).is_dir():
        notes.append(f"make the folder {OUTBOX}, where what is sent is put for whoever carries it")
    notes.append("envelopes are marked as a test: write `usage: production` when they are meant")
    return Survey("", connection, tuple(_offers(first, known)), kind="erp", notes=tuple(notes))


def _party(name: str, qualifier: str, interchange: Interchange) -> dict[str, str]:
    usual = "ZZ" if interchange.standard == "x12" else ""
    return {"id": name, **({"qualifier": qualifier} if qualifier.strip() and qualifier != usual else {})}


def _inbox(address: str, root: Path) -> str:
    """Return the folder of the file where it lies in the project."""
    file = Path(address) if Path(address).is_absolute() else Path.cwd() / address
    file = (file if file.exists() else root / address).resolve()
    inside = file.is_file() and file.parent.is_relative_to(root.resolve()) and file.parent != root.resolve()
    return str(file.parent.relative_to(root.resolve())) if inside else "edi/in"


def _offers(interchange: Interchange, types: list[str]) -> Iterator[Offer]:
    for kind in types:
        word = _KINDS.get(kind, kind.lower())
        yield Offer(
            f"list {kind}", f"list_{word}s", f"Messages {kind} received, and what was refused.", ("read",), Effect.read
        )
        what = f"One message {kind} that was received."
        yield Offer(f"get {kind}", f"get_{word}", what, ("read",), Effect.read, settings=_NAMED)
        what = f"Take a message {kind}, once."
        yield Offer(f"take {kind}", f"take_{word}", what, ("write",), Effect.write, idempotent=True, settings=_NAMED)
        for answer in _ANSWERS.get(kind, ()):
            sent, what = _KINDS.get(answer, answer.lower()), f"Send a message {answer} to the partner."
            yield Offer(f"send {answer}", f"send_{sent}", what, ("write",), Effect.irreversible, idempotent=True)
    for kind in _ACKNOWLEDGES[interchange.standard]:
        if kind in KINDS:
            what = "Tell the partner whether an interchange was well formed."
            settings = {"arguments": {"sender": "target", "interchange": "target"}}
            yield Offer(f"acknowledge {kind}", "acknowledge", what, ("write",), Effect.write, True, settings=settings)
