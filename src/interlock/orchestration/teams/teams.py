"""Asking a team: its members are given turns, in the order of its pattern, until there is an answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

from interlock.foundation.clock import Clock
from interlock.foundation.faults import fault
from interlock.foundation.store import Database
from interlock.governance.journal import Conflict, Entry, Journal
from interlock.orchestration.agents import Due, Outcome, Said, TeamSpec
from interlock.orchestration.sessions import Session, Sessions, SessionUnknown
from interlock.orchestration.teams import store
from interlock.orchestration.teams.errors import TeamRunUnknown, TeamUnknown
from interlock.orchestration.teams.run import TeamRun, TeamState
from interlock.orchestration.turns import KeptTurn, Turns, TurnState
from interlock.values.errors import InterlockError
from interlock.values.identifiers import new_id
from interlock.values.principals import Principal

log = logging.getLogger("interlock.teams")

PAGE = 200
MOST_TURNS = 100
"""How many turns one run gives at most, whatever its pattern says."""


class Teams:
    """Runs the project's teams. *specs* returns those of the active project."""

    def __init__(
        self,
        specs: Callable[[], Mapping[str, TeamSpec]],
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
        self._running: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def specs(self) -> list[TeamSpec]:
        """Return the teams, by name."""
        return [spec for _, spec in sorted(self._specs().items())]

    async def ask(self, asker: Principal, team: str, session: Session, words: str) -> TeamRun:
        """Give *words*, which *session* has heard, to a team; return the run, which may wait. Raises `TeamUnknown`."""
        spec = self._specs().get(team)
        if spec is None:
            known = ", ".join(sorted(self._specs())) or "none"
            raise TeamUnknown("the project has no such team", fix=f"teams of this project: {known}")
        await self._sessions.join(session.id, spec.members, asker)
        now = self._clock.now()
        run = TeamRun(
            id=new_id("tea"),
            tenant=session.tenant,
            session=session.id,
            team=team,
            asker=asker.name,
            words=words,
            owner=self._journal.writer,
            created=now,
            updated=now,
        )
        self._running.add(run.id)
        try:
            entry = self._entry(run, "team.asked", {"pattern": spec.kind, "agents": list(spec.members)})
            await self._journal.record([entry], changes=[store.insert(run)])
            await self._advance(run, spec)
        finally:
            self._running.discard(run.id)
        return run

    async def get(self, run_id: str, principal: Principal) -> TeamRun:
        """Return a run in a session that *principal* may see. Raises `TeamRunUnknown`."""
        run = await store.load(self._database, run_id)
        try:
            if run is None or run.tenant != principal.tenant:
                raise SessionUnknown("there is no such session")
            await self._sessions.find(run.session, principal)
        except SessionUnknown as error:
            raise TeamRunUnknown("there is no such run of a team for this credential") from error
        return run

    async def turns_of(self, run: TeamRun) -> list[KeptTurn]:
        """Return the turns of *run* that have been begun, in order."""
        found = [await self._turns.find(turn) for turn, _, _ in run.turns]
        return [turn for turn in found if turn is not None]

    async def run(self, *, every: float = 1.0) -> None:
        """Go on with runs whose members' turns have ended, or whose process has died, until cancelled."""
        while True:
            try:
                await self.round()
            except (InterlockError, OSError) as error:
                log.warning("a round of teams failed: %s", type(error).__name__)
            await asyncio.sleep(every)

    async def round(self) -> None:
        """Begin to go on with everything that is due."""
        for run in await store.unended(self._database, after="", limit=PAGE):
            if run.id in self._running or not await self._due(run):
                continue
            self._running.add(run.id)
            task = asyncio.create_task(self._go_on(run))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def settled(self) -> None:
        """Wait until all that was begun has come to its end."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _due(self, run: TeamRun) -> bool:
        """Return whether *run* can be gone on with: what it waited for has ended, or its process has died."""
        if run.state is TeamState.waiting:
            return all(turn.state is TurnState.ended for turn in await self.turns_of(run))
        if run.owner == self._journal.writer:
            return True  # given up in the middle: its caller was cancelled
        if not await self._database.claim(run.owner):
            return False
        await self._database.release(run.owner)
        return True

    async def _go_on(self, run: TeamRun) -> None:
        try:
            run.state, run.owner = TeamState.running, self._journal.writer
            await self._save(run, "team.resumed", {})
            spec = self._specs().get(run.team)
            if spec is None:
                await self._end(run, Outcome("The team is not there any more; nothing more was done.", "abandoned"))
            else:
                await self._advance(run, spec)
        except Conflict:
            log.info("%s was gone on with elsewhere", run.id)
        except InterlockError as error:
            log.warning("%s could not be gone on with: %s", run.id, error.code)
        finally:
            self._running.discard(run.id)

    async def _advance(self, run: TeamRun, spec: TeamSpec) -> None:
        """Give turns until there is an answer, or one of them waits."""
        while True:
            said = await self._said(run)
            if said is None:
                run.state, run.owner = TeamState.waiting, ""
                run.answer = "A member of the team waits; it goes on by itself."
                await self._save(run, "team.waiting", {})
                return
            step = spec.pattern(run.words, said)
            if isinstance(step, Due) and len(run.turns) + len(step.asked) > MOST_TURNS:
                step = Outcome("I stopped: this has taken too many turns.", "stopped")
            if isinstance(step, Outcome):
                await self._end(run, step)
                return
            due = [(new_id("trn"), agent, words) for agent, words in step.asked]
            run.turns += due
            # Named before they are begun: a turn that is begun again after a crash has the same name, and keys.
            await self._save(run, "team.step", {"turns": [{"turn": turn, "agent": agent} for turn, agent, _ in due]})
            fault("team.kept")

    async def _said(self, run: TeamRun) -> list[Said] | None:
        """Return what the turns of *run* came to, asking those that have not been asked; None where one waits."""
        kept = [await self._turns.find(turn) for turn, _, _ in run.turns]
        fresh = [place for place, turn in enumerate(kept) if turn is None]
        async with asyncio.TaskGroup() as group:
            for place in fresh:
                group.create_task(self._turn(run, place))
        kept = [await self._turns.find(turn) for turn, _, _ in run.turns]
        if any(turn is None or turn.state is not TurnState.ended for turn in kept):
            return None
        return [
            Said(agent, turn.answer, turn.ended == "answered")
            for (_, agent, _), turn in zip(run.turns, kept, strict=True)
            if turn is not None
        ]

    async def _turn(self, run: TeamRun, place: int) -> None:
        turn, agent, words = run.turns[place]
        session = await self._sessions.get(run.session)
        if session is None:
            raise SessionUnknown("the session is gone")
        await self._turns.play(turn, agent, session, words, asker=run.asker)

    async def _end(self, run: TeamRun, outcome: Outcome) -> None:
        run.state, run.owner = TeamState.ended, ""
        run.answer, run.ended = outcome.answer, outcome.ended
        await self._save(run, "team.answered", {"ended": outcome.ended}, {"words": run.words, "answer": run.answer})

    async def _save(
        self, run: TeamRun, kind: str, body: Mapping[str, Any], fields: Mapping[str, Any] | None = None
    ) -> None:
        run.updated = self._clock.now()
        await self._journal.record([self._entry(run, kind, body, fields)], guards=[store.save(run)])
        run.revision += 1

    @staticmethod
    def _entry(run: TeamRun, kind: str, body: Mapping[str, Any], fields: Mapping[str, Any] | None = None) -> Entry:
        return Entry(
            kind=kind,
            tenant=run.tenant,
            subject=run.session,
            session=run.session,
            actor=run.asker,
            body={"run": run.id, "team": run.team, **body},
            fields=dict(fields or {}),
        )
