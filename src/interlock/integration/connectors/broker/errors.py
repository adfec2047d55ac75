"""What keeps a broker from doing what was asked. The connector turns each into an answer.

BrokerTrouble
 +-- BrokerAway       nobody took the message: the broker is not there, or does not let us in
 +-- BrokerRefused    the broker said no; nothing came about
 +-- BrokerLost       the connection ended before the broker's word came; the message may be there
"""

from __future__ import annotations

from typing import TypeVar

E = TypeVar("E", bound=BaseException)


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


def behind(error: BaseException, kind: type[E]) -> E | None:
    """Return the error of *kind* that a driver wrapped as *error*, if there is one."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, kind):
        cause = cause.__cause__ or cause.__context__
    return cause


def untrusted() -> BrokerAway:
    """Return what a failure of TLS means: nothing but a hello was sent."""
    return BrokerAway(
        "certificate_untrusted",
        "the broker's certificate is not of a trusted authority or not of the declared name, or it speaks no TLS",
    )


def lost(error: BaseException) -> BrokerLost:
    """Return what an *error* of a driver means that came after something was handed over."""
    return BrokerLost("connection_lost", f"the broker's word did not come: {type(error).__name__}", transient=True)
