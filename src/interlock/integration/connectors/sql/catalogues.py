"""The catalogue of a database on a server, read with the driver that statements are run with."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from interlock.foundation.http import HttpForbidden
from interlock.integration.connectors.errors import SourceUnfit
from interlock.integration.connectors.sql.alchemy import Dialect
from interlock.integration.connectors.sql.routines import call_offers
from interlock.integration.connectors.sql.tables import REACH, Catalogue, Column, Spelling, gathered

_MOST = 64 << 20
_GARBLED = (AssertionError, IndexError, KeyError, TypeError, UnicodeDecodeError, struct.error)  # from a broken answer


@dataclass(frozen=True, slots=True)
class Reader:
    """How one kind of database is asked for its catalogue.

    *columns* is a query for the columns of all tables and views, in order: the schema (empty for the usual one), the
    table, the column, its native type, whether it may be null and whether it belongs to the primary key. *routines* is
    one as `call_offers` takes its rows. *words* are the types of `input` for native ones, *unread* tells those whose
    columns no proposal reads. *number* is what may be shown of the driver's error.
    """

    columns: str
    routines: str
    words: Mapping[str, str]
    unread: Callable[[str], bool]
    spelling: Spelling
    number: Callable[[Any], str]

    def read(self, dialect: Dialect, address: str, timeout: float) -> Catalogue:
        """Return what the database at *address* offers, waiting *timeout* seconds at most for each answer.

        Nothing is written. Raises `SourceUnfit`.
        """
        try:
            columns = self._rows(dialect, address, self.columns, timeout)
            routines = self._rows(dialect, address, self.routines, timeout)
        except (OSError, ValueError, *_GARBLED) as error:
            raise _refused(type(error).__name__) from error
        found = (
            (
                (schema, table) if schema else (table,),
                Column(name, self._word(native), native, bool(nullable), bool(key)),
            )
            for schema, table, name, native, nullable, key in columns
        )
        tables = gathered(found, self.spelling, self.unread)
        return Catalogue(tables, *call_offers(routines, self.words))

    def _rows(self, dialect: Dialect, address: str, query: str, timeout: float) -> list[tuple[Any, ...]]:
        return _asked(dialect, address, query, timeout=timeout, number=self.number)

    def _word(self, native: str) -> str:
        return self.words.get(native.partition("(")[0], "")


def _asked(
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
            connect_args=dialect.driver(timeout, _MOST),
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
        raise _refused(number(error.orig)) from error
    except SQLAlchemyError as error:
        raise _refused(type(error).__name__) from error
    return rows


_AWAY, _NOBODY = "no connection could be made", "it does not accept the user, or the password"
_NONE = "there is no such database, or the user may not use it"
_MEANINGS = {
    **dict.fromkeys(("MYSQL-2002", "MYSQL-2003", "MYSQL-2005"), _AWAY),
    **dict.fromkeys(("MYSQL-1045", "MYSQL-1698", "MSSQL-18456"), _NOBODY),
    **dict.fromkeys(("MYSQL-1044", "MYSQL-1049", "MSSQL-4060"), _NONE),
}


def _refused(why: str) -> SourceUnfit:
    """Return the error of a catalogue that cannot be read; *why* is a number of the database's, or a word."""
    why = f"{_MEANINGS[why]}: {why}" if why in _MEANINGS else why
    return SourceUnfit("the database does not let us read its catalogue", why=why, fix=REACH)


def usable(address: str, options: frozenset[str], form: str) -> None:
    """Raise `SourceUnfit` for an address that names no database, or sets more than *options*, which could undo our
    promises; *form* is how to write one.
    """
    try:
        parts = urlsplit(address)
        database, others = parts.path.strip("/"), unknown(parts.query, options)
    except ValueError as error:
        raise SourceUnfit("this is no address of a database", fix=f"write {form}") from error
    if not database:
        raise SourceUnfit("the address names no database", fix=f"write {form}")
    if others:
        raise SourceUnfit(
            f"the address must not set {', '.join(others)}",
            fix=f"it may set {', '.join(sorted(options))}",
        )


def unknown(query: str, options: frozenset[str]) -> list[str]:
    """Return the names that *query* sets and that are not in *options*, which holds names, and names with the one value
    that they may have (`NAME=VALUE`).
    """
    given = parse_qsl(query, keep_blank_values=True)
    return sorted({name for name, value in given if not options & {name, f"{name}={value}"}})
