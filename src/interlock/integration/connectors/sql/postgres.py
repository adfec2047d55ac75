"""Declared statements on PostgreSQL: each in a transaction of its own, reads in one that cannot write."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson

from interlock.foundation.http.sockets import GuardedLoop
from interlock.integration.connectors.interface import (
    SUCCEEDED,
    Answer,
    SecretSource,
    SystemDeclaration,
    failed,
    unanswered,
)
from interlock.integration.connectors.sql.parameters import numbered
from interlock.integration.connectors.sql.results import Rows, TooMuch, returned, unexpected
from interlock.integration.connectors.wording import said
from interlock.integration.contracts import Definition
from interlock.values.errors import InterlockError
from interlock.values.operations import Effect

if TYPE_CHECKING:
    import asyncpg

BATCH = 100
PROBE_TIMEOUT = 5.0
IDLE = 120.0
SPARE = 2.0  # seconds that the server's own time limit is above ours: the second fence
_TEXTS = ("date", "time", "timetz", "timestamp", "timestamptz", "interval", "uuid", "inet", "cidr")
_SHORT_OFFSET = re.compile(r"[+-]\d\d$")
_LOST = ("08", "57P")


@dataclass(frozen=True, slots=True)
class _Statement:
    """A declared statement as the driver takes it."""

    effect: Effect
    text: str
    names: tuple[str, ...]
    binding: Mapping[str, Any]

    def values(self, arguments: Mapping[str, Any]) -> list[Any]:
        usual = self.binding["parameters"]
        return [arguments.get(name, usual[name]) for name in self.names]


@dataclass(slots=True)
class _Progress:
    """How far a call has come, for judging what an error leaves behind."""

    sent: bool = False
    committing: bool = False


class _Undone(Exception):
    """Rolls a transaction back that did not do as declared; carries the answer past it."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


