"""What can go wrong on the command line itself.

InterlockError
 +-- UsageInvalid        the command was written in a way that cannot be meant (exit code 2)
 +-- ServerUnreachable   no Interlock answers at the address (exit code 3)
 +-- ServerProblem       the server answered with a problem; carries the server's own code and words
 +-- FolderTaken         `init` would write over files that are there
 +-- NothingStored       the project has no storage yet, so there is no journal to read
 +-- AdminKeyExists      `keys create --local` where keys can be created through the server
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interlock.values.errors import InterlockError


class UsageInvalid(InterlockError):
    """The command was written in a way that cannot be meant."""

    code = "usage_invalid"
    status = 422
    title = "The command cannot be understood"


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


class FolderTaken(InterlockError):
    """`init` would write over files that are there already."""

    code = "folder_taken"
    status = 409
    title = "The folder already holds such files"


class NothingStored(InterlockError):
    """The project has no storage yet: nothing was ever recorded there."""

    code = "nothing_stored"
    status = 404
    title = "There is no journal yet"


class AdminKeyExists(InterlockError):
    """`keys create --local` is for the first administrator alone; further keys come from that one's authority."""

    code = "admin_key_exists"
    status = 409
    title = "There is an administrator's key already"
