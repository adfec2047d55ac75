"""What goes in and out of an operation, checked and pinned."""

from __future__ import annotations

from interlock.foundation.contracts import Breach, Contract, SchemaInvalid
from interlock.integration.contracts.definition import Definition
from interlock.integration.contracts.differences import Difference, differences
from interlock.integration.contracts.errors import InputInvalid, NotQuarantined
from interlock.integration.contracts.pins import Pins, Quarantined

__all__ = [
    "Breach",
    "Contract",
    "Definition",
    "Difference",
    "InputInvalid",
    "NotQuarantined",
    "Pins",
    "Quarantined",
    "SchemaInvalid",
    "differences",
]
