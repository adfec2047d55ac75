"""Operations on one directory, in sessions that are kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

import orjson

from interlock.integration.connectors.interface import Answer, SecretSource, SystemLimits, failed
from interlock.integration.connectors.ldap.attributes import Kind, ValueUnfit
from interlock.integration.connectors.ldap.changes import Add, Delete, Modify, Rename
from interlock.integration.connectors.ldap.definitions import Job
from interlock.integration.connectors.ldap.names import NameInvalid
from interlock.integration.connectors.ldap.ordered import CursorInvalid, search_of
from interlock.integration.connectors.ldap.reads import Compare, Read
from interlock.integration.connectors.ldap.servers import Server
from interlock.integration.connectors.ldap.sessions import Errand, Session, Sessions
from interlock.values.operations import Effect

T = TypeVar("T")


class Request(Protocol):
    """A job with its places filled."""

    def ask(self, session: Session, effect: Effect, errand: Errand) -> Answer:
        """Ask the directory, and return what comes of it. Raises what `sessions` and `ldap3` raise."""
        ...


_REQUESTS: Mapping[str, Callable[[Job, Mapping[str, Any]], Request]] = {
    "search": search_of,
    "read": Read,
    "compare": Compare,
    "add": Add,
    "modify": Modify,
    "modify add": Modify,
    "modify delete": Modify,
    "rename": Rename,
    "delete": Delete,
}


class Unfit(ValueError):
    """An argument has no form in what is sent; the text names it and why, never its value."""


class Operations:
    """Carries out jobs in sessions that are kept."""

    def __init__(self, server: Server, secrets: SecretSource, limits: SystemLimits) -> None:
        self._sessions = Sessions(server, secrets, limits.concurrency)
        self._most_bytes = limits.response

    def sweep(self) -> bool:
        """End sessions that were idle for too long; return whether any is left."""
        return self._sessions.sweep()

    def close(self) -> None:
        """End all sessions that nobody uses."""
        self._sessions.close()

    def run(self, job: Job, effect: Effect, arguments: Mapping[str, Any], errand: Errand) -> Answer:
        """Do what *job* says. Raises what `sessions` raises, `Unfit`, and the errors of `ldap3`."""
        values = {**job.usual, **arguments}
        try:
            for name in job.moments & job.places & values.keys():
                values[name] = Kind("time").write(name, values[name])[0].decode()
            request = _REQUESTS[job.verb](job, values)
        except UnicodeEncodeError:
            raise Unfit("an argument is no valid text") from None
        except (NameInvalid, ValueUnfit) as error:
            raise Unfit(str(error)) from None
        except CursorInvalid:
            detail = "`after` is no `next` of this operation with these arguments; begin again without it"
            return failed("cursor_invalid", detail, sent=False)
        answer = self.use(errand, lambda session: request.ask(session, effect, errand))
        if answer.output is not None and len(orjson.dumps(answer.output)) > self._most_bytes:
            detail = f"the result is larger than the {self._most_bytes} bytes that `limits.response` allows"
            return failed("response_too_large", detail, limit=self._most_bytes)
        return answer

    def use(self, errand: Errand, work: Callable[[Session], T]) -> T:
        """Return what *work* returns of a session, which is kept if all goes well."""
        session = self._sessions.take(errand)
        try:
            found = work(session)
        except BaseException:
            errand.let_go()
            session.close()
            raise
        self._sessions.give_back(session, errand)
        return found
