"""Operations as a model's tools: their names, which OpenAI restricts, and their declarations."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Any

from interlock.values.operations import Operation

LONGEST_NAME = 64
_FIT = re.compile(r"[a-zA-Z0-9-]+(?:_[a-zA-Z0-9-]+)*")
_UNFIT = re.compile(r"[^a-zA-Z0-9_-]")


def tool_name(operation_id: str) -> str:
    """Return the function name that stands for `system.operation`: `system__operation`.

    Function names may hold letters, digits, `_` and `-`, at most 64. An id that does not fit, or that could be
    confused with another for its own double underscore, is shortened and gets a digest at its end.
    """
    parts = operation_id.split(".")
    name = "__".join(parts)
    if len(name) <= LONGEST_NAME and len(parts) == 2 and all(_FIT.fullmatch(part) for part in parts):
        return name
    mark = hashlib.sha256(operation_id.encode()).hexdigest()[:8]
    return f"{_UNFIT.sub('_', name)[: LONGEST_NAME - 10]}__{mark}"


def tool_of(operation: Operation) -> dict[str, Any]:
    """Return the declaration of *operation* as a function tool."""
    parameters = dict(operation.input_schema) or {"type": "object", "properties": {}}
    description = operation.description or operation.id
    return {
        "type": "function",
        "function": {"name": tool_name(operation.id), "description": description, "parameters": parameters},
    }


class ToolNames:
    """The way back from a tool's name to an operation, for the operations offered in one request."""

    __slots__ = ("_operations",)

    def __init__(self, operation_ids: Iterable[str]) -> None:
        self._operations: dict[str, str] = {}
        for operation_id in operation_ids:
            self._operations[tool_name(operation_id)] = operation_id
            self._operations[operation_id] = operation_id  # models sometimes write the id that they read

    def operation(self, name: str) -> str | None:
        """Return the id of the operation that *name* stands for, or `None` if it was not offered."""
        return self._operations.get(name)
