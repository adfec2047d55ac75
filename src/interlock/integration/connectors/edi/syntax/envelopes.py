"""Writing: messages into an interchange, with control numbers and counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from interlock.integration.connectors.edi.syntax.interchanges import EDIFACT, X12
from interlock.integration.connectors.edi.syntax.segments import Delimiters, SegmentUnfit, written

USUAL = {X12: Delimiters("*", ":", "~"), EDIFACT: Delimiters("+", ":", "'", release="?")}

Body = Sequence[tuple[str, Sequence[Sequence[str]]]]
"""The segments of a message between its header and its trailer: tags and elements."""


@dataclass(frozen=True, slots=True)
class Party:
    """One end of an exchange, as the envelope names it."""

    id: str
    qualifier: str = ""
    application: str = ""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What an interchange is put into. *usage* is `production` or `test`; *end* stands after each segment."""

    standard: str
    sender: Party
    receiver: Party
    version: str = ""
    usage: str = "production"
    end: str = "\n"

    @property
    def delimiters(self) -> Delimiters:
        """The delimiters that are written with."""
        usual = USUAL[self.standard]
        repeats = self.standard == X12 and self.version >= "004020"
        return Delimiters(usual.element, usual.component, usual.terminator, "^") if repeats else usual


Line = tuple[str, Sequence[Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to be sent: its *kind* (`850`, `999:005010X231A1`, `ORDRSP:D:96A:UN`) and its *body*."""

    kind: str
    body: Body


def wrapped(envelope: Envelope, control: int, messages: Sequence[Outgoing], *, group: str = "", now: datetime) -> str:
    """Return the interchange number *control* that carries *messages*. Raises `SegmentUnfit`.

    *group* is the functional code of X12 (`PO`); without one the bodies stand in the envelope itself.
    """
    delimiters, end = envelope.delimiters, envelope.end
    if envelope.standard == X12:
        lines = _x12(envelope, control, messages, group, now)
        first = _isa(envelope, control, now)
    else:
        lines = _edifact(control, messages)
        first = written("UNB", _unb(envelope, control, now), delimiters, end)
    return first + "".join(written(tag, elements, delimiters, end) for tag, elements in lines)


def _isa(envelope: Envelope, control: int, now: datetime) -> str:
    """Return ISA, whose elements have fixed lengths and name the delimiters."""
    sender, receiver, delimiters = envelope.sender, envelope.receiver, envelope.delimiters
    for party in (sender, receiver):
        if not party.id or len(party.id) > 15 or len(party.qualifier or "ZZ") != 2:
            raise SegmentUnfit("an address of an X12 envelope has 1 to 15 characters, and a qualifier of 2")
        written("ISA", [[party.id]], delimiters)
    parts = ["ISA", "00", " " * 10, "00", " " * 10, sender.qualifier or "ZZ", sender.id.ljust(15)]
    parts += [receiver.qualifier or "ZZ", receiver.id.ljust(15), f"{now:%y%m%d}", f"{now:%H%M}"]
    parts += [delimiters.repetition or "U", (envelope.version or "004010")[:5], f"{control:09d}", "0"]
    parts += ["P" if envelope.usage == "production" else "T", delimiters.component]
    return delimiters.element.join(parts) + delimiters.terminator + envelope.end


def _x12(envelope: Envelope, control: int, messages: Sequence[Outgoing], group: str, now: datetime) -> list[Line]:
    lines: list[Line] = []
    if not group:
        lines += [line for message in messages for line in message.body]
        return [*lines, ("IEA", plainly("0", f"{control:09d}"))]
    us = envelope.sender.application or envelope.sender.id
    them = envelope.receiver.application or envelope.receiver.id
    version = envelope.version or "004010"
    lines.append(("GS", plainly(group, us, them, f"{now:%Y%m%d}", f"{now:%H%M}", str(control), "X", version)))
    for number, message in enumerate(messages, 1):
        name, _, implementation = message.kind.partition(":")
        lines.append(("ST", plainly(name, f"{number:04d}", implementation)))
        lines += message.body
        lines.append(("SE", plainly(str(len(message.body) + 2), f"{number:04d}")))
    return [*lines, ("GE", plainly(str(len(messages)), str(control))), ("IEA", plainly("1", f"{control:09d}"))]


def _unb(envelope: Envelope, control: int, now: datetime) -> list[list[str]]:
    sender, receiver = envelope.sender, envelope.receiver
    if not (0 < len(sender.id) <= 35 and 0 < len(receiver.id) <= 35):
        raise SegmentUnfit("an address of an EDIFACT envelope has 1 to 35 characters")
    unb: list[list[str]] = [["UNOC", "3"], [sender.id, sender.qualifier], [receiver.id, receiver.qualifier]]
    unb += [[f"{now:%y%m%d}", f"{now:%H%M}"], [str(control)]]
    return unb if envelope.usage == "production" else [*unb, [], [], [], [], [], ["1"]]


def _edifact(control: int, messages: Sequence[Outgoing]) -> list[Line]:
    lines: list[Line] = []
    for number, message in enumerate(messages, 1):
        name, _, version = message.kind.partition(":")
        lines.append(("UNH", [[str(number)], [name, *version.split(":")]]))
        lines += message.body
        lines.append(("UNT", plainly(str(len(message.body) + 2), str(number))))
    return [*lines, ("UNZ", plainly(str(len(messages)), str(control)))]


def plainly(*texts: str) -> list[list[str]]:
    """Return elements of one component each."""
    return [[text] for text in texts]
