"""The database: one small interface over SQLite and PostgreSQL, with one transaction per group of changes."""

from __future__ import annotations

from interlock.foundation.store.database import Append, Database, Row, Statement, Unit, Writes
from interlock.foundation.store.errors import (
    ClaimLost,
    DatabaseUrlInvalid,
    DriverMissing,
    RowRefused,
    SchemaConflict,
    StatementRefused,
    StoreBusy,
    StoreDamaged,
    StoreError,
    StoreUnavailable,
)
from interlock.foundation.store.opening import open_database

__all__ = [
    "Append",
    "ClaimLost",
    "Database",
    "DatabaseUrlInvalid",
    "DriverMissing",
    "Row",
    "RowRefused",
    "SchemaConflict",
    "Statement",
    "StatementRefused",
    "StoreBusy",
    "StoreDamaged",
    "StoreError",
    "StoreUnavailable",
    "Unit",
    "Writes",
    "open_database",
]
