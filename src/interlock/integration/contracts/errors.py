"""Errors of contracts.

InterlockError
 +-- InputInvalid    arguments do not fit an operation's input schema
"""

from __future__ import annotations

from collections.abc import Sequence

from interlock.foundation.contracts import Breach
from interlock.values.errors import InterlockError


class InputInvalid(InterlockError):
    """Arguments do not fit the operation; `breaches` names each place and rule, never a value."""

    code = "input_invalid"
    status = 422
    title = "The arguments do not fit the operation"

    def __init__(self, operation: str, breaches: Sequence[Breach]) -> None:
        self.breaches = tuple(breaches)
        first = self.breaches[0]
        super().__init__(
            f"the arguments of {operation} do not fit its input schema",
            why=f"{first.pointer or 'the input'} {first.reason}",
            fix="correct the arguments named and propose the action again",
            operation=operation,
            breaches=[breach.to_json() for breach in self.breaches],
        )


class NotQuarantined(InterlockError):
    """There is no changed definition of this operation that waits to be accepted."""

    code = "not_quarantined"
    status = 404
    title = "Nothing to accept"
