"""PostgreSQL as a warehouse: sessions that cannot write, by TLS unless it is declared off."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from interlock.integration.connectors.interface import SUCCEEDED, Answer, SecretSource, SystemDeclaration, Trouble
from interlock.integration.connectors.sql.parameters import numbered
from interlock.integration.connectors.sql.postgres_sessions import PostgresSessions, Progress, gather
from interlock.integration.connectors.warehouse.pages import Page
from interlock.integration.connectors.warehouse.queries import Query


class PostgresEngine:
    """One database behind a pool of connections, which are made when they are needed."""

    def __init__(
        self, settings: Mapping[str, Any], system: SystemDeclaration, secrets: SecretSource, *, zone: str
    ) -> None:
        self._sessions = PostgresSessions(
            system,
            secrets,
            url=settings["url"],
            password=settings.get("password"),
            settings={"default_transaction_read_only": "on", "IntervalStyle": "iso_8601", "TimeZone": zone},
            tls=_tls(settings.get("tls", "verify")),
        )

    async def open(self) -> None:
        await self._sessions.open()

    async def close(self) -> None:
        await self._sessions.close()

    async def read(self, query: Query, page: Page, timeout: float) -> Answer:
        text, names = numbered(query.statement)
        values = [query.values[name] for name in names]

        async def work(connection: Any, _: Progress) -> Answer:
            await gather(connection, text, values, page)
            return Answer(SUCCEEDED)

        return await self._sessions.run(work, timeout)

    async def probe(self, timeout: float) -> Answer:
        async def work(connection: Any, _: Progress) -> Answer:
            async with connection.transaction(readonly=True):
                await connection.fetchval("SELECT 1")
            return Answer(SUCCEEDED)

        return await self._sessions.run(work, timeout)


def _tls(way: str) -> Any:
    if way == "off":
        return False
    context = ssl.create_default_context()
    if way == "require":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def address_troubles(settings: Mapping[str, Any], pointer: str) -> Iterator[Trouble]:
    """Yield what is wrong with the address of a PostgreSQL server."""
    try:
        parts = urlsplit(settings["url"])
        password, host = parts.password, parts.hostname
    except ValueError:
        yield Trouble(f"{pointer}/url", "is no valid address")
        return
    if password:
        yield Trouble(f"{pointer}/url", "must not hold a password; write `password: secret:NAME` beside it")
    options = [name for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
    for name in sorted({*options} - {"host"}):
        yield Trouble(f"{pointer}/url", f"must not set {name}; it may set host, where that is a socket's folder")
    if "," in parts.netloc or not (host or options == ["host"]):
        yield Trouble(f"{pointer}/url", "must name one host")
    if not parts.path.strip("/"):
        yield Trouble(f"{pointer}/url", "must name the database")
