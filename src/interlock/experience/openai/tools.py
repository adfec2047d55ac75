"""The tools that a client offers: which of them stand for operations, and which are its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from interlock.experience.openai.errors import ToolAmbiguous
from interlock.intelligence.gateway import ToolNames, tool_name


class OfferedTools:
    """The tools of one request against the operations of the project.

    A tool is governed if its name stands for an operation: as models are shown it (`system__operation`), by its id
    (`system.operation`) or with a single underscore. That holds for operations that the caller may not use as well:
    policy refuses those, and handing them to the client as if they were its own would not. Raises `ToolAmbiguous`.
    """

    def __init__(self, tools: Sequence[Mapping[str, Any]], operations: Iterable[str]) -> None:
        known = sorted(operations)
        self._exact = ToolNames(known)
        self._plain: dict[str, list[str]] = {}
        for operation in known:
            self._plain.setdefault(operation.replace(".", "_"), []).append(operation)
        self._names: dict[str, str] = {}
        self._own: set[str] = set()
        for tool in tools:
            name = tool["function"]["name"]
            meant = self._meant(name)
            if len(meant) > 1:
                raise _ambiguous(name, meant)
            if meant:
                self._names.setdefault(meant[0], name)
            else:
                self._own.add(name)

    def governed(self, name: str) -> str | None:
        """Return the operation that a call of *name* means, or None for a function of the client's own.

        Empty where the name stands for operations and the client offered none of them.
        """
        meant = () if name in self._own else self._meant(name)
        if not meant:
            return None
        return meant[0] if len(meant) == 1 and meant[0] in self._names else ""

    def name(self, operation: str) -> str:
        """Return the name by which the model knows the operation."""
        return self._names.get(operation) or tool_name(operation)

    def _meant(self, name: str) -> Sequence[str]:
        exact = self._exact.operation(name)
        return (exact,) if exact is not None else self._plain.get(name, ())


def _ambiguous(name: str, meant: Sequence[str]) -> ToolAmbiguous:
    return ToolAmbiguous(
        f"the tool {name!r} could be {' or '.join(meant)}",
        fix=f"name it {' or '.join(tool_name(operation) for operation in meant)}",
        param="tools",
    )
