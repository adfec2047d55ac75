"""Sessions on PostgreSQL: signing in, values as JSON has them, and what an error leaves behind."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from interlock.foundation.http.sockets import GuardedLoop
from interlock.integration.connectors.interface import (
    Answer,
    SecretSource,
    SystemDeclaration,
    failed,
    unanswered,
    unsent,
)
from interlock.integration.connectors.sql.results import TooMuch
from interlock.integration.connectors.wording import said
from interlock.values.errors import InterlockError
from interlock.values.operations import Effect

if TYPE_CHECKING:
    import asyncpg

BATCH = 100
IDLE = 120.0
GRACE = 0.5  # seconds that a server has, after the time limit, to hear that a call is over
SPARE = 2.0  # seconds that the server's own time limit is above ours: the second fence
_TEXTS = ("date", "time", "timetz", "timestamp", "timestamptz", "interval", "uuid", "inet", "cidr")
_SHORT_OFFSET = re.compile(r"[+-]\d\d$")
_LOST = ("08", "57P")


@dataclass(slots=True)
class Progress:
    """How far a call has come, for judging what an error leaves behind."""

    sent: bool = False
    committing: bool = False


class Gatherer(Protocol):
    """Takes the rows of a result while they are read."""

    def add(self, names: Sequence[str], values: Sequence[Sequence[Any]]) -> bool | None:
        """Take more rows; False says that no more are wanted. Raises `TooMuch`."""
        ...


class PostgresSessions:
    """A pool of connections to *url*, made when they are needed. *password* is a reference to a secret, *settings* are
    the server's, for each session; *tls* is what the driver takes, None for what the address says.
    """

    def __init__(
        self,
        system: SystemDeclaration,
        secrets: SecretSource,
        *,
        url: str,
        password: str | None,
        settings: Mapping[str, str] | None = None,
        tls: Any = None,
    ) -> None:
        self._url = url
        self._password = password
        self._secrets = secrets
        self._tls = tls
        self._most = system.limits.concurrency
        longest = max([system.limits.timeout, *(one.timeout for one in system.operations.values())]) + SPARE
        self._settings = {
            "application_name": "interlock",
            "statement_timeout": str(int(longest * 1000)),
            "idle_in_transaction_session_timeout": str(int(longest * 1000)),
            **(settings or {}),
        }
        self._driver: Any = None
        self._pool: asyncpg.Pool | None = None

    async def open(self) -> None:
        """Make the pool ready; contacts nothing."""
        if self._pool is not None:
            return
        import asyncpg

        self._driver = asyncpg
        reference = self._password
        self._pool = await asyncpg.create_pool(
            self._url,
            password=(lambda: self._secrets.get(reference).reveal()) if reference else None,
            min_size=0,
            max_size=self._most,
            max_inactive_connection_lifetime=IDLE,
            init=_codecs,
            loop=GuardedLoop(asyncio.get_running_loop()),
            server_settings=self._settings,
            **({} if self._tls is None else {"ssl": self._tls}),
        )

    async def close(self) -> None:
        """Drop every connection."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.terminate()

    async def run(self, work: Callable[[Any, Progress], Awaitable[Answer]], timeout: float) -> Answer:
        """Return what *work* answers on a connection of its own; what keeps it from doing so is an answer too."""
        if self._pool is None:
            return failed("unreachable", "the connector is closed", sent=False)
        progress = Progress()
        driver = self._driver
        limit = asyncio.timeout(timeout)
        try:
            return await self._within(limit, work, progress)
        except TimeoutError:
            return _late(progress)
        except driver.PostgresError as error:
            return _late(progress) if limit.expired() else _refused(error, progress)
        except (driver.InterfaceError, OSError) as error:
            if limit.expired():
                return _late(progress)
            if isinstance(error, (driver.DataError, ValueError)):
                return failed("argument_unsendable", "an argument does not fit its place in the statement", sent=False)
            return _lost(progress)
        except TooMuch as error:
            return error.answer
        except InterlockError as error:
            return unsent(error)

    async def _within(
        self, limit: asyncio.Timeout, work: Callable[[Any, Progress], Awaitable[Answer]], progress: Progress
    ) -> Answer:
        """Do *work* within *limit*. A server that does not even hear that it is over loses the connection: the driver
        would wait for it without end, both to roll back and to make the connection good for the next.
        """
        pool, driver = self._pool, self._driver
        assert pool is not None
        connection: Any = None
        try:
            async with limit:
                connection = await pool.acquire()
                progress.sent = True
                with _given_up(connection, limit):
                    return await work(connection, progress)
        finally:
            if connection is not None:
                with suppress(driver.PostgresError, driver.InterfaceError, OSError):  # it is dropped, and another made
                    await pool.release(connection, timeout=GRACE)


@contextmanager
def _given_up(connection: Any, limit: asyncio.Timeout) -> Iterator[None]:
    """Drop *connection* when *limit* has passed and what runs on it still does not end."""
    when = limit.when()
    assert when is not None
    fence = asyncio.get_running_loop().call_at(when + GRACE, connection.terminate)
    try:
        yield
    finally:
        fence.cancel()


async def gather(connection: Any, text: str, values: Sequence[Any], rows: Gatherer) -> None:
    """Run the one statement *text* in a transaction that cannot write, and give *rows* what it finds."""
    async with connection.transaction(readonly=True):
        cursor = await connection.cursor(text, *values)
        while batch := await cursor.fetch(BATCH):
            if rows.add(list(batch[0].keys()), batch) is False:
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


def _late(progress: Progress) -> Answer:
    if progress.committing:
        return unanswered(Effect.write, "timed_out", "the time limit passed while the change was being committed")
    detail = "the time limit passed; nothing was changed"
    return failed("timed_out" if progress.sent else "unreachable", detail, sent=progress.sent, transient=True)


def _lost(progress: Progress) -> Answer:
    if progress.committing:
        return unanswered(Effect.write, "connection_lost", "the connection was lost while the change was committed")
    if not progress.sent:
        return failed("unreachable", "no connection to the database could be made", sent=False, transient=True)
    return failed("connection_lost", "the connection was lost; nothing was changed", transient=True)


def _refused(error: Any, progress: Progress) -> Answer:
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
