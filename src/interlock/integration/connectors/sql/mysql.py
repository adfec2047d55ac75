"""What is particular about MySQL and MariaDB, by the driver PyMySQL."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from interlock.foundation.http.sockets import connected_now
from interlock.integration.connectors.interface import Answer, failed
from interlock.integration.connectors.sql.parameters import formatted
from interlock.integration.connectors.wording import said

if TYPE_CHECKING:
    from sqlalchemy import Connection

OPTIONS = frozenset({"unix_socket", "ssl_ca", "ssl_cert", "ssl_key"})
"""What may follow the `?` of an address; other options of the driver could undo what is promised here."""

_SESSION = (
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,"
    "NO_ENGINE_SUBSTITUTION', SESSION time_zone = '+00:00'"
)
_SHARE = 0.9  # of the time left, for the statement; the rest is for hearing how it ended
_NOT_UNDONE = 1196
_NO_SAVEPOINT = 1305
_MARK = "interlock_call"
_NO_CONNECTION = 2003
_SIGNAL = 1644
_LOST = frozenset({0, 1053, 1079, 1080, 1152, 1158, 1159, 1160, 1161, 1184, 1927, 2002, 2003, 2006, 2013, 2014, 2055})
_FULL = frozenset({1040, 1129, 1203, 1226})
_DENIED = frozenset({1044, 1045, 1095, 1130, 1142, 1143, 1227, 1370, 1698})
_STOPPED = frozenset({1028, 1317, 1969, 3024})
_CONFLICT = frozenset({1020, 1205, 1213, 1412, 3572})
_REFUSED = frozenset(
    {1048, 1062, 1169, 1216, 1217, 1264, 1265, 1290, 1292, 1364, 1365, 1366, 1369, 1406, 1442, 1451, 1452, 1690, 1792}
    | {3819, 4025}
)


class MysqlDialect:
    """Sessions are strict and in UTC, whatever the server is set to, so that no value is cut to fit in silence."""

    probe = "SELECT 1 AS one"

    def address(self, url: str) -> Any:
        from sqlalchemy import make_url

        return make_url(url).set(drivername="mysql+pymysql")

    def driver(self, longest: float, most: int) -> dict[str, Any]:  # noqa: ARG002 - rows are read in turn
        from pymysql.constants import FIELD_TYPE  # type: ignore[import-untyped]  # it has no types
        from pymysql.converters import conversions  # type: ignore[import-untyped]  # it has no types

        seconds = max(math.ceil(longest), 1)
        return {
            "charset": "utf8mb4",
            "connect_timeout": seconds,
            "read_timeout": seconds,
            "write_timeout": seconds,
            "local_infile": False,
            "conv": conversions | {FIELD_TYPE.TIME: str},
            "program_name": "interlock",
        }

    def connect(self, options: dict[str, Any]) -> Any:
        """Connect to what was judged; the driver verifies the certificate by the declared name."""
        made = _connected(options)
        try:
            with made.cursor() as cursor:
                cursor.execute(_SESSION)
        except BaseException:
            made._force_close()
            raise
        return made

    def text(self, statement: str) -> str:
        return formatted(statement)

    def begin(self, connection: Connection, *, writes: bool, seconds: float, calls: bool = False) -> None:
        """Begin; MySQL itself stops only reads in time, so its writes have a limit for waiting alone."""
        seconds *= _SHARE
        waiting = max(math.ceil(seconds), 1)
        if getattr(connection.dialect, "is_mariadb", False):
            limit = f"max_statement_time = {max(seconds, 0.001):.3f}"
        else:
            limit = f"max_execution_time = {max(int(seconds * 1000), 1)}"
        connection.exec_driver_sql(f"SET SESSION {limit}, SESSION innodb_lock_wait_timeout = {waiting}")
        connection.exec_driver_sql("START TRANSACTION" if writes else "START TRANSACTION READ ONLY")
        if calls:
            connection.exec_driver_sql(f"SAVEPOINT {_MARK}")

    def undo(self, connection: Connection, *, calls: bool) -> bool:
        """Roll back; the server warns where a table of another engine than InnoDB keeps what was written.

        A procedure can commit, or define tables, which does so too: then the savepoint before it is gone.
        """
        if calls and not self._unended(connection):
            connection.exec_driver_sql("ROLLBACK")
            return False
        connection.exec_driver_sql("ROLLBACK")
        warnings = connection.exec_driver_sql("SHOW WARNINGS").fetchall()
        return all(row[1] != _NOT_UNDONE for row in warnings)

    def _unended(self, connection: Connection) -> bool:
        from sqlalchemy.exc import DBAPIError

        try:
            connection.exec_driver_sql(f"ROLLBACK TO SAVEPOINT {_MARK}")
        except DBAPIError as error:
            if error.orig is not None and error.orig.args[:1] == (_NO_SAVEPOINT,):
                return False
            raise
        warnings = connection.exec_driver_sql("SHOW WARNINGS").fetchall()
        return all(row[1] != _NOT_UNDONE for row in warnings)

    def drop(self, connection: Connection) -> None:
        """Close; the driver would first read a result to its end, and fail at it where there is no connection."""
        if connection.invalidated:
            return
        result = getattr(connection.connection.dbapi_connection, "_result", None)
        if result is not None:
            result.unbuffered_active = False
        connection.invalidate()

    def meaning(self, error: Any) -> Answer | None:
        """Return what *error* means. Its text may repeat values, so only its number is kept."""
        number = error.args[0] if error.args and isinstance(error.args[0], int) else 0
        code = f"MYSQL-{number}"
        if number in _LOST:
            return None
        if number in _FULL:
            return failed("unreachable", "the database accepts no connection", sent=False, transient=True, **said(code))
        if number in _DENIED:
            return failed("access_denied", "the database does not let us do this", **said(code))
        if number in _STOPPED:
            detail = "the statement took too long and was stopped; nothing was changed"
            return failed("timed_out", detail, transient=True, **said(code))
        if number in _CONFLICT:
            return failed("conflict", "others hold the same rows; nothing was changed", transient=True, **said(code))
        if number == _SIGNAL or number in _REFUSED:
            title = error.args[1] if number == _SIGNAL and len(error.args) > 1 else None
            return failed("refused", "the database refused the statement; nothing was changed", **said(code, title))
        return failed("system_error", "the database failed; nothing was changed", **said(code))


def _connected(options: dict[str, Any]) -> Any:
    import pymysql  # type: ignore[import-untyped]  # it has no types

    if options.get("unix_socket"):
        return pymysql.connect(**options)
    made = pymysql.connect(**options, defer_connect=True)
    try:
        line = connected_now(made.host, made.port, options["connect_timeout"])
    except OSError as error:
        raise pymysql.err.OperationalError(_NO_CONNECTION, type(error).__name__) from error
    made.connect(line)  # which closes it where this fails
    return made
