"""Declared statements on PostgreSQL: each in a transaction of its own, reads in one that cannot write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from interlock.integration.connectors.interface import SUCCEEDED, Answer, SecretSource, SystemDeclaration
from interlock.integration.connectors.sql.parameters import numbered
from interlock.integration.connectors.sql.postgres_sessions import PostgresSessions, Progress, gather
from interlock.integration.connectors.sql.results import Rows, returned, unexpected
from interlock.integration.contracts import Definition
from interlock.values.operations import Effect


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


class _Undone(Exception):
    """Rolls a transaction back that did not do as declared; carries the answer past it."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


class PostgresConnector:
    """One database behind a pool of connections, which are made when they are needed."""

    def __init__(self, system: SystemDeclaration, definitions: Mapping[str, Definition], secrets: SecretSource) -> None:
        connection = system.connection
        self._sessions = PostgresSessions(system, secrets, url=connection["url"], password=connection.get("password"))
        self._limits = system.limits
        self._operations = {
            name: _Statement(declaration.effect, *numbered(binding["statement"]), binding)
            for name, declaration in system.operations.items()
            for binding in [definitions[name].binding]
        }

    async def open(self) -> None:
        await self._sessions.open()

    async def close(self) -> None:
        await self._sessions.close()

    async def call(self, operation: str, arguments: Mapping[str, Any], *, key: str, timeout: float) -> Answer:  # noqa: ARG002 - a statement takes no key
        return await self._run(self._operations[operation], arguments, timeout)

    async def _run(self, statement: _Statement, arguments: Mapping[str, Any], timeout: float) -> Answer:
        async def work(connection: Any, progress: Progress) -> Answer:
            if statement.effect is Effect.read:
                return await self._read(connection, statement, arguments)
            return await self._write(connection, statement, arguments, progress)

        return await self._sessions.run(work, timeout)

    async def _read(self, connection: Any, statement: _Statement, arguments: Mapping[str, Any]) -> Answer:
        binding = statement.binding
        most = 1 if binding["rows"] == "one" else binding["max_rows"]
        rows = Rows(most=most, max_bytes=self._limits.response)
        await gather(connection, statement.text, statement.values(arguments), rows)
        return returned(rows.rows, binding["rows"])

    async def _write(
        self, connection: Any, statement: _Statement, arguments: Mapping[str, Any], progress: Progress
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

    async def probe(self, *, timeout: float) -> Answer:
        """Make the smallest query there is."""
        return await self._run(
            _Statement(Effect.read, "SELECT 1 AS one", (), {"rows": "one", "parameters": {}, "max_rows": 1}),
            {},
            timeout,
        )

    async def definitions(self) -> None:
        """The statements are the project's own."""
        return
