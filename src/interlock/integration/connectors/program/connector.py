"""Runs declared commands, each in a process of its own."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from interlock.integration.connectors.interface import (
    SUCCEEDED,
    Answer,
    SecretSource,
    SystemDeclaration,
    failed,
    unanswered,
    unsent,
)
from interlock.integration.connectors.program.command import ArgumentUnfit
from interlock.integration.connectors.program.connection import SecretUnfit, revealed
from interlock.integration.connectors.program.definitions import OK, Job
from interlock.integration.connectors.program.forms import OutputUnfit
from interlock.integration.connectors.program.running import Bounds, Outcome, OutputTooLarge, run
from interlock.values.errors import InterlockError
from interlock.values.operations import Effect

_ABSENT = frozenset({errno.ENOENT, errno.EACCES, errno.ENOEXEC, errno.ENOTDIR, errno.ELOOP})


class ProgramConnector:
    """The programs of one system. *folder* is where they run, *programs* where each of them lies."""

    def __init__(
        self,
        system: SystemDeclaration,
        jobs: Mapping[str, Job],
        secrets: SecretSource,
        *,
        root: Path,
        memory: int,
        encoding: str,
    ) -> None:
        self._jobs = jobs
        self._effects = {name: operation.effect for name, operation in system.operations.items()}
        self._environment = dict(system.connection.get("env", {}))
        self._secrets = secrets
        self._folder = root / system.connection.get("folder", ".")
        self._bounds = Bounds(system.limits.response, memory)
        self._encoding = encoding
        self._open = False
        self._running: set[asyncio.Task[Outcome]] = set()

    async def open(self) -> None:
        self._open = True

    async def close(self) -> None:
        self._open = False
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def call(self, operation: str, arguments: Mapping[str, Any], *, key: str, timeout: float) -> Answer:  # noqa: ARG002 - a program takes no key
        job, effect = self._jobs[operation], self._effects[operation]
        if not self._open:
            return failed("unreachable", "the connector is closed", sent=False)
        try:
            words, given = job.command.filled(arguments), job.given.write(arguments, self._encoding)
            environment = {name: self._revealed(text) for name, text in self._environment.items()}
        except SecretUnfit as error:
            return failed("access_denied", f"nothing was run: {error}", sent=False)
        except ArgumentUnfit as error:
            return failed("argument_unfit", f"an argument does not fit: {error}", sent=False)
        except InterlockError as error:  # of the secrets
            return unsent(error)
        try:
            outcome = await self._run(words, given, environment, timeout)
        except TimeoutError:
            return unanswered(effect, "timed_out", "the program did not end in time, and was ended", transient=True)
        except OutputTooLarge:
            detail = f"the program says more than the {self._bounds.output} bytes of `limits.response`, and was ended"
            return unanswered(effect, "response_too_large", detail)
        except OSError as error:
            return _not_started(error)
        return self._answer(job, effect, outcome)

    async def _run(self, words: list[str], given: bytes, environment: Mapping[str, str], timeout: float) -> Outcome:
        """Run a program in a task of its own, which ends it for certain before this returns."""
        command = [self._located(words[0]), *words[1:]]
        running = run(command, given, folder=self._folder, environment=environment, bounds=self._bounds)
        task = asyncio.create_task(running)
        self._running.add(task)
        try:
            async with asyncio.timeout(timeout):
                return await asyncio.shield(task)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            self._running.discard(task)

    def _located(self, program: str) -> str:
        """Return a program's path: one with a slash is relative to the folder, another is looked for as usual."""
        return str(self._folder / program) if os.sep in program else program

    def _revealed(self, text: str) -> str:
        return revealed(text, self._secrets)

    def _answer(self, job: Job, effect: Effect, outcome: Outcome) -> Answer:
        word = job.exits.get(outcome.code)
        if word is None:
            ended = f"with {outcome.code}" if outcome.code >= 0 else f"by signal {-outcome.code}"
            return unanswered(effect, "program_failed", f"the program ended {ended}", status=outcome.code)
        if word != OK:
            return failed(word, f"the program ended with {outcome.code}, which means {word}", status=outcome.code)
        try:
            return Answer(SUCCEEDED, job.said.read(outcome.output, self._encoding))
        except OutputUnfit as error:
            return unanswered(effect, "result_breaks_contract", f"the output is not as declared: {error}")

    async def probe(self, *, timeout: float) -> Answer:  # noqa: ARG002 - nothing is waited for
        """Look whether the programs are there; none is run."""
        for job in self._jobs.values():
            if shutil.which(self._located(job.command.program)) is None:
                return failed("unreachable", f"there is no program {job.command.program}", sent=False)
        if not self._folder.is_dir():
            return failed("unreachable", "the folder in which programs run is not there", sent=False)
        return Answer(SUCCEEDED)

    async def definitions(self) -> None:
        """A program publishes none."""
        return


def _not_started(error: OSError) -> Answer:
    if error.errno == errno.E2BIG:
        return failed("argument_unfit", "the arguments are longer than a command line may be", sent=False)
    reason = error.strerror or "unknown cause"
    absent = error.errno in _ABSENT
    detail = f"the program cannot be started: {reason}"
    return failed("unreachable" if absent else "system_busy", detail, sent=False, transient=not absent)
