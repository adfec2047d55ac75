"""A directory, each call in a thread of the connector's own, which the loop ends when time is over."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from interlock.integration.connectors.errands import Errands
from interlock.integration.connectors.errors import SystemUnreachable
from interlock.integration.connectors.interface import (
    SUCCEEDED,
    Answer,
    SecretSource,
    SystemDeclaration,
    failed,
    unanswered,
    unsent,
)
from interlock.integration.connectors.ldap.definitions import Job
from interlock.integration.connectors.ldap.operations import Operations, Unfit
from interlock.integration.connectors.ldap.publishing import LARGEST, offered, published, root_of
from interlock.integration.connectors.ldap.reads import ANYTHING, search
from interlock.integration.connectors.ldap.results import SUCCESS, refusal
from interlock.integration.connectors.ldap.schema import Schema
from interlock.integration.connectors.ldap.servers import Server
from interlock.integration.connectors.ldap.sessions import (
    GARBLED,
    AccessDenied,
    Errand,
    Refused,
    Session,
    TimeOver,
    TooMuch,
    load_driver,
)
from interlock.integration.contracts import Definition
from interlock.values.errors import InterlockError
from interlock.values.operations import Effect

_OVERHEAD = 1 << 20


class LdapConnector:
    """One directory. It is asked at each call, so that it may be away when we start."""

    def __init__(
        self,
        system: SystemDeclaration,
        definitions: Mapping[str, Definition],
        jobs: Mapping[str, Job],
        server: Server,
        secrets: SecretSource,
    ) -> None:
        self._definitions = definitions
        self._jobs = jobs
        self._effects = {name: operation.effect for name, operation in system.operations.items()}
        self._limits = system.limits
        self._base: str = system.connection["base"]
        self._server = server
        self._secrets = secrets
        self._operations = Operations(server, secrets, system.limits)
        self._errands: Errands[Errand] = Errands(system.limits.concurrency, "interlock-ldap", self._sweep)

    async def open(self) -> None:
        if self._errands.open():
            load_driver()
            self._operations = Operations(self._server, self._secrets, self._limits)

    def _sweep(self) -> bool:
        return self._operations.sweep()

    async def close(self) -> None:
        if await self._errands.close():
            await asyncio.to_thread(self._operations.close)

    async def call(self, operation: str, arguments: Mapping[str, Any], *, key: str, timeout: float) -> Answer:  # noqa: ARG002 - LDAP takes no key
        job, effect = self._jobs[operation], self._effects[operation]
        return await self._run(effect, lambda errand: self._operations.run(job, effect, arguments, errand), timeout)

    async def probe(self, *, timeout: float) -> Answer:
        """Log in, and look whether the base is there."""
        return await self._run(
            Effect.read,
            lambda errand: self._operations.use(errand, lambda session: self._probed(session, errand)),
            timeout,
        )

    async def definitions(self) -> Mapping[str, Definition] | None:
        """Return the operations whose attributes and classes the directory's schema has; None where it shows none.

        A search by an attribute that a directory does not know finds nothing and says nothing: so this is said here.
        """
        found: list[Schema | None] = []

        def look(session: Session, errand: Errand) -> Answer:
            found.append(published(session, errand, root_of(session, errand)))
            return Answer(SUCCEEDED)

        answer = await self._run(
            Effect.read,
            lambda errand: self._operations.use(errand, lambda session: look(session, errand)),
            self._limits.timeout,
            most=LARGEST,
        )
        if not answer.succeeded:
            raise SystemUnreachable(
                "the directory cannot be asked for its schema", why=(answer.problem or {})["detail"]
            )
        schema = found[0]
        if schema is None:
            return None
        return {name: one for name, one in self._definitions.items() if offered(self._jobs[name], schema)}

    def _probed(self, session: Session, errand: Errand) -> Answer:
        result, entries, _ = search(session, errand, self._base, ANYTHING, "BASE", {})
        if result["result"] != SUCCESS:
            return refusal(result, Effect.read)
        return Answer(SUCCEEDED) if entries else failed("not_found", "the directory does not show us `connection.base`")

    async def _run(self, effect: Effect, work: Callable[[Errand], Answer], timeout: float, *, most: int = 0) -> Answer:
        most = most or 2 * self._limits.response + _OVERHEAD
        return await self._errands.run(
            Errand(time.monotonic() + timeout, most, writes=effect is not Effect.read),
            lambda errand: _answered(effect, work, errand),
            lambda errand: _late(effect, errand),
            timeout=timeout,
        )


def _answered(effect: Effect, work: Callable[[Errand], Answer], errand: Errand) -> Answer:
    """Return what *work* answers; what keeps it from doing so is an answer too."""
    from ldap3.core.exceptions import LDAPException

    try:
        return work(errand)
    except TimeOver:
        return _late(effect, errand)
    except InterlockError as error:  # of the secrets, and of the guard
        return unsent(error)
    except AccessDenied as error:
        more: dict[str, Any] = {"reason": error.reason} if error.reason else {}
        return failed("access_denied", str(error), sent=False, **more)
    except Refused as error:
        return replace(refusal(error.result, Effect.read), sent=False)
    except Unfit as error:
        return failed("argument_unfit", str(error), sent=False)
    except TooMuch:
        return _lost(effect, errand, "response_too_large", "the directory says more than is allowed")
    except ssl.SSLError:
        if errand.asked:
            return _gone(effect, errand)
        return failed("unreachable", "the connection cannot be trusted: its TLS or certificate was refused", sent=False)
    except (LDAPException, OSError):
        return _late(effect, errand) if errand.deadline <= time.monotonic() else _gone(effect, errand)
    except GARBLED:
        return _lost(effect, errand, "response_unreadable", "what the directory says is no message of LDAP")


def _late(effect: Effect, errand: Errand) -> Answer:
    return _lost(effect, errand, "timed_out", "the directory did not answer in time", transient=True)


def _gone(effect: Effect, errand: Errand) -> Answer:
    if not errand.asked:
        return failed("unreachable", "no session with the directory could be had", sent=False, transient=True)
    return _lost(effect, errand, "connection_lost", "the connection ended before the answer came", transient=True)


def _lost(effect: Effect, errand: Errand, code: str, detail: str, *, transient: bool = False) -> Answer:
    """Return the answer for a call that broke off: nothing happened unless the request was out of our hands."""
    if errand.committed:
        return unanswered(effect, code, detail, transient=transient)
    return failed(code, f"{detail}; nothing was changed", sent=errand.asked, transient=transient)
