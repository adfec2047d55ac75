"""Systems that are written with Django: set up from a settings file, served by its own server on this machine."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from interlock.testing.servers import free_port
from tests.systems.machines import in_memory, installed, kept, run, serving

COMMON = """
SECRET_KEY = "key-of-a-test-on-this-machine"
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "site_urls"
USE_TZ = True
STATIC_URL = "/static/"
SITE_ID = 1
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": {database!r}}}}}
"""
CLERK = "interlock"


@dataclass(frozen=True, slots=True)
class Site:
    """A system: its *name* (the requirements), its *settings* beside the common ones, its *urls*, and *setup*, lines of
    Python that make what the tests find there. *fixtures* are loaded first; the clerk may do everything.
    """

    name: str
    settings: str
    urls: str
    setup: str
    fixtures: tuple[str, ...] = ()


class Running:
    """A running system: where it listens, and the tests' own way to look at what was done."""

    def __init__(self, port: int, database: Path, log: Path) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.database = database
        self._log = log

    def requests(self, line: str) -> int:
        """Return how many requests came that began with *line*, such as `POST /orders/`, by the server's own log."""
        return self._log.read_text("utf-8", "replace").count(f'"{line}')


@contextmanager
def running(site: Site, password: str, more: str = "") -> Iterator[Running]:
    """Run *site* with *more* settings; the first run makes its database, which takes a while, and keeps it."""
    programs = installed(site.name)
    with in_memory(site.name) as folder:
        database = folder / "site.sqlite"
        text = COMMON.format(database=str(database)) + site.settings + more
        (folder / "site_settings.py").write_text(text, "utf-8")
        (folder / "site_urls.py").write_text(site.urls, "utf-8")
        environment = {"DJANGO_SETTINGS_MODULE": "site_settings", "PYTHONPATH": str(folder)}
        admin = str(programs / "django-admin")
        with kept(site.name, "made.sqlite") as made:
            if not made.exists():
                _make(admin, site, environment | {"DJANGO_SUPERUSER_PASSWORD": password})
                shutil.copyfile(database, made.with_suffix(".new"))
                made.with_suffix(".new").rename(made)
            shutil.copyfile(made, database)
        port, log = free_port(), folder / "log"
        assigned = [f"{name}={value}" for name, value in environment.items()]
        command = ["env", *assigned, "PYTHONUNBUFFERED=1", admin, "runserver", "--noreload", f"127.0.0.1:{port}"]
        with serving(command, port, log):
            yield Running(port, database, log)


def _make(admin: str, site: Site, environment: Mapping[str, str]) -> None:
    run(admin, "migrate", "--verbosity", "0", environment=environment)
    for fixture in site.fixtures:
        run(admin, "loaddata", fixture, environment=environment)
    clerk = ("--username", CLERK, "--email", f"{CLERK}@acme.example")
    run(admin, "createsuperuser", "--noinput", *clerk, environment=environment)
    run(admin, "shell", "--no-imports", "--command", site.setup, environment=environment)
