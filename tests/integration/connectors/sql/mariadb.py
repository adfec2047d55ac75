"""A real MariaDB server of the test run's own, and a relay before it."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pymysql  # type: ignore[import-untyped]  # it has no types
import pytest

from tests.integration.connectors import relay

OTHER_USER = "mysql"  # the server refuses to run as root
STARTED_WITHIN = 60.0


class MariaDb:
    """One running server, reached by its socket alone."""

    def __init__(self, socket: Path) -> None:
        self.socket = socket

    def look(self, database: str | None = None, *, autocommit: bool = True) -> Any:
        """Return a connection of the test's own, as the server's root."""
        return pymysql.connect(
            unix_socket=str(self.socket), user="root", database=database, autocommit=autocommit, charset="utf8mb4"
        )

    def database(self) -> str:
        """Make an empty database, and return its name."""
        name = f"test_{secrets.token_hex(6)}"
        with self.look() as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        return name

    def url(self, database: str, socket: Path | None = None) -> str:
        return f"mysql://root@localhost/{database}?unix_socket={socket or self.socket}"


@contextmanager
def running() -> Iterator[MariaDb]:
    """Run a server; the test is skipped where its programs are missing."""
    places = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
    server, install = (shutil.which(name, path=places) for name in ("mariadbd", "mariadb-install-db"))
    if server is None or install is None:
        pytest.skip("MariaDB is not on the PATH (hint: apt-get install mariadb-server)")
    folder = Path(tempfile.mkdtemp(prefix="mariadb-"))  # a socket's path must be short
    user = OTHER_USER if os.geteuid() == 0 else None
    if user:
        shutil.chown(folder, user)
    data, socket = folder / "data", folder / "s"
    process: subprocess.Popen[bytes] | None = None
    try:
        subprocess.run(
            [
                install,
                "--no-defaults",
                f"--datadir={data}",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
            ],
            check=True,
            capture_output=True,
            cwd=folder,
            user=user,
        )
        process = subprocess.Popen(
            [
                server,
                "--no-defaults",
                f"--datadir={data}",
                f"--socket={socket}",
                "--skip-networking",
                "--innodb-buffer-pool-size=32M",
                "--innodb-flush-log-at-trx-commit=0",
                f"--pid-file={folder / 'pid'}",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            user=user,
        )
        found = MariaDb(socket)
        _wait(found, process)
        yield found
    finally:
        if process is not None:
            process.terminate()
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _wait(server: MariaDb, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + STARTED_WITHIN
    while True:
        if not server.socket.exists() and process.poll() is None and time.monotonic() < until:
            time.sleep(0.1)
            continue
        try:
            server.look().close()
        except pymysql.Error:
            if process.poll() is not None or time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            return


class Relay(relay.Relay):
    """One that stands before MariaDB."""

    noise = b"\x07\x00\x00\x01\xfe\xfe\xfe\xfe\xfe\xfe\xfe"
