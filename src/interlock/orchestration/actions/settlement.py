"""Settling what a crash, a lost answer or a passing deadline left open. Nothing is ever blindly repeated."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from interlock.foundation.clock import Clock
from interlock.foundation.expressions import ExpressionFailed
from interlock.foundation.faults import fault
from interlock.foundation.store import Database
from interlock.governance.journal import Conflict, Entry, Journal
from interlock.integration.systems import Answer, Systems
from interlock.orchestration.actions import store
from interlock.orchestration.actions.action import Action
from interlock.orchestration.actions.errors import ActionStateInvalid
from interlock.orchestration.actions.execution import Execution
from interlock.orchestration.actions.waiting import Waiting
from interlock.orchestration.approvals import Approvals
from interlock.orchestration.project import Projects
from interlock.orchestration.sessions import Session
from interlock.values.actions import ActionState
from interlock.values.decisions import Requirement
from interlock.values.errors import InterlockError
from interlock.values.operations import Operation

log = logging.getLogger("interlock.settlement")

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
MOST_PAUSES = 10_000
PAGE = 200  # actions of one state that one round looks at; the next goes on where it ended
REPORT_WITHIN = 900.0  # seconds for a caller to report what it executed, unless its operation says otherwise
GRACE = 1.0  # seconds after a call's time limit before a read-back may conclude that nothing happened


class Settlement:
    """Runs beside the server: recovers dead processes' actions, settles doubts, expires approvals."""

    def __init__(
        self,
        database: Database,
        journal: Journal,
        projects: Projects,
        systems: Systems,
        execution: Execution,
        waiting: Waiting,
        approvals: Approvals,
    ) -> None:
        self._database = database
        self._journal = journal
        self._projects = projects
        self._sessions = execution.sessions
        self._systems = systems
        self._execution = execution
        self._waiting = waiting
        self._approvals = approvals
        self._clock: Clock = execution.sessions.clock
        self._pauses: dict[str, tuple[float, float]] = {}
        self._ended: dict[ActionState, str] = {}

    async def run(self, *, every: float = 1.0) -> None:
        """Settle until cancelled. A round that fails is logged and tried again."""
        while True:
            try:
                await self.round()
            except (InterlockError, OSError) as error:
                log.warning("settlement round failed: %s", type(error).__name__)
            await asyncio.sleep(every)

    async def round(self) -> None:
        """Do everything that is due once. What cannot be taken further is logged and holds up nothing else."""
        await self.recover()
        await self._each(ActionState.executing, self._miss_report)
        await self._each(ActionState.in_doubt, self._settle_due)
        for action_id in await self._approvals.sweep():
            await self._waiting.resume(action_id)
        await self._each(ActionState.waiting, self._go_on)

    async def _each(self, state: ActionState, step: Callable[[Action], Awaitable[None]]) -> None:
        """Take a page of the actions in *state* a step further, beginning after those of the last round."""
        found = await store.in_state(self._database, state, after=self._ended.get(state, ""), limit=PAGE)
        self._ended[state] = found[-1].id if len(found) == PAGE else ""
        for action in found:
            try:
                await step(action)
            except ActionStateInvalid:
                continue  # somebody took it further at the same moment
            except InterlockError as error:
                log.warning("%s cannot be taken further: %s", action.id, error.code)

    async def recover(self) -> int:
        """Take over actions that nobody takes care of any more; return how many.

        Those are what dead processes were executing, and what this one gave up in the middle (its caller was
        cancelled, or the outcome could not be recorded).
        """
        taken = 0
        for owner in await store.owners(self._database):
            if owner == self._journal.writer:
                taken += await self._take_back(owner)
                continue
            if not await self._database.claim(owner):
                continue
            try:
                for action in await store.owned(self._database, owner):
                    if action.external:
                        continue
                    taken += await self._doubt(action)
            finally:
                await self._database.release(owner)
        return taken

    async def _take_back(self, owner: str) -> int:
        owned = await store.owned(self._database, owner)
        return sum([await self._doubt(a) for a in owned if not a.external and not self._execution.holds(a.id)])

    async def _miss_report(self, action: Action) -> None:
        """Put into doubt what a caller was allowed to execute itself and has not reported in time."""
        compiled = self._projects.current.catalog.operations.get(action.operation)
        patience = (compiled.operation.timeout if compiled else 0.0) or REPORT_WITHIN
        if action.external and self._clock.now() > action.updated + patience:
            await self._doubt(action)

    async def _settle_due(self, action: Action) -> None:
        if self._due(action):
            await self.settle(action)

    async def settle(self, action: Action) -> Action:
        """Find out what an action in doubt did, if its operation can say; otherwise leave it to a person."""
        project = self._projects.current
        compiled = project.catalog.operations.get(action.operation)
        if action.state is not ActionState.in_doubt or compiled is None:
            return action
        answer = await self._find_out(action, compiled.operation)
        if answer is None or answer.status == "unknown":
            self._pause(action)
            return action
        fault("settle.after_read_back")
        session = await self._sessions.get(action.session)
        self._pauses.pop(action.id, None)
        return await self._execution.finish(action, compiled.operation, session, answer, actor="service:settlement")

    def can_settle(self, action: Action) -> bool:
        """Return whether the layer itself can find out, or whether a person must."""
        compiled = self._projects.current.catalog.operations.get(action.operation)
        if compiled is None:
            return False
        return action.operation in self._projects.current.read_backs or _repeatable(action, compiled.operation)

    async def _find_out(self, action: Action, operation: Operation) -> Answer | None:
        plan = self._projects.current.read_backs.get(action.operation)
        if plan is None:
            if not _repeatable(action, operation):
                return None
            answer = await self._execution.call(action)
            # A system that knows the key answers as it did the first time; any other's refusal says nothing of that.
            told = answer.succeeded or (answer.sent and bool(operation.idempotency_header))
            return answer if told else None
        fault("settle.before_read_back")
        try:
            variables = {"input": action.input, "key": action.key, "output": None, "facts": {}}
            answer = await self._systems.call(plan.call.operation, plan.call.build(variables))
            if answer.status != "succeeded":
                return None
            seen = {"result": answer.output, "input": action.input, "key": action.key}
            if plan.found.evaluate(seen):
                return Answer("succeeded", output=plan.output.evaluate(seen), elapsed_ms=answer.elapsed_ms)
        except ExpressionFailed:
            return None
        if self._clock.now() < action.updated + self._patience(operation):
            return None
        problem = {"code": "effect_absent", "detail": "The system shows no trace of the call; it had no effect"}
        return Answer("failed", problem=problem, elapsed_ms=answer.elapsed_ms)

    def _patience(self, operation: Operation) -> float:
        limits = self._projects.current.catalog.systems[operation.system].limits
        return (operation.timeout or limits.timeout) + GRACE

    async def _doubt(self, action: Action) -> int:
        action.state = ActionState.in_doubt
        detail = "Nobody recorded what came of the call"
        action.problem = {"code": "outcome_not_recorded", "detail": detail}
        entry = Entry(
            kind="action.in_doubt",
            tenant=action.tenant,
            subject=action.id,
            session=action.session,
            actor="service:settlement",
            body={"operation": action.operation, "was": action.owner, "key": action.key},
        )
        action.owner, action.updated = "", self._clock.now()
        try:
            await self._journal.record([entry], guards=[store.save(action, was=ActionState.executing)])
        except Conflict:
            return 0  # another process recovered it first
        return 1

    async def _go_on(self, action: Action) -> None:
        """Resume an action of which nothing is unmet any more, or that waits in a session that is over.

        Its last consent may have been recorded by a process that then died.
        """
        session = await self._sessions.get(action.session)
        if session is None:
            return
        if not session.closed and (action.outlasts or not session.over(self._clock.now())):
            levels = self._projects.current.settings.verification
            if any(not _may_be_met(requirement, session, levels) for requirement in action.unmet()):
                return
            if await self._approvals.pending(action.id):
                return
        await self._waiting.resume(action.id)

    def _due(self, action: Action) -> bool:
        at, _ = self._pauses.get(action.id, (0.0, 0.0))
        return self._clock.monotonic() >= at and self.can_settle(action)

    def _pause(self, action: Action) -> None:
        if len(self._pauses) > MOST_PAUSES:  # most of them a person has settled, or another process
            self._pauses.clear()
        _, pause = self._pauses.get(action.id, (0.0, FIRST_PAUSE / 2))
        pause = min(pause * 2, LONGEST_PAUSE)
        self._pauses[action.id] = (self._clock.monotonic() + pause, pause)


def _repeatable(action: Action, operation: Operation) -> bool:
    """Return whether the layer may call again: never what the caller executes."""
    return operation.repeatable and not action.external


def _may_be_met(requirement: Requirement, session: Session, levels: Sequence[str]) -> bool:
    """Return whether judging again can find a stored requirement met: by an approval, or by a raised verification."""
    if requirement.kind != "step-up":
        return requirement.kind != "confirm"
    known = {requirement.subject, session.verification} <= set(levels)
    return known and levels.index(session.verification) >= levels.index(requirement.subject)
