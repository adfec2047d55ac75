"""Declared statements on a database that SQLAlchemy has a driver for; what differs between them is a `Dialect`.

The drivers block, so each call has a thread. A call that is given up can neither send its statement nor commit
any more, whenever its thread wakes.
"""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from interlock.integration.connectors.interface import (
    SUCCEEDED,
    Answer,
    SecretSource,
    SystemDeclaration,
    failed,
    unanswered,
    unsent,
)
from interlock.integration.connectors.sql.progress import Abandoned, Progress
from interlock.integration.connectors.sql.results import Rows, TooMuch, returned, unexpected
from interlock.integration.contracts import Definition
from interlock.values.errors import InterlockError
from interlock.values.operations import Effect

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

BATCH = 100
IDLE = 120
GRACE = 0.25  # seconds that the server has for saying that it stopped the statement
SPARE = 2.0  # seconds that the driver's own time limit is above ours: the second fence
_GARBLED = (AssertionError, IndexError, KeyError, TypeError, UnicodeDecodeError, struct.error)  # from a broken answer


class Dialect(Protocol):
    """What is particular about one kind of database."""

    def address(self, url: str) -> Any:
        """Return SQLAlchemy's address for *url*, without a password."""

    probe: str
    """The smallest query there is, which gives one row."""

    def driver(self, longest: float, most: int) -> dict[str, Any]:
        """Return the driver's arguments; nothing may wait longer than *longest* seconds for the server.

        *most* is the largest answer in bytes, for a driver that would read any.
        """

    def connect(self, options: dict[str, Any]) -> Any:
        """Return a connection by the driver's *options*, whose session understands statements as they were checked.

        Raises `HttpForbidden`, and the driver's own errors.
        """

    def text(self, statement: str) -> str:
        """Return *statement* with its `:name` parameters as the driver takes them."""

    def begin(self, connection: Connection, *, writes: bool, seconds: float, calls: bool = False) -> None:
        """Begin a transaction whose statement the server stops after *seconds*; without *writes*, it cannot write.

        With *calls*, a procedure is to be called in it.
        """

    def undo(self, connection: Connection, *, calls: bool) -> bool:
        """Roll back; return whether nothing is left of the change."""

    def drop(self, connection: Connection) -> None:
        """Close the connection without a further word to the server."""

    def meaning(self, error: Any) -> Answer | None:
        """Return what the driver's *error* means, the change undone; None where the connection is lost."""


