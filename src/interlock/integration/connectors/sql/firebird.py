"""What is particular about Firebird, by the driver firebirdsql."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from interlock.integration.connectors.interface import Answer, failed
from interlock.integration.connectors.sql.parameters import formatted
from interlock.integration.connectors.wording import said

if TYPE_CHECKING:
    from sqlalchemy import Connection

FIREBIRD_OPTIONS = frozenset({"encryption=off"})
"""What may follow the `?` of an address."""

_CALL = re.compile(
    r"(?P<word>CALL|SELECT\s+\*\s+FROM)\s+(?P<name>[\w.]+)\s*\((?P<arguments>.*)\)", re.IGNORECASE | re.DOTALL
)
_SHARE = 0.8  # of the time left, for the statement; the rest is for stopping it
# A transaction's parameters (TPB): version 3, then how it isolates, whether it writes, and how it waits.
_READS = bytes((3, 2, 8, 6))
_WRITES = bytes((3, 15, 17, 9, 6, 21, 4))
_UNSENDABLE = frozenset({1})
_LOST = frozenset({335544528, 335544721, 335544726, 335544727, 335544741, 335544856, 335545131, 335545132, 335545133})
_FULL = frozenset({335544375, 335544421, 335544506, 335544744, 335544761, 335544971})
_DENIED = frozenset({335544352, 335544472, 335545264})
_STOPPED = frozenset({335544794, 335545127, 335545128, 335545129})
_CONFLICT = frozenset({335544336, 335544345, 335544451, 335544510, 335544878})
_DECLARED = 335544517
_REFUSED = frozenset(
    {335544321, 335544334, 335544342, 335544347, 335544349, 335544359, 335544361, 335544362, 335544466, 335544558}
    | {335544565, 335544652, 335544665, 335544765, 335544838, 335544839, 335544849, 335544913, 335544914, 335544916}
)


class FirebirdDialect:
    """Reads are in transactions that cannot write; a statement that takes too long is cancelled by the server."""

    probe = "SELECT 1 AS one FROM rdb$database"

    def address(self, url: str) -> Any:
        from sqlalchemy import make_url
        from sqlalchemy.dialects import registry

        registry.register("firebird.interlock", "interlock.integration.connectors.sql.firebird_driver", "PlainFirebird")
        return make_url(url).set(drivername="firebird+interlock")

    def driver(self, longest: float, most: int) -> dict[str, Any]:
        return {"seconds": longest, "most": most}

    def connect(self, options: dict[str, Any]) -> Any:
        return options["sign_in"](options)

    def text(self, statement: str) -> str:
        text = formatted(statement, "oracle")
        call = _CALL.fullmatch(text)
        if not call:
            return text
        begin = "SELECT * FROM" if call["word"].upper() != "CALL" else "EXECUTE PROCEDURE"
        arguments = call["arguments"].strip()
        return f"{begin} {call['name']}({arguments})" if arguments else f"{begin} {call['name']}"

    def begin(self, connection: Connection, *, writes: bool, seconds: float, calls: bool = False) -> None:  # noqa: ARG002 - one kind of transaction
        """Begin; a read sees one state of the database, a write waits for others no longer than its time."""
        session, seconds = _session(connection), max(seconds, 0.001) * _SHARE
        session.line.allow(seconds)
        waiting = max(int(seconds), 1)
        with _wrapped():
            session.begin(_WRITES + waiting.to_bytes(4, "little") if writes else _READS)

    def undo(self, connection: Connection, *, calls: bool) -> bool:  # noqa: ARG002 - a procedure cannot commit it
        """Roll back; a connection that is closed, the change uncommitted, is rolled back by the server."""
        session = _session(connection)
        if session.line.stopped:
            self.drop(connection)
            return True
        with _wrapped():
            session.rollback()
        return True

    def drop(self, connection: Connection) -> None:
        if not connection.invalidated:
            _session(connection).line.close()
            connection.invalidate()

    def meaning(self, error: Any) -> Answer | None:
        """Return what *error* means. Its text may repeat values, so only its first number is kept."""
        numbers: tuple[int, ...] = getattr(error, "codes", ())
        found = frozenset(numbers)
        if not found or found & _LOST:
            return None
        if found & _UNSENDABLE:
            return failed("argument_unsendable", "an argument does not fit into the database; nothing was changed")
        code = f"FIREBIRD-{numbers[0]}"
        if found & _FULL:
            return failed("unreachable", "the database accepts no more work", transient=True, **said(code))
        if found & _DENIED:
            return failed("access_denied", "the database does not let us do this", **said(code))
        if found & _STOPPED:
            detail = "the statement took too long and was stopped; nothing was changed"
            return failed("timed_out", detail, transient=True, **said(code))
        if found & _CONFLICT:
            return failed("conflict", "others hold the same rows; nothing was changed", transient=True, **said(code))
        if found & _REFUSED or _DECLARED in found:
            title = error.words if _DECLARED in found else None
            return failed("refused", "the database refused the statement; nothing was changed", **said(code, title))
        return failed("system_error", "the database failed; nothing was changed", **said(code))


@contextmanager
def _wrapped() -> Iterator[None]:
    """Raise the driver's errors as SQLAlchemy would; what is in here does not go through it."""
    from firebirdsql import Error
    from sqlalchemy.exc import DBAPIError

    try:
        yield
    except Error as error:
        raise DBAPIError(None, None, error) from error


def _session(connection: Connection) -> Any:
    made: Any = connection.connection.dbapi_connection
    return made.session
