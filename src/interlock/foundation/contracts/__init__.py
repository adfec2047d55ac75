"""JSON Schemas that values are held against: an operation's arguments, a request's body, a model's answer."""

from __future__ import annotations

from interlock.foundation.contracts.contract import Breach, Contract, SchemaInvalid

__all__ = ["Breach", "Contract", "SchemaInvalid"]
