"""The seam between Interlock and a kind of system: what a connector is told, what it offers, what it answers.

A connector is a plug-in (entry point group `interlock.connectors`) whose object satisfies `Plugin`.
Describing an installation's operations loads no driver and contacts nothing; only a `Connector` that was
built and opened does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from interlock.foundation.http import HttpClient
from interlock.integration.contracts import Definition
from interlock.values.errors import InterlockError
from interlock.values.labels import Label
from interlock.values.operations import Effect
from interlock.values.secrets import Secret

SUCCEEDED = "succeeded"
FAILED = "failed"
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one call; a value, never an exception.

    *status* is `succeeded`, `failed` (the system said no, or the call certainly had no effect) or `unknown`
    (it may have had its effect, and no trustworthy answer came). *problem* holds `code` and `detail`, and `fix` where
    the connector knows better than `PROBLEMS` what to do; no secrets and no personal data. *sent* is False only where
    the system certainly never saw the call. *transient* says that the same call may well succeed if made again,
    *retry_after* (seconds) not before when. *rest* are the seconds for which the system wants no further call of
    whatever kind: its limit is used up.
    """

    status: str
    output: Any = field(default=None, repr=False)
    problem: dict[str, Any] | None = None
    elapsed_ms: float = 0.0
    sent: bool = True
    transient: bool = False
    retry_after: float = 0.0
    rest: float = 0.0

    def after(self, seconds: float) -> Answer:
        """Return the answer as one of a call that may well succeed after *seconds*, and says so to whoever asked."""
        problem = {**(self.problem or {}), "retry_after": math.ceil(seconds)}
        return replace(self, problem=problem, transient=True, retry_after=seconds)

    def took(self, milliseconds: float) -> Answer:
        """Return the answer with how long it took."""
        return Answer(
            self.status,
            self.output,
            self.problem,
            milliseconds,
            self.sent,
            self.transient,
            self.retry_after,
            self.rest,
        )

    @property
    def succeeded(self) -> bool:
        """Whether the system did what was asked."""
        return self.status == SUCCEEDED


def failed(code: str, detail: str, *, sent: bool = True, transient: bool = False, **more: Any) -> Answer:
    """Return the answer for a call that had no effect; *more* are small, harmless members of the problem."""
    return Answer(FAILED, problem={"code": code, "detail": detail, **more}, sent=sent, transient=transient)


def unanswered(effect: Effect, code: str, detail: str, *, transient: bool = False, **more: Any) -> Answer:
    """Return the answer for a call that was sent and not answered: `unknown`, but for a read simply
    `failed`.
    """
    status = FAILED if effect is Effect.read else UNKNOWN
    return Answer(status, problem={"code": code, "detail": detail, **more}, transient=transient)


def unsent(error: InterlockError) -> Answer:
    """Return the answer for a call that *error* of the house kept from being sent: a secret that is not there."""
    more = {"fix": error.fix} if error.fix else {}
    return failed(error.code, error.what, sent=False, transient=error.transient, **more)


@dataclass(frozen=True, slots=True)
class SystemLimits:
    """How hard a system may be used. Seconds, bytes, calls a second (0: no limit), calls at once."""

    concurrency: int = 8
    queue: int = 64
    rate: float = 0.0
    timeout: float = 10.0
    retries: int = 2
    response: int = 1 << 20
    failures: int = 5
    pause: float = 10.0
    hold: float = 60.0


@dataclass(frozen=True, slots=True)
class OperationDeclaration:
    """One operation as the project's file declares it, as far as a connector needs to know.

    *origin* is the `from` key; *settings* everything that was written, for keys of the connector's own.
    """

    name: str
    effect: Effect
    origin: str = ""
    idempotency_header: str = ""
    timeout: float = 0.0
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SystemDeclaration:
    """One system as the project's file declares it. *connection* fits the plug-in's schema; it holds no
    secrets, only references to them.
    """

    name: str
    connector: str
    kind: str = "other"
    owner: str = ""
    connection: Mapping[str, Any] = field(default_factory=dict)
    limits: SystemLimits = SystemLimits()
    label: Label = Label()
    operations: Mapping[str, OperationDeclaration] = field(default_factory=dict)
    file: str = ""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something wrong with a declaration: *pointer* (RFC 6901) into the system's file, and a message with
    its fix.
    """

    pointer: str
    message: str


@dataclass(frozen=True, slots=True)
class Description:
    """What a plug-in says of a system: a definition per operation, or what is wrong."""

    definitions: Mapping[str, Definition]
    troubles: tuple[Trouble, ...] = ()


class SecretSource(Protocol):
    """Turns a reference into a secret, at each use, so that a rotated one counts at once."""

    def get(self, reference: str) -> Secret:
        """Return the secret behind `secret:NAME`. Raises an `InterlockError` where there is none."""
        ...


class EventReader(Protocol):
    """Reads what systems sent to the house, as JSON objects."""

    async def page(self, system: str, *, types: Sequence[str], before: str, limit: int) -> list[dict[str, Any]]:
        """Return events of *system*, newest first: of *types* (empty: of all), before the one whose id is *before*."""
        ...

    async def get(self, system: str, event_id: str) -> dict[str, Any] | None:
        """Return one event of *system*, or None."""
        ...


@dataclass(frozen=True, slots=True)
class Ports:
    """What a connector may use of the house: the pooled HTTP client, the secrets, the project's folder, and what its
    system sent (None where nobody takes it).
    """

    http: HttpClient
    secrets: SecretSource
    root: Path
    events: EventReader | None = None


class Connector(Protocol):
    """A live connection to one system; used by many tasks of one event loop."""

    async def open(self) -> None:
        """Make pools ready. Contacts nothing that could be down: a system may be away when we start."""
        ...

    async def close(self) -> None:
        """Release everything: connections, threads, processes. Doing it again changes nothing."""
        ...

    async def call(self, operation: str, arguments: Mapping[str, Any], *, key: str, timeout: float) -> Answer:
        """Run *operation* once and say what came of it; never repeats by itself.

        *arguments* fit the input schema; *key* is the idempotency key (empty for none), sent where the system
        takes one. Answers within *timeout* seconds. Raises nothing for what the system or network does.
        """
        ...

    async def probe(self, *, timeout: float) -> Answer:
        """Say within *timeout* seconds whether the system can be reached and lets us in, without any effect."""
        ...

    async def definitions(self) -> Mapping[str, Definition] | None:
        """Return the definitions as the live system publishes them now, or None where it publishes none.

        An operation that it no longer offers is left out. Raises `SystemUnreachable`.
        """
        ...


class Plugin(Protocol):
    """A kind of connector. Reading any of its attributes, and `describe`, load no driver and contact
    nothing.
    """

    @property
    def name(self) -> str:
        """The word that `connector:` names it by."""
        ...

    @property
    def connection_schema(self) -> Mapping[str, Any]:
        """The JSON Schema of `connection:`."""
        ...

    def describe(self, system: SystemDeclaration, root: Path) -> Description:
        """Return the definition of each declared operation, from files below *root* and the declaration
        alone.

        What is wrong is a `Trouble`, never an exception.
        """
        ...

    def build(self, system: SystemDeclaration, definitions: Mapping[str, Definition], ports: Ports) -> Connector:
        """Return a connector for the described *system*. Raises `PackageMissing` for want of an optional
        package.
        """
        ...
