"""Request Tracker 5, from Debian's packages: a queue of tickets with its own server, database and mailbox in memory."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from interlock.testing.servers import free_port
from tests.systems.machines import HOME, Ended, in_memory, kept, run, serving

SERVER = Path("/usr/share/request-tracker5/libexec/rt-server")
SETUP = "/usr/sbin/rt-setup-database-5"
PACKAGES = "dbconfig-no-thanks esmtp-run request-tracker5 rt5-db-sqlite rt5-standalone"
SEED = Path(__file__).parent / "seed.pl"
CONFIGURATION = """
Set($rtname, "acme.example");
Set($Organization, "acme.example");
Set($WebDomain, "127.0.0.1");
Set($WebPort, {port});
Set($DatabaseType, "SQLite");
Set($DatabaseName, "{folder}/rt.sqlite");
Set($MailCommand, "testfile");
$Mail::Mailer::testfile::config{{outfile}} = "{folder}/mails";
Set($LogToSyslog, undef);
Set($LogToSTDERR, "warning");
Set($MasonDataDir, "{folder}/mason");
Set($MasonSessionDir, "{folder}/sessions");
1;
"""


class Tracker:
    """The running system: where it listens, its clerk's *token*, and the tests' own way to look at what was done."""

    def __init__(self, folder: Path, environment: Mapping[str, str], port: int, token: str) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.token = token
        self._folder = folder
        self._environment = environment

    def tickets(self, subject: str) -> list[dict[str, Any]]:
        """Return the tickets of a *subject* from RT's own database."""
        return self._rows("SELECT * FROM Tickets WHERE Subject = ? ORDER BY id", subject)

    def transactions(self, ticket: int, kind: str) -> list[dict[str, Any]]:
        """Return what was done to a *ticket*, of one *kind*, such as `Comment`."""
        asked = "SELECT * FROM Transactions WHERE ObjectType = 'RT::Ticket' AND ObjectId = ? AND Type = ? ORDER BY id"
        return self._rows(asked, ticket, kind)

    def mails(self) -> str:
        """Return what would have been mailed."""
        file = self._folder / "mails"
        return file.read_text("utf-8", "replace") if file.exists() else ""

    def touch(self, ticket: int) -> None:
        """Change a *ticket* as somebody else does, at RT's own command line."""
        change = (
            "use RT; RT::LoadConfig(); RT::Init(); my $one = RT::Ticket->new(RT->SystemUser);"
            f" $one->Load({ticket}); my ($done, $words) = $one->SetPriority(77); die $words unless $done;"
        )
        run("perl", f"-I{SERVER.parents[1] / 'lib'}", "-e", change, environment=self._environment)

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Run its server, from when it listens to the end."""
        assigned = [f"{name}={value}" for name, value in self._environment.items()]
        options = ["--host", "127.0.0.1", "--port", str(self.port), "--max-workers", "3"]
        with serving(["env", *assigned, str(SERVER), *options], self.port, self._folder / "log"):
            yield

    def _rows(self, asked: str, *values: Any) -> list[dict[str, Any]]:
        with closing(sqlite3.connect(self._folder / "rt.sqlite")) as database:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute(asked, values)]


@contextmanager
def prepared() -> Iterator[Tracker]:
    """Give an RT that does not serve yet; the first run makes its database, which takes some seconds, and keeps it."""
    if not SERVER.exists():
        pytest.skip(f"no Request Tracker here; apt-get install --no-install-recommends {PACKAGES}")
    with in_memory("rt") as folder:
        port = free_port()
        for name in ("mason", "sessions", "more"):
            (folder / name).mkdir()
        configuration = folder / "RT_SiteConfig.pm"
        configuration.write_text(CONFIGURATION.format(folder=folder, port=port), "utf-8")
        environment = {"RT_SITE_CONFIG": str(configuration), "RT_SITE_CONFIG_DIR": str(folder / "more")}
        database = folder / "rt.sqlite"
        (HOME / "rt").mkdir(parents=True, exist_ok=True)
        with kept("rt", f"made-{_stamp()}.sqlite") as made:
            token = made.with_suffix(".json")
            if not token.exists():
                for old in made.parent.glob("made-*"):
                    old.unlink()
                found = _make(folder, environment)
                shutil.copyfile(database, made)
                token.with_suffix(".new").write_text(json.dumps(found), "utf-8")
                token.with_suffix(".new").rename(token)
            shutil.copyfile(made, database)
            (folder / "mails").unlink(missing_ok=True)
            clerk = json.loads(token.read_text("utf-8"))
        yield Tracker(folder, environment, port, clerk)


def _stamp() -> str:
    """Return what a kept database depends on: RT's own files, and what we put there."""
    made_by = (SERVER.parents[1] / "lib" / "RT" / "Generated.pm").read_bytes()
    return hashlib.sha256(made_by + SEED.read_bytes()).hexdigest()[:16]


def _make(folder: Path, environment: Mapping[str, str]) -> str:
    """Make the database, and return the clerk's token."""
    password = folder / "password"
    password.write_text("password-of-the-administrator\n", "utf-8")
    options = ("--skip-create", "--root-password-file", str(password))
    run(SETUP, "--action", "init", *options, environment=environment)
    seeded = subprocess.run(
        ["perl", str(SEED)], env={**os.environ, **environment}, capture_output=True, text=True, timeout=120, check=False
    )
    if seeded.returncode:
        raise Ended(f"{SEED.name} ended with {seeded.returncode}: {seeded.stderr[-2000:]}")
    return seeded.stdout.strip()
