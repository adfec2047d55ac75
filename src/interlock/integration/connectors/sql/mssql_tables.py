"""The catalogue of a SQL Server database, read with the driver that statements are run with."""

from __future__ import annotations

from typing import Any

from interlock.integration.connectors.sql.catalogues import Reader
from interlock.integration.connectors.sql.routines import MSSQL_ROUTINES
from interlock.integration.connectors.sql.tables import Spelling

_WORDS = {
    **dict.fromkeys(("tinyint", "smallint", "int", "bigint"), "integer"),
    **dict.fromkeys(("decimal", "numeric", "money", "smallmoney", "float", "real"), "number"),
    **dict.fromkeys(("char", "varchar", "text", "nchar", "nvarchar", "ntext", "uniqueidentifier"), "string"),
    **dict.fromkeys(("date", "time", "datetime", "datetime2", "smalldatetime", "datetimeoffset"), "string"),
    "bit": "boolean",
}
_UNREAD = frozenset(
    {"binary", "varbinary", "image", "timestamp", "rowversion", "geometry", "geography", "hierarchyid", "sql_variant"}
    | {"xml", "json", "vector"}
)
_COLUMNS = """
SELECT CASE WHEN c.TABLE_SCHEMA = SCHEMA_NAME() THEN '' ELSE c.TABLE_SCHEMA END, c.TABLE_NAME, c.COLUMN_NAME,
  c.DATA_TYPE, CASE WHEN c.IS_NULLABLE = 'YES' THEN 1 ELSE 0 END, CASE WHEN k.COLUMN_NAME IS NULL THEN 0 ELSE 1 END
FROM INFORMATION_SCHEMA.COLUMNS AS c
LEFT JOIN (
  SELECT u.TABLE_SCHEMA, u.TABLE_NAME, u.COLUMN_NAME FROM INFORMATION_SCHEMA.TABLE_CONSTRAINTS AS p
  JOIN INFORMATION_SCHEMA.KEY_COLUMN_USAGE AS u
    ON u.CONSTRAINT_SCHEMA = p.CONSTRAINT_SCHEMA AND u.CONSTRAINT_NAME = p.CONSTRAINT_NAME
  WHERE p.CONSTRAINT_TYPE = 'PRIMARY KEY'
) AS k ON k.TABLE_SCHEMA = c.TABLE_SCHEMA AND k.TABLE_NAME = c.TABLE_NAME AND k.COLUMN_NAME = c.COLUMN_NAME
ORDER BY c.TABLE_SCHEMA, c.TABLE_NAME, c.ORDINAL_POSITION
"""


class TsqlSpelling(Spelling):
    """T-SQL has no LIMIT; TOP needs no order."""

    def limited(self, select: str, rest: str) -> str:
        return f"SELECT TOP (:limit){select.removeprefix('SELECT')}{rest}"


def _number(error: Any) -> str:
    number = getattr(error, "msg_no", None)
    return f"MSSQL-{number}" if isinstance(number, int) else type(error).__name__


MSSQL_READER = Reader(_COLUMNS, MSSQL_ROUTINES, _WORDS, _UNREAD.__contains__, TsqlSpelling('"'), _number)
