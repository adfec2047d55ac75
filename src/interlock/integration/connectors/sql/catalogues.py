"""The rows of a database's own catalogue, read with the driver that statements are run with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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


def refused(why: str) -> SourceUnfit:
    """Return the error of a catalogue that cannot be read."""
    return SourceUnfit("the database does not let us read its catalogue", why=why, fix=REACH)
