"""The journal: the append-only, hash-chained, signed record of everything that happened."""

from __future__ import annotations

from interlock.governance.journal.covering import cover, label_of
from interlock.governance.journal.entry import Entry, Receipt
from interlock.governance.journal.erase import erase
from interlock.governance.journal.errors import (
    Conflict,
    EntryInvalid,
    JournalClosed,
    JournalDamaged,
    JournalSearchInvalid,
    JournalUnavailable,
    SigningKeyUnsafe,
)
from interlock.governance.journal.reader import JournalReader, Page, Record, Search
from interlock.governance.journal.verify import Verification, examine
from interlock.governance.journal.writer import Journal

__all__ = [
    "Conflict",
    "Entry",
    "EntryInvalid",
    "Journal",
    "JournalClosed",
    "JournalDamaged",
    "JournalReader",
    "JournalSearchInvalid",
    "JournalUnavailable",
    "Page",
    "Receipt",
    "Record",
    "Search",
    "SigningKeyUnsafe",
    "Verification",
    "cover",
    "erase",
    "examine",
    "label_of",
]
