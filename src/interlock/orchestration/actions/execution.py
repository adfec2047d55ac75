"""Running a decided action against its system, and making what came of it durable before anybody hears of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from interlock.foundation.clock import Clock
from interlock.foundation.faults import fault
from interlock.foundation.store import Database
from interlock.foundation.telemetry import OFF, Telemetry
from interlock.foundation.telemetry.overhead import waited
from interlock.governance.journal import Conflict, Entry, Journal
from interlock.integration.systems import Answer, Systems
from interlock.orchestration.actions import store
from interlock.orchestration.actions.action import Action
from interlock.orchestration.sessions import Session, Sessions
from interlock.orchestration.sessions import store as session_store
from interlock.values.actions import ActionState
from interlock.values.labels import PUBLIC
from interlock.values.operations import Operation

_STATES = {
    "succeeded": ActionState.succeeded,
    "failed": ActionState.failed,
    "unknown": ActionState.in_doubt,
}
_OPEN = frozenset({ActionState.executing, ActionState.in_doubt})
_CHANGED = {
    "code": "definition_changed",
    "detail": "The definition of the operation changed since this was decided; nothing was sent",
}
OWN = frozenset({"result_breaks_contract"})
"""Codes of problems that Interlock itself finds with what a caller reports."""
REPORTED = "reported"
"""What the journal's hashed part says of a problem that a caller reported in its own words."""


class Execution:
    """Calls systems for actions that are durably `executing`, and records the outcome."""

    def __init__(
        self,
        database: Database,
        systems: Systems,
        journal: Journal,
        sessions: Sessions,
        clock: Clock,
        telemetry: Telemetry = OFF,
    ) -> None:
        self._database = database
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
            answer = await self.call(action)
        fault("action.after_call")
        self._observe(operation.system, answer)
        waited(answer.elapsed_ms)
        return await self.finish(action, operation, session, answer, actor=f"service:{self._journal.writer}")

    async def call(self, action: Action) -> Answer:
        """Call the system as it was decided on; a definition that changed since is another operation, and not sent."""
        compiled = self._systems.catalog.operations.get(action.operation)
        if compiled is None or compiled.digest != action.definition:
            return Answer("failed", problem=dict(_CHANGED), sent=False)
        return await self._systems.call(action.operation, action.input, key=action.key)

    async def finish(
        self, action: Action, operation: Operation, session: Session | None, answer: Answer, *, actor: str
    ) -> Action:
        """Record *answer* as the outcome of an action that is executing or in doubt.

        If somebody settled the action first, what they recorded stands and is returned; a doubt does not stand
        against a certain answer.
        """
        while (was := action.state) in _OPEN and was is not _STATES[answer.status]:
            try:
                await self._finish(action, operation, session, answer, actor=actor)
            except Conflict:
                self.sessions.forget(action.session)
                stored = await store.load(self._database, action.id)
                assert stored is not None
                action = stored
                continue
            self.telemetry.metrics.count("interlock_actions_total", action.operation, action.state.value)
            fault("action.after_result")
            break
        return action

    async def _finish(
        self, action: Action, operation: Operation, session: Session | None, answer: Answer, *, actor: str
    ) -> None:
        was, state = action.state, _STATES[answer.status]
        action.state = state
        action.output = answer.output if state is ActionState.succeeded else None
        action.label = (action.label or PUBLIC).join(operation.returns)
        action.problem = answer.problem
        action.updated = self._clock.now()
        entry = Entry(
            kind=f"action.{state.value}",
            tenant=action.tenant,
            subject=action.id,
            session=action.session,
            actor=actor,
            body=_outcome(action, operation, answer),
            fields=_values(action),
        )
        changes = [session_store.touch(action.session)]
        guards = [store.save(action, was=was)]
        entries = [entry]
        if state is ActionState.succeeded and action.undo_of:
            entries.append(compensated(action, by=action.principal))
            changes.append(store.compensate(action.undo_of))
        if session is not None:
            session.pending += 1
        try:
            await self._journal.record(entries, guards=guards, changes=changes)
        except BaseException:
            self.sessions.forget(action.session)
            raise
        action.revision += 1
        if session is not None:
            session.pending -= 1
            session.revision += 1
            if state is ActionState.succeeded:
                session.succeed(
                    operation,
                    action.input,
                    action.output,
                    action.origins,
                    agreed=action.agreed,
                    steered=action.steered,
                )

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
    if action.label is not None:
        body["label"] = action.label.to_json()
    if answer.problem:
        code = str(answer.problem.get("code", ""))
        body["problem"] = code if not action.external or code in OWN else REPORTED
    return body


def _values(action: Action) -> dict[str, Any]:
    values = {"output": action.output} if action.output is not None else {}
    if action.external and action.problem is not None:
        values["problem"] = action.problem  # in the words of whoever reported it, which may hold anything
    return values


def compensated(action: Action, *, by: str) -> Entry:
    """Return the entry about the action that *action*, an undo, has undone."""
    return Entry(
        kind="action.compensated",
        tenant=action.tenant,
        subject=action.undo_of,
        session=action.session,
        actor=by,
        body={"undone_by": action.id},
    )
