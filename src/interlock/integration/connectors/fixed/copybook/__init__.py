"""COBOL copybooks and the records that they describe: parsing, layout, decoding and encoding; no input or output.

What a record holds is never guessed: a field that cannot be read is reported with its name, its offset and why, and
the bytes of a record that is written anew differ only where its values do.
"""

from __future__ import annotations

from interlock.integration.connectors.fixed.copybook.charsets import CHARSETS, Charset, charset
from interlock.integration.connectors.fixed.copybook.dialects import DIALECTS, Dialect
from interlock.integration.connectors.fixed.copybook.findings import CopybookInvalid, Finding
from interlock.integration.connectors.fixed.copybook.layout import (
    Group,
    Layout,
    Leaf,
    Node,
    Table,
    fixed_places,
    json_name,
    lay_out,
)
from interlock.integration.connectors.fixed.copybook.parsing import parse_copybook
from interlock.integration.connectors.fixed.copybook.placement import Unread
from interlock.integration.connectors.fixed.copybook.records import (
    Decoded,
    RecordUnfit,
    decode,
    encode,
)

__all__ = [
    "CHARSETS",
    "DIALECTS",
    "Charset",
    "CopybookInvalid",
    "Decoded",
    "Dialect",
    "Finding",
    "Group",
    "Layout",
    "Leaf",
    "Node",
    "RecordUnfit",
    "Table",
    "Unread",
    "charset",
    "decode",
    "encode",
    "fixed_places",
    "json_name",
    "lay_out",
    "parse_copybook",
]
