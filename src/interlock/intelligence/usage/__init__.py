"""What model calls take and cost: prices, metering of each call, and the figures afterwards."""

from __future__ import annotations

from interlock.intelligence.usage.book import UsageBook, UsageQuery
from interlock.intelligence.usage.errors import UsageQueryInvalid
from interlock.intelligence.usage.metering import Answer, MeteredCall, Metering
from interlock.intelligence.usage.prices import Price, Prices, prices_of
from interlock.intelligence.usage.store import GROUPS

__all__ = [
    "GROUPS",
    "Answer",
    "MeteredCall",
    "Metering",
    "Price",
    "Prices",
    "UsageBook",
    "UsageQuery",
    "UsageQueryInvalid",
    "prices_of",
]
