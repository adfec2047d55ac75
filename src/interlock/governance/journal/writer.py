"""The journal's writer: whatever gathered while the last commit ran goes into the next one."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from interlock.foundation.clock import Clock, SystemClock, rfc3339
from interlock.foundation.faults import fault
from interlock.foundation.store import (
    Append,
    Database,
    RowRefused,
    Statement,
    StatementRefused,
    StoreBusy,
    StoreError,
    Writes,
)
from interlock.governance.journal import store
from interlock.governance.journal.chain import Chain
from interlock.governance.journal.checkpoint import Sidecar, head_statement, seal_statement
from interlock.governance.journal.entry import Encoded, Entry, Receipt, Salts, encode
from interlock.governance.journal.errors import (
    Conflict,
    EntryInvalid,
    JournalClosed,
    JournalDamaged,
    JournalUnavailable,
)
from interlock.governance.journal.keys import signer_in
from interlock.governance.journal.verify import check_heads
from interlock.governance.journal.walk import CLOSED, OPENED
from interlock.values.errors import InterlockError
from interlock.values.identifiers import new_id

_LOG = logging.getLogger("interlock.journal")
_LARGEST_BATCH = 1000
_TRIES = 3
CHECKPOINT_SECONDS = 1.0


class _Waiting:
    """One caller's entries, guards and changes, waiting for a commit: a `Unit`."""

    __slots__ = ("_chain", "_changes", "_entries", "future", "guards", "receipts", "shared")

    def __init__(
        self,
        chain: Chain,
        entries: Sequence[Encoded],
        guards: Sequence[Statement],
        changes: Sequence[Statement | Append],
        shared: Sequence[Statement],
        future: asyncio.Future[list[Receipt]],
    ) -> None:
        self._chain = chain
        self._entries = entries
        self._changes = changes
        self.guards = guards
        self.shared = shared
        self.future = future
        self.receipts: list[Receipt] | None = None  # known once the guards held

    def statements(self) -> Iterable[Statement | Append]:
        rows, payloads, receipts = [], [], []
        for encoded in self._entries:
            row, receipt = self._chain.link(encoded)
            rows.append(row)
            receipts.append(receipt)
            if encoded.payload is not None:
                payloads.append((receipt.chain, receipt.seq, encoded.payload))
        self.receipts = receipts
        found: list[Statement | Append] = [*self._changes, store.records(rows)]
        if payloads:
            found.append(store.payloads(payloads))
        return found

    def resolve(self) -> None:
        if not self.future.done():
            self.future.set_result(self.receipts or [])

    def fail(self, error: InterlockError) -> None:
        if not self.future.done():
            self.future.set_exception(error)


