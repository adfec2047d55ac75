"""What an MCP address offers: tools, the operations behind them, and what is shown of their results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from interlock.experience.tools import permitted
from interlock.integration.systems import CompiledOperation
from interlock.orchestration.project import Project
from interlock.values.principals import Principal

Schema = Mapping[str, Any]


class Telling(Protocol):
    """What is shown of an operation's results."""

    def tell(self, output: Any) -> Any:
        """Return what is shown of *output*."""
        ...

    def promise(self, schema: Schema | None) -> Schema | None:
        """Return the schema of what is shown, where results fit *schema*."""
        ...


class Wanted(Telling, Protocol):
    """What a call of a tool asks for."""

    @property
    def operation(self) -> str:
        """The id of the operation."""
        ...

    @property
    def arguments(self) -> dict[str, Any]:
        """The operation's arguments."""
        ...


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool: its *name*, what it says of itself, and what it takes. *telling* is for its results."""

    name: str
    description: str
    compiled: CompiledOperation
    input_schema: Schema
    telling: Telling


class Shelf(Protocol):
    """The tools of one address."""

    def tools(self, project: Project, principal: Principal) -> Iterator[Tool]:
        """Yield the tools that the caller may use, in stable order."""
        ...

    def wanted(self, project: Project, principal: Principal, name: str, arguments: dict[str, Any]) -> Wanted:
        """Return what a call asks for. Raises `OperationUnknown`, and errors of arguments that do not fit the tool."""
        ...

    def told(self, project: Project, operation: str) -> Telling:
        """Return what is shown of the results of an operation, whichever call they are of."""
        ...


@dataclass(frozen=True, slots=True)
class AsItIs:
    """An operation under its own name, with its own arguments and results."""

    operation: str = ""
    arguments: dict[str, Any] = field(default_factory=dict, repr=False)

    def tell(self, output: Any) -> Any:
        return output

    def promise(self, schema: Schema | None) -> Schema | None:
        return schema


AS_IT_IS = AsItIs()


class Operations:
    """All operations that policies let the caller use."""

    def tools(self, project: Project, principal: Principal) -> Iterator[Tool]:
        for compiled in permitted(project, principal):
            operation = compiled.operation
            words = operation.description.strip() or f"{operation.name} of {operation.system}."
            yield Tool(operation.id, words, compiled, operation.input_schema, AS_IT_IS)

    def wanted(self, _project: Project, _principal: Principal, name: str, arguments: dict[str, Any]) -> Wanted:
        return AsItIs(name, arguments)

    def told(self, _project: Project, _operation: str) -> Telling:
        return AS_IT_IS
