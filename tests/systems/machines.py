"""Foreign systems: installed beside this project, each in an environment of its own, and run as programs of their own.

A system `NAME` is what `requirements/NAME.txt` pins. Nothing of it is imported by anything of ours.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.house.source import ROOT
from tests.journeys.process import PATIENCE, until

HOME = ROOT / ".interlock-systems"
PINNED = Path(__file__).parent / "requirements"
MEMORY = Path("/dev/shm")
INSTALLED_WITHIN = 1200.0


class Ended(AssertionError):
    """A program ended before it listened, or with an error."""


def installed(name: str) -> Path:
    """Return the folder of the programs of the system *name*; the first to ask installs it.

    A changed list of requirements is installed anew, and takes with it what was kept beside it.
    """
    pinned = PINNED / f"{name}.txt"
    place = HOME / name
    stamp = hashlib.sha256(pinned.read_bytes() + sys.version.encode()).hexdigest()
    with _alone(name):
        if not (place / stamp).exists():
            shutil.rmtree(place, ignore_errors=True)
            run(sys.executable, "-m", "venv", str(place), within=INSTALLED_WITHIN)
            pip = (str(place / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
            run(*pip, "--requirement", str(pinned), within=INSTALLED_WITHIN)
            (place / stamp).touch()
    return place / "bin"


@contextmanager
def kept(name: str, file: str) -> Iterator[Path]:
    """Give the path of a *file* that is kept with the system *name* between runs, to one run at a time."""
    with _alone(name):
        yield HOME / name / file


@contextmanager
def in_memory(name: str) -> Iterator[Path]:
    """Give an empty folder that lies in memory where the machine can do that; it is gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix=f"interlock-{name}-", dir=MEMORY if MEMORY.is_dir() else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(*command: str, within: float = 300.0, environment: Mapping[str, str] | None = None) -> None:
    """Run a program to its end. Raises `Ended` with its last words where it fails."""
    done = subprocess.run(
        command,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=within,
        check=False,
    )
    if done.returncode:
        raise Ended(f"{command[0]} ended with {done.returncode}: {(done.stdout + done.stderr)[-2000:]}")


@contextmanager
def serving(command: Sequence[str], port: int, log: Path) -> Iterator[None]:
    """Run a program that listens on *port* of this machine, from when it does to the end."""
    with log.open("ab") as stream:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream)
    try:
        until(lambda: process.poll() is not None or _listens(port), f"{command[0]} to listen; see {log}")
        if process.poll() is not None:
            raise Ended(f"{command[0]} ended with {process.poll()}: {log.read_text('utf-8', 'replace')[-2000:]}")
        yield
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@contextmanager
def _alone(name: str) -> Iterator[None]:
    HOME.mkdir(exist_ok=True)
    with (HOME / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
