"""What can go wrong with talking to a server.

InterlockError
 +-- AddressInvalid      what is named as the server's address is none
 +-- ServerUnreachable   no Interlock answers at the address
 +-- ServerProblem       the server answered with a problem; carries the server's own code and words
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interlock.values.errors import InterlockError


class AddressInvalid(InterlockError):
    """What is named as the server's address is no http address."""

    code = "address_invalid"
    status = 422
    title = "No address of a server"


class ServerUnreachable(InterlockError):
    """No Interlock answers at the address that commands talk to."""

    code = "server_unreachable"
    status = 503
    title = "The server cannot be reached"
    transient = True


class ServerProblem(InterlockError):
    """The server answered with a problem document (RFC 9457); shown under the server's own code."""

    code = "server_problem"
    status = 500
    title = "The server answered with a problem"

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = dict(document)
        super().__init__(
            str(document.get("detail") or document.get("title") or self.title),
            why=str(document.get("why", "")),
            fix=str(document.get("fix", "")),
        )

    @property
    def server_code(self) -> str:
        """The stable code that the server gave."""
        return str(self._document.get("code", self.code))

    def __str__(self) -> str:
        return super().__str__().replace(self.code, self.server_code, 1)

    def problem(self) -> dict[str, Any]:
        return dict(self._document)
