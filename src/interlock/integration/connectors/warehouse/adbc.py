"""Drivers of ADBC, from a closed list: one that is not known to only read, and to stop when told to, is refused."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

import orjson

from interlock.integration.connectors.files.errors import (
    AccessDenied,
    ArgumentUnfit,
    ConnectionGone,
    FilesTrouble,
    PlaceAway,
    TimeOver,
)
from interlock.integration.connectors.interface import SUCCEEDED, Answer, SecretSource, SystemDeclaration, Trouble
from interlock.integration.connectors.sql.parameters import numbered
from interlock.integration.connectors.warehouse.engine import ThreadedEngine
from interlock.integration.connectors.warehouse.errors import StatementRefused, ValueUnfit
from interlock.integration.connectors.warehouse.pages import Page
from interlock.integration.connectors.warehouse.postgres import address_troubles
from interlock.integration.connectors.warehouse.queries import Query
from interlock.integration.connectors.warehouse.threads import Job

PACKAGES = ("adbc_driver_manager", "adbc_driver_postgresql", "pyarrow")
BATCH = 500
SPARE = 2.0  # seconds that the server's own time limit is above ours: the second fence
_TLS: Mapping[str, Mapping[str, str]] = {
    "verify": {"sslmode": "verify-full", "sslrootcert": "system"},
    "require": {"sslmode": "require"},
    "off": {"sslmode": "disable"},
}
_SHUT_OUT = ("authentication failed", "not permitted to log in", "no password supplied", "no pg_hba.conf entry")
"""Words of a server that lets somebody not in, for which the driver gives no code."""
_UNKNOWN = {
    "sqlite": "cannot stop a statement that takes too long; read a SQLite file with the connector `sql`",
}


class AdbcEngine(ThreadedEngine):
    """PostgreSQL by its ADBC driver. Each read has a connection of its own, whose sessions cannot write."""

    def __init__(
        self, settings: Mapping[str, Any], system: SystemDeclaration, secrets: SecretSource, *, zone: str
    ) -> None:
        super().__init__(system.limits.concurrency, "adbc")
        self._url: str = settings["url"]
        self._password: str | None = settings.get("password")
        self._secrets = secrets
        self._tls = _TLS[settings.get("tls", "verify")]
        self._zone = zone

    def _look(self, job: Job) -> Answer:
        with self._cursor(job) as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchall()
        return Answer(SUCCEEDED)

    def _read(self, query: Query, page: Page, job: Job) -> Answer:
        text, names = numbered(query.statement)
        values = tuple(query.values[name] for name in names)
        with self._cursor(job) as cursor:
            try:
                cursor.execute(text, values or None)
            except (OverflowError, TypeError, ValueError):  # of Arrow, which found no type for it
                raise ArgumentUnfit("an argument does not fit its place in the statement") from None
            columns = [column[0] for column in cursor.description]
            readers = [_reader(str(column[1])) for column in cursor.description]
            while batch := cursor.fetchmany(BATCH):
                job.errand.left()
                rows = [[reader(cell) for reader, cell in zip(readers, row, strict=True)] for row in batch]
                if not page.add(columns, rows):
                    break
        return Answer(SUCCEEDED)

    @contextlib.contextmanager
    def _cursor(self, job: Job) -> Iterator[Any]:
        import adbc_driver_manager
        import adbc_driver_postgresql.dbapi as driver

        try:
            with driver.connect(self._address(job.errand.left()), autocommit=True) as connection:
                job.errand.reached = True
                with (
                    connection.cursor() as cursor,
                    job.interruptible(lambda: _cancel(cursor, adbc_driver_manager.Error)),
                ):
                    job.errand.left()
                    yield cursor
        except adbc_driver_manager.Error as error:
            raise _meaning(error, reached=job.errand.reached) from None

    def _address(self, left: float) -> str:
        """Return the whole address, which never leaves this process but to the server."""
        parts = urlsplit(self._url)
        netloc = parts.netloc
        if self._password is not None:
            user, _, host = netloc.rpartition("@")
            netloc = f"{user}:{quote(self._secrets.get(self._password).reveal(), safe='')}@{host}"
        settings = {
            "default_transaction_read_only": "on",
            "statement_timeout": str(int((left + SPARE) * 1000)),
            "TimeZone": self._zone,
        }
        options = {
            **self._tls,
            "application_name": "interlock",
            "connect_timeout": str(max(math.ceil(left), 2)),
            "options": " ".join(f"-c {name}={value}" for name, value in settings.items()),
        }
        query = f"{parts.query}&{urlencode(options, quote_via=quote)}".lstrip("&")
        return urlunsplit((parts.scheme, netloc, parts.path, query, ""))


def _cancel(cursor: Any, error: type[Exception]) -> None:
    with contextlib.suppress(error):
        cursor.adbc_cancel()


def _reader(kind: str) -> Any:
    """Return what makes a value of an Arrow type into one that a page takes."""
    if "type_name=numeric" in kind:
        return lambda cell: Decimal(cell) if isinstance(cell, str) else cell
    if kind.startswith("JsonType") or "arrow.json" in kind:
        return lambda cell: orjson.loads(cell) if isinstance(cell, str) else cell
    if "month_day_nano" in kind:
        return _interval
    return lambda cell: cell


def _interval(cell: Any) -> Any:
    if cell is None:
        return None
    seconds = Decimal(cell.nanoseconds) / 1_000_000_000
    return f"P{cell.months}M{cell.days}DT{seconds.normalize():f}S"


def _meaning(error: Any, *, reached: bool) -> FilesTrouble:
    """Return what the driver's *error* means. Its text may repeat values, so only the server's code is kept."""
    state = str(getattr(error, "sqlstate", None) or "")
    if state == "57014":
        return TimeOver("the time limit passed; the statement was stopped")
    if state.startswith("28") or any(words in str(error) for words in _SHUT_OUT):
        return AccessDenied("the database does not accept our credentials")
    if not reached:
        trouble = PlaceAway("no connection to the database could be made")
        trouble.transient = True
        return trouble
    if not state or state.startswith(("08", "57P")):
        return ConnectionGone("the connection was lost")
    if state.startswith("22"):
        return ValueUnfit("a value is not of its declared type", system={"code": f"SQLSTATE-{state}"})
    return StatementRefused("the database does not take the statement", system={"code": f"SQLSTATE-{state}"})


def adbc_troubles(settings: Mapping[str, Any]) -> Iterator[Trouble]:
    """Yield why a driver cannot be used as it is declared."""
    if why := _UNKNOWN.get(settings["driver"]):
        yield Trouble("/connection/adbc/driver", why)
    elif "url" not in settings:
        yield Trouble("/connection/adbc/url", "is missing")
    else:
        yield from address_troubles(settings, "/connection/adbc")
