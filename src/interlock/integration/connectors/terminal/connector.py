"""Holds declared dialogues, each with a program of its own that runs for this one call."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
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
from interlock.integration.connectors.terminal.definitions import Job
from interlock.integration.connectors.terminal.dialogue import LONGEST_LINE, Dialogue, Expect, Send
from interlock.integration.connectors.terminal.screen import Screen
from interlock.integration.connectors.terminal.session import Ended, Flooded, Session, session
from interlock.values.errors import InterlockError
from interlock.values.operations import Effect
from interlock.values.secrets import MASK, Secret

_ENTER = "\r"


@dataclass(frozen=True, slots=True)
class Given:
    """What is typed in a dialogue: arguments, and secrets by their references."""

    arguments: Mapping[str, Any] = field(repr=False)
    secrets: Mapping[str, Secret] = field(repr=False)

    def masked(self, value: str) -> str:
        """Return *value* without secrets, which a program may have repeated."""
        for secret in self.secrets.values():
            value = value.replace(secret.reveal(), MASK) if secret.reveal() else value
        return value


class Refused(Exception):
    """The program said that it did nothing."""


class Unexpected(Exception):
    """What was waited for did not come in time."""


class Talk:
    """One run of a dialogue. *touched* says that there may have been an effect, *confirmed* that there was one, *over*
    that nothing is left to be said.
    """

    def __init__(self, dialogue: Dialogue, encoding: str, given: Given) -> None:
        self._dialogue = dialogue
        self._screen = Screen(encoding)
        self._encoding = encoding
        self._given = given
        self.touched = False
        self.confirmed = False
        self.over = False
        self.values: dict[str, str] = {}

    @property
    def whole(self) -> bool:
        """Whether everything was read that the operation returns."""
        return self.values.keys() == set(self._dialogue.names)

    async def hold(self, held: Session) -> None:
        """Do every step. Raises `Refused`, `Unexpected`, `Ended`, `Flooded`."""
        for step in self._dialogue.steps:
            if isinstance(step, Send):
                await self._type(step, held)
            else:
                await self._wait(step, held)
        self.over = True

    async def _type(self, step: Send, held: Session) -> None:
        """Type. What was shown before can be no answer to it, so it is forgotten."""
        text = self._given.secrets[step.secret].reveal() if step.secret else step.line(self._given.arguments)
        held.skip()
        self._screen.forget()
        self.touched = self.touched or not step.harmless
        await held.type((text + (_ENTER if step.enter else "")).encode(self._encoding))

    async def _wait(self, step: Expect, held: Session) -> None:
        try:
            async with asyncio.timeout(step.within):
                while not self._seen(step):
                    self._screen.write(await held.read())
        except TimeoutError:
            raise Unexpected from None
        self.confirmed = self.confirmed or step.confirms

    def _seen(self, step: Expect) -> bool:
        for line, ended in self._screen.lines():
            if step.refused is not None and step.refused.found(line, ended=ended) is not None:
                raise Refused
            found = step.text.found(line, ended=ended)
            if found is not None:
                values, end = found
                self.values |= {name: self._given.masked(value) for name, value in values.items()}
                self._screen.go_on(line[end:], ended=ended)
                return True
        return False


class TerminalConnector:
    """The programs of one system."""

    def __init__(
        self, system: SystemDeclaration, jobs: Mapping[str, Job], secrets: SecretSource, *, root: Path, encoding: str
    ) -> None:
        self._jobs = jobs
        self._environment = dict(system.connection.get("env", {}))
        self._secrets = secrets
        self._folder = root / system.connection.get("folder", ".")
        self._most = system.limits.response
        self._encoding = encoding
        self._open = False
        self._running: set[asyncio.Task[Answer]] = set()

    async def open(self) -> None:
        self._open = True

    async def close(self) -> None:
        self._open = False
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def call(self, operation: str, arguments: Mapping[str, Any], *, key: str, timeout: float) -> Answer:  # noqa: ARG002 - a screen takes no key
        job = self._jobs[operation]
        if not self._open:
            return failed("unreachable", "the connector is closed", sent=False)
        try:
            words = job.command.filled(arguments)
            job.dialogue.check(arguments)
            for send in job.dialogue.sends:
                send.line(arguments).encode(self._encoding)
            secrets = {send.secret: self._typed(send.secret) for send in job.dialogue.sends if send.secret}
            environment = {name: revealed(text, self._secrets) for name, text in self._environment.items()}
        except SecretUnfit as error:
            return failed("access_denied", f"nothing was run: {error}", sent=False)
        except (ArgumentUnfit, UnicodeEncodeError):
            detail = "an argument cannot be typed: it holds keys, is too long, or is a text that decides the outcome"
            return failed("argument_unfit", detail, sent=False)
        except InterlockError as error:  # of the secrets
            return unsent(error)
        task = asyncio.create_task(self._talk(job, words, environment, Given(arguments, secrets), timeout))
        self._running.add(task)
        try:
            return await asyncio.shield(task)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            self._running.discard(task)

    async def _talk(
        self, job: Job, words: list[str], environment: Mapping[str, str], given: Given, timeout: float
    ) -> Answer:
        command = [self._located(words[0]), *words[1:]]
        held = session(command, folder=self._folder, environment=environment, most=self._most)
        talk = Talk(job.dialogue, self._encoding, given)
        try:
            async with asyncio.timeout(timeout), held as opened:
                await talk.hold(opened)
        except Refused:
            answer = failed("refused", "the program said that it does not do this")
        except TimeoutError:
            answer = _broken(job, talk, "timed_out", "the time limit passed during the dialogue")
        except Unexpected:
            answer = _broken(job, talk, "screen_unexpected", "the program did not show what is expected")
        except Ended:
            answer = _broken(job, talk, "connection_lost", "the program ended during the dialogue")
        except Flooded:
            answer = _broken(job, talk, "response_too_large", "the program shows more than `limits.response` allows")
        except OSError as error:
            detail = f"the program cannot be started: {error.strerror or 'unknown cause'}"
            return failed("unreachable", detail, sent=False)
        else:
            return Answer(SUCCEEDED, talk.values)
        return _settled(talk, job.effect, answer)

    def _located(self, program: str) -> str:
        return str(self._folder / program) if os.sep in program else program

    def _typed(self, reference: str) -> Secret:
        """Return a secret that can be typed. Raises `SecretUnfit`, and an `InterlockError` where it is missing."""
        secret = self._secrets.get(reference)
        text = secret.reveal()
        try:
            fits = text.isprintable() and len(text.encode(self._encoding)) <= LONGEST_LINE
        except UnicodeEncodeError:
            fits = False
        if not fits:
            raise SecretUnfit("a secret holds signs that a terminal takes for keys, or is too long to be typed")
        return secret

    async def probe(self, *, timeout: float) -> Answer:  # noqa: ARG002 - nothing is waited for
        """Look whether the programs are there; none is run."""
        for job in self._jobs.values():
            if shutil.which(self._located(job.command.program)) is None:
                return failed("unreachable", f"there is no program {job.command.program}", sent=False)
        return Answer(SUCCEEDED)

    async def definitions(self) -> None:
        """A screen publishes none."""
        return


def _broken(job: Job, talk: Talk, code: str, detail: str) -> Answer:
    """Return what it means that a dialogue broke off: before anything was typed that counts, nothing was done."""
    return unanswered(job.effect if talk.touched else Effect.read, code, detail)


def _settled(talk: Talk, effect: Effect, answer: Answer) -> Answer:
    """Return *answer*, unless the dialogue had said enough: what goes wrong later unsays no confirmation."""
    if (talk.over or talk.confirmed) and talk.whole:
        return Answer(SUCCEEDED, talk.values)
    if talk.confirmed:
        return unanswered(effect, "result_unread", "the change was confirmed, and its result was not shown")
    return answer
