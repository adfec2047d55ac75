"""A facade as the tools of an MCP address."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from interlock.experience.facades.calling import Rates
from interlock.experience.mcp.shelf import AS_IT_IS, Schema, Telling, Tool, Wanted
from interlock.experience.tools import permitted
from interlock.integration.facades import Asked, Endpoint, Facade
from interlock.integration.systems import OperationUnknown
from interlock.orchestration.project import Project
from interlock.values.principals import Principal


@dataclass(frozen=True, slots=True)
class Shown:
    """What an endpoint shows of the results of one call."""

    asked: Asked

    @property
    def operation(self) -> str:
        return self.asked.operation

    @property
    def arguments(self) -> dict[str, Any]:
        return self.asked.arguments

    def tell(self, output: Any) -> Any:
        return self.asked.tell(output)

    def promise(self, schema: Schema | None) -> Schema | None:
        return self.asked.endpoint.output_schema(schema)


class FacadeShelf:
    """The endpoints of the facade *name*, as the active project has it, that a caller may use."""

    def __init__(self, name: str, rates: Rates) -> None:
        self._name = name
        self._rates = rates

    def tools(self, project: Project, principal: Principal) -> Iterator[Tool]:
        for endpoint in offered(project, project.facades.get(self._name), principal):
            yield Tool(
                endpoint.name,
                endpoint.description.strip() or f"{endpoint.name}.",
                endpoint.compiled,
                endpoint.input_schema,
                Shown(endpoint.whole()),
            )

    def wanted(self, project: Project, principal: Principal, name: str, arguments: dict[str, Any]) -> Wanted:
        facade = project.facades.get(self._name)
        known = {endpoint.name: endpoint for endpoint in offered(project, facade, principal)}
        if facade is None or name not in known:
            raise OperationUnknown(name, known)
        self._rates.count(facade, principal)
        return Shown(known[name].ask(arguments))

    def told(self, project: Project, operation: str) -> Telling:
        facade = project.facades.get(self._name)
        endpoint = facade.of_operation(operation) if facade is not None else None
        return Shown(endpoint.whole()) if endpoint is not None else AS_IT_IS


def offered(project: Project, facade: Facade | None, principal: Principal) -> Iterator[Endpoint]:
    """Yield the endpoints that at least one policy could allow the caller."""
    names = {compiled.operation.id for compiled in permitted(project, principal)}
    for endpoint in facade.endpoints.values() if facade is not None else ():
        if endpoint.compiled.operation.id in names:
            yield endpoint
