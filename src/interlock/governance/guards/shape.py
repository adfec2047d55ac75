"""What an answer has to be: JSON of a given shape."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson

from interlock.foundation.contracts import Contract, SchemaInvalid

NO_JSON = "is not JSON, or is more than JSON alone"


class Shape:
    """A schema that answers are held against. Raises `SchemaInvalid` when made.

    Two are equal where their schemas are. Nothing is fetched for one, and patterns take linear time.
    """

    __slots__ = ("_contract", "_text", "schema")

    def __init__(self, schema: Mapping[str, Any]) -> None:
        try:
            self._text = orjson.dumps(schema, option=orjson.OPT_SORT_KEYS)
        except TypeError as error:
            raise SchemaInvalid("it is no JSON") from error
        self._contract = _compiled(self._text)
        self.schema = schema

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Shape) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def misfits(self, text: str) -> list[str]:
        """Return what is wrong with *text*, by places and rules and never by what it says; empty where it fits."""
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError:
            return [f"the answer {NO_JSON}"]
        if self._contract.holds(value):
            return []
        return [f"{breach.pointer or 'the answer'} {breach.reason}" for breach in self._contract.breaches(value)]


@lru_cache(maxsize=256)
def _compiled(text: bytes) -> Contract:
    """Compile a schema once, however many requests carry it."""
    return Contract(orjson.loads(text))
