"""How each engine's SQL spells types, and where it finds tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from interlock.integration.connectors.sql.grammars import DUCKDB, POSTGRES, Grammar
from interlock.integration.connectors.sql.tables import Spelling
from interlock.integration.connectors.warehouse.tables import TYPES, Column, Table


@dataclass(frozen=True, slots=True)
class Dialect:
    """One engine's SQL. *grammar* is how it reads statements, *types* its types by ours. Columns of the types in
    *converted* are cast where they are read; *views* says that every table is a view under its declared name.
    """

    grammar: Grammar
    types: Mapping[str, str]
    converted: frozenset[str] = frozenset()
    views: bool = False
    spelling: Spelling = field(default_factory=lambda: Spelling('"'))

    def column(self, column: Column) -> str:
        """Return the expression for *column* of a table."""
        name = self.spelling.name(column.name if self.views else column.source)
        return f"CAST({name} AS {self.types[column.type]})" if column.type in self.converted else name

    def table(self, table: Table) -> str:
        """Return the name of *table*."""
        return self.spelling.name(table.name) if self.views else self.spelling.name(*table.path)

    def parameter(self, name: str, kind: str) -> str:
        """Return the parameter *name* as a value of *kind*."""
        return f"CAST(:{name} AS {self.types[kind]})"

    def mark(self, name: str, kind: str) -> str:
        """Return the parameter *name*, which is a text, as a value of *kind*."""
        return f"CAST(CAST(:{name} AS {self.types['string']}) AS {self.types[kind]})"

    def parameters(self, name: str, kind: str) -> str:
        """Return the parameter *name* as a list of values of *kind*."""
        return f"CAST(:{name} AS {self.types[kind]}[])"


def _types(words: str) -> dict[str, str]:
    return dict(zip(TYPES, words.split("/"), strict=True))


DUCK = Dialect(
    DUCKDB,
    _types("VARCHAR/BIGINT/DECIMAL(38,10)/DOUBLE/BOOLEAN/DATE/TIMESTAMPTZ/TIME/INTERVAL/BLOB/JSON"),
    views=True,
)
PG = Dialect(
    POSTGRES,
    _types("text/bigint/numeric/double precision/boolean/date/timestamptz/time/interval/bytea/jsonb"),
    frozenset({"string", "datetime", "json"}),
)
