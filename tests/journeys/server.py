"""A real Interlock server for journeys: a process of its own, started, killed, stopped and asked from outside."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from interlock.testing.servers import free_port
from tests.journeys.caller import Caller
from tests.journeys.process import PATIENCE, Program

INTERLOCK = (sys.executable, "-m", "interlock.app.main")


class Server(Program):
    """`interlock serve` for the project in *root*, always on the same port; its state outlives it."""

    def __init__(self, root: Path, *, environment: Mapping[str, str], log: Path) -> None:
        port = free_port()
        super().__init__(
            [*INTERLOCK, "serve", "--project", str(root), "--port", str(port)],
            environment=environment,
            port=port,
            log=log,
        )
        self.root = root
        self.state = Path(environment["INTERLOCK_STATE"])

    def start(self, *, fault: str = "", workers: int = 1) -> None:
        """Start it, with *fault* armed if one is named, and wait until it is ready. Raises `Died`."""
        more = ("--workers", str(workers)) if workers > 1 else ()
        self.launch(*more, ready="/readyz", INTERLOCK_FAULT=fault)

    def caller(self, key: str = "") -> Caller:
        """Return a caller of this server with *key*."""
        return Caller(self.port, key)

    def command(self, *words: str, key: str = "", given: str = "", code: int = 0) -> subprocess.CompletedProcess[str]:
        """Run an `interlock` command for this installation; it has to end with *code*."""
        environment = {
            **self.environment,
            "INTERLOCK_PROJECT": str(self.root),
            "INTERLOCK_URL": self.url,
            "INTERLOCK_KEY": key,
        }
        done = subprocess.run(
            [*INTERLOCK, *words],
            env=environment,
            input=given,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == code, f"{words} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return done

    def first_key(self, kind: str, holder: str) -> str:
        """Return the text of the first administrator's key, made in the storage while no server runs."""
        made = self.command("keys", "create", "--local", "--kind", kind, "--id", holder, "--json")
        return str(json.loads(made.stdout)["text"])

    def elsewhere(self, folder: Path) -> Server:
        """Return another installation of the same project, with a state of its own in *folder*."""
        environment = {**self.environment, "INTERLOCK_STATE": str(folder)}
        return Server(self.root, environment=environment, log=folder / "server.log")

    def verify(self, *, code: int = 0) -> dict[str, Any]:
        """Return what `interlock journal verify` says of the files as they lie there."""
        found: dict[str, Any] = json.loads(self.command("journal", "verify", "--json", code=code).stdout)
        return found
