"""The rows of a database's own catalogue, read with the driver that statements are run with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from interlock.foundation.http import HttpForbidden
from interlock.integration.connectors.errors import SourceUnfit
from interlock.integration.connectors.sql.alchemy import Dialect
from interlock.integration.connectors.sql.tables import REACH


def catalogue_rows(
    dialect: Dialect, address: str, query: str, *, timeout: float, number: Callable[[Any], str]
) -> list[tuple[Any, ...]]:
    """Return what *query* gives at *address*, waiting *timeout* seconds at most for each answer; nothing is written.

    Raises `SourceUnfit`, with what *number* makes of the driver's error, and what a broken answer raises.
    """
    from sqlalchemy import create_engine, event
    from sqlalchemy.exc import DBAPIError, SQLAlchemyError
    from sqlalchemy.pool import NullPool

    try:
        engine = create_engine(
            dialect.address(address),
            isolation_level="AUTOCOMMIT",
            connect_args=dialect.driver(timeout),
            poolclass=NullPool,
            hide_parameters=True,
        )
        event.listen(engine, "do_connect", lambda *given: dialect.connect(given[-1]))
        with engine.connect() as connection:
            dialect.begin(connection, writes=False, seconds=timeout)
            rows = [tuple(row) for row in connection.exec_driver_sql(query)]
            dialect.undo(connection, calls=False)
    except HttpForbidden as error:
        raise SourceUnfit("the database is not connected to", why=error.why, fix=error.fix) from error
    except DBAPIError as error:
        raise refused(number(error.orig)) from error
    except SQLAlchemyError as error:
        raise refused(type(error).__name__) from error
    return rows


_AWAY, _NOBODY = "no connection could be made", "it does not accept the user, or the password"
_NONE = "there is no such database, or the user may not use it"
_MEANINGS = {
    **dict.fromkeys(("MYSQL-2002", "MYSQL-2003", "MYSQL-2005"), _AWAY),
    **dict.fromkeys(("MYSQL-1045", "MYSQL-1698", "MSSQL-18456"), _NOBODY),
    **dict.fromkeys(("MYSQL-1044", "MYSQL-1049", "MSSQL-4060"), _NONE),
}


def refused(why: str) -> SourceUnfit:
    """Return the error of a catalogue that cannot be read; *why* is a number of the database's, or a word."""
    why = f"{_MEANINGS[why]}: {why}" if why in _MEANINGS else why
    return SourceUnfit("the database does not let us read its catalogue", why=why, fix=REACH)


def usable(address: str, options: frozenset[str], form: str) -> None:
    """Raise `SourceUnfit` for an address that names no database, or sets more than *options*, which could undo our
    promises; *form* is how to write one.
    """
    try:
        parts = urlsplit(address)
        database, given = parts.path.strip("/"), {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    except ValueError as error:
        raise SourceUnfit("this is no address of a database", fix=f"write {form}") from error
    if not database:
        raise SourceUnfit("the address names no database", fix=f"write {form}")
    if given - options:
        raise SourceUnfit(
            f"the address must not set {', '.join(sorted(given - options))}",
            fix=f"it may set {', '.join(sorted(options))}",
        )
