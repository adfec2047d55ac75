"""From an operation's arguments to what its request carries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interlock.integration.connectors.templates import Template, Unsendable

JSON = "json"
"""The name of the value that is the body, where that is JSON. All others are named by their place: `query owner`."""


class Values:
    """Fills the places of a request: *written* are its values by name, *usual* the arguments that were not given."""

    def __init__(self, written: Mapping[str, Any], usual: Mapping[str, Any]) -> None:
        self._template = Template(written)
        self._usual = usual

    def of(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the values for *arguments*; a value is left out where its argument is. Raises `Unsendable`."""
        filled: Mapping[str, Any] = self._template.fill({**self._usual, **arguments})
        for name, value in filled.items():
            if isinstance(value, Mapping) and name != JSON:  # its members could pass for parameters of their own
                raise Unsendable(f"{name} is an object, which only a JSON body can carry")
        return filled
