"""X12 and EDIFACT as such: delimiters, segments, envelopes, messages, acknowledgements; no input or output.

An interchange is read whole or refused with the segment and the reason, and written back byte for byte.
"""

from __future__ import annotations

from interlock.integration.connectors.edi.syntax.acknowledgements import KINDS, acknowledgement
from interlock.integration.connectors.edi.syntax.envelopes import Envelope, Outgoing, Party, wrapped
from interlock.integration.connectors.edi.syntax.interchanges import (
    Fault,
    Group,
    Interchange,
    InterchangeBroken,
    Message,
    parse_interchanges,
)
from interlock.integration.connectors.edi.syntax.mappings import Mapping, MappingInvalid, Problem, Shown, parse_mapping
from interlock.integration.connectors.edi.syntax.segments import Delimiters, Segment, SegmentUnfit

__all__ = [
    "KINDS",
    "Delimiters",
    "Envelope",
    "Fault",
    "Group",
    "Interchange",
    "InterchangeBroken",
    "Mapping",
    "MappingInvalid",
    "Message",
    "Outgoing",
    "Party",
    "Problem",
    "Segment",
    "SegmentUnfit",
    "Shown",
    "acknowledgement",
    "parse_interchanges",
    "parse_mapping",
    "wrapped",
]
