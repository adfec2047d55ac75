"""An operation's definition as its system publishes it: what is pinned, and quarantined when it changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from interlock.values.digests import digest

_ALGORITHM = "sha256:"


@dataclass(frozen=True, slots=True)
class Definition:
    """The upstream part of one operation.

    *input_schema* is a JSON Schema (2020-12) of type object without references outside itself,
    *output_schema* one for the result, or None where the system promises nothing. *binding* is the
    connector's own part (method and path, statement, tool): JSON only, never a secret or an address that
    differs by installation.
    """

    input_schema: Mapping[str, Any]
    output_schema: Mapping[str, Any] | None = None
    binding: Mapping[str, Any] = field(default_factory=dict)
    description: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the definition as a JSON object, the one that is pinned."""
        return {
            "description": self.description,
            "input": self.input_schema,
            "output": self.output_schema,
            "binding": self.binding,
        }

    @property
    def digest(self) -> str:
        """The digest of all of it; equal definitions have equal digests."""
        return digest(self.to_json())

    @property
    def fingerprint(self) -> str:
        """The hex digits of the digest alone; declaration packs are pinned to the first of them."""
        return self.digest.removeprefix(_ALGORITHM)