@dataclass(frozen=True, slots=True)
class _Statement:
    """A declared statement as the driver takes it."""

    effect: Effect
    text: str
    binding: Mapping[str, Any]

    @property
    def calls(self) -> bool:
        """Whether a procedure is called, which may end the transaction itself."""
        return bool(self.binding.get("calls"))

    def values(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters. Raises `UnicodeEncodeError` for a text that is none; a driver might send it."""
        values = {name: arguments.get(name, usual) for name, usual in self.binding["parameters"].items()}
        for value in values.values():
            if isinstance(value, str):
                value.encode()
        return values


class AlchemyConnector:
    """One database behind a pool of connections, which are made when they are needed."""

    def __init__(
        self, system: SystemDeclaration, definitions: Mapping[str, Definition], secrets: SecretSource, dialect: Dialect
    ) -> None:
        self._url: str = system.connection["url"]
        self._password: str | None = system.connection.get("password")
        self._secrets = secrets
        self._dialect = dialect
        self._limits = system.limits
        self._longest = max([system.limits.timeout, *(one.timeout for one in system.operations.values())])
        self._operations = {
            name: _Statement(declaration.effect, dialect.text(binding["statement"]), binding)
            for name, declaration in system.operations.items()
            for binding in [definitions[name].binding]
        }
        self._engine: Engine | None = None
        self._threads: ThreadPoolExecutor | None = None

    async def open(self) -> None:
        if self._engine is not None:
            return
        from sqlalchemy import create_engine, event

        self._engine = create_engine(
            self._dialect.address(self._url),
            isolation_level="AUTOCOMMIT",  # transactions are begun and ended here, in plain sight
            connect_args=self._dialect.driver(self._longest + SPARE, self._limits.response),
            pool_size=self._limits.concurrency,
            max_overflow=0,
            pool_recycle=IDLE,
            pool_pre_ping=True,
            hide_parameters=True,
        )
        event.listen(self._engine, "do_connect", self._sign_in)
        self._threads = ThreadPoolExecutor(self._limits.concurrency, thread_name_prefix="interlock-sql")

    def _sign_in(self, _dialect: Any, _record: Any, _arguments: Any, options: dict[str, Any]) -> Any:
        if self._password is not None:
            options["password"] = self._secrets.get(self._password).reveal()
        return self._dialect.connect(options)

    async def close(self) -> None:
        engine, self._engine = self._engine, None
        threads, self._threads = self._threads, None
        if engine is not None and threads is not None:
            await asyncio.to_thread(threads.shutdown, wait=True, cancel_futures=True)
            await asyncio.to_thread(engine.dispose)

    async def call(self, operation: str, arguments: Mapping[str, Any], *, key: str, timeout: float) -> Answer:  # noqa: ARG002 - a statement takes no key
        return await self._run(self._operations[operation], arguments, timeout)

    async def _run(self, statement: _Statement, arguments: Mapping[str, Any], timeout: float) -> Answer:
        if self._engine is None or self._threads is None:
            return failed("unreachable", "the connector is closed", sent=False)
        try:
            values = statement.values(arguments)
        except UnicodeEncodeError:
            return failed("argument_unsendable", "an argument is no valid text", sent=False)
        progress = Progress(time.monotonic() + timeout)
        work = asyncio.get_running_loop().run_in_executor(
            self._threads, self._work, self._engine, statement, values, progress
        )
        try:
            async with asyncio.timeout(timeout + GRACE):
                return await work
        except TimeoutError:
            progress.abandon()
            return _late(statement.effect, progress)
        except asyncio.CancelledError:
            progress.abandon()
            raise

    def _work(self, engine: Engine, statement: _Statement, values: Mapping[str, Any], progress: Progress) -> Answer:
        """Run in a thread; every way that a statement can end is an answer."""
        from sqlalchemy.exc import DBAPIError

        try:
            with engine.connect() as connection:
                return self._with(connection, statement, values, progress)
        except Abandoned:
            return _late(statement.effect, progress)
        except DBAPIError as error:  # before anything was sent: signing in, preparing
            meant = self._dialect.meaning(error.orig)
            if meant is not None and (meant.problem or {}).get("code") == "access_denied":
                return Answer(meant.status, problem=meant.problem, sent=False)
            return _unreachable()
        except InterlockError as error:
            return unsent(error)
        except (OSError, *_GARBLED):
            return _unreachable()

    def _with(
        self, connection: Connection, statement: _Statement, values: Mapping[str, Any], progress: Progress
    ) -> Answer:
        from sqlalchemy.exc import DBAPIError

        writes = statement.effect is not Effect.read
        try:
            self._dialect.begin(connection, writes=writes, seconds=progress.left(), calls=statement.calls)
            progress.send()
            answer, affected = self._result(connection, statement, values)
            expected = statement.binding["expect_rows"]
            if writes and expected is not None and affected != expected:
                answer = unexpected(affected, expected)
            if not writes or not answer.succeeded:
                return self._undone(connection, statement, answer)
            progress.commit()
            connection.exec_driver_sql("COMMIT")
        except Abandoned:
            self._dialect.drop(connection)
            raise
        except TooMuch as error:
            if writes:
                return self._undone(connection, statement, error.answer)
            self._dialect.drop(connection)  # the rest of the result would have to be read otherwise
            return error.answer
        except DBAPIError as error:
            return self._failure(connection, statement, error, progress)
        except (OSError, *_GARBLED):
            self._dialect.drop(connection)
            return _lost(statement.effect, progress)
        return answer

    def _result(self, connection: Connection, statement: _Statement, values: Mapping[str, Any]) -> tuple[Answer, int]:
        """Run the statement; return its answer and how many rows it touched or gave."""
        if statement.calls:
            return self._called(connection, statement, values)
        binding = statement.binding
        options = {"stream_results": statement.effect is Effect.read}
        result = connection.exec_driver_sql(statement.text, dict(values), execution_options=options)
        if binding["rows"] == "none":
            return Answer(SUCCEEDED, {"affected": result.rowcount}), result.rowcount
        most = 1 if binding["rows"] == "one" else binding["max_rows"]
        rows = Rows(most=most, max_bytes=self._limits.response, booleans=binding["booleans"])
        names = list(result.keys())
        while batch := result.fetchmany(BATCH):
            rows.add(names, batch)
        return returned(rows.rows, binding["rows"]), len(rows.rows)

    def _called(self, connection: Connection, statement: _Statement, values: Mapping[str, Any]) -> tuple[Answer, int]:
        """Call the procedure and hear it to its end: it can fail after its first result as well."""
        from sqlalchemy.exc import DBAPIError

        binding, after = statement.binding, statement.binding.get("after", "")
        wanted = binding["rows"] != "none" and not after
        most = 1 if binding["rows"] == "one" else binding["max_rows"]
        rows = Rows(most=most, max_bytes=self._limits.response, booleans=binding["booleans"])
        driver: Any = connection.dialect.loaded_dbapi
        try:
            with closing(connection.connection.cursor()) as cursor:
                cursor.execute(statement.text, dict(values))
                more: Any = True
                while more:
                    if wanted and cursor.description:
                        _gather(cursor, rows)
                        wanted = False  # the first result is the procedure's
                    more = cursor.nextset()
                if after:
                    cursor.execute(after)
                    _gather(cursor, rows)
        except driver.Error as error:
            raise DBAPIError(None, None, error) from error
        if binding["rows"] == "none":
            return Answer(SUCCEEDED, {"called": True}), 0
        return returned(rows.rows, binding["rows"]), len(rows.rows)

    def _failure(self, connection: Connection, statement: _Statement, error: Any, progress: Progress) -> Answer:
        effect, meant = statement.effect, self._dialect.meaning(error.orig)
        if meant is None or error.connection_invalidated:
            self._dialect.drop(connection)
            return _lost(effect, progress)
        if progress.committing and (meant.problem or {}).get("code") != "conflict":
            self._dialect.drop(connection)
            return unanswered(effect, "commit_unclear", "the database failed while the change was being committed")
        return self._undone(connection, statement, meant)

    def _undone(self, connection: Connection, statement: _Statement, answer: Answer) -> Answer:
        """Return *answer*, which says that nothing was changed, after making that true."""
        from sqlalchemy.exc import DBAPIError

        effect = statement.effect
        try:
            if self._dialect.undo(connection, calls=statement.calls) or effect is Effect.read:
                return answer
        except (DBAPIError, OSError, *_GARBLED):
            self._dialect.drop(connection)
            if effect is Effect.read:
                return answer
            return unanswered(effect, "connection_lost", "the connection was lost before the change was rolled back")
        return unanswered(
            effect, "not_undone", "the change could not be rolled back; its table has no transactions, or it committed"
        )

    async def probe(self, *, timeout: float) -> Answer:
        """Make the smallest query there is."""
        binding = {"parameters": {}, "rows": "one", "max_rows": 1, "expect_rows": None, "booleans": ()}
        return await self._run(_Statement(Effect.read, self._dialect.probe, binding), {}, timeout)

    async def definitions(self) -> None:
        """The statements are the project's own."""
        return


def _gather(cursor: Any, rows: Rows) -> None:
    names = [one[0] for one in cursor.description]
    while batch := cursor.fetchmany(BATCH):
        rows.add(names, batch)


def _unreachable() -> Answer:
    return failed("unreachable", "no connection to the database could be made", sent=False, transient=True)


def _late(effect: Effect, progress: Progress) -> Answer:
    if not progress.sent:
        return failed("unreachable", "the time limit passed before the statement was sent", sent=False, transient=True)
    return unanswered(effect, "timed_out", "the time limit passed while the database was at work", transient=True)


def _lost(effect: Effect, progress: Progress) -> Answer:
    if not progress.sent:
        return _unreachable()
    return unanswered(
        effect, "connection_lost", "the connection was lost while the database was at work", transient=True
    )
