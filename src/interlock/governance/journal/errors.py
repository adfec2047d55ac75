"""Errors of the journal.

InterlockError
 +-- Conflict                   somebody was faster: a guard did not hold, or a row exists already
 +-- EntryInvalid               an entry holds what cannot be written as JSON
 +-- JournalUnavailable         the entries could not be made durable
 +-- JournalClosed              the journal is closed or was not opened
 +-- JournalDamaged             records or checkpoints contradict each other
 +-- SigningKeyUnsafe           the signing key may be read by others, or is no key
 +-- JournalSearchInvalid       a search was asked for with a cursor or a moment that is none
"""

from __future__ import annotations

from interlock.values.errors import InterlockError


class Conflict(InterlockError):
    """Somebody was faster: what the change builds on is no longer so. Nothing was changed or recorded."""

    code = "conflict"
    status = 409
    title = "Somebody was faster"


class EntryInvalid(InterlockError):
    """An entry holds what cannot be written as JSON. Nothing was recorded."""

    code = "journal_entry_invalid"
    status = 500
    title = "Not a journal entry"


class JournalUnavailable(InterlockError):
    """The entries could not be made durable.

    `details["recorded"]` is `no`, or `unknown` if the connection broke and the database still cannot be asked.
    """

    code = "journal_unavailable"
    status = 503
    title = "The journal cannot be written"
    transient = True


class JournalClosed(InterlockError):
    """The journal is closed or was not opened."""

    code = "journal_closed"
    status = 503
    title = "The journal is closed"


class JournalDamaged(InterlockError):
    """Records or signed checkpoints contradict each other: something was changed from outside."""

    code = "journal_damaged"
    status = 500
    title = "The journal is damaged"


class SigningKeyUnsafe(InterlockError):
    """The key that signs checkpoints may be read by others, or the file holds no key."""

    code = "journal_key_unsafe"
    status = 500
    title = "The signing key is not safe"


class JournalSearchInvalid(InterlockError):
    """A search was asked for with a cursor that no page returned, or a moment that is not RFC 3339."""

    code = "journal_search_invalid"
    status = 400
    title = "Not a search"
