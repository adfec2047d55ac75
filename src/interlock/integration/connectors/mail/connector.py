"""A mail account, each call in a thread of the connector's own, which the loop ends when time is over."""

from __future__ import annotations

import asyncio
import imaplib
import smtplib
import ssl
import time
from collections.abc import Callable, Mapping
from typing import Any

from interlock.integration.connectors.errands import Errands
from interlock.integration.connectors.interface import (
    Answer,
    SecretSource,
    SystemDeclaration,
    failed,
    unanswered,
    unsent,
)
from interlock.integration.connectors.mail.accounts import Account
from interlock.integration.connectors.mail.folders import NotThere, PartlyDone
from interlock.integration.connectors.mail.lines import AccessDenied, Errand, LineTooLong, Refused, TimeOver
from interlock.integration.connectors.mail.operations import Operations
from interlock.integration.connectors.mail.reading import Unreadable
from interlock.integration.connectors.mail.writing import Unfit
from interlock.integration.contracts import Definition
from interlock.values.errors import InterlockError
from interlock.values.operations import Effect


class MailConnector:
    """One account. Servers are asked at each call, so that they may be away when we start."""

    def __init__(
        self,
        system: SystemDeclaration,
        definitions: Mapping[str, Definition],
        account: Account,
        secrets: SecretSource,
    ) -> None:
        self._bindings = {name: definition.binding for name, definition in definitions.items()}
        self._effects = {name: operation.effect for name, operation in system.operations.items()}
        self._account, self._secrets, self._limits = account, secrets, system.limits
        self._operations = self._made()
        self._errands: Errands[Errand] = Errands(system.limits.concurrency, "interlock-mail", self._sweep)

    def _made(self) -> Operations:
        return Operations(self._account, self._secrets, self._limits)

    async def open(self) -> None:
        if self._errands.open():
            self._operations = self._made()

    def _sweep(self) -> bool:
        return self._operations.sweep()

    async def close(self) -> None:
        if await self._errands.close():
            await asyncio.to_thread(self._operations.close)

    async def call(self, operation: str, arguments: Mapping[str, Any], *, key: str, timeout: float) -> Answer:
        binding = self._bindings[operation]
        return await self._run(
            self._effects[operation], lambda errand: self._operations.run(binding, arguments, key, errand), timeout
        )

    async def probe(self, *, timeout: float) -> Answer:
        """Log in and out."""
        return await self._run(Effect.read, self._operations.probe, timeout)

    async def definitions(self) -> None:
        """A mail server publishes none."""
        return

    async def _run(self, effect: Effect, work: Callable[[Errand], Answer], timeout: float) -> Answer:
        return await self._errands.run(
            Errand(time.monotonic() + timeout),
            lambda errand: _answered(effect, work, errand),
            lambda errand: _late(effect, errand),
            timeout=timeout,
        )


def _answered(effect: Effect, work: Callable[[Errand], Answer], errand: Errand) -> Answer:
    """Return what *work* answers; what keeps it from doing so is an answer too."""
    try:
        return work(errand)
    except TimeOver:
        return _late(effect, errand)
    except InterlockError as error:  # of the secrets, and of the guard
        return unsent(error)
    except (AccessDenied, Unfit, NotThere, Unreadable, PartlyDone) as error:
        return _told(effect, error)
    except Refused as error:
        return _lost(effect, errand, "refused", f"the server {error}", answered=True, status=error.code)
    except LineTooLong:
        return _lost(effect, errand, "response_too_large", "the server says more than is allowed")
    except ssl.SSLError:
        return failed("unreachable", "the connection cannot be trusted: its TLS or certificate was refused", sent=False)
    except (TimeoutError, imaplib.IMAP4.abort, smtplib.SMTPException, OSError):
        return _late(effect, errand) if errand.deadline <= time.monotonic() else _gone(effect, errand)
    except imaplib.IMAP4.error:
        return _lost(effect, errand, "refused", "the server refused a command", answered=True)


def _told(effect: Effect, error: AccessDenied | Unfit | NotThere | Unreadable | PartlyDone) -> Answer:
    """Return the answer for what is clear, and for what was done in a part."""
    match error:
        case AccessDenied():
            return failed("access_denied", str(error))
        case Unfit():
            return failed("argument_unfit", str(error), sent=False)
        case NotThere():
            return failed("not_found", "the folder has no such message, or no longer")
        case Unreadable():
            return failed("message_unreadable", f"the message cannot be read: {error}")
        case PartlyDone():
            return unanswered(effect, "partly_done", str(error))


def _late(effect: Effect, errand: Errand) -> Answer:
    if not errand.connected:
        return failed("timed_out", "no connection was made in time", sent=False, transient=True)
    return _lost(effect, errand, "timed_out", "the server did not answer in time", transient=True)


def _gone(effect: Effect, errand: Errand) -> Answer:
    if not errand.connected:
        return failed("unreachable", "no connection could be made", sent=False, transient=True)
    return _lost(effect, errand, "connection_lost", "the connection ended before the answer came", transient=True)


def _lost(
    effect: Effect,
    errand: Errand,
    code: str,
    detail: str,
    *,
    answered: bool = False,
    transient: bool = False,
    **more: Any,
) -> Answer:
    """Return the answer for a call that broke off: nothing happened unless what we want was out of our hands."""
    more = {name: value for name, value in more.items() if value is not None}
    if errand.committed and not answered:
        return unanswered(effect, code, detail, transient=transient, **more)
    return failed(code, f"{detail}; nothing was changed", transient=transient, **more)
