"""A facade: operations of systems under names, paths and shapes of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from interlock.governance.labels import is_masked
from interlock.integration.contracts import Contract, InputInvalid
from interlock.integration.contracts.cursors import cursor_of
from interlock.integration.facades.errors import ListBroken
from interlock.integration.facades.fields import ANYTHING, Inputs, Outputs, Path, Schema, member, part, resolved
from interlock.integration.facades.paging import CURSOR, LIMIT, Paging, position_of
from interlock.integration.systems import CompiledOperation
from interlock.values.digests import digest
from interlock.values.operations import Effect

ITEMS, NEXT = "items", "next"
"""The members of a list as it is shown: its items, and the cursor of the next page."""
_MARK = 12


@dataclass(frozen=True)
class Endpoint:
    """One operation as a facade offers it: its *name*, its *method* and *path* below the facade's, its shapes.

    *items* is where a result has its list; None where it is shown as one value. *cache* is for how many seconds an
    answer may be given again to the caller who had it; 0 for never.
    """

    name: str
    compiled: CompiledOperation
    method: str
    path: str
    description: str
    inputs: Inputs
    outputs: Outputs
    items: Path | None = None
    paging: Paging | None = None
    cache: float = 0.0

    @property
    def reads(self) -> bool:
        """Whether it changes nothing."""
        return self.compiled.operation.effect is Effect.read

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names in its path, in order."""
        return tuple(segment[1:-1] for segment in self.path.split("/") if segment.startswith("{"))

    @cached_property
    def input_schema(self) -> dict[str, Any]:
        """The schema of what a caller gives."""
        schema = self.inputs.schema(self.compiled.operation.input_schema)
        if self.paging is not None:
            schema["properties"] = {**schema["properties"], **self.paging.properties()}
        return schema

    @cached_property
    def contract(self) -> Contract:
        """The compiled input schema."""
        return Contract(self.input_schema)

    def output_schema(self, promised: Schema | None) -> dict[str, Any] | None:
        """Return the schema of what a caller is given, where the operation's results fit *promised*."""
        if promised is None:
            return None
        if self.items is None:
            return self.outputs.schema(promised)
        listed = resolved(part(promised, self.items) or ANYTHING, promised)
        if listed.get("type") == "string":
            whole: dict[str, Any] = dict(listed)  # all of it is hidden
        else:
            item = self.outputs.schema(promised, (*self.items, "0"))
            inner = {key: value for key, value in item.items() if key not in ("$defs", "definitions")}
            whole = {"type": "array", "items": inner}
        shown: dict[str, Any] = {"type": "object", "required": [ITEMS], "properties": {ITEMS: whole}}
        if self.paging is not None:
            shown["properties"][NEXT] = {"type": "string", "description": "The cursor of the next page, if any."}
        shown["additionalProperties"] = False
        return {**shown, **{name: promised[name] for name in ("$defs", "definitions") if name in promised}}

    def whole(self) -> Asked:
        """Return how results are told of which nobody knows any more which page of a list was meant."""
        return Asked(self, {}, size=self.paging.most if self.paging is not None else 0)

    def ask(self, given: Mapping[str, Any]) -> Asked:
        """Return what *given* asks the operation for. Raises `InputInvalid` and `CursorInvalid`."""
        if not self.contract.holds(given):
            raise InputInvalid(self.name, self.contract.breaches(given))
        if self.paging is None:
            return Asked(self, self.inputs.inward(given))
        own = {name: value for name, value in given.items() if name not in (LIMIT, CURSOR)}
        mark = digest([self.name, own])[-_MARK:]
        size = min(given.get(LIMIT, self.paging.size), self.paging.most)
        position = position_of(given[CURSOR], mark) if CURSOR in given else None
        arguments = {**self.inputs.inward(own), **self.paging.walk.asked(position, size)}
        return Asked(self, arguments, mark, position, size)


@dataclass(frozen=True, slots=True)
class Asked:
    """One call of an endpoint: the operation's *arguments*, and which page of a list is meant."""

    endpoint: Endpoint
    arguments: dict[str, Any] = field(repr=False)
    mark: str = ""
    position: Any = field(default=None, repr=False)
    size: int = 0

    @property
    def operation(self) -> str:
        """The id of the operation that is asked."""
        return self.endpoint.compiled.operation.id

    def tell(self, output: Any) -> Any:
        """Return what a caller is given of the operation's result. Raises `ListBroken`."""
        endpoint = self.endpoint
        if endpoint.items is None:
            return endpoint.outputs.outward(output)
        items = output if is_masked(output) else member(output, endpoint.items)
        if is_masked(items):
            return {ITEMS: items}
        promised = endpoint.compiled.operation.output_schema
        if not isinstance(items, list) and (items is not None or promised is None):
            raise ListBroken("the operation's result has no list where one is declared")
        found: Sequence[Any] = items or []
        after = None
        if endpoint.paging is not None:
            found, after = endpoint.paging.walk.page(found, output, self.position, self.size)
        shown: dict[str, Any] = {ITEMS: [endpoint.outputs.outward(one) for one in found]}
        if is_masked(after):
            shown[NEXT] = after  # there is more, which whoever may not see this cannot go on to
        elif after is not None and self.mark:
            shown[NEXT] = cursor_of(after, self.mark)
        return shown


@dataclass(frozen=True, slots=True)
class Facade:
    """What is put in front of systems: *endpoints* by name. *rate* is how often a second one caller may call."""

    name: str
    title: str
    description: str = ""
    version: str = "1"
    rate: float = 0.0
    endpoints: Mapping[str, Endpoint] = field(default_factory=dict)

    def of_operation(self, operation: str) -> Endpoint | None:
        """Return the first endpoint that offers an operation."""
        return next((one for one in self.endpoints.values() if one.compiled.operation.id == operation), None)
