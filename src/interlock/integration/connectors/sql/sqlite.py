"""Declared statements on a SQLite file: reads on read-only connections, writes one at a time."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from interlock.integration.connectors.interface import SUCCEEDED, Answer, SystemDeclaration, failed, unanswered
from interlock.integration.connectors.sql.results import Rows, TooMuch, returned, unexpected
from interlock.integration.connectors.sql.threads import Session, SessionPool
from interlock.integration.connectors.wording import said
from interlock.integration.contracts import Definition
from interlock.values.operations import Effect

READERS = 4
BATCH = 100


class SqliteConnector:
    """One database file. It is opened at first use, so that it may be away when we start."""

    def __init__(self, system: SystemDeclaration, definitions: Mapping[str, Definition], file: Path) -> None:
        self._file = file
        self._max_bytes = system.limits.response
        self._readers = min(READERS, system.limits.concurrency)
        self._operations = {
            name: (declaration.effect, definitions[name].binding) for name, declaration in system.operations.items()
        }
        self._pools: dict[bool, SessionPool] = {}

    async def open(self) -> None:
        if not self._pools:
            self._pools = {
                writes: SessionPool(self._file, threads=1 if writes else self._readers, writes=writes)
                for writes in (False, True)
            }

    async def close(self) -> None:
        pools, self._pools = self._pools, {}
        await asyncio.gather(*(pool.close() for pool in pools.values()))

    async def call(self, operation: str, arguments: Mapping[str, Any], *, key: str, timeout: float) -> Answer:  # noqa: ARG002 - a statement takes no key
        effect, binding = self._operations[operation]
        values = {name: arguments.get(name, usual) for name, usual in binding["parameters"].items()}
        return await self._run(effect, binding, values, timeout)

    async def _run(self, effect: Effect, binding: Mapping[str, Any], values: dict[str, Any], timeout: float) -> Answer:
        writes = effect is not Effect.read
        pool = self._pools.get(writes)
        if pool is None:
            return failed("unreachable", "the connector is closed", sent=False)

        def work(session: Session) -> Answer:
            return self._write(session, binding, values) if writes else self._read(session, binding, values)

        try:
            return await pool.run(work, timeout)
        except sqlite3.Error as error:
            return _failure(error)
        except TooMuch as error:
            return error.answer
        except UnicodeDecodeError:
            return failed("value_unfit", "a text of the result is not UTF-8; nothing was changed")
        except (OverflowError, UnicodeEncodeError):
            return failed("argument_unsendable", "an argument does not fit into the database", sent=False)

    def _read(self, session: Session, binding: Mapping[str, Any], values: dict[str, Any]) -> Answer:
        return returned(self._rows(session, binding, values), binding["rows"])

    def _rows(self, session: Session, binding: Mapping[str, Any], values: dict[str, Any]) -> list[dict[str, Any]]:
        most = 1 if binding["rows"] == "one" else binding["max_rows"]
        rows = Rows(most=most, max_bytes=self._max_bytes, booleans=binding["booleans"])
        cursor = session.connection.execute(binding["statement"], values)
        try:
            names = [column[0] for column in cursor.description]
            while batch := cursor.fetchmany(BATCH):
                rows.add(names, batch)
        finally:
            cursor.close()
        return rows.rows

    def _write(self, session: Session, binding: Mapping[str, Any], values: dict[str, Any]) -> Answer:
        """Run the statement in a transaction of its own; whatever is not as declared is rolled back."""
        connection = session.connection
        connection.execute("BEGIN IMMEDIATE")
        if binding["rows"] == "none":
            affected = connection.execute(binding["statement"], values).rowcount
            answer = Answer(SUCCEEDED, {"affected": affected})
        else:
            rows = self._rows(session, binding, values)
            affected = len(rows)
            answer = returned(rows, binding["rows"])
        if binding["expect_rows"] is not None and affected != binding["expect_rows"]:
            answer = unexpected(affected, binding["expect_rows"])
        if not answer.succeeded:
            connection.execute("ROLLBACK")
            return answer
        try:
            connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if connection.in_transaction:
                raise  # not committed: it is rolled back, and told as the failure that it is
            return unanswered(Effect.write, "commit_unclear", _name(error))
        return answer

    async def probe(self, *, timeout: float) -> Answer:
        """Read the file's schema version."""
        binding = {"statement": "PRAGMA schema_version", "rows": "one", "booleans": ()}
        answer = await self._run(Effect.read, binding, {}, timeout)
        return Answer(SUCCEEDED) if answer.succeeded else answer

    async def definitions(self) -> None:
        """The statements are the project's own."""
        return


def _name(error: sqlite3.Error) -> str:
    return str(getattr(error, "sqlite_errorname", "SQLITE_ERROR"))


def _failure(error: sqlite3.Error) -> Answer:
    """Return what *error* means. The database's own text may repeat values, so only its name is kept."""
    name = _name(error)
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return failed("system_busy", "the database is in use by others", sent=False, transient=True)
    if name == "SQLITE_INTERRUPT":
        return failed("timed_out", "the statement took too long and was stopped; nothing was changed", transient=True)
    if name.startswith(("SQLITE_CANTOPEN", "SQLITE_NOTADB")):
        return failed("unreachable", "the database file cannot be opened", sent=False, system={"code": name})
    if name.startswith("SQLITE_CONSTRAINT"):
        title = str(error) if name == "SQLITE_CONSTRAINT_TRIGGER" else None
        return failed("refused", "the database refused the change; nothing was changed", **said(name, title))
    if name.startswith("SQLITE_TOOBIG"):
        return failed("response_too_large", "a value is larger than allowed")
    if name.startswith("SQLITE_READONLY"):
        return failed("refused", "the statement tried to change something it may not", **said(name))
    return failed("system_error", "the database failed; nothing was changed", **said(name))
