"""A project's files: read, interpolated and validated, with every problem at its line."""

from __future__ import annotations

from interlock.foundation.documents.document import Document, parse_document, read_document
from interlock.foundation.documents.errors import ProjectInvalid
from interlock.foundation.documents.findings import Finding, Findings, dotted
from interlock.foundation.documents.foreign import ForeignInvalid, foreign
from interlock.foundation.documents.interpolation import unset
from interlock.foundation.documents.pointers import escape, pointer_of, steps_of, unescape
from interlock.foundation.documents.schemas import KINDS, schema_text
from interlock.foundation.documents.syntax import parse
from interlock.foundation.documents.validation import check

__all__ = [
    "KINDS",
    "Document",
    "Finding",
    "Findings",
    "ForeignInvalid",
    "ProjectInvalid",
    "check",
    "dotted",
    "escape",
    "foreign",
    "parse",
    "parse_document",
    "pointer_of",
    "read_document",
    "schema_text",
    "steps_of",
    "unescape",
    "unset",
]