class PostgresConnector:
    """One database behind a pool of connections, which are made when they are needed."""

    def __init__(self, system: SystemDeclaration, definitions: Mapping[str, Definition], secrets: SecretSource) -> None:
        self._connection = system.connection
        self._secrets = secrets
        self._limits = system.limits
        self._longest = max([system.limits.timeout, *(one.timeout for one in system.operations.values())])
        self._operations = {
            name: _Statement(declaration.effect, *numbered(binding["statement"]), binding)
            for name, declaration in system.operations.items()
            for binding in [definitions[name].binding]
        }
        self._driver: Any = None
        self._pool: asyncpg.Pool | None = None

    async def open(self) -> None:
        if self._pool is not None:
            return
        import asyncpg

        self._driver = asyncpg
        reference = self._connection.get("password")
        self._pool = await asyncpg.create_pool(
            self._connection["url"],
            password=(lambda: self._secrets.get(reference).reveal()) if reference else None,
            min_size=0,
            max_size=self._limits.concurrency,
            max_inactive_connection_lifetime=IDLE,
            init=_codecs,
            loop=GuardedLoop(asyncio.get_running_loop()),
            server_settings={
                "application_name": "interlock",
                "statement_timeout": str(int((self._longest + SPARE) * 1000)),
                "idle_in_transaction_session_timeout": str(int((self._longest + SPARE) * 1000)),
            },
        )

    async def close(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.terminate()

    async def call(self, operation: str, arguments: Mapping[str, Any], *, key: str, timeout: float) -> Answer:  # noqa: ARG002 - a statement takes no key
        return await self._run(self._operations[operation], arguments, timeout)

    async def _run(self, statement: _Statement, arguments: Mapping[str, Any], timeout: float) -> Answer:
        if self._pool is None:
            return failed("unreachable", "the connector is closed", sent=False)
        progress = _Progress()
        driver = self._driver
        try:
            async with asyncio.timeout(timeout), self._pool.acquire() as connection:
                progress.sent = True
                if statement.effect is Effect.read:
                    return await self._read(connection, statement, arguments)
                return await self._write(connection, statement, arguments, progress)
        except TimeoutError:
            return _late(progress)
        except driver.PostgresError as error:
            return _refused(error, progress)
        except (driver.InterfaceError, OSError) as error:
            if isinstance(error, (driver.DataError, ValueError)):
                return failed("argument_unsendable", "an argument does not fit its place in the statement", sent=False)
            return _lost(progress)
        except TooMuch as error:
            return error.answer
        except InterlockError as error:
            return failed(error.code, error.what, sent=False)

    async def _read(self, connection: Any, statement: _Statement, arguments: Mapping[str, Any]) -> Answer:
        binding = statement.binding
        most = 1 if binding["rows"] == "one" else binding["max_rows"]
        rows = Rows(most=most, max_bytes=self._limits.response)
        async with connection.transaction(readonly=True):
            cursor = await connection.cursor(statement.text, *statement.values(arguments))
            while batch := await cursor.fetch(BATCH):
                rows.add(list(batch[0].keys()), batch)
        return returned(rows.rows, binding["rows"])

    async def _write(
        self, connection: Any, statement: _Statement, arguments: Mapping[str, Any], progress: _Progress
    ) -> Answer:
        """Run the statement in a transaction; whatever is not as declared is rolled back."""
        try:
            async with connection.transaction():
                answer = await self._change(connection, statement, statement.values(arguments))
                if not answer.succeeded:
                    raise _Undone(answer)
                progress.committing = True
        except _Undone as undone:
            return undone.answer
        return answer

    async def _change(self, connection: Any, statement: _Statement, values: Sequence[Any]) -> Answer:
        binding = statement.binding
        if binding.get("calls") and binding["rows"] == "none":
            await connection.execute(statement.text, *values)
            return Answer(SUCCEEDED, {"called": True})
        if binding["rows"] == "none":
            said_by_server = await connection.execute(statement.text, *values)
            affected = int(said_by_server.rpartition(" ")[2])
            answer = Answer(SUCCEEDED, {"affected": affected})
        else:
            most = 1 if binding["rows"] == "one" else binding["max_rows"]
            rows = Rows(most=most, max_bytes=self._limits.response)
            batch = await connection.fetch(statement.text, *values)
            rows.add(list(batch[0].keys()) if batch else [], batch)
            affected = len(rows.rows)
            answer = returned(rows.rows, binding["rows"])
        expected = binding["expect_rows"]
        return answer if expected is None or affected == expected else unexpected(affected, expected)

    async def probe(self) -> Answer:
        """Make the smallest query there is."""
        return await self._run(
            _Statement(Effect.read, "SELECT 1 AS one", (), {"rows": "one", "parameters": {}, "max_rows": 1}),
            {},
            PROBE_TIMEOUT,
        )

    async def definitions(self) -> None:
        """The statements are the project's own."""
        return


async def _codecs(connection: Any) -> None:
    """Let values pass as JSON has them: moments as ISO texts, numerics as decimals, JSON as itself."""
    catalog = {"schema": "pg_catalog", "format": "text"}
    for name in _TEXTS:
        decoder = _moment if name.startswith("time") else str
        await connection.set_type_codec(name, encoder=str, decoder=decoder, **catalog)
    await connection.set_type_codec("numeric", encoder=str, decoder=Decimal, **catalog)
    for name in ("json", "jsonb"):
        await connection.set_type_codec(name, encoder=_json, decoder=orjson.loads, **catalog)


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _moment(text: str) -> str:
    moment = text.replace(" ", "T", 1)
    return f"{moment}:00" if _SHORT_OFFSET.search(moment) else moment


def _late(progress: _Progress) -> Answer:
    if progress.committing:
        return unanswered(Effect.write, "timed_out", "the time limit passed while the change was being committed")
    detail = "the time limit passed; nothing was changed"
    return failed("timed_out" if progress.sent else "unreachable", detail, sent=progress.sent, transient=True)


def _lost(progress: _Progress) -> Answer:
    if progress.committing:
        return unanswered(Effect.write, "connection_lost", "the connection was lost while the change was committed")
    if not progress.sent:
        return failed("unreachable", "no connection to the database could be made", sent=False, transient=True)
    return failed("connection_lost", "the connection was lost; nothing was changed", transient=True)


def _refused(error: Any, progress: _Progress) -> Answer:
    """Return what the server's *error* means. Its text may repeat values, so only its code is kept."""
    state = str(getattr(error, "sqlstate", "") or "")
    if state.startswith("28"):
        return failed("access_denied", "the database does not accept our credentials", sent=False, **said(_code(state)))
    if not progress.sent:
        detail = "the database accepts no connection"
        return failed("unreachable", detail, sent=False, transient=True, **said(_code(state)))
    if state.startswith(_LOST):
        return _lost(progress)
    if state == "57014":
        return failed("timed_out", "the statement took too long and was stopped; nothing was changed", transient=True)
    if state.startswith("40"):
        return failed("conflict", "others changed the same rows; nothing was changed", transient=True)
    if state == "42501":
        return failed("access_denied", "the database does not let us do this", **said(_code(state)))
    if state.startswith(("22", "23", "25", "P0")):
        title = error.args[0] if state == "P0001" and error.args else None
        return failed("refused", "the database refused the statement; nothing was changed", **said(_code(state), title))
    return failed("system_error", "the database failed; nothing was changed", **said(_code(state)))


def _code(state: str) -> str:
    return f"SQLSTATE-{state}"
