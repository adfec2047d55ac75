"""What keeps a broker from doing what was asked. The connector turns each into an answer.

BrokerTrouble
 +-- BrokerAway       nobody took the message: the broker is not there, or does not let us in
 +-- BrokerRefused    the broker said no; nothing came about
 +-- BrokerLost       the connection ended before the broker's word came; the message may be there
"""

from __future__ import annotations


class BrokerTrouble(Exception):
    """The branch; *code* is the problem's, *detail* a sentence without secrets and without data of a message."""

    def __init__(self, code: str, detail: str, *, transient: bool = False) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.transient = transient


class BrokerAway(BrokerTrouble):
    """Certainly nothing was handed over."""


class BrokerRefused(BrokerTrouble):
    """The broker saw what was asked and certainly did not do it."""


class BrokerLost(BrokerTrouble):
    """It was handed over, and what came of it is not known."""


def lost(error: BaseException) -> BrokerLost:
    """Return what an *error* of a driver means that came after something was handed over."""
    return BrokerLost("connection_lost", f"the broker's word did not come: {type(error).__name__}", transient=True)
