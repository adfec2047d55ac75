"""Starting the processes that are measured, and reading what they cost."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

TICK = os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """Return a port that nobody listens on right now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Process:
    """A server on one processor core, with its processor time (its children's too) and its memory."""

    def __init__(self, words: list[str], *, core: int, environment: dict[str, str] | None = None) -> None:
        pinned = ["taskset", "-c", str(core), *words] if (os.cpu_count() or 1) > 1 else words
        self._process = subprocess.Popen(pinned, env={**os.environ, **(environment or {})}, start_new_session=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def wait_for(self, url: str, *, seconds: float = 30.0) -> float:
        """Wait until *url* answers 200; return how long it took. Raises `RuntimeError` if it never does."""
        started = time.monotonic()
        while time.monotonic() - started < seconds:
            if self._process.poll() is not None:
                raise RuntimeError(f"the process ended with {self._process.returncode}")
            try:
                with urllib.request.urlopen(url, timeout=2):
                    return time.monotonic() - started
            except (urllib.error.URLError, OSError):
                time.sleep(0.02)
        raise RuntimeError(f"{url} did not answer within {seconds:g} s")

    def processor_seconds(self) -> float:
        """Return user and system time of the process and those of its children that ended."""
        text = Path(f"/proc/{self._process.pid}/stat").read_text()
        parts = text[text.rindex(")") + 2 :].split()
        return sum(int(part) for part in parts[11:15]) / TICK

    def memory_mib(self) -> float:
        """Return the proportional set size in MiB."""
        for line in Path(f"/proc/{self._process.pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
        return 0.0


PYTHON = sys.executable
