"""A program of its own process: started, waited for, killed."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 60.0
PAUSE = 0.02


class Died(AssertionError):
    """The program ended before it was ready."""


def until(condition: Callable[[], T], what: str, *, patience: float = PATIENCE, pause: float = PAUSE) -> T:
    """Return the first true value of *condition*; fails with *what* when patience is over."""
    deadline = time.monotonic() + patience
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited {patience:g} s in vain: {what}"
        time.sleep(pause)
    return found


class Program:
    """One program that listens on one port. It can be started again after it died."""

    def __init__(self, command: Sequence[str], *, environment: Mapping[str, str], port: int, log: Path) -> None:
        self.port = port
        self.environment = {**os.environ, **environment}
        self.log = log
        self._command = list(command)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The process's number."""
        assert self._process is not None
        return self._process.pid

    def launch(self, *more: str, ready: str, **environment: str) -> None:
        """Start it and wait until *ready* answers 200. Raises `Died`."""
        assert not self.running()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._command, *more],
                env={**self.environment, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until(lambda: not self.running() or self._answers(ready), f"{ready} to answer; see {self.log}")
        if not self.running():
            raise Died(f"{' '.join(self._command)} ended with {self.ended()}: {self.last_words()}")

    def running(self) -> bool:
        """Return whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def ended(self) -> int | None:
        """Return how the process ended: its exit code, or minus the signal; None while it lives."""
        return self._process.poll() if self._process is not None else None

    def kill(self) -> None:
        """Kill it and its children as a power failure would, and see them gone."""
        if self._process is not None and self.running():
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(PATIENCE)

    def stop(self) -> None:
        """Ask it to stop; it has to do so by itself, with exit code 0."""
        assert self._process is not None
        self._process.terminate()
        code = self._process.wait(PATIENCE)
        assert code in (0, -signal.SIGTERM), self.last_words()

    def wait_dead(self, *, patience: float = PATIENCE) -> int:
        """Wait until it has died; return how it ended."""
        until(lambda: not self.running(), "the process to die", patience=patience)
        code = self.ended()
        assert code is not None
        return code

    def last_words(self) -> str:
        """Return the end of what it printed."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-15:])

    def _answers(self, path: str) -> bool:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()
