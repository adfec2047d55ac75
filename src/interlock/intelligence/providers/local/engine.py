"""Models that are loaded into this process, each behind an address of its own that nobody else has the key to."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import secrets
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interlock.intelligence.gateway.errors import ModelFailed
from interlock.values.secrets import Secret

DRIVER = "xllamacpp"
QUIET = -1


@dataclass(frozen=True, slots=True)
class Weights:
    """A model's file and how it is loaded; *context* is in tokens."""

    path: Path
    name: str
    context: int
    threads: int


class Engine:
    """One model, loaded when it is first needed, and kept.

    llama.cpp computes in threads of its own and serves them over a loopback address, which is where calls are sent.
    """

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self.key = Secret(secrets.token_urlsafe(24), name="local")
        self._lock = threading.Lock()
        self._server: Any = None

    def missing(self) -> str:
        """Return what keeps it from being loaded, as far as can be told without trying; else the empty string."""
        if importlib.util.find_spec(DRIVER) is None:
            return f"the package {DRIVER} is not installed; it comes with the extra `local`"
        return "" if self.weights.path.is_file() else "there is no file at its `file`"

    async def address(self) -> str:
        """Return where the loaded model is spoken to; loads it first if need be. Raises `ModelFailed`."""
        if self._server is None:
            await asyncio.to_thread(self._load)
        return f"{self._server.listening_address}/v1"

    def _load(self) -> None:
        with self._lock:
            if self._server is not None:
                return
            driver = importlib.import_module(DRIVER)
            given = driver.CommonParams()
            given.model.path = str(self.weights.path)
            given.model_alias = {self.weights.name}
            given.n_ctx = self.weights.context
            given.n_parallel = 1
            given.cpuparams.n_threads = self.weights.threads
            given.hostnames = ["127.0.0.1"]
            given.port = 0
            given.api_keys = [self.key.reveal()]
            given.cors_origins = ""
            given.ui = False
            given.offline = True
            given.verbosity = QUIET
            try:
                self._server = driver.Server(given)
            except (RuntimeError, OSError) as error:
                fix = "see whether the target's `file` is a GGUF model that fits into memory"
                raise ModelFailed("the model cannot be loaded", fix=fix) from error


class Engines:
    """Every model of the process, by what it is."""

    def __init__(self) -> None:
        self._known: dict[Weights, Engine] = {}

    def of(self, weights: Weights) -> Engine:
        """Return the engine of *weights*; nothing is loaded yet."""
        return self._known.setdefault(weights, Engine(weights))
