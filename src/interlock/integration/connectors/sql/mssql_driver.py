"""The driver python-tds as SQLAlchemy's pool wants it: the least of a dialect, and cursors that hear an answer out.

`pytds.connect` is not used: it follows a server's redirection to any other host, tries again on a socket that is
closed, and keeps a list of servers for the whole process.
"""

from __future__ import annotations

import datetime as dt
import ssl
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import pytds  # type: ignore[import-untyped]  # it has no types
from pytds.connection import NonMarsConnection  # type: ignore[import-untyped]  # it has no types
from pytds.row_strategies import tuple_row_strategy  # type: ignore[import-untyped]  # it has no types
from pytds.tds_base import TDS_ODBC_ON, PreLoginEnc, _TdsLogin  # type: ignore[import-untyped]  # it has no types
from pytds.tds_socket import _TdsSocket  # type: ignore[import-untyped]  # it has no types

from interlock.foundation.http.sockets import connected_now
from interlock.integration.connectors.sql.alchemy_driver import PlainDialect
from interlock.integration.connectors.sql.mssql_lines import Line

_PORT = 1433
_PING = 5.0
_GARBLED = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
_UNHEARD = (*_GARBLED, struct.error)  # what the driver raises by itself at a broken answer


class TdsDialect(PlainDialect):
    """Transactions are begun and ended by statements."""

    name = "mssql"

    @classmethod
    def import_dbapi(cls) -> Any:
        return pytds

    def create_connect_args(self, url: Any) -> Any:
        options = {"host": url.host, "port": url.port, "user": url.username, "password": url.password}
        return [], {**options, "database": url.database, **url.query, "sign_in": signed_in}

    def do_ping(self, dbapi_connection: Any) -> bool:
        dbapi_connection.line.allow(_PING)
        cursor = dbapi_connection.cursor()
        cursor.execute("SELECT 1")
        cursor.fetchall()
        return True

    def is_disconnect(self, e: Any, connection: Any, cursor: Any) -> bool:  # noqa: ARG002 - SQLAlchemy's interface
        return isinstance(e, pytds.InterfaceError)


class Cursor:
    """A cursor that hears a result to its end, as an error can come after it, and counts the statement's own rows.

    A trigger's counts come before the statement's, so the last one holds.
    """

    arraysize = 1

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.rowcount = -1
        self.description: Any = None

    def execute(self, statement: str, parameters: Any = None) -> None:
        with _heard():
            self._inner.execute(statement, parameters or None)
            self._forward()

    def _forward(self) -> None:
        """Go on to the next rows, or to the end."""
        more: Any = True
        while more:
            self.description = self._inner.description
            if self._inner.rowcount >= 0:
                self.rowcount = self._inner.rowcount
            if self.description:
                return
            more = self._inner.nextset()

    def fetchmany(self, size: int | None = None) -> list[Any]:
        with _heard():
            wanted = size or self.arraysize
            rows: list[Any] = self._inner.fetchmany(wanted)
            if len(rows) < wanted:
                self._finish()
            return rows

    def fetchall(self) -> list[Any]:
        with _heard():
            rows: list[Any] = self._inner.fetchall()
            self._finish()
            return rows

    def fetchone(self) -> Any:
        rows = self.fetchmany(1)
        return rows[0] if rows else None

    def nextset(self) -> bool:
        """Go on to the next rows; return whether there are any."""
        with _heard():
            if self._inner.nextset():
                self._forward()
            else:
                self.description = None
            return bool(self.description)

    def _finish(self) -> None:
        while self._inner.nextset():
            pass

    def close(self) -> None:
        self._inner.close()


@contextmanager
def _heard() -> Iterator[None]:
    try:
        yield
    except _UNHEARD as error:
        raise pytds.InterfaceError(type(error).__name__) from error


class Session:
    """A connection that is signed in."""

    def __init__(self, inner: Any, line: Line) -> None:
        self._inner = inner
        self.line = line

    def cursor(self) -> Cursor:
        return Cursor(self._inner.cursor())

    def close(self) -> None:
        self._inner.close()


class _Login(_TdsLogin):  # type: ignore[misc]  # it has no types
    """What is said of us when signing in; of this machine and its network card nothing."""

    always: ClassVar[dict[str, Any]] = {
        "client_host_name": "interlock",
        "library": "interlock",
        "app_name": "interlock",
        "client_lcid": 1033,
        "enc_flag": PreLoginEnc.ENCRYPT_NOT_SUP,
        "client_tz": dt.UTC,
        "option_flag2": TDS_ODBC_ON,
        "bytes_to_unicode": True,
    }

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__()
        for name, value in self.always.items():
            setattr(self, name, value)
        self.server_name = options.get("host") or ""
        self.user_name = options.get("user") or ""
        self.password = options.get("password") or ""
        self.database = options.get("database") or ""


def signed_in(options: dict[str, Any]) -> Session:
    """Return a session by *options*: host, port, user, password, database, ssl_ca, seconds.

    Raises `HttpForbidden`, `OSError` and the driver's errors.
    """
    host, seconds = options.get("host") or "localhost", options["seconds"]
    sock = connected_now(host, options.get("port") or _PORT, seconds)
    line = Line(sock, seconds)
    try:
        if options.get("ssl_ca"):
            line.encrypt(_context(options["ssl_ca"]), host)
        with _heard():
            tds = _TdsSocket(sock=line, login=_Login(options), row_strategy=tuple_row_strategy, autocommit=True)
            if tds.login() is not None:
                raise pytds.InterfaceError("the server sends us to another one")
        return Session(NonMarsConnection(pooling=False, key=(), tds_socket=tds), line)
    except BaseException:
        line.close()
        raise


def _context(file: str) -> ssl.SSLContext:
    """TLS 1.2: with TDS 7.4 a server shakes hands inside packets, which TLS 1.3 does not fit into."""
    context = ssl.create_default_context(cafile=file)
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context
