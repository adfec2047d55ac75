"""The catalogue of a Firebird database, read with the driver that statements are run with."""

from __future__ import annotations

from typing import Any

from interlock.integration.connectors.sql.catalogues import Reader
from interlock.integration.connectors.sql.firebird_values import spoken
from interlock.integration.connectors.sql.tables import Spelling

_WORDS = {
    **dict.fromkeys(("SMALLINT", "INTEGER", "BIGINT", "INT128"), "integer"),
    **dict.fromkeys(("NUMERIC", "FLOAT", "DOUBLE PRECISION", "DECFLOAT"), "number"),
    **dict.fromkeys(("CHAR", "VARCHAR", "TEXT", "DATE", "TIME", "TIMESTAMP"), "string"),
    **dict.fromkeys(("TIME WITH TIME ZONE", "TIMESTAMP WITH TIME ZONE"), "string"),
    "BOOLEAN": "boolean",
}
_READ = frozenset(_WORDS)
_NUMBER = "CASE WHEN f.RDB$FIELD_SCALE < 0 THEN 'NUMERIC({0},' || (-f.RDB$FIELD_SCALE) || ')' ELSE '{1}' END"
_LETTERS = (
    "CASE WHEN f.RDB$CHARACTER_SET_ID = 1 THEN 'OCTETS' ELSE '{0}(' || COALESCE(f.RDB$CHARACTER_LENGTH, 1) || ')' END"
)
_NATIVE = f"""
CASE f.RDB$FIELD_TYPE WHEN 7 THEN {_NUMBER.format(4, "SMALLINT")} WHEN 8 THEN {_NUMBER.format(9, "INTEGER")}
  WHEN 16 THEN {_NUMBER.format(18, "BIGINT")} WHEN 26 THEN {_NUMBER.format(38, "INT128")} WHEN 10 THEN 'FLOAT'
  WHEN 27 THEN 'DOUBLE PRECISION' WHEN 24 THEN 'DECFLOAT(16)' WHEN 25 THEN 'DECFLOAT(34)' WHEN 12 THEN 'DATE'
  WHEN 13 THEN 'TIME' WHEN 35 THEN 'TIMESTAMP' WHEN 28 THEN 'TIME WITH TIME ZONE'
  WHEN 29 THEN 'TIMESTAMP WITH TIME ZONE' WHEN 23 THEN 'BOOLEAN' WHEN 14 THEN {_LETTERS.format("CHAR")}
  WHEN 37 THEN {_LETTERS.format("VARCHAR")}
  WHEN 261 THEN CASE WHEN f.RDB$FIELD_SUB_TYPE = 1 THEN 'TEXT' ELSE 'BLOB' END ELSE 'OTHER' END
"""
_COLUMNS = f"""
SELECT '' AS a, TRIM(r.RDB$RELATION_NAME) AS b, TRIM(c.RDB$FIELD_NAME) AS c, {_NATIVE} AS d,
  CASE WHEN COALESCE(c.RDB$NULL_FLAG, f.RDB$NULL_FLAG, 0) = 1 THEN 0 ELSE 1 END AS e,
  CASE WHEN EXISTS (
    SELECT 1 FROM RDB$RELATION_CONSTRAINTS p JOIN RDB$INDEX_SEGMENTS s ON s.RDB$INDEX_NAME = p.RDB$INDEX_NAME
    WHERE p.RDB$CONSTRAINT_TYPE = 'PRIMARY KEY' AND p.RDB$RELATION_NAME = r.RDB$RELATION_NAME
      AND s.RDB$FIELD_NAME = c.RDB$FIELD_NAME
  ) THEN 1 ELSE 0 END AS g
FROM RDB$RELATIONS r
JOIN RDB$RELATION_FIELDS c ON c.RDB$RELATION_NAME = r.RDB$RELATION_NAME
JOIN RDB$FIELDS f ON f.RDB$FIELD_NAME = c.RDB$FIELD_SOURCE
WHERE COALESCE(r.RDB$SYSTEM_FLAG, 0) = 0
ORDER BY r.RDB$RELATION_NAME, c.RDB$FIELD_POSITION
"""  # noqa: S608 - of constants alone
_PLAIN = "CASE WHEN {0} = UPPER({0}) THEN LOWER(TRIM({0})) ELSE '\"' || TRIM({0}) || '\"' END"
_ROUTINES = f"""
SELECT TRIM(p.RDB$PROCEDURE_NAME) AS a, '' AS b, {_PLAIN.format("p.RDB$PROCEDURE_NAME")} AS c,
  CASE WHEN p.RDB$PROCEDURE_TYPE = 1 THEN 'SELECTABLE' ELSE 'PROCEDURE' END AS d,
  {_PLAIN.format("a.RDB$PARAMETER_NAME")} AS e,
  CASE a.RDB$PARAMETER_TYPE WHEN 0 THEN 'IN' WHEN 1 THEN 'RETURNS' END AS g,
  {_NATIVE} AS h
FROM RDB$PROCEDURES p
LEFT JOIN RDB$PROCEDURE_PARAMETERS a
  ON a.RDB$PROCEDURE_NAME = p.RDB$PROCEDURE_NAME AND a.RDB$PACKAGE_NAME IS NULL
LEFT JOIN RDB$FIELDS f ON f.RDB$FIELD_NAME = a.RDB$FIELD_SOURCE
WHERE COALESCE(p.RDB$SYSTEM_FLAG, 0) = 0 AND p.RDB$PACKAGE_NAME IS NULL
ORDER BY p.RDB$PROCEDURE_NAME, a.RDB$PARAMETER_TYPE, a.RDB$PARAMETER_NUMBER
"""  # noqa: S608 - of constants alone


class FirebirdSpelling(Spelling):
    """A name without small letters is one that nobody quotes, so it is spoken in small letters."""

    def limited(self, select: str, rest: str) -> str:
        return f"{select}{rest} FETCH FIRST :limit ROWS ONLY"

    def spoken(self, name: str) -> str:
        return spoken(name)


def _number(error: Any) -> str:
    codes = getattr(error, "codes", ())
    return f"FIREBIRD-{codes[0]}" if codes else type(error).__name__


FIREBIRD_READER = Reader(
    _COLUMNS,
    _ROUTINES,
    _WORDS,
    lambda native: native.partition("(")[0] not in _READ,
    FirebirdSpelling('"', casts=True),
    _number,
)
