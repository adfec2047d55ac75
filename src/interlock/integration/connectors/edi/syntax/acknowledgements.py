"""Answers to an interchange about its form: 997, 999 and TA1 for X12, CONTRL for EDIFACT."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from interlock.integration.connectors.edi.syntax.envelopes import Line, Outgoing, plainly
from interlock.integration.connectors.edi.syntax.interchanges import (
    EDIFACT,
    X12,
    Group,
    Interchange,
    InterchangeBroken,
)

KINDS = {"997": X12, "999": X12, "CONTRL": EDIFACT}
"""The kinds of acknowledgements, with the standard that each belongs to."""

ACCEPTED = "accepted"
PARTLY = "partly accepted"
REJECTED = "rejected"
_IMPLEMENTATION = {"997": "997", "999": "999:005010X231A1"}


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What to answer: *messages*, in a group of the functional code *group* (empty for TA1), and the *verdict*."""

    messages: tuple[Outgoing, ...]
    group: str
    verdict: str


def acknowledgement(subject: Interchange | InterchangeBroken, kind: str, *, now: datetime) -> Acknowledgement | None:
    """Return the acknowledgement of *kind* for what was received; None where not even its header could be read."""
    if isinstance(subject, InterchangeBroken):
        return _rejection(subject, now) if subject.opened is not None else None
    accepted = [message.fault is None and group.fault is None for group, message in subject.messages]
    verdict = ACCEPTED if all(accepted) and accepted else PARTLY if any(accepted) else REJECTED
    if subject.standard == X12:
        return Acknowledgement(tuple(_functional(group, kind) for group in subject.groups), "FA", verdict)
    return Acknowledgement((_control(subject, verdict),), "", verdict)


def _functional(group: Group, kind: str) -> Outgoing:
    tag = "AK5" if kind == "997" else "IK5"
    lines: list[Line] = [("AK1", plainly(group.code, group.control, group.version if kind == "999" else ""))]
    good = 0
    for message in group.messages:
        fault = message.fault
        good += fault is None
        lines.append(("AK2", plainly(message.type, message.control)))
        lines.append((tag, plainly("A") if fault is None else plainly("R", fault.code)))
    received = len(group.messages)
    if group.fault is not None:
        good = 0
    word = "R" if not good else "A" if good == received else "P"
    counts = [group.claimed or str(received), str(received), str(good)]
    lines.append(("AK9", plainly(word, *counts, group.fault.code if group.fault is not None else "")))
    return Outgoing(_IMPLEMENTATION[kind], lines)


def _control(subject: Interchange, verdict: str) -> Outgoing:
    lines: list[Line] = [("UCI", _header(subject, "7" if verdict == ACCEPTED else "8"))]
    for group, message in subject.messages:
        fault = message.fault or group.fault
        name = [[message.control], [message.type, *message.version.split(":")]]
        lines.append(("UCM", [*name, ["7"]] if fault is None else [*name, ["4"], [fault.code], [fault.tag]]))
    return Outgoing("CONTRL:D:3:UN", lines)


def _header(subject: Interchange, action: str) -> list[list[str]]:
    sender = [subject.sender, subject.sender_qualifier]
    return [[subject.control], sender, [subject.receiver, subject.receiver_qualifier], [action]]


def _rejection(error: InterchangeBroken, now: datetime) -> Acknowledgement:
    opened = error.opened
    assert opened is not None
    if opened.standard == X12:
        line: Line = ("TA1", plainly(opened.control, f"{now:%y%m%d}", f"{now:%H%M}", "R", error.code or "022"))
        return Acknowledgement((Outgoing("", [line]),), "", REJECTED)
    elements = [*_header(opened, "4"), [error.code or "12"], [error.tag]]
    return Acknowledgement((Outgoing("CONTRL:D:3:UN", [("UCI", elements)]),), "", REJECTED)
