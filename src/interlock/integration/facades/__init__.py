"""Facades: operations of systems under names, paths and shapes of their own, for callers of all kinds."""

from __future__ import annotations

from interlock.integration.facades.declaration import facade_from_document
from interlock.integration.facades.errors import CursorInvalid, ListBroken
from interlock.integration.facades.facade import ITEMS, NEXT, Asked, Endpoint, Facade
from interlock.integration.facades.fields import resolved
from interlock.integration.facades.paging import CURSOR, LIMIT

__all__ = [
    "CURSOR",
    "ITEMS",
    "LIMIT",
    "NEXT",
    "Asked",
    "CursorInvalid",
    "Endpoint",
    "Facade",
    "ListBroken",
    "facade_from_document",
    "resolved",
]
