"""The least of a dialect of SQLAlchemy's, for a driver that it has none for: what its pool and statements need."""

from __future__ import annotations

from typing import Any

from sqlalchemy.engine.default import DefaultDialect


class PlainDialect(DefaultDialect):
    """Transactions are begun and ended by whoever uses the connection; nothing here begins or ends one."""

    driver = "interlock"
    default_paramstyle = "pyformat"
    supports_statement_cache = False

    def initialize(self, connection: Any) -> None:
        """Ask the server nothing."""

    def get_isolation_level_values(self, dbapi_conn: Any) -> Any:  # noqa: ARG002 - SQLAlchemy's interface
        return ["AUTOCOMMIT"]

    def set_isolation_level(self, dbapi_connection: Any, level: Any) -> None:
        """Do nothing: the driver begins no transaction by itself."""

    def reset_isolation_level(self, dbapi_conn: Any) -> None:
        """Do nothing, as above."""

    def get_default_isolation_level(self, dbapi_conn: Any) -> Any:  # noqa: ARG002 - SQLAlchemy's interface
        return "AUTOCOMMIT"

    def do_rollback(self, dbapi_connection: Any) -> None:
        """Do nothing: whoever began a transaction has ended it, or dropped the connection."""

    def do_commit(self, dbapi_connection: Any) -> None:
        """Do nothing, as above."""
