"""The driver firebirdsql as SQLAlchemy's pool wants it: the least of a dialect, connections, and cursors."""

from __future__ import annotations

from typing import Any

import firebirdsql
from firebirdsql import consts
from firebirdsql.fbcore import Statement
from firebirdsql.wireprotocol import Packer
from firebirdsql.xsqlvar import calc_blr

from interlock.integration.connectors.sql.alchemy_driver import PlainDialect
from interlock.integration.connectors.sql.firebird_sessions import (
    BATCH,
    STOPPED,
    FirebirdError,
    Session,
    hearing,
    signed_in,
)
from interlock.integration.connectors.sql.firebird_values import message, positional, spoken


class PlainFirebird(PlainDialect):
    """Transactions are begun and ended by the protocol's own requests."""

    name = "firebird"

    @classmethod
    def import_dbapi(cls) -> Any:
        return firebirdsql

    def create_connect_args(self, url: Any) -> Any:
        options = {"host": url.host, "port": url.port, "user": url.username, "password": url.password}
        return [], {**options, "database": url.database, **url.query, "sign_in": Connection}

    def do_ping(self, dbapi_connection: Any) -> bool:
        dbapi_connection.session.ping()
        return True

    def is_disconnect(self, e: Any, connection: Any, cursor: Any) -> bool:  # noqa: ARG002 - SQLAlchemy's interface
        return isinstance(e, firebirdsql.InterfaceError)


class Connection:
    """A session with cursors."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.session = signed_in(options)

    def cursor(self) -> Cursor:
        return Cursor(self.session)

    def close(self) -> None:
        self.session.close()


class Cursor:
    """One statement, whose `:name` parameters are written `%(name)s`, and its rows."""

    arraysize = 1

    def __init__(self, session: Session) -> None:
        self._session = session
        self._statement: Any = None
        self._rows: list[list[Any]] = []
        self._more = False
        self.rowcount = -1
        self.description: Any = None

    def execute(self, statement: str, parameters: Any = None) -> None:
        if statement == "COMMIT":
            self._session.commit()
            return
        with hearing():
            self._run(*positional(statement, parameters or {}))
        if self._session.line.stopped:  # it came to its end first, and nobody waits for it any more
            raise FirebirdError((STOPPED,))

    def _run(self, text: str, values: list[Any]) -> None:
        session, work = self._session, self._session.work
        assert work is not None
        self.close()
        self._statement = made = Statement(work)
        made.prepare(text)
        format_, octets = message(values, made.bind_xsqlda) if values else (b"", b"")
        returns = made.stmt_type == consts.isc_info_sql_stmt_exec_procedure
        asked = Packer()
        for number in (session.op_execute2 if returns else session.op_execute, made.handle, work.trans_handle):
            asked.pack_int(number)
        asked.pack_bytes(format_)
        asked.pack_int(0)
        asked.pack_int(1 if values else 0)
        asked.buf += octets
        if returns:
            asked.pack_bytes(calc_blr(made.xsqlda))
            asked.pack_int(0)
        if session.accept_version >= consts.PROTOCOL_VERSION16:
            asked.pack_int(0)  # no time limit of the server's own
        session.line.send(asked.get_buffer())
        row = session.single(made.xsqlda) if returns else None
        if not returns:
            session._op_response()
        self._more = made.stmt_type in {consts.isc_info_sql_stmt_select, consts.isc_info_sql_stmt_select_for_upd}
        self.rowcount = -1 if self._more else session.touched(made.handle)
        procedure = text.lstrip()[:7].upper() == "EXECUTE"
        self._rows = [row] if row and (procedure or self.rowcount) else []
        if made.xsqlda:
            self.description = [(spoken(one.aliasname), one.sqltype, *[None] * 5) for one in made.xsqlda]

    def fetchmany(self, size: int | None = None) -> list[tuple[Any, ...]]:
        wanted, described = size or self.arraysize, self._statement.xsqlda
        with hearing():
            while self._more and len(self._rows) < wanted:
                rows, self._more = self._session.fetch(self._statement.handle, described)
                self._rows += rows
            taken, self._rows = self._rows[:wanted], self._rows[wanted:]
            return [self._session.filled(row, described) for row in taken]

    def fetchall(self) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = []
        while batch := self.fetchmany(BATCH):
            rows += batch
        return rows

    def fetchone(self) -> Any:
        rows = self.fetchmany(1)
        return rows[0] if rows else None

    def nextset(self) -> bool:
        return False

    def close(self) -> None:
        statement, self._statement = self._statement, None
        if statement is not None and not self._session.line.closed and not self._session.line.stopped:
            with hearing():
                statement.drop()
