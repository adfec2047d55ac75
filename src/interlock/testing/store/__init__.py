"""The contract that every database must keep, for the two that ship and for any other."""

from __future__ import annotations

from interlock.testing.store.database import DatabaseContract

__all__ = ["DatabaseContract"]
