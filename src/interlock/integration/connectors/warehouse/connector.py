"""Declared reads of a warehouse, a page at a time, whatever engine reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from interlock.integration.connectors.files.errors import FilesTrouble
from interlock.integration.connectors.interface import SUCCEEDED, Answer, SystemDeclaration, failed, unsent
from interlock.integration.connectors.warehouse.engine import Engine
from interlock.integration.connectors.warehouse.pages import Page, marks_of, seal_of
from interlock.integration.connectors.warehouse.queries import Query
from interlock.integration.contracts import Definition
from interlock.values.errors import InterlockError


class WarehouseConnector:
    """One warehouse. It is reached at each call, so that it may be away when we start."""

    def __init__(
        self, system: SystemDeclaration, definitions: Mapping[str, Definition], engine: Engine, zone: ZoneInfo
    ) -> None:
        self._bindings = {name: definition.binding for name, definition in definitions.items()}
        self._max_bytes = system.limits.response
        self._engine = engine
        self._zone = zone

    async def open(self) -> None:
        await self._engine.open()

    async def close(self) -> None:
        await self._engine.close()

    async def call(self, operation: str, arguments: Mapping[str, Any], *, key: str, timeout: float) -> Answer:  # noqa: ARG002 - a read takes no key
        try:
            return await self._read(self._bindings[operation], arguments, timeout)
        except FilesTrouble as error:
            return _failure(error)
        except InterlockError as error:  # of the secrets, and of packages that are missing
            return unsent(error)
        except OSError as error:
            return failed("system_error", f"the files cannot be used: {error.strerror or 'the system said no'}")

    async def _read(self, binding: Mapping[str, Any], arguments: Mapping[str, Any], timeout: float) -> Answer:
        usual: Mapping[str, Any] = binding["usual"]
        values = {parameter: arguments.get(name, usual.get(name)) for parameter, name in binding["values"]}
        seal = seal_of(binding["statement"], values)
        most = binding["max_rows"]
        if binding["limit"] is not None:
            most = min(arguments.get("limit", binding["limit"]), most)
            marks = marks_of(arguments.get("after"), binding["marks"], seal)
            values |= {f"m{number}": mark for number, mark in enumerate(marks)} | {"most": most + 1}
        page = Page(
            most=most,
            max_bytes=self._max_bytes,
            marks=binding["marks"],
            zone=self._zone,
            booleans=binding["booleans"],
        )
        answer = await self._engine.read(Query(binding["statement"], tuple(binding["tables"]), values), page, timeout)
        if not answer.succeeded:
            return answer
        output: dict[str, Any] = {"rows": page.rows, "truncated": page.truncated}
        if binding["marks"]:
            output["next"] = page.next(seal)
        return Answer(SUCCEEDED, {**output, "as_of": answer.output})

    async def probe(self, *, timeout: float) -> Answer:
        """Look whether what is declared can be reached, without reading rows."""
        try:
            answer = await self._engine.probe(timeout)
        except FilesTrouble as error:
            return _failure(error)
        except InterlockError as error:
            return unsent(error)
        return Answer(SUCCEEDED) if answer.succeeded else answer

    async def definitions(self) -> None:
        """The tables and statements are the project's own."""
        return


def _failure(error: FilesTrouble) -> Answer:
    return failed(error.code, error.detail, sent=error.sent, transient=error.transient, **error.more)
