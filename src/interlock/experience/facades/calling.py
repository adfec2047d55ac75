"""One call of a facade's endpoint: a proposal on the one path, or an answer that is still valid."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

from interlock.experience.ambient import AmbientSessions
from interlock.experience.facades.errors import RateExceeded
from interlock.experience.facades.kept import KeptAnswers
from interlock.experience.installation import Installation
from interlock.governance.limits import Rate
from interlock.integration.facades import Asked, Endpoint, Facade
from interlock.orchestration.actions import Action, Proposal, View
from interlock.orchestration.sessions import Opening, SessionClosed
from interlock.values.actions import ActionState
from interlock.values.digests import digest
from interlock.values.principals import Kind, Principal

CHANNEL = "facade"
_CALLERS = 10_000


@dataclass(slots=True)
class Visit:
    """One request of a caller. *session* and *key* are what it names itself, *fresh* that it wants nothing kept."""

    facade: Facade
    principal: Principal
    session: str = ""
    key: str = ""
    fresh: bool = False
    opened: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a call. *action* is as its caller sees it, None for an answer that was given again.

    *age* is how old the answer is, *valid* for how long it is valid from now on, in seconds.
    """

    endpoint: Endpoint
    value: Any = field(default=None, repr=False)
    action: Action | None = None
    age: float = 0.0
    valid: float = 0.0

    @property
    def done(self) -> bool:
        """Whether there is an answer; if not, the action says where it stands."""
        return self.action is None or self.action.state is ActionState.succeeded


class Rates:
    """How often each caller calls each facade."""

    def __init__(self, installation: Installation) -> None:
        self._clock = installation.clock
        self._rates: OrderedDict[Hashable, Rate] = OrderedDict()

    def count(self, facade: Facade, principal: Principal) -> None:
        """Count one call. Raises `RateExceeded`."""
        if not facade.rate:
            return
        key = (facade.name, facade.rate, principal.tenant, principal.name)
        rate = self._rates.get(key)
        if rate is None:
            rate = self._rates[key] = Rate(facade.rate, clock=self._clock)
            if len(self._rates) > _CALLERS:
                self._rates.popitem(last=False)
        else:
            self._rates.move_to_end(key)
        wait = rate.take()
        if wait > 0:
            raise RateExceeded(
                "this facade is called too often",
                why="its file limits how often one caller may",
                fix="wait for so many seconds as `Retry-After` says",
                retry_after=round(wait, 3),
            )


class Calling:
    """Makes the calls of all facades of one process."""

    def __init__(self, installation: Installation, rates: Rates) -> None:
        self._installation = installation
        self._rates = rates
        self._kept = KeptAnswers(installation.clock)
        self._ambient = AmbientSessions(installation.sessions, installation.clock, channel=CHANNEL)

    async def call(self, visit: Visit, endpoint: Endpoint, given: Mapping[str, Any], *, key: str = "") -> Told:
        """Return what came of asking *endpoint* for *given*, under the caller's idempotency *key*, if there is one.

        Raises `RateExceeded`, `InputInvalid`, `CursorInvalid`, and what `Actions.propose` raises.
        """
        self._rates.count(visit.facade, visit.principal)
        asked = endpoint.ask(given)
        place = await self._place(visit, asked) if endpoint.cache and endpoint.reads else None
        if place is not None and not visit.fresh and (found := self._kept.find(place)) is not None:
            value, age, valid = found
            self._count("hit")
            return Told(endpoint, asked.tell(value), None, age, valid)
        action = await self._propose(visit, asked, key)
        action = View(self._installation.projects.current, visit.principal).action(action)
        if action.state is not ActionState.succeeded:
            return Told(endpoint, None, action)
        if place is not None:
            self._count("miss")
            self._kept.keep(place, action.output, endpoint.cache)
        return Told(endpoint, asked.tell(action.output), action, 0.0, endpoint.cache if place is not None else 0.0)

    async def _place(self, visit: Visit, asked: Asked) -> Hashable | None:
        """Return under what an answer is kept for the caller; None where it has to be decided and executed each time.

        An agent's session remembers what it was given, and so does one that the caller names: both have to hear of
        each answer. Nothing is given again while a switch is set for it, after the project or the caller's rights have
        changed, or after this process wrote to the system, for whomever; that others write is not known here.
        """
        principal, operation = visit.principal, asked.endpoint.compiled.operation
        if principal.kind is Kind.agent or visit.session:
            return None
        switches = self._installation.switches
        await switches.refresh()
        if switches.guard(tenant=principal.tenant, operation=operation.id, system=operation.system) is not None:
            return None
        version = self._installation.projects.current.version
        rights = digest(
            [sorted(principal.roles), dict(principal.attributes), sorted(principal.scopes), principal.present]
        )
        caller = (principal.tenant, principal.name, principal.credential, rights)
        edition, valid = self._installation.systems.edition(operation.system), asked.endpoint.cache
        return (version, *caller, operation.id, digest(asked.arguments), edition, valid)

    async def _propose(self, visit: Visit, asked: Asked, key: str) -> Action:
        actions = self._installation.actions
        if visit.session:
            proposal = Proposal(visit.session, asked.operation, asked.arguments, client_key=key)
            return await actions.propose(visit.principal, proposal)
        session = await self._session(visit, key)
        proposal = Proposal(session, asked.operation, asked.arguments, client_key=key)
        try:
            return await actions.propose(visit.principal, proposal)
        except SessionClosed:
            if key or visit.principal.kind is not Kind.agent:
                raise
            self._ambient.forget(visit.principal)
        session = await self._ambient.session(visit.principal)
        return await actions.propose(visit.principal, Proposal(session, asked.operation, asked.arguments))

    async def _session(self, visit: Visit, key: str) -> str:
        """Return the session of a call that names none.

        A key stands for a session of its own, which every process finds again. An agent's calls go on in one session,
        whose guards hold against loops; of people and programs each request stands alone.
        """
        opening = Opening(channel=CHANNEL)
        if key:
            return (await self._installation.sessions.once(visit.principal, opening, f"{visit.facade.name}/{key}")).id
        if visit.principal.kind is Kind.agent:
            return await self._ambient.session(visit.principal)
        if not visit.opened:
            visit.opened = (await self._installation.sessions.open(visit.principal, opening)).id
        return visit.opened

    def _count(self, outcome: str) -> None:
        self._installation.telemetry.metrics.count("interlock_facade_answers_total", outcome)
