"""Running a decided action against its system, and making what came of it durable before anybody hears of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from interlock.foundation.clock import Clock
from interlock.foundation.faults import fault
from interlock.foundation.telemetry import OFF, Telemetry
from interlock.foundation.telemetry.overhead import waited
from interlock.governance.journal import Conflict, Entry, Journal
from interlock.integration.systems import Answer, Systems
from interlock.orchestration.actions import store
from interlock.orchestration.actions.action import Action
from interlock.orchestration.sessions import Session, Sessions
from interlock.orchestration.sessions import store as session_store
from interlock.values.actions import ActionState
from interlock.values.operations import Operation

_STATES = {
    "succeeded": ActionState.succeeded,
    "failed": ActionState.failed,
    "unknown": ActionState.in_doubt,
}


class Execution:
    """Calls systems for actions that are durably `executing`, and records the outcome."""

    def __init__(
        self, systems: Systems, journal: Journal, sessions: Sessions, clock: Clock, telemetry: Telemetry = OFF
    ) -> None:
        self._systems = systems
        self._journal = journal
        self.sessions = sessions
        self._clock = clock
        self.telemetry = telemetry
        self._held: set[str] = set()

    @contextmanager
    def holding(self, action_id: str) -> Iterator[None]:
        """Say that this process is taking care of an action, from before its intent is durable to its outcome."""
        self._held.add(action_id)
        try:
            yield
        finally:
            self._held.discard(action_id)

    def holds(self, action_id: str) -> bool:
        """Return whether somebody in this process is taking care of the action right now."""
        return action_id in self._held

    async def run(self, action: Action, operation: Operation, session: Session | None) -> Action:
        """Call the system once, under the action's idempotency key, and record the outcome."""
        fault("action.before_call")
        with self.telemetry.system_call(operation.system, action.operation):
            answer = await self._systems.call(action.operation, action.input, key=action.key)
        fault("action.after_call")
        self._observe(operation.system, answer)
        waited(answer.elapsed_ms)
        return await self.finish(action, operation, session, answer, actor=f"service:{self._journal.writer}")

    async def finish(
        self, action: Action, operation: Operation, session: Session | None, answer: Answer, *, actor: str
    ) -> Action:
        """Record *answer* as the outcome of an action that is executing or in doubt.

        If another process settled the action first, what it recorded stands and is returned.
        """
        was, state = action.state, _STATES[answer.status]
        if was is state:
            return action
        action.state = state
        action.output = answer.output if state is ActionState.succeeded else None
        action.problem = answer.problem
        action.system_ms += answer.elapsed_ms
        action.updated = self._clock.now()
        entry = Entry(
            kind=f"action.{state.value}",
            tenant=action.tenant,
            subject=action.id,
            session=action.session,
            actor=actor,
            body=_outcome(action, operation, answer),
            fields={"output": action.output} if action.output is not None else {},
        )
        changes = [session_store.touch(action.session)]
        guards = [store.save(action, was=was)]
        entries = [entry]
        if state is ActionState.succeeded and action.undo_of:
            entries.append(_compensated(action))
            changes.append(store.compensate(action.undo_of))
        if session is not None:
            session.pending += 1
        try:
            await self._journal.record(entries, guards=guards, changes=changes)
        except Conflict:
            self.sessions.forget(action.session)
            return action
        except BaseException:
            self.sessions.forget(action.session)
            raise
        action.revision += 1
        if session is not None:
            session.pending -= 1
            session.revision += 1
            if state is ActionState.succeeded:
                session.succeed(operation, action.input, action.output, action.origins)
        self.telemetry.metrics.count("interlock_actions_total", action.operation, state.value)
        fault("action.after_result")
        return action

    def _observe(self, system: str, answer: Answer) -> None:
        metrics = self.telemetry.metrics
        metrics.observe("interlock_system_call_seconds", answer.elapsed_ms / 1000, system)
        if not answer.succeeded:
            metrics.count("interlock_system_errors_total", system, str((answer.problem or {}).get("code", "")))


def _outcome(action: Action, operation: Operation, answer: Answer) -> dict[str, Any]:
    body: dict[str, Any] = {
        "operation": action.operation,
        "system": operation.system,
        "status": answer.status,
        "elapsed_ms": round(answer.elapsed_ms, 2),
        "sent": answer.sent,
        "key": action.key,
    }
    if answer.problem:
        body["problem"] = str(answer.problem.get("code", ""))
    return body


def _compensated(action: Action) -> Entry:
    return Entry(
        kind="action.compensated",
        tenant=action.tenant,
        subject=action.undo_of,
        session=action.session,
        actor=action.principal,
        body={"undone_by": action.id},
    )
