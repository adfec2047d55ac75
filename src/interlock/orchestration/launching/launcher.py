"""Starting an agent's work without a caller: for events that systems sent, and at the moments of a schedule."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

from interlock.foundation.clock import Clock
from interlock.foundation.clock.moments import rfc3339
from interlock.foundation.faults import fault
from interlock.foundation.store import Database, Statement
from interlock.governance.journal import Conflict, Entry, Journal
from interlock.integration.events import Event
from interlock.orchestration.launching import store
from interlock.orchestration.launching.run import RunState, TriggerRun
from interlock.orchestration.sessions import Opening, Session, Sessions, SessionUnknown
from interlock.orchestration.triggers import TriggerSpec, TriggerUnknown
from interlock.orchestration.turns import Turns
from interlock.values.errors import InterlockError
from interlock.values.identifiers import new_id
from interlock.values.principals import Kind, Principal

log = logging.getLogger("interlock.triggers")

PAGE = 200
AT_ONCE = 4
"""How many pieces of work one process starts at the same time; the others wait their turn."""
MOST_TRIES = 6
GRACE = 3600.0
"""Seconds for which a moment of a schedule that passed while nobody was there is made up for."""
CHANNEL = "trigger"


class Launcher:
    """The project's triggers at work; *specs* returns those of the active project. Of several processes one starts
    each piece.
    """

    def __init__(
        self,
        specs: Callable[[], Mapping[str, TriggerSpec]],
        sessions: Sessions,
        turns: Turns,
        database: Database,
        journal: Journal,
        clock: Clock,
    ) -> None:
        self._specs = specs
        self._sessions = sessions
        self._turns = turns
        self._database = database
        self._journal = journal
        self._clock = clock
        self._began = clock.now()
        self._room = asyncio.Semaphore(AT_ONCE)
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def specs(self) -> list[TriggerSpec]:
        """Return the project's triggers, by name."""
        return [spec for _, spec in sorted(self._specs().items())]

    def due(self, event: Event) -> list[Statement]:
        """Return what stores a run for each trigger that *event* starts; it is stored together with the event."""
        return [store.insert(self._new(spec, event.id)) for spec in self.specs() if spec.wants(event)]

    async def page(self, principal: Principal, trigger: str, *, before: str = "", limit: int = 50) -> list[TriggerRun]:
        """Return the runs of a trigger in the principal's tenant, newest first. Raises `TriggerUnknown`."""
        if trigger not in self._specs():
            known = ", ".join(spec.name for spec in self.specs()) or "none"
            raise TriggerUnknown("the project has no such trigger", fix=f"triggers of this project: {known}")
        return await store.page(self._database, principal.tenant, trigger, before=before, limit=limit)

    async def older(self, before: float) -> int:
        """Return how many runs that are over were last changed before a moment."""
        return await store.older(self._database, before)

    def pruned(self, before: float) -> list[Statement]:
        """Return the statements that let go of runs that are over and were last changed before a moment."""
        return [store.pruned(before)]

    async def run(self, *, every: float = 1.0) -> None:
        """Start what is due until cancelled. A round that fails is logged and tried again."""
        try:
            while True:
                try:
                    await self.round()
                except (InterlockError, OSError) as error:
                    log.warning("a round of triggers failed: %s", type(error).__name__)
                await asyncio.sleep(every)
        finally:
            for task in self._tasks.values():
                task.cancel()

    async def round(self) -> None:
        """Begin to start everything that is due."""
        for spec in self.specs():
            if spec.schedule is not None:
                await self._keep(spec)
        for run in await store.unstarted(self._database, now=self._clock.now(), limit=PAGE):
            if run.id in self._tasks or not await self._free(run):
                continue
            task = asyncio.create_task(self._start(run))
            self._tasks[run.id] = task
            task.add_done_callback(lambda _, name=run.id: self._tasks.pop(name, None))  # type: ignore[misc]  # bound now

    async def settled(self) -> None:
        """Wait until all that was begun has come to its end."""
        while self._tasks:
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _keep(self, spec: TriggerSpec) -> None:
        """Store a run for the last moment of a schedule, if it has none: one that was missed lately is made up for,
        but for a trigger that has never run only what came after we did.
        """
        assert spec.schedule is not None
        now = self._clock.now()
        known = await store.latest(self._database, spec.name)
        since = known.created if known is not None else self._began
        moment = spec.schedule.latest(max(since, now - GRACE), now)
        if moment is None or (known is not None and known.cause >= rfc3339(moment)):
            return
        run = self._new(spec, rfc3339(moment))
        await self._journal.record([self._entry(run, "trigger.due", {})], changes=[store.insert(run)])

    def _new(self, spec: TriggerSpec, cause: str) -> TriggerRun:
        now = self._clock.now()
        return TriggerRun(new_id("trg"), spec.tenant, spec.name, cause, RunState.due, now, now, next_try=now)

    async def _free(self, run: TriggerRun) -> bool:
        """Return whether nobody starts *run*: it is due, or who began to has died."""
        if run.state is RunState.due or run.owner == self._journal.writer:
            return True
        if not await self._database.claim(run.owner):
            return False
        await self._database.release(run.owner)
        return True

    async def _start(self, run: TriggerRun) -> None:
        async with self._room:
            try:
                await self._work(run)
            except Conflict:
                log.info("%s was started elsewhere", run.id)
            except InterlockError as error:
                await self._failed(run, error.code)

    async def _work(self, run: TriggerRun) -> None:
        """Start *run*: session and turn are named durably before the turn is begun, so that nothing begins twice."""
        spec = self._specs().get(run.trigger)
        if spec is None:
            await self._failed(run, TriggerUnknown.code, final=True)
            return
        run.state, run.owner, run.attempts = RunState.starting, self._journal.writer, run.attempts + 1
        await self._save(run, "trigger.starting", {"attempt": run.attempts})
        session = await self._session(run, spec)
        turn = await self._turns.find(run.turn)
        if turn is None:
            fault("trigger.before_turn")
            await self._turns.play(run.turn, spec.agent, session, session.requests[-1], asker=self._actor(run))
        run.state, run.owner = RunState.started, ""
        await self._save(run, "trigger.started", {"session": run.session, "turn": run.turn})

    async def _session(self, run: TriggerRun, spec: TriggerSpec) -> Session:
        if run.session:
            session = await self._sessions.get(run.session)
            if session is None or session.closed:
                raise SessionUnknown("the session that the trigger opened is gone")
            return session
        principal = Principal(Kind.service, f"trigger.{spec.name}", run.tenant)
        words = spec.words(run.cause)
        opening = Opening(agent=spec.agent, request=words, channel=CHANNEL, customer=spec.customer, person=spec.person)
        session = await self._sessions.open(principal, opening)
        run.session, run.turn = session.id, new_id("trn")
        await self._save(run, "trigger.opened", {"session": run.session, "turn": run.turn})
        return session

    async def _failed(self, run: TriggerRun, problem: str, *, final: bool = False) -> None:
        """Keep that *run* could not be started; it is tried again, each time later, until there were enough tries."""
        over = final or run.attempts >= MOST_TRIES
        run.state, run.owner, run.problem = RunState.failed if over else RunState.due, "", problem
        run.next_try = self._clock.now() + 2.0**run.attempts
        try:
            await self._save(run, "trigger.failed", {"problem": problem, "over": over})
        except Conflict:
            log.info("%s is somebody else's now", run.id)

    async def _save(self, run: TriggerRun, kind: str, body: Mapping[str, Any]) -> None:
        run.updated = self._clock.now()
        await self._journal.record([self._entry(run, kind, body)], guards=[store.save(run)])
        run.revision += 1

    def _entry(self, run: TriggerRun, kind: str, body: Mapping[str, Any]) -> Entry:
        return Entry(
            kind=kind,
            tenant=run.tenant,
            subject=run.id,
            session=run.session,
            actor=self._actor(run),
            body={"trigger": run.trigger, "cause": run.cause, **body},
        )

    @staticmethod
    def _actor(run: TriggerRun) -> str:
        return f"service:trigger.{run.trigger}"
