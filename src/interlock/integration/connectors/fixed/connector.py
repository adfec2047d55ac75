"""A file of records, read and written in threads of the connector's own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from interlock.integration.connectors.fixed.files import (
    FileAway,
    FileBusy,
    FileChanged,
    FileTooLarge,
    RecordFile,
    Replaced,
    TimeOver,
)
from interlock.integration.connectors.fixed.framing import FrameBroken
from interlock.integration.connectors.fixed.operations import Operations
from interlock.integration.connectors.fixed.setup import Setup
from interlock.integration.connectors.interface import SUCCEEDED, Answer, SystemDeclaration, failed, unanswered
from interlock.integration.contracts import Definition
from interlock.values.operations import Effect

THREADS = 4


class FixedConnector:
    """One data file. It is opened at each call, so that it may be away when we start."""

    def __init__(
        self, system: SystemDeclaration, definitions: Mapping[str, Definition], setup: Setup, file: RecordFile
    ) -> None:
        self._bindings = {name: definition.binding for name, definition in definitions.items()}
        self._operations = Operations(setup, file, system.limits.response)
        self._file = file
        self._described = bool(setup.records)
        self._threads = min(THREADS, system.limits.concurrency)
        self._executor: ThreadPoolExecutor | None = None

    async def open(self) -> None:
        if self._executor is None:
            self._executor = ThreadPoolExecutor(self._threads, thread_name_prefix="interlock-fixed")

    async def close(self) -> None:
        executor, self._executor = self._executor, None
        if executor is not None:
            await asyncio.to_thread(executor.shutdown, wait=True, cancel_futures=True)

    async def call(self, operation: str, arguments: Mapping[str, Any], *, key: str, timeout: float) -> Answer:  # noqa: ARG002 - a file takes no key
        binding = self._bindings[operation]
        return await self._run(lambda deadline: self._operations.run(binding, arguments, deadline), timeout)

    async def probe(self, *, timeout: float) -> Answer:
        """Open the file."""

        def look(deadline: float) -> Answer:
            with self._file.opened(deadline):
                return Answer(SUCCEEDED)

        return await self._run(look, timeout)

    async def definitions(self) -> None:
        """The copybook is the project's own."""
        return

    async def _run(self, work: Callable[[float], Answer], timeout: float) -> Answer:
        if self._executor is None or not self._described:
            return failed("unreachable", "the connector is closed, or its copybook is gone", sent=False)
        deadline = time.monotonic() + timeout
        return await asyncio.get_running_loop().run_in_executor(self._executor, _answered, work, deadline)


def _answered(work: Callable[[float], Answer], deadline: float) -> Answer:
    """Return what *work* answers; what keeps it from doing so is an answer too."""
    try:
        return work(deadline)
    except FileAway as error:
        return failed("unreachable", f"the file cannot be used: {error}", sent=False)
    except FileBusy:
        return failed("system_busy", "the file is being written by another", sent=False, transient=True)
    except FileChanged:
        detail = "the file was written by another meanwhile; nothing was changed"
        return failed("file_changed", detail, transient=True)
    except FileTooLarge:
        return failed("file_too_large", "the file is, or would be, larger than `max_size`; nothing was changed")
    except FrameBroken as error:
        return failed("file_broken", str(error), record=error.number, offset=error.offset)
    except TimeOver:
        return failed("timed_out", "the time limit passed; nothing was changed", transient=True)
    except Replaced:
        return unanswered(Effect.write, "commit_unclear", "the file was replaced, perhaps not durably")
    except OSError as error:
        return failed("system_error", f"the file cannot be read: {error.strerror}; nothing was changed")
