"""A real Firebird server of the test run's own, and a relay before it."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import firebirdsql
import pytest

from interlock.testing.servers import free_port
from tests.integration.connectors import relay

OTHER_USER = "firebird"  # the server refuses to run as root
PASSWORD = "right-password"
STARTED_WITHIN = 60.0
SETTINGS = """
RemoteServicePort = {port}
RemoteBindAddress = 127.0.0.1
SecurityDatabase = {folder}/security.fdb
DatabaseAccess = Restrict {folder}
WireCrypt = Enabled
"""
"""A relay sees what is not encrypted; this server lets its clients choose."""
USERS = """
CREATE DATABASE '{folder}/security.fdb';
CREATE USER SYSDBA PASSWORD '{password}' USING PLUGIN Srp;
"""


class Firebird:
    """One running server, at a port of this machine."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self._made: dict[str, str] = {}

    def look(self, database: str, *, user: str = "SYSDBA", password: str = PASSWORD, new: bool = False) -> Any:
        """Return a connection of the test's own."""
        made = firebirdsql.Connection(
            host="127.0.0.1", port=self.port, database=database, user=user, password=password, create_new=new
        )
        made._initialize()
        return made

    def database(self, texts: str) -> str:
        """Make a database by *texts*, between which stands `^`, and return its file's name."""
        if texts not in self._made:
            self._made[texts] = self._make(texts.split("^"))
        name = self.folder / f"test_{secrets.token_hex(6)}.fdb"
        shutil.copy(self._made[texts], name)
        if os.geteuid() == 0:
            shutil.chown(name, OTHER_USER)
        return str(name)

    def _make(self, texts: Sequence[str]) -> str:
        name = str(self.folder / f"made_{secrets.token_hex(6)}.fdb")
        made = self.look(name, new=True)
        try:
            for text in texts:
                made.cursor().execute(text)
                made.commit()
        finally:
            made.close()
        return name

    def rows(self, database: str, text: str) -> list[tuple[Any, ...]]:
        """Return what *text* gives, and commit it."""
        made = self.look(database)
        try:
            cursor = made.cursor()
            cursor.execute(text)
            found = list(cursor.fetchall() or [])
            made.commit()
        finally:
            made.close()
        return found

    def url(self, database: str, *, port: int = 0, user: str = "sysdba", options: str = "") -> str:
        return f"firebird://{user}@127.0.0.1:{port or self.port}/{database}{options}"


@contextmanager
def running() -> Iterator[Firebird]:
    """Run a server with files, users and a port of its own; the test is skipped where its programs are missing."""
    places = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
    server, tool = (shutil.which(name, path=places) for name in ("firebird", "isql-fb"))
    letters = next(Path("/usr/lib").glob("*/firebird/*/intl"), None)
    if server is None or tool is None or letters is None:
        pytest.skip("Firebird is not on the PATH (hint: apt-get install firebird3.0-server)")
    folder, port = Path(tempfile.mkdtemp(prefix="firebird-")), free_port()
    (folder / "firebird.conf").write_text(SETTINGS.format(folder=folder, port=port), encoding="utf-8")
    for name in ("databases.conf", "plugins.conf"):
        (folder / name).touch()
    shutil.copytree(letters, folder / "intl")  # the server loads it from here, and follows no link
    user = OTHER_USER if os.geteuid() == 0 else None
    if user:
        shutil.chown(folder, user)
    given: dict[str, Any] = {"cwd": folder, "user": user}
    given["env"] = {**os.environ, "FIREBIRD": str(folder), "FIREBIRD_LOCK": str(folder), "FIREBIRD_TMP": str(folder)}
    process: subprocess.Popen[bytes] | None = None
    try:
        users = USERS.format(folder=folder, password=PASSWORD).encode()
        subprocess.run([tool, "-q", "-bail", "-user", "SYSDBA"], input=users, check=True, capture_output=True, **given)
        process = subprocess.Popen([server], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **given)
        found = Firebird(folder, port)
        _wait(found, process)
        yield found
    finally:
        if process is not None:
            process.kill()  # its end would wait for connections
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _wait(server: Firebird, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + STARTED_WITHIN
    while True:
        try:
            server.look(str(server.folder / "security.fdb")).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            return


class Relay(relay.Relay):
    """One that stands before Firebird."""

    noise = b"\x00\x00\x00\x09\xfe\xfe\xfe\xfe\xfe\xfe\xfe\xfe\xfe\xfe\xfe\xfe\xfe\xfe\xfe\xfe"
    long = b"\x00\x00\x00\x09" + bytes(12) + b"\x7f\xff\xff\xff"
