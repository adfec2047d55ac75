"""A secret that hides itself wherever it is shown, compared by value, and must be revealed on purpose."""

from __future__ import annotations

import hmac
from typing import Any, NoReturn

MASK = "********"


class Secret:
    """A text that is never shown by `str`, `repr`, formatting, pickling or JSON.

    Only `reveal()` returns the text; a search for that word finds every place that handles one in the clear.
    """

    __slots__ = ("_name", "_text")

    def __init__(self, text: str, *, name: str = "") -> None:
        self._text = text
        self._name = name

    @property
    def name(self) -> str:
        """The name under which the secret is referred to (`secret:NAME`), or the empty string."""
        return self._name

    def reveal(self) -> str:
        """Return the text itself."""
        return self._text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash(("Secret", self._name))

    def __repr__(self) -> str:
        return f"Secret({self._name or MASK})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not pickled")

    def __bool__(self) -> bool:
        return bool(self._text)


def masked(value: Any) -> Any:
    """Return a JSON-able copy of *value* in which every `Secret` is replaced by the mask."""
    if isinstance(value, Secret):
        return MASK
    if isinstance(value, dict):
        return {key: masked(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [masked(item) for item in value]
    return value
