"""Folders of interchanges, looked into and written in threads of the connector's own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from interlock.integration.connectors.edi.inbox import CursorInvalid, FolderAway, TimeOver, TooMuch
from interlock.integration.connectors.edi.operations import Operations
from interlock.integration.connectors.interface import Answer, failed, unanswered
from interlock.integration.connectors.notes import NotesAway, NotesBusy, NotesUnclear
from interlock.integration.contracts import Definition
from interlock.values.operations import Effect

THREADS = 4
READS = frozenset({"list", "get"})


class EdiConnector:
    """One exchange with one partner. Its folders are looked into at each call, so they may be away when we start."""

    def __init__(self, definitions: Mapping[str, Definition], operations: Operations, concurrency: int) -> None:
        self._bindings = {name: definition.binding for name, definition in definitions.items()}
        self._operations = operations
        self._threads = min(THREADS, concurrency)
        self._executor: ThreadPoolExecutor | None = None

    async def open(self) -> None:
        if self._executor is None:
            self._executor = ThreadPoolExecutor(self._threads, thread_name_prefix="interlock-edi")

    async def close(self) -> None:
        executor, self._executor = self._executor, None
        if executor is not None:
            await asyncio.to_thread(executor.shutdown, wait=True, cancel_futures=True)

    async def call(self, operation: str, arguments: Mapping[str, Any], *, key: str, timeout: float) -> Answer:
        binding = self._bindings[operation]
        effect = Effect.read if binding["verb"] in READS else Effect.write
        return await self._run(
            lambda deadline: self._operations.run(binding, arguments, key, deadline), effect, timeout
        )

    async def probe(self, *, timeout: float) -> Answer:
        """Look into the folders."""
        return await self._run(self._operations.probe, Effect.read, timeout)

    async def definitions(self) -> None:
        """The mappings are the project's own."""
        return

    async def _run(self, work: Callable[[float], Answer], effect: Effect, timeout: float) -> Answer:
        if self._executor is None:
            return failed("unreachable", "the connector is closed", sent=False)
        deadline = time.monotonic() + timeout
        return await asyncio.get_running_loop().run_in_executor(self._executor, _answered, work, effect, deadline)


def _answered(work: Callable[[float], Answer], effect: Effect, deadline: float) -> Answer:
    """Return what *work* answers; what keeps it from doing so is an answer too."""
    try:
        return work(deadline)
    except (FolderAway, NotesAway) as error:
        return failed("unreachable", f"the folders cannot be used: {error}", sent=False)
    except NotesBusy:
        return failed("system_busy", "the ledger is being written by another", sent=False, transient=True)
    except CursorInvalid:
        detail = "`after` is no `next` of this operation; begin again without it"
        return failed("cursor_invalid", detail, sent=False)
    except TooMuch:
        return failed("folder_too_large", "the inbox holds more files than are looked at; move old ones away")
    except TimeOver:
        return failed("timed_out", "the time limit passed; nothing was changed", transient=True)
    except NotesUnclear:
        return unanswered(Effect.write, "commit_unclear", "what was written is perhaps not durable")
    except OSError as error:
        return unanswered(effect, "system_error", f"the folders failed: {error.strerror}")
