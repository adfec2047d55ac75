"""The catalogue of a MySQL or MariaDB database, read with the driver that statements are run with."""

from __future__ import annotations

import struct
from typing import Any

from interlock.integration.connectors.packages import Packages
from interlock.integration.connectors.sql.catalogues import catalogue_rows, refused, usable
from interlock.integration.connectors.sql.mysql import OPTIONS, MysqlDialect
from interlock.integration.connectors.sql.routines import MYSQL_ROUTINES, call_offers
from interlock.integration.connectors.sql.tables import Column, Spelling, Table, gathered
from interlock.integration.connectors.surveys import Offer

MYSQL = ("mysql://", "mariadb://")
"""How addresses of these databases begin."""

_SPELLING = Spelling("`")
_WORDS = {
    **dict.fromkeys(("tinyint", "smallint", "mediumint", "int", "bigint", "year"), "integer"),
    **dict.fromkeys(("decimal", "float", "double"), "number"),
    **dict.fromkeys(("char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "uuid"), "string"),
    **dict.fromkeys(("date", "datetime", "timestamp", "time"), "string"),
}
_BYTES = ("blob", "binary", "bit", "geometry", "point", "linestring", "polygon", "multi", "geom", "vector")
_COLUMNS = """
SELECT table_name, column_name, data_type, is_nullable = 'YES', column_key = 'PRI'
FROM information_schema.columns WHERE table_schema = DATABASE() ORDER BY table_name, ordinal_position
"""
_GARBLED = (AssertionError, IndexError, KeyError, TypeError, UnicodeDecodeError, struct.error)  # from a broken answer


def mysql_tables(address: str, *, timeout: float) -> list[Table]:
    """Return the tables and views of the database at *address*, which names it; waits *timeout* seconds at most for
    each answer. Nothing can be written meanwhile. Raises `SourceUnfit` and `PackageMissing`.
    """
    usable(address, OPTIONS, "mysql://USER@HOST/DATABASE")
    Packages("sql", "databases", ("sqlalchemy", "pymysql")).check()
    try:
        rows = _rows(address, timeout, _COLUMNS)
    except (OSError, ValueError, *_GARBLED) as error:
        raise refused(type(error).__name__) from error
    found = (
        ((table,), Column(name, _WORDS.get(native, ""), native, bool(nullable), bool(key)))
        for table, name, native, nullable, key in rows
    )
    return gathered(found, _SPELLING, lambda native: any(sign in native for sign in _BYTES))


def mysql_calls(address: str, *, timeout: float) -> tuple[list[Offer], list[str]]:
    """Return calls of the procedures there, and the names of others, as `call_offers` does; else like `mysql_tables`,
    which is asked before."""
    try:
        return call_offers(_rows(address, timeout, MYSQL_ROUTINES), _WORDS)
    except (OSError, ValueError, *_GARBLED) as error:
        raise refused(type(error).__name__) from error


def _rows(address: str, timeout: float, query: str) -> list[tuple[Any, ...]]:
    return catalogue_rows(MysqlDialect(), address, query, timeout=timeout, number=_number)


def _number(error: Any) -> str:
    number = error.args[0] if error.args else ""
    return f"MYSQL-{number}" if isinstance(number, int) else type(error).__name__
