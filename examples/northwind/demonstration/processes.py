"""The programs that the demo runs: the business systems and Interlock, each a process of its own."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

PROJECT = Path(__file__).resolve().parents[1]
SERVICES = PROJECT / "services"
PATIENCE = 30.0  # seconds until a program must answer


class Broken(RuntimeError):
    """A program did not start, or a command failed; the text says which and shows its last words."""


class Program:
    """One program; it can be stopped and started again, with other arguments."""

    def __init__(
        self, name: str, command: Sequence[str], *, environment: Mapping[str, str], ready: str, log: Path
    ) -> None:
        self.name = name
        self._command = list(command)
        self._environment = {**os.environ, **environment}
        self._ready = ready
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *more: str) -> None:
        """Start it and wait until its health address answers. Raises `Broken`."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own programs
                [*self._command, *more], env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        deadline = time.monotonic() + PATIENCE
        while not answers(self._ready):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise Broken(f"{self.name} did not start:\n{self.last_words()}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Ask it to stop, and see to it."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        self._process = None

    def died(self) -> bool:
        """Wait a moment for it to end by itself; return whether it did."""
        if self._process is None:
            return True
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            return False
        return True

    def last_words(self) -> str:
        """Return the end of what it printed."""
        return "\n".join(self._log.read_text("utf-8", "replace").splitlines()[-12:])


def answers(url: str) -> bool:
    """Return whether *url* answers with success."""
    try:
        with urlopen(url, timeout=2) as response:  # noqa: S310 - http on this machine
            return bool(response.status == 200)
    except (HTTPError, URLError, OSError):
        return False


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class Town:
    """Everything that runs: billing, helpdesk and Interlock, over one state folder."""

    def __init__(self, state: Path, *, keep_model: bool = False) -> None:
        self.state = state
        self.erp, self.billing_file, self.helpdesk_file = (
            state / f"{name}.sqlite" for name in ("erp", "billing", "helpdesk")
        )
        ports = {name: free_port() for name in ("billing", "helpdesk", "interlock")}
        self.url = f"http://127.0.0.1:{ports['interlock']}"
        addresses = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
        token, key = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        self.environment = {
            "INTERLOCK_PROJECT": str(PROJECT),
            "INTERLOCK_STATE": str(state / "interlock"),
            "INTERLOCK_URL": self.url,
            "INTERLOCK_SECRET_BILLING": token,
            "INTERLOCK_SECRET_HELPDESK": key,
            "NORTHWIND_ERP": f"sqlite:///{self.erp}",
            "BILLING_URL": addresses["billing"],
            "HELPDESK_URL": addresses["helpdesk"],
        }
        if not keep_model:
            # The steps are checked word by word, so they run on the rules even where a model could be had.
            self.environment |= {"OPENAI_API_KEY": "", "OPENAI_BASE_URL": ""}
        self.billing = self._service("billing", ports["billing"], self.billing_file, {"BILLING_TOKEN": token})
        self.helpdesk = self._service("helpdesk", ports["helpdesk"], self.helpdesk_file, {"HELPDESK_KEY": key})
        serve = ["serve", "--project", str(PROJECT), "--port", str(ports["interlock"])]
        self.interlock = Program(
            "interlock",
            [*command_line(), *serve],
            environment=self.environment,
            ready=f"{self.url}/readyz",
            log=state / "interlock.log",
        )

    def _service(self, name: str, port: int, file: Path, environment: Mapping[str, str]) -> Program:
        command = [sys.executable, str(SERVICES / f"{name}.py"), "--port", str(port), "--db", str(file)]
        health = f"http://127.0.0.1:{port}/healthz"
        return Program(name, command, environment=environment, ready=health, log=self.state / f"{name}.log")

    def build(self) -> None:
        """Build the order desk's database anew."""
        self._run([sys.executable, str(SERVICES / "build_erp.py"), "--out", str(self.erp)])

    def start(self) -> None:
        """Start everything. Raises `Broken`."""
        for program in (self.billing, self.helpdesk, self.interlock):
            program.start()

    def stop(self) -> None:
        """Stop everything that runs, Interlock first."""
        for program in (self.interlock, self.helpdesk, self.billing):
            program.stop()

    def command(self, *words: str, key: str = "") -> str:
        """Run an `interlock` command and return what it printed. Raises `Broken`."""
        return self._run([*command_line(), *words], key=key)

    def _run(self, command: Sequence[str], *, key: str = "") -> str:
        environment = {**os.environ, **self.environment, **({"INTERLOCK_KEY": key} if key else {})}
        done = subprocess.run(  # noqa: S603 - our own programs
            command, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        if done.returncode != 0:
            raise Broken(f"{' '.join(command[1:])} ended with {done.returncode}:\n{done.stderr or done.stdout}")
        return done.stdout


def command_line() -> list[str]:
    """Return how `interlock` is run: the command beside this Python."""
    beside = Path(sys.executable).with_name("interlock")
    return [str(beside)] if beside.exists() else [sys.executable, "-m", "interlock.app.main"]