class Journal:
    """The append-only record, one chain per process.

    `open` it after the database and before anything else writes; `close` it before the database; then `seal`.
    *state* is the folder of the signing key and the signed checkpoints. Everything is durable when `record`
    returns. Several processes may write one database, each with a journal of its own.
    """

    def __init__(
        self,
        database: Database,
        state: Path,
        *,
        clock: Clock | None = None,
        checkpoint_seconds: float = CHECKPOINT_SECONDS,
    ) -> None:
        self.writer = new_id("wrt")
        self._database = database
        self._state = state
        self._clock = clock or SystemClock()
        self._every = checkpoint_seconds
        self._chain = Chain(self.writer)
        self._salt = Salts()
        self._pending: deque[_Waiting] = deque()
        self._running: asyncio.Task[None] | None = None
        self._checkpointing: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._sidecar: Sidecar | None = None
        self._signed = 0
        self._tip_known = True
        self._accepting = False
        self.committed: Callable[[float, int], None] | None = None
        """Told of each commit: how many seconds it took, and how many records it made durable."""
        self._loop: asyncio.AbstractEventLoop | None = None  # asking for the running one costs a system call

    async def open(self) -> None:
        """Make the tables, check and sign the heads of all chains, and start a chain that names them.

        Raises `JournalDamaged` if what the last processes left is not what they signed, `SigningKeyUnsafe`,
        `JournalUnavailable`.
        """
        self._loop = asyncio.get_running_loop()
        signer = signer_in(self._state)
        self._sidecar = Sidecar(self._state, signer)
        opened = {"at": self._moment(), "kind": "opened", "writer": self.writer}
        await asyncio.to_thread(self._sidecar.append, [opened])
        await self._database.migrate(store.CAPABILITY, store.STEPS)
        if not await self._database.claim(self.writer):
            raise JournalDamaged("the new chain's name is taken", fix="start again")
        heads = await check_heads(self._database)
        changes = await self._signatures([head for head in heads if head.seq > head.signed])
        named = [head for head in heads if head.seq > head.anchored]
        changes += [store.anchored(head.chain, head.seq) for head in named]
        anchors = {head.chain: [head.seq, head.hash.hex()] for head in named}
        await self._put([self._entry(OPENED, {"anchors": anchors, "key": signer.public})], (), changes)
        await self._checkpoint()
        self._accepting = True

    async def close(self) -> None:
        """Write what waits, end the chain with a record that says so, and sign it. Closing twice does nothing."""
        if not self._accepting:
            return
        self._accepting = False
        if self._timer is not None:
            self._timer.cancel()
        if self._checkpointing is not None:
            await asyncio.wait([self._checkpointing])
        try:
            await self._put([self._entry(CLOSED, {})], (), ())
            await self._checkpoint()
        finally:
            await self._database.release(self.writer)

    def seal(self) -> bool:
        """Sign the bytes of the database's file; call it when journal and database are closed.

        It blocks while the file is read. Return False where there is no such file or another process still has it open.
        """
        file = self._database.file
        if self._accepting or self._sidecar is None or file is None:
            return False
        if file.with_name(file.name + "-wal").exists():
            return False
        self._sidecar.append([seal_statement(self._moment(), file)])
        return True

    async def record(
        self,
        entries: Sequence[Entry],
        *,
        guards: Sequence[Statement] = (),
        changes: Sequence[Statement | Append] = (),
        shared: Sequence[Statement] = (),
    ) -> list[Receipt]:
        """Record *entries* and run *changes*, if every one of *guards* touches exactly one row; all or nothing.

        *shared* are changes, harmless on their own, of each row that guards or changes touch and other processes
        change too. They come first in a transaction, for all its callers in one order, so that processes wait for
        each other's rows and never in a circle. They may happen although a guard does not hold.

        Durable on return. Raises `Conflict` if a guard does not hold or a row exists already, `EntryInvalid`,
        `JournalUnavailable`, `JournalClosed`. A caller that is cancelled while waiting does not stop it.
        """
        if not self._accepting:
            raise JournalClosed("the journal is not open", fix="open it before recording")
        if not entries:
            raise EntryInvalid("nothing to record", fix="give at least one entry")
        salt = self._salt
        return await self._put([encode(entry, salt) for entry in entries], guards, changes, shared)

    # --- group commit ---------------------------------------------------------------------------------------

    def _put(
        self,
        entries: Sequence[Encoded],
        guards: Sequence[Statement],
        changes: Sequence[Statement | Append],
        shared: Sequence[Statement] = (),
    ) -> asyncio.Future[list[Receipt]]:
        assert self._loop is not None
        future: asyncio.Future[list[Receipt]] = self._loop.create_future()
        self._pending.append(_Waiting(self._chain, entries, guards, changes, shared, future))
        if self._running is None:
            self._running = self._loop.create_task(self._run())
        return future

    async def _run(self) -> None:
        pending, batch = self._pending, list[_Waiting]()
        try:
            while pending:
                batch = [pending.popleft() for _ in range(min(len(pending), _LARGEST_BATCH))]
                await self._commit(batch)
            batch = []
        finally:
            self._running = None
            if batch:  # nobody waits for ever, whatever went wrong
                self._tip_known = False
                for waiting in (*batch, *pending):
                    waiting.fail(_unavailable("unknown", "the writer was stopped"))
                pending.clear()

    async def _commit(self, batch: Sequence[_Waiting]) -> None:
        started, before = self._clock.monotonic(), self._chain.tip.seq
        try:
            held = await self._committed(batch)
        except StatementRefused as error:
            await self._apart(batch, error)
        except StoreError as error:
            await self._settle(batch, error)
        else:
            self._chain.settle()
            fault("journal.after_commit")
            for waiting, held_ in zip(batch, held, strict=True):
                if held_:
                    waiting.resolve()
                else:
                    waiting.fail(_overtaken())
            if self.committed is not None:
                self.committed(self._clock.monotonic() - started, self._chain.tip.seq - before)
            self._schedule_checkpoint()

    async def _committed(self, batch: Sequence[_Waiting]) -> list[bool]:
        for attempt in range(_TRIES):
            self._chain.begin(self._moment())
            for waiting in batch:
                waiting.receipts = None
            if not self._tip_known:
                await self._find_tip()
                self._chain.begin(self._moment())
            fault("journal.before_commit")
            try:
                return await self._run_in_order(batch)
            except StoreBusy:
                if attempt == _TRIES - 1:
                    raise
        raise AssertionError("the last try returns or raises")

    async def _run_in_order(self, batch: Sequence[_Waiting]) -> list[bool]:
        """Commit *batch*, after the rows that several processes change, each once and all sorted."""
        shared = {(s.sql, s.params): s for waiting in batch for s in waiting.shared}
        if not shared:
            return await self._database.commit(batch)
        first = Writes([shared[key] for key in sorted(shared)])
        try:
            return (await self._database.commit([first, *batch]))[1:]
        except StatementRefused as error:
            error.index = error.index - 1 if error.index else None
            raise

    async def _apart(self, batch: Sequence[_Waiting], error: StatementRefused) -> None:
        """Fail the one whose statement was refused; commit the others without it. Nothing was committed."""
        if len(batch) == 1:
            batch[0].fail(_refused(error))
        elif error.index is not None:
            batch[error.index].fail(_refused(error))
            await self._commit([*batch[: error.index], *batch[error.index + 1 :]])
        else:
            middle = len(batch) // 2
            await self._commit(batch[:middle])
            await self._commit(batch[middle:])

    async def _settle(self, batch: Sequence[_Waiting], error: StoreError) -> None:
        """Find out what became of a commit that failed, and tell those who wait."""
        draft, before = self._chain.draft, self._chain.tip
        self._tip_known = False
        recorded = "unknown"
        try:
            await self._find_tip()
        except StoreError:
            pass
        else:
            recorded = "yes" if self._chain.tip == draft != before else "no"
        for waiting in batch:
            if recorded != "yes":
                waiting.fail(_unavailable(recorded, error.what))
            elif waiting.receipts is None:
                waiting.fail(_overtaken())
            else:
                waiting.resolve()

    async def _find_tip(self) -> None:
        """Ask the database for the chain's tip, which a failed commit left open."""
        await self._database.commit([])  # a lost connection's transaction is settled once this returns
        self._chain.tip = await store.tip(self._database, self.writer)
        self._tip_known = True

    # --- checkpoints ----------------------------------------------------------------------------------------

    def _schedule_checkpoint(self) -> None:
        if self._timer is None and self._accepting and self._chain.tip.seq > self._signed:
            self._timer = asyncio.get_running_loop().call_later(self._every, self._start_checkpoint)

    def _start_checkpoint(self) -> None:
        self._timer = None
        self._checkpointing = asyncio.get_running_loop().create_task(self._try_checkpoint())

    async def _try_checkpoint(self) -> None:
        try:
            await self._checkpoint()
        except InterlockError as error:  # the next one covers what this one did not
            _LOG.warning("no checkpoint was signed: %s", error)
        self._schedule_checkpoint()

    async def _checkpoint(self) -> None:
        tip = self._chain.tip
        head = store.Head(self.writer, tip.seq, tip.hash, signed=self._signed, anchored=0)
        await self._put((), (), await self._signatures([head]))
        self._signed = tip.seq

    async def _signatures(self, heads: Sequence[store.Head]) -> list[Statement]:
        """Sign *heads* into the sidecar; return the changes that keep them in the table too."""
        if not heads or self._sidecar is None:
            return []
        at = self._moment()
        statements = [head_statement(at, head.chain, head.seq, head.hash) for head in heads]
        lines = await asyncio.to_thread(self._sidecar.append, statements)
        return [
            store.signed(store.SignedHead(head.chain, head.seq, head.hash, line))
            for head, line in zip(heads, lines, strict=True)
        ]

    def _entry(self, kind: str, body: dict[str, object]) -> Encoded:
        return encode(Entry(kind, tenant="", subject=self.writer, actor="service:interlock", body=body), self._salt)

    def _moment(self) -> str:
        return rfc3339(self._clock.now())


def _overtaken() -> Conflict:
    return Conflict("what this change builds on has changed", fix="look again and decide anew")


def _refused(error: StatementRefused) -> InterlockError:
    if isinstance(error, RowRefused):
        return Conflict("a row exists already, or one it needs does not", why=error.why, fix="look again")
    return error


def _unavailable(recorded: str, why: str) -> JournalUnavailable:
    fix = "try again" if recorded == "no" else "look whether it was recorded before trying again"
    return JournalUnavailable("the entries could not be made durable", why=why, fix=fix, recorded=recorded)
