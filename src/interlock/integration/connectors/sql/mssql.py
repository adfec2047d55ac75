"""What is particular about Microsoft SQL Server, by the driver python-tds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from interlock.integration.connectors.interface import Answer, failed
from interlock.integration.connectors.sql.mssql_lines import STOPPED
from interlock.integration.connectors.sql.parameters import formatted
from interlock.integration.connectors.wording import said

if TYPE_CHECKING:
    from sqlalchemy import Connection

MSSQL_OPTIONS = frozenset({"ssl_ca"})
"""What may follow the `?` of an address."""

_SESSION = """
SET XACT_ABORT ON; SET NOCOUNT OFF; SET IMPLICIT_TRANSACTIONS OFF; SET QUOTED_IDENTIFIER ON; SET ANSI_NULLS ON;
SET ANSI_WARNINGS ON; SET ANSI_PADDING ON; SET ARITHABORT ON; SET CONCAT_NULL_YIELDS_NULL ON;
SET NUMERIC_ROUNDABORT OFF; SET ROWCOUNT 0; SET LANGUAGE us_english; SET DATEFORMAT ymd;
SET TRANSACTION ISOLATION LEVEL READ COMMITTED
"""
_MARK = "#interlock_call"
_MARKED = f"OBJECT_ID('tempdb..{_MARK}')"
_CALL = re.compile(r"CALL\s+(?P<name>[\w.]+)\s*\((?P<arguments>.*)\)", re.IGNORECASE | re.DOTALL)
_SHARE = 0.8  # of the time left, for the statement; the rest is for stopping it
_OWN = 50_000  # from here on, numbers are those of RAISERROR and THROW
_FULL = frozenset({701, 802, 10928, 10929, 17809, 40197, 40501, 40613, 49918, 49919, 49920})
_DENIED = frozenset({229, 230, 262, 297, 300, 916, 4060, 4064, 18452, 18456, 18461, 18470, 18486, 18487, 18488, 40615})
_CONFLICT = frozenset({1205, 1222, 3960, 3961, 41302, 41305, 41325, 41839})
_REFUSED = frozenset(
    {220, 232, 241, 242, 244, 245, 248, 295, 334, 515, 544, 547, 550, 2601, 2627, 2628, 3609, 3906, 8114, 8115, 8134}
    | {8152, 8169, 13535}
)


class MssqlDialect:
    """Sessions have the standard's settings, whatever the server is set to, so that statements mean what was checked.

    The server has no transaction that cannot write: a read is rolled back always, and what it may be is checked before.
    """

    probe = "SELECT 1 AS one"

    def address(self, url: str) -> Any:
        from sqlalchemy import make_url
        from sqlalchemy.dialects import registry

        registry.register("mssql.interlock", "interlock.integration.connectors.sql.mssql_driver", "TdsDialect")
        return make_url(url).set(drivername="mssql+interlock")

    def driver(self, longest: float, most: int) -> dict[str, Any]:  # noqa: ARG002 - rows are read in turn
        return {"seconds": longest}

    def connect(self, options: dict[str, Any]) -> Any:
        """Connect to what was judged; the certificate is verified by the declared name."""
        made = options["sign_in"](options)
        try:
            made.cursor().execute(_SESSION)
        except BaseException:
            made.close()
            raise
        return made

    def text(self, statement: str) -> str:
        text = formatted(statement, "tsql")
        call = _CALL.fullmatch(text)
        return f"EXEC {call['name']} {call['arguments']}".rstrip() if call else text

    def begin(self, connection: Connection, *, writes: bool, seconds: float, calls: bool = False) -> None:  # noqa: ARG002 - one kind of transaction
        """Begin; when the time has passed, the server is told to stop, and the connection is closed.

        A procedure may commit by itself. Then the table that is made here before it is still there after a rollback.
        """
        _line(connection).allow(max(seconds, 0.001) * _SHARE)
        waiting = max(int(seconds * _SHARE * 900), 1)
        connection.exec_driver_sql(f"SET LOCK_TIMEOUT {waiting}")
        if calls:
            connection.exec_driver_sql(f"IF {_MARKED} IS NOT NULL DROP TABLE {_MARK}")
        connection.exec_driver_sql("BEGIN TRANSACTION")
        if calls:
            connection.exec_driver_sql(f"CREATE TABLE {_MARK} (called BIT)")

    def undo(self, connection: Connection, *, calls: bool) -> bool:
        """Roll back; a connection that is closed, the change uncommitted, is rolled back by the server."""
        if _line(connection).stopped:
            self.drop(connection)
            return not calls  # nobody can say any more what a procedure committed before
        connection.exec_driver_sql("IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION")
        if not calls:
            return True
        left = connection.exec_driver_sql(f"SELECT CASE WHEN {_MARKED} IS NULL THEN 0 ELSE 1 END AS committed")
        return left.scalar() == 0

    def drop(self, connection: Connection) -> None:
        if not connection.invalidated:
            connection.invalidate()

    def meaning(self, error: Any) -> Answer | None:
        """Return what *error* means. Its text may repeat values, so only its number is kept."""
        number = getattr(error, "msg_no", None)
        if not isinstance(number, int):
            return None
        if number == STOPPED:
            detail = "the statement took too long and was stopped; nothing was changed"
            return failed("timed_out", detail, transient=True)
        code = f"MSSQL-{number}"
        if number in _FULL:
            return failed("unreachable", "the database accepts no more work", transient=True, **said(code))
        if number in _DENIED:
            return failed("access_denied", "the database does not let us do this", **said(code))
        if number in _CONFLICT:
            return failed("conflict", "others hold the same rows; nothing was changed", transient=True, **said(code))
        if number >= _OWN or number in _REFUSED:
            title = getattr(error, "text", None) if number >= _OWN else None
            return failed("refused", "the database refused the statement; nothing was changed", **said(code, title))
        return failed("system_error", "the database failed; nothing was changed", **said(code))


def _line(connection: Connection) -> Any:
    made: Any = connection.connection.dbapi_connection
    return made.line
