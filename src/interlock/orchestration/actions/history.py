"""What a session that is loaded again knows of its past: counts, what succeeded, what was heard and seen."""

from __future__ import annotations

from interlock.foundation.store import Database
from interlock.orchestration.actions import store
from interlock.orchestration.actions.view import UNTOLD
from interlock.orchestration.project import Projects
from interlock.orchestration.sessions import Session
from interlock.values.actions import ActionState

REMEMBERED = 500
"""Actions of a session that is loaded again whose repeats count."""
_DONE = (ActionState.succeeded, ActionState.compensated)


class History:
    """Rebuilds the history and the memory of sessions from their actions."""

    def __init__(self, database: Database, projects: Projects) -> None:
        self._database = database
        self._projects = projects

    async def rebuild(self, session: Session) -> None:
        """Let *session* begin and succeed again in all that its actions say."""
        operations = self._projects.current.catalog.operations
        newest = await store.of_session(self._database, session.id, limit=REMEMBERED)
        for action in newest:
            session.begin(action.operation, action.arguments)
        effective = newest
        if len(newest) == REMEMBERED:  # nothing that had an effect or counts is forgotten, however long ago it was
            session.count(await store.counts(self._database, session.id))
            effective = [action async for action in store.effective(self._database, session.id)]
        for action in effective:
            compiled = operations.get(action.operation)
            if action.state not in _DONE:
                continue
            if compiled is not None:
                operation, project = compiled.operation, self._projects.current
                session.succeed(
                    operation,
                    action.input,
                    action.output,
                    session.memory.origins(operation, action.input, project.book),
                    agreed=action.agreed,
                    steered=action.steered,
                )
            elif action.output is not None:  # nobody can say any more whom to trust in it
                session.memory.lose(action.label or UNTOLD)
