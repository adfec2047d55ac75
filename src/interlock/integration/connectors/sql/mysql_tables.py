"""The catalogue of a MySQL or MariaDB database, read with the driver that statements are run with."""

from __future__ import annotations

from typing import Any

from interlock.integration.connectors.sql.catalogues import Reader
from interlock.integration.connectors.sql.routines import MYSQL_ROUTINES
from interlock.integration.connectors.sql.tables import Spelling

_WORDS = {
    **dict.fromkeys(("tinyint", "smallint", "mediumint", "int", "bigint", "year"), "integer"),
    **dict.fromkeys(("decimal", "float", "double"), "number"),
    **dict.fromkeys(("char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "uuid"), "string"),
    **dict.fromkeys(("date", "datetime", "timestamp", "time"), "string"),
}
_BYTES = ("blob", "binary", "bit", "geometry", "point", "linestring", "polygon", "multi", "geom", "vector")
_COLUMNS = """
SELECT '', table_name, column_name, data_type, is_nullable = 'YES', column_key = 'PRI'
FROM information_schema.columns WHERE table_schema = DATABASE() ORDER BY table_name, ordinal_position
"""


def _number(error: Any) -> str:
    number = error.args[0] if error.args else ""
    return f"MYSQL-{number}" if isinstance(number, int) else type(error).__name__


MYSQL_READER = Reader(
    _COLUMNS,
    MYSQL_ROUTINES,
    _WORDS,
    lambda native: any(sign in native for sign in _BYTES),
    Spelling("`"),
    _number,
)
