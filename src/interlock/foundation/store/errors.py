"""Errors of the database. None ever holds a value that was to be written.

InterlockError
 +-- StoreError
      +-- StoreUnavailable      it cannot be reached or written now; what became of a commit may be unknown
      |    +-- StoreBusy        others were in the way for too long; certainly rolled back
      |    +-- ClaimLost        the connection was lost and another process took a claim of this one
      +-- StoreDamaged          the file is no database, or its pages contradict each other
      +-- StatementRefused      the database refuses a statement; nothing of the transaction was committed
      |    +-- RowRefused       a row breaks a constraint (unique, not null, foreign key, check)
      +-- SchemaConflict        the tables were made by other migrations than this program's
      +-- DatabaseUrlInvalid    the storage URL names no database this program knows
      +-- DriverMissing         the package that speaks to this database is not installed
"""

from __future__ import annotations

from typing import Any

from interlock.values.errors import InterlockError


class StoreError(InterlockError):
    """Something about the database; catch this to catch all of them."""


class StoreUnavailable(StoreError):
    """The database cannot be reached or written now.

    Raised from a commit, it leaves open whether the transaction became durable, if the connection broke
    while it was being committed.
    """

    code = "store_unavailable"
    status = 503
    title = "The database is not available"
    transient = True


class StoreBusy(StoreUnavailable):
    """Other writers were in the way for longer than the limit; the transaction was rolled back."""

    code = "store_busy"
    title = "The database is busy"


class ClaimLost(StoreUnavailable):
    """The connection that held this process's claims was lost, and somebody else holds one of them now."""

    code = "store_claim_lost"
    title = "Another process took over"
    transient = False


class StoreDamaged(StoreError):
    """The file is no database, or its pages contradict each other."""

    code = "store_damaged"
    title = "The database is damaged"


class StatementRefused(StoreError):
    """The database refuses a statement; nothing of its transaction was committed.

    *index* is the position of the guilty unit in the commit, or None where the database does not tell.
    """

    code = "statement_refused"
    title = "The database refused a statement"

    def __init__(self, what: str, *, index: int | None = None, **rest: Any) -> None:
        super().__init__(what, **rest)
        self.index = index


class RowRefused(StatementRefused):
    """A row breaks a constraint of its table: unique, not null, foreign key or check."""

    code = "row_refused"
    status = 409
    title = "A row breaks a constraint"


class SchemaConflict(StoreError):
    """The tables were made by other migrations than those this program brings."""

    code = "store_schema_conflict"
    title = "The database has another schema"


class DatabaseUrlInvalid(StoreError):
    """The storage URL names no database that this program knows."""

    code = "database_url_invalid"
    status = 422
    title = "Not a database URL"


class DriverMissing(StoreError):
    """The package that speaks to this database is not installed."""

    code = "database_driver_missing"
    title = "A database driver is missing"
