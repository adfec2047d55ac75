"""Files at a place, each call in a thread of the connector's own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from interlock.integration.connectors.files.errors import INDEFINITE, FilesTrouble
from interlock.integration.connectors.files.operations import Operations
from interlock.integration.connectors.files.places.interface import Errand
from interlock.integration.connectors.interface import Answer, SystemDeclaration, failed, unanswered, unsent
from interlock.integration.connectors.notes import NotesAway, NotesBusy, NotesUnclear
from interlock.integration.contracts import Definition
from interlock.values.errors import InterlockError
from interlock.values.operations import Effect

THREADS = 4
_PARTING = 0.5
"""Seconds that a thread has to notice that its time is over."""


class FilesConnector:
    """One place. It is reached at each call, so that it may be away when we start."""

    def __init__(
        self, system: SystemDeclaration, definitions: Mapping[str, Definition], operations: Operations
    ) -> None:
        self._bindings = {name: definition.binding for name, definition in definitions.items()}
        self._effects = {name: operation.effect for name, operation in system.operations.items()}
        self._operations = operations
        self._threads = min(THREADS, system.limits.concurrency)
        self._executor: ThreadPoolExecutor | None = None

    async def open(self) -> None:
        if self._executor is None:
            self._executor = ThreadPoolExecutor(self._threads, thread_name_prefix="interlock-files")

    async def close(self) -> None:
        executor, self._executor = self._executor, None
        if executor is not None:
            await asyncio.to_thread(executor.shutdown, wait=True, cancel_futures=True)

    async def call(self, operation: str, arguments: Mapping[str, Any], *, key: str, timeout: float) -> Answer:
        binding, effect = self._bindings[operation], self._effects[operation]
        return await self._run(effect, lambda errand: self._operations.run(binding, arguments, key, errand), timeout)

    async def probe(self, *, timeout: float) -> Answer:
        """Look into the declared folders."""
        return await self._run(Effect.read, self._operations.probe, timeout)

    async def definitions(self) -> None:
        """The columns are the project's own."""
        return

    async def _run(self, effect: Effect, work: Callable[[Errand], Answer], timeout: float) -> Answer:
        if self._executor is None:
            return failed("unreachable", "the connector is closed", sent=False)
        errand = Errand(time.monotonic() + timeout)
        task = asyncio.get_running_loop().run_in_executor(self._executor, _answered, effect, work, errand)
        await asyncio.wait({task}, timeout=timeout + _PARTING)
        if task.done():
            return task.result()
        task.cancel()  # where no thread has begun it, none will
        errand.deadline = 0.0
        return _broken_off(effect, errand, "timed_out", "the time limit passed", transient=True)


def _answered(effect: Effect, work: Callable[[Errand], Answer], errand: Errand) -> Answer:
    """Return what *work* answers; what keeps it from doing so is an answer too."""
    try:
        return work(errand)
    except INDEFINITE as error:
        return _broken_off(effect, errand, error.code, error.detail, transient=error.transient)
    except FilesTrouble as error:
        sent = error.sent or errand.reached
        return failed(error.code, _unchanged(effect, error.detail), sent=sent, transient=error.transient, **error.more)
    except NotesBusy:
        return failed("system_busy", "another is changing files here", sent=False, transient=True)
    except NotesAway as error:
        return _broken_off(effect, errand, "state_away", f"what was done cannot be kept: {error}")
    except NotesUnclear:
        return _broken_off(effect, errand, "commit_unclear", "what was done is kept, perhaps not durably")
    except InterlockError as error:  # of the secrets, and of packages that are missing
        return unsent(error)
    except OSError as error:
        detail = f"the files cannot be used: {error.strerror or 'the system said no'}"
        return _broken_off(effect, errand, "system_error", detail)


def _broken_off(effect: Effect, errand: Errand, code: str, detail: str, *, transient: bool = False) -> Answer:
    """Return the answer for a call that did not end: nothing happened unless a change had left our hands."""
    if errand.committed:
        return unanswered(effect, code, detail, transient=transient)
    return failed(code, _unchanged(effect, detail), sent=errand.reached, transient=transient)


def _unchanged(effect: Effect, detail: str) -> str:
    return detail if effect is Effect.read else f"{detail}; nothing was changed"
