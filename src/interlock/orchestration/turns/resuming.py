"""Going on with turns: with those whose action has ended, those whose process has died, those a person has answered."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from interlock.foundation.store import Database
from interlock.governance.journal import Conflict
from interlock.orchestration.actions import View
from interlock.orchestration.actions import store as actions
from interlock.orchestration.agents import Progress, advised, told
from interlock.orchestration.escalations import Escalation, EscalationState
from interlock.orchestration.project import Projects
from interlock.orchestration.turns import store
from interlock.orchestration.turns.kept import KeptTurn, TurnState
from interlock.orchestration.turns.turns import Turns
from interlock.values.errors import InterlockError
from interlock.values.principals import Kind, Principal

log = logging.getLogger("interlock.turns")

PAGE = 200
AT_ONCE = 8
"""How many turns one process goes on with at the same time."""


class Resuming:
    """Goes on with turns beside the requests. Of several processes one goes on with each."""

    def __init__(self, turns: Turns, projects: Projects, database: Database) -> None:
        self._turns = turns
        self._projects = projects
        self._database = database
        self._room = asyncio.Semaphore(AT_ONCE)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._after = ""

    async def run(self, *, every: float = 1.0) -> None:
        """Go on until cancelled. A round that fails is logged and tried again."""
        try:
            while True:
                try:
                    await self.round()
                except (InterlockError, OSError) as error:
                    log.warning("a round of turns failed: %s", type(error).__name__)
                await asyncio.sleep(every)
        finally:
            for task in self._tasks.values():
                task.cancel()

    async def round(self) -> None:
        """Begin to go on with everything that is due."""
        for kept in await store.in_state(self._database, TurnState.running, after="", limit=PAGE):
            if await self._left_behind(kept):
                await self._begin(kept, kept.progress, {"because": "its process ended"})
        waiting = await store.in_state(self._database, TurnState.waiting, after=self._after, limit=PAGE)
        self._after = waiting[-1].id if len(waiting) == PAGE else ""
        states = await actions.states(self._database, [kept.waits_for for kept in waiting])
        for kept in waiting:
            state = states.get(kept.waits_for)
            if state is not None and state.final:
                await self._ended(kept)

    async def settled(self) -> None:
        """Wait until all that was begun has come to its end."""
        while self._tasks:
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def answered(self, escalation: Escalation) -> None:
        """Go on with a turn that a person was asked about; the person's words are added to its conversation."""
        kept = await store.load(self._database, escalation.asked.subject)
        if kept is None or kept.waits_for != escalation.id:
            return  # gone on with before: an answer may be told twice
        because = {"because": f"the escalation is {escalation.state.value}", "escalation": escalation.id}
        if escalation.state is EscalationState.answered and escalation.answer is not None:
            words = f"{escalation.answered_by}, who was asked, answers: {escalation.answer['text']}"
            await self._begin(kept, advised(kept.progress, words), because)
        else:
            await self._turns.abandon(kept, "Nobody could be found who goes on with this.", because)

    async def _left_behind(self, kept: KeptTurn) -> bool:
        """Return whether nobody runs *kept*: its process has died, or has given it up in the middle."""
        keeping = self._turns.keeping
        if kept.id in self._tasks:
            return False
        if kept.owner == keeping.process:
            return not keeping.runs(kept.id)
        if not await self._database.claim(kept.owner):
            return False
        await self._database.release(kept.owner)
        return True

    async def _ended(self, kept: KeptTurn) -> None:
        """Go on with a turn whose action has ended."""
        action = await actions.load(self._database, kept.waits_for)
        if action is None:
            return
        project = self._projects.current
        spec = project.agents.get(kept.agent)
        roles = spec.roles if spec is not None else frozenset()
        principal = Principal(Kind.agent, kept.agent, kept.tenant, roles)
        view = View(project, principal).action(action).to_json()
        compiled = project.catalog.operations.get(action.operation)
        limit = spec.limits.result_bytes if spec is not None else 0
        progress = told(kept.progress, compiled.operation if compiled else None, view, limit)
        await self._begin(kept, progress, {"because": f"the action is {action.state.value}", "action": action.id})

    async def _begin(self, kept: KeptTurn, progress: Progress, because: Mapping[str, Any]) -> None:
        """Let this process go on with *kept*; on return that is durable, and the rest happens by itself."""
        if kept.id in self._tasks:
            return
        claimed = asyncio.Event()
        task = asyncio.create_task(self._go_on(kept, progress, because, claimed))
        self._tasks[kept.id] = task
        task.add_done_callback(lambda _: self._tasks.pop(kept.id, None))
        await claimed.wait()

    async def _go_on(
        self, kept: KeptTurn, progress: Progress, because: Mapping[str, Any], claimed: asyncio.Event
    ) -> None:
        try:
            kept.progress = progress
            mine = await self._turns.keeping.claim(kept, because)
            claimed.set()
            if mine:
                async with self._room:
                    await self._turns.go_on(kept)
        except Conflict:
            log.info("%s was gone on with elsewhere", kept.id)
        except InterlockError as error:
            log.warning("%s could not be gone on with: %s", kept.id, error.code)
        finally:
            claimed.set()
