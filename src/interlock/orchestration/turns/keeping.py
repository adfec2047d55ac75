"""Keeping turns: what has been said in a session, how far each turn has come, and who goes on with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from interlock.foundation.clock import Clock
from interlock.foundation.faults import fault
from interlock.foundation.store import Database, Statement
from interlock.governance.journal import Conflict, Entry, Journal
from interlock.orchestration.agents import Progress, Turn
from interlock.orchestration.turns import store
from interlock.orchestration.turns.kept import KeptTurn, TurnState
from interlock.values.clearances import Clearance
from interlock.values.labels import PUBLIC, Label

REMEMBERED = 40
"""How many messages of a conversation a model is shown at most."""
TURNS = 20

Messages = Sequence[Mapping[str, Any]]


class Keeping:
    """Keeps the turns of one process, and knows which of them it is running."""

    def __init__(self, database: Database, journal: Journal, clock: Clock) -> None:
        self.database = database
        self._journal = journal
        self.clock = clock
        self._running: set[str] = set()

    @property
    def process(self) -> str:
        """The name of this process, by which a turn is owned."""
        return self._journal.writer

    def runs(self, turn_id: str) -> bool:
        """Return whether this process is running the turn."""
        return turn_id in self._running

    @contextmanager
    def running(self, kept: KeptTurn) -> Iterator[None]:
        """Say that this process runs *kept* meanwhile."""
        self._running.add(kept.id)
        try:
            yield
        finally:
            self._running.discard(kept.id)

    async def history(self, session: str, clearance: Clearance, *, before: str = "") -> tuple[Messages, Label]:
        """Return what was said in the turns before, and its label, back to one that says more than may be seen."""
        told: list[KeptTurn] = []
        for turn in await store.of_session(self.database, session, before=before, limit=TURNS):
            if turn.state is TurnState.running:
                continue  # it goes on beside this one, or has just been begun
            if not clearance.admits(turn.label):
                break
            told.insert(0, turn)
        messages: list[Mapping[str, Any]] = []
        label = PUBLIC
        for turn in told:
            messages += turn.messages
            label = label.join(turn.label)
        if not messages:
            return [], PUBLIC
        if len(messages) > REMEMBERED:
            starts = [at for at, message in enumerate(messages) if message["role"] == "user"]
            at = next((start for start in starts if len(messages) - start <= REMEMBERED), starts[-1])
            messages = messages[at:]
        return messages, label

    async def step(self, kept: KeptTurn, progress: Progress) -> None:
        """Make it durable how far *kept* has come, before any of its calls is taken up."""
        kept.progress, kept.state, kept.owner = progress, TurnState.running, self.process
        called = [call.name for call in progress.pending]
        await self._record(kept, [_entry(kept, "turn.stepped", {"calls": called, "proposals": progress.proposals})])

    async def claim(self, kept: KeptTurn, body: Mapping[str, Any]) -> bool:
        """Let this process go on with *kept*; return False where another was faster."""
        kept.state, kept.owner, kept.waits_for = TurnState.running, self.process, ""
        kept.resumed += 1
        fault("turn.before_resume")
        try:
            await self._record(kept, [_entry(kept, "turn.resumed", body)])
        except Conflict:
            return False
        fault("turn.resumed")
        return True

    async def end(
        self, kept: KeptTurn, turn: Turn, *, further: Sequence[Entry] = (), changes: Sequence[Statement] = ()
    ) -> None:
        """Make durable how *turn* ended, which *kept* has taken over; with *further* entries and *changes*."""
        body = {
            "agent": kept.agent,
            "ended": turn.ended.value,
            "provider": turn.provider,
            "model": turn.model,
            "actions": [str(step.action.get("id", "")) for step in turn.steps],
            "waits_for": kept.waits_for,
            "resumed": kept.resumed,
            "label": turn.label.to_json(),
        }
        fault("turn.before_end")
        entry = _entry(kept, "turn.answered", body, {"words": turn.words, "answer": turn.answer})
        await self._record(kept, [entry, *further], changes)

    def begun(self, kept: KeptTurn) -> Statement:
        """Return the statement that stores *kept* as one that this process runs; the caller commits it."""
        kept.state, kept.owner, kept.stored = TurnState.running, self.process, True
        return store.insert(kept)

    async def note(self, entry: Entry) -> None:
        """Record what concerns no turn that is kept."""
        await self._journal.record([entry])

    async def _record(self, kept: KeptTurn, entries: Sequence[Entry], changes: Sequence[Statement] = ()) -> None:
        kept.updated = self.clock.now()
        if kept.stored:
            await self._journal.record(entries, guards=[store.save(kept)], changes=changes)
            kept.revision += 1
        else:
            await self._journal.record(entries, changes=[store.insert(kept), *changes])
            kept.stored = True


def _entry(kept: KeptTurn, kind: str, body: Mapping[str, Any], fields: Mapping[str, Any] | None = None) -> Entry:
    return Entry(
        kind=kind,
        tenant=kept.tenant,
        subject=kept.session,
        session=kept.session,
        actor=f"agent:{kept.agent}",
        body={"turn": kept.id, **body},
        fields=dict(fields or {}),
    )
