"""Connections to a SQLite file, each used by one thread at a time, with a deadline for every piece of work."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock
from typing import TypeVar

_INSTRUCTIONS = 2000  # of SQLite's machine, between two looks at the clock
_LARGEST_VALUE = 64 << 20

T = TypeVar("T")


class CutOff(sqlite3.DatabaseError):
    """A database file lacks its end."""

    sqlite_errorname = "SQLITE_CORRUPT"


class Session:
    """One connection. What it does is interrupted after *deadline* (monotonic)."""

    def __init__(self, file: Path, *, writes: bool) -> None:
        mode = "rw" if writes else "ro"
        self.deadline = time.monotonic() + 1.0
        self._file = file
        self._looked_at = False
        self.connection = sqlite3.connect(
            f"{file.as_uri()}?mode={mode}", uri=True, isolation_level=None, check_same_thread=False, timeout=0
        )
        self.connection.text_factory = bytes.decode
        self.connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LARGEST_VALUE)
        self.connection.set_progress_handler(self._late, _INSTRUCTIONS)
        self.connection.execute("PRAGMA foreign_keys = ON" if writes else "PRAGMA query_only = ON")

    def until(self, deadline: float) -> None:
        """Let work go on until *deadline*, waiting for other users of the file no longer than that."""
        self.deadline = deadline
        left = max(int((deadline - time.monotonic()) * 1000), 1)
        self.connection.execute(f"PRAGMA busy_timeout = {left}")
        if not self._looked_at:
            self._look()
            self._looked_at = True

    def _look(self) -> None:
        """Raise `CutOff` for a file that ends amid a page: SQLite reads zeros for the rest, as if rows were gone."""
        self.connection.execute("BEGIN")
        try:
            [journal] = self.connection.execute("PRAGMA journal_mode").fetchone()
            [size] = self.connection.execute("PRAGMA page_size").fetchone()
            self.connection.execute("PRAGMA schema_version").fetchone()  # locks out those who write pages just now
            if journal != "wal" and self._file.stat().st_size % size:
                raise CutOff("the database file ends amid a page")
        finally:
            self.connection.execute("ROLLBACK")

    def _late(self) -> int:
        return time.monotonic() > self.deadline


class SessionPool:
    """Runs work on at most *threads* connections at once, away from the event loop."""

    def __init__(self, file: Path, *, threads: int, writes: bool) -> None:
        self._file = file
        self._writes = writes
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="interlock-sqlite")
        self._idle: SimpleQueue[Session] = SimpleQueue()
        self._all: set[Session] = set()
        self._lock = Lock()

    async def run(self, work: Callable[[Session], T], timeout: float) -> T:
        """Return what *work* returns. Raises what it raises, and `sqlite3.Error` where no connection can be had."""
        deadline = time.monotonic() + timeout
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._work, work, deadline)

    def _work(self, work: Callable[[Session], T], deadline: float) -> T:
        session = self._session()
        try:
            session.until(deadline)
            return work(session)
        except BaseException:
            if session.connection.in_transaction:
                session.deadline = time.monotonic() + 1.0
                session.connection.execute("ROLLBACK")
            raise
        finally:
            self._idle.put(session)

    def _session(self) -> Session:
        try:
            return self._idle.get_nowait()
        except Empty:
            session = Session(self._file, writes=self._writes)
            with self._lock:
                self._all.add(session)
            return session

    async def close(self) -> None:
        """Stop what is under way, wait for the threads to end, and close every connection."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        with self._lock:
            sessions = list(self._all)
        for session in sessions:
            session.deadline = 0.0
            session.connection.interrupt()
        self._executor.shutdown(wait=True, cancel_futures=True)
        for session in sessions:
            session.connection.close()
