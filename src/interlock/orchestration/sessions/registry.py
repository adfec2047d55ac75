"""Opening, finding, extending and closing sessions; a bounded cache over the table, right across processes."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from interlock.foundation.clock import Clock
from interlock.foundation.store import Database, Statement
from interlock.governance.journal import Conflict, Entry, Journal
from interlock.governance.labels import Declassification, Lowering
from interlock.orchestration.project import Projects
from interlock.orchestration.sessions import declassifying, store
from interlock.orchestration.sessions.errors import (
    PlanFixed,
    PlanTooLate,
    SessionClosed,
    SessionForbidden,
    SessionInvalid,
    SessionUnknown,
)
from interlock.orchestration.sessions.overheard import bounded, overheard
from interlock.orchestration.sessions.plan import Plan, check_plan, plan_of
from interlock.orchestration.sessions.session import Session
from interlock.values.identifiers import named_id, new_id
from interlock.values.principals import Kind, Principal

CACHED = 10_000
CACHED_BYTES = 256 << 20
LIFETIME = 8 * 3600.0
AGENT_CHANNELS = frozenset({"api", "facade", "mcp", "openai"})
"""The channels that an agent may name: those of the surfaces it comes by itself."""
TRIES = 5

History = Callable[[Session], Awaitable[None]]
"""Rebuilds a loaded session's history and memory from its actions."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What a session is opened with. *person* names the person a service opens it for.

    *plan* is a list of steps, each an operation or `{operation, times, arguments}` (`plan_of`).
    """

    agent: str = ""
    request: str = field(default="", repr=False)
    channel: str = "api"
    customer: str = field(default="", repr=False)
    verification: str = ""
    purpose: str = ""
    consent: tuple[str, ...] = ()
    person: str = ""
    plan: Sequence[Any] | None = None
    lifetime: float = LIFETIME


class Sessions:
    """All sessions of the installation. *history* is set by the owner of actions."""

    def __init__(self, database: Database, journal: Journal, projects: Projects, clock: Clock) -> None:
        self._database = database
        self._journal = journal
        self._projects = projects
        self.clock = clock
        self._cache: OrderedDict[str, Session] = OrderedDict()
        self._sizes: dict[str, int] = {}
        self._remembered = 0
        self._loading: dict[str, asyncio.Task[Session | None]] = {}
        self.history: History = _no_history

    async def open(self, principal: Principal, opening: Opening) -> Session:
        """Open a session with *principal*'s authority.

        Raises `SessionForbidden` where an agent brings a person's words, facts or plan, and `SessionInvalid` for an
        unknown agent, person or verification level, and for a plan that does not fit the project.
        """
        return await self._begin(principal, opening, new_id("ses"))

    async def once(self, principal: Principal, opening: Opening, word: str) -> Session:
        """Return the session that *principal* opened under *word*, whichever process it was, or open it.

        Raises as `open` does, and `SessionClosed` where the time of the one that was opened is over.
        """
        name = named_id("ses", principal.tenant, principal.name, opening.channel, word)
        if await self.get(name) is None:
            try:
                return await self._begin(principal, opening, name)
            except Conflict:
                pass  # somebody opened it at the same moment
        return await self.use(name, principal)

    async def _begin(self, principal: Principal, opening: Opening, name: str) -> Session:
        person = self._person(principal, opening)
        self._check(principal, opening, person)
        levels = self._projects.current.settings.verification
        now = self.clock.now()
        session = Session(
            id=name,
            tenant=principal.tenant,
            opener=principal.name,
            agent=opening.agent or (principal.id if principal.kind is Kind.agent else ""),
            channel=opening.channel,
            customer=opening.customer or str(principal.attributes.get("customer", "")),
            verification=opening.verification or levels[0],
            purpose=opening.purpose,
            consent=opening.consent,
            person=person,
            plan=self._plan(opening.plan) if opening.plan is not None else None,
            opened_at=now,
            expires_at=now + min(opening.lifetime, LIFETIME),
        )
        if opening.request:
            session.hear(opening.request)
        self._know(session)
        body = {"agent": session.agent, "channel": session.channel, "verification": session.verification}
        entry = self._entry(session, principal, "session.opened", body, {"session": session.document()})
        await self._journal.record([entry], changes=[store.insert(session)])
        self._keep(session)
        return session

    async def use(self, session_id: str, principal: Principal) -> Session:
        """Return a session that *principal* may work in. Raises `SessionUnknown` and `SessionClosed`."""
        return self._open(await self.find(session_id, principal))

    async def find(self, session_id: str, principal: Principal) -> Session:
        """Return a session that *principal* may see. Raises `SessionUnknown`."""
        session = await self.get(session_id)
        if session is None or not session.admits(principal):
            raise _unknown()
        return session

    async def get(self, session_id: str) -> Session | None:
        """Return the session as it stands now, whoever changed it last, or None."""
        session = self._cache.get(session_id)
        if session is not None and await self._current(session):
            return session
        # Loaded once for all who ask at the same moment: each must count its actions in the same session.
        loading = self._loading.get(session_id)
        if loading is None:
            loading = self._loading[session_id] = asyncio.ensure_future(self._load(session_id))
            loading.add_done_callback(lambda _: self._loading.pop(session_id, None))
        return await asyncio.shield(loading)

    async def _current(self, session: Session) -> bool:
        """Return whether a cached session is as stored, but for what this process itself is storing right now."""
        stored = await store.standing(self._database, session.id)
        if stored is None or self._cache.get(session.id) is not session:
            return False
        revision, closed = stored
        if closed is not session.closed or not session.revision <= revision <= session.revision + session.pending:
            return False
        self._cache.move_to_end(session.id)
        self._weigh(session)
        return True

    async def _load(self, session_id: str) -> Session | None:
        session = await store.load(self._database, session_id)
        if session is None:
            return None
        for text in session.requests:
            session.memory.hear(text)
        session.overhear(session.overheard)
        self._know(session)
        await self.history(session)
        self._keep(session)
        return session

    async def page(self, tenant: str, *, before: str = "", limit: int = 50) -> list[Session]:
        """Return a tenant's sessions, newest first."""
        return await store.page(self._database, tenant, before=before, limit=limit)

    async def extend(
        self,
        principal: Principal,
        session_id: str,
        *,
        request: str = "",
        verification: str = "",
        consent: Sequence[str] = (),
    ) -> Session:
        """Add a turn, a raised verification or a consent, with the opener's authority only."""
        for _ in range(TRIES):
            session = await self.use(session_id, principal)
            if not session.extends(principal):
                raise SessionForbidden(
                    "an agent cannot add to a session",
                    why="requests, verification and consent carry the authority of who opened it",
                    fix="let the person's channel, which opened the session, make this call",
                )
            self._check_level(principal, verification)
            changed = replace(
                session,
                requests=[*session.requests, *([request] if request else [])],
                verification=verification or session.verification,
                consent=tuple(sorted({*session.consent, *consent})) if consent else session.consent,
            )
            body = {"verification": changed.verification, "turns": len(changed.requests)}
            fields = {"request": request} if request else {}
            guard = store.save(changed, was=session)
            if await self._save(session, guard, self._entry(session, principal, "session.extended", body, fields)):
                if request:
                    session.hear(request)
                session.verification, session.consent = changed.verification, changed.consent
                return session
        raise _overtaken()

    async def join(self, session_id: str, agents: Sequence[str], by: Principal) -> Session:
        """Let *agents* of the project work in a session too. It is the caller who knows that its files say so."""
        for _ in range(TRIES):
            session = await self.use(session_id, by)
            fresh = [agent for agent in agents if agent not in (session.agent, *session.joined)]
            if not fresh:
                return session
            changed = replace(session, joined=[*session.joined, *fresh])
            guard = store.save(changed, was=session)
            if await self._save(session, guard, self._entry(session, by, "session.joined", {"agents": fresh}, {})):
                session.joined = changed.joined
                return session
        raise _overtaken()

    async def overhear(self, principal: Principal, session_id: str, texts: Sequence[tuple[str, str]]) -> Session:
        """Remember what tools of the caller's own returned, as (tool, text): each counts as an outsider's text.

        Whoever works in the session may add them, agents too: they can only make it more cautious. A text that was
        heard before is not heard again, so a caller may bring its whole conversation each time.
        """
        brought = {heard.mark: heard for heard in (overheard(tool, text) for tool, text in texts if text)}
        for _ in range(TRIES):
            session = await self.use(session_id, principal)
            known = {heard.mark for heard in session.overheard}
            fresh = [heard for mark, heard in brought.items() if mark not in known]
            if not fresh:
                return session
            changed = replace(session, overheard=bounded([*session.overheard, *fresh]))
            fields = {"overheard": [{"tool": heard.tool, "text": heard.text} for heard in fresh]}
            guard, body = store.save(changed, was=session), {"texts": len(fresh)}
            if await self._save(session, guard, self._entry(session, principal, "session.overheard", body, fields)):
                session.overhear(fresh)
                session.overheard = changed.overheard
                return session
        raise _overtaken()

    async def fix_plan(
        self,
        principal: Principal,
        session_id: str,
        plan: Sequence[Any],
        *,
        derived_by: str = "",
        left_out: Sequence[str] = (),
    ) -> Session:
        """Give the session its plan, once, with the authority of who opened it or of its person.

        *plan* is a list of steps as in `Opening`; *derived_by* names the model that derived it, and *left_out* says
        what it does not foresee, for the journal. Raises `SessionForbidden` for an agent, `PlanFixed`, `PlanTooLate`
        and `SessionInvalid`.
        """
        for _ in range(TRIES):
            session = await self.unplanned(principal, session_id)
            steps = self._plan(plan)
            changed = replace(session, plan=steps)
            body = {"steps": len(steps), "derived_by": derived_by}
            fields = {"plan": changed.document()["plan"], "left_out": list(left_out)}
            guard = store.fix(changed, was=session)
            if await self._save(session, guard, self._entry(session, principal, "session.planned", body, fields)):
                session.plan = steps
                return session
        raise _overtaken()

    async def unplanned(self, principal: Principal, session_id: str) -> Session:
        """Return a session to which *principal* may give a plan now; raises as `fix_plan` does."""
        session = await self.use(session_id, principal)
        if not session.extends(principal):
            raise SessionForbidden(
                "an agent cannot give a session its plan",
                why="a plan says what the agent is meant to do, so it carries the authority of who opened the session",
                fix="let the person's channel, which opened the session, make this call",
            )
        if session.plan is not None:
            raise PlanFixed(
                "the session carries a plan already",
                why="a plan is neither replaced nor widened; what is outside it asks a person",
                fix="open a new session for other work",
            )
        if session.memory.tainted:
            raise PlanTooLate(
                "text that outsiders can write was read in this session before",
                why="a plan that is made now could follow that text",
                fix="open a new session, and give it its plan before anything is read",
            )
        return session

    async def declassify(
        self, principal: Principal, session_id: str, place: str, to: Lowering, reason: str
    ) -> Declassification:
        """Lower the label of a *place* that the session has seen, on *principal*'s responsibility.

        It counts in this session from then on, for what was seen there and for what will be; what was decided before
        stays decided. Raises `DeclassificationForbidden`, `DeclassificationInvalid`, `PlaceUnseen`, `SessionUnknown`
        and `SessionClosed`.
        """
        declassifying.check_authority(principal)
        for _ in range(TRIES):
            session = await self.get(session_id)
            if session is None or session.tenant != principal.tenant:
                raise _unknown()
            declassifying.check_four_eyes(self._open(session), principal)
            project, now = self._projects.current, self.clock.now()
            given = declassifying.declassification(session, place, to, reason, principal=principal, at=now)
            declassifying.check_clearance(session, given, project.clearance_of(principal))
            declassifying.check_operation(given, project.catalog)
            changed = replace(session, declassified=[*session.declassified, given])
            guard, (body, fields) = store.save(changed, was=session), declassifying.told(session, given)
            if await self._save(session, guard, self._entry(session, principal, "label.declassified", body, fields)):
                self.forget(session.id)  # what it remembers has to be remembered again, under the new label
                return given
        raise _overtaken()

    async def close(self, principal: Principal, session_id: str) -> Session:
        """Close a session; what waits in it can no longer run."""
        for _ in range(TRIES):
            session = await self.find(session_id, principal)
            if session.closed:
                return session
            changed, body = replace(session, closed=True), {"actions": session.actions}
            guard = store.save(changed, was=session)
            if await self._save(session, guard, self._entry(session, principal, "session.closed", body, {})):
                session.closed = True
                return session
        raise _overtaken()

    def _open(self, session: Session) -> Session:
        if session.over(self.clock.now()):
            raise SessionClosed(
                f"the session {session.id} is closed",
                why="it was closed by its opener" if session.closed else "its time is over",
                fix="open a new session with POST /v1/sessions",
            )
        return session

    def _entry(
        self, session: Session, principal: Principal, kind: str, body: dict[str, Any], fields: dict[str, Any]
    ) -> Entry:
        return Entry(
            kind=kind,
            tenant=session.tenant,
            subject=session.id,
            session=session.id,
            actor=principal.name,
            body=body,
            fields=fields,
        )

    async def _save(self, session: Session, guard: Statement, entry: Entry) -> bool:
        """Make a change durable; return False, with nothing done, where somebody else changed the session first."""
        session.pending += 1
        try:
            await self._journal.record([entry], guards=[guard])
        except Conflict:
            self.forget(session.id)
            return False
        except BaseException:
            self.forget(session.id)
            raise
        session.pending -= 1
        session.revision += 1
        return True

    def forget(self, session_id: str) -> None:
        """Drop the cached session, so that the next use reads what is really stored."""
        self._cache.pop(session_id, None)
        self._remembered -= self._sizes.pop(session_id, 0)

    def _keep(self, session: Session) -> None:
        self._cache[session.id] = session
        self._cache.move_to_end(session.id)
        self._weigh(session)
        if len(self._cache) > CACHED:
            self.forget(next(iter(self._cache)))

    def _weigh(self, session: Session) -> None:
        """Keep what all cached sessions remember within bounds: those used longest ago are loaded again if needed."""
        size = session.memory.used
        self._remembered += size - self._sizes.get(session.id, 0)
        self._sizes[session.id] = size
        while self._remembered > CACHED_BYTES and len(self._cache) > 1:
            self.forget(next(iter(self._cache)))

    def _know(self, session: Session) -> None:
        if session.customer:
            session.memory.know("customer", session.customer)
        if session.person is not None:
            session.memory.mean(session.person["id"])

    def _person(self, principal: Principal, opening: Opening) -> dict[str, Any] | None:
        if principal.kind is Kind.person:
            return {"id": principal.id, "roles": sorted(principal.roles)}
        if not opening.person:
            return None
        people = self._projects.current.settings.people
        known = people.get(opening.person)
        return {"id": opening.person, "roles": sorted(known.roles) if known else []}

    def _plan(self, written: Sequence[Any]) -> Plan:
        plan = plan_of(written)
        operations = self._projects.current.catalog.operations
        check_plan(plan, {name: compiled.operation for name, compiled in operations.items()})
        return plan

    def _check(self, principal: Principal, opening: Opening, person: dict[str, Any] | None) -> None:
        facts = (opening.request, opening.customer, opening.verification, opening.purpose, opening.consent, person)
        brings = any(facts) or opening.plan is not None
        if principal.kind is Kind.agent and (brings or opening.channel not in AGENT_CHANNELS):
            raise SessionForbidden(
                "an agent cannot bring a person's words or facts into a session",
                why="request, customer, verification, channel, purpose, consent, person and plan carry an authority"
                " that an agent does not have",
                fix="open the session with the person's or the channel's own key and name the agent in it",
            )
        self._check_person(principal, opening.person)
        own = principal.attributes.get("customer")
        if own and opening.customer and opening.customer != own:
            raise SessionForbidden("this credential may open sessions only for its own customer")
        if opening.agent and opening.agent not in self._projects.current.agents:
            known = ", ".join(sorted(self._projects.current.agents)) or "none"
            raise SessionInvalid(f"there is no agent {opening.agent!r}", fix=f"agents of this project: {known}")
        self._check_level(principal, opening.verification)

    def _check_person(self, principal: Principal, person: str) -> None:
        if principal.kind is Kind.person and person not in ("", principal.id):
            raise SessionForbidden(
                "a person's own credential opens sessions for that person only",
                fix="leave `person` out, or let a service that speaks for people open the session",
            )
        known = self._projects.current.settings.people.get(person)
        if known is not None and known.tenant != principal.tenant:
            raise SessionInvalid(f"there is no person {person!r} in this tenant")

    def _check_level(self, principal: Principal, verification: str) -> None:
        if not verification:
            return
        levels = self._projects.current.settings.verification
        if verification not in levels:
            raise SessionInvalid(f"there is no verification level {verification!r}", fix="levels: " + ", ".join(levels))
        own = str(principal.attributes.get("verification", levels[0]))
        if principal.kind is Kind.person and levels.index(verification) > levels.index(own):
            raise SessionForbidden(
                f"a person's own credential cannot claim the verification level {verification!r}",
                why=f"the credential itself was verified to the level {own!r}",
                fix="sign in at the higher level, or let the service that verified the person raise it",
            )


def _unknown() -> SessionUnknown:
    return SessionUnknown(
        "there is no such session for this credential",
        why="the id is unknown, belongs to another tenant, or names another agent",
        fix="open a session with POST /v1/sessions, naming the agent that works in it",
    )


def _overtaken() -> Conflict:
    return Conflict("the session is being changed by others at the same moment", fix="try again")


async def _no_history(session: Session) -> None:
    """A session that no action has been taken in has no history."""
