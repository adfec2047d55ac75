"""What can go wrong between a request and its whole answer.

InterlockError
 +-- HttpFailure            one exchange failed; `sent` says whether the other side may have seen the request
      +-- HttpClosed            the client is not open
      +-- HttpUnreachable       no connection: refused, no such name, certificate not trusted (never sent)
      +-- HttpForbidden         requests do not go there, or not with what the address holds (never sent)
      +-- HttpTimedOut          the time limit passed
      +-- HttpLost              the connection broke after it was made
      +-- ResponseTooLarge      the answer, as sent or unpacked, is larger than allowed
      +-- ResponseUnreadable    the answer is not HTTP, or packed in a way that was not asked for
"""

from __future__ import annotations

from typing import Any

from interlock.values.errors import InterlockError


class HttpFailure(InterlockError):
    """An exchange without a usable answer.

    `sent` is False only where the request certainly never left; `begun` is True where the answer had begun to come.
    """

    status = 502
    title = "The other system gave no usable answer"
    transient = True

    def __init__(
        self, what: str, *, sent: bool, begun: bool = False, why: str = "", fix: str = "", **details: Any
    ) -> None:
        super().__init__(what, why=why, fix=fix, **details)
        self.sent = sent
        self.begun = begun


class HttpClosed(HttpFailure):
    """The client was used before it was opened or after it was closed."""

    code = "http_closed"
    title = "The HTTP client is not open"
    transient = False


class HttpUnreachable(HttpFailure):
    """No connection could be made; nothing was sent."""

    code = "http_unreachable"
    title = "The other system cannot be reached"


class HttpForbidden(HttpFailure):
    """Requests do not go to this address, or its URL holds credentials; nothing was sent."""

    code = "http_forbidden"
    title = "Requests do not go there"
    transient = False


class HttpTimedOut(HttpFailure):
    """The time limit of the exchange passed."""

    code = "http_timed_out"
    status = 504
    title = "The other system took too long"


class HttpLost(HttpFailure):
    """The connection ended before the answer was whole."""

    code = "http_lost"
    title = "The connection to the other system was lost"


class ResponseTooLarge(HttpFailure):
    """The answer was larger than allowed, and was dropped unread."""

    code = "response_too_large"
    title = "The other system's answer is too large"
    transient = False


class ResponseUnreadable(HttpFailure):
    """The answer broke the rules of HTTP or of the encodings that were asked for."""

    code = "response_unreadable"
    title = "The other system's answer cannot be read"
    transient = False
