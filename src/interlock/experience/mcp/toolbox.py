"""The tools a caller may use: those of a shelf and our own, in stable order, written once per caller and project."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import orjson

from interlock.experience.mcp.shapes import STANDING, input_schema, output_schema
from interlock.experience.mcp.shelf import Shelf, Tool
from interlock.experience.tools import hints, promised
from interlock.integration.contracts import Contract
from interlock.integration.systems import CompiledOperation
from interlock.orchestration.actions import View
from interlock.orchestration.project import Project
from interlock.values.decisions import Mode
from interlock.values.digests import canonical
from interlock.values.operations import Effect
from interlock.values.principals import Kind, Principal

STATUS = "interlock.action_status"
CANCEL = "interlock.cancel_action"
REPORT = "interlock.report_result"
OWN = frozenset({STATUS, CANCEL, REPORT})

_CALLERS = 500
_ACTION = {"type": "string", "pattern": "^act_[0-9a-z]{26}$", "description": "The action's id, as a result gave it."}
_MODES = {
    Mode.off: "Switched off: every call is refused.",
    Mode.shadow: "Shadow mode: a call is decided and recorded, never carried out.",
    Mode.read_only: "Read-only mode: writing calls are refused.",
    Mode.draft: "Draft mode: a writing call is recorded as a draft, not carried out.",
    Mode.approval: "Approval mode: a writing call waits for a person's approval.",
}
_WAITS = (
    "A call may be refused with reasons, or wait for a person. A result with the state `waiting` is not done: look at "
    f"it later with {STATUS}, and do not call again for the same thing."
)


class Toolbox:
    """Tool lists as JSON text, kept per caller while the project stays the same."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._version = ""
        self._lists: OrderedDict[bytes, bytes] = OrderedDict()

    def tools(self, project: Project, principal: Principal) -> bytes:
        """Return the JSON array of the caller's tools."""
        if project.version != self._version:
            self._lists.clear()
            self._version = project.version
        key = canonical(principal.to_json())
        known = self._lists.get(key)
        if known is None:
            known = self._lists[key] = orjson.dumps(tool_list(self._shelf, project, principal))
            if len(self._lists) > _CALLERS:
                self._lists.popitem(last=False)
        else:
            self._lists.move_to_end(key)
        return known


def tool_list(shelf: Shelf, project: Project, principal: Principal) -> list[dict[str, Any]]:
    """Return the caller's tools: those of the shelf, then Interlock's own."""
    offered = [tool for tool in shelf.tools(project, principal) if tool.name not in OWN]
    agent = principal.id if principal.kind is Kind.agent else ""
    ceiling = min(project.settings.mode, project.agent_mode(agent))
    view = View(project, principal)
    tools = [_tool(tool, ceiling, view) for tool in offered]
    tools += [_STATUS_TOOL, _CANCEL_TOOL]
    if any(tool.compiled.external for tool in offered):
        tools.append(_REPORT_TOOL)
    return tools


def _tool(offered: Tool, ceiling: Mode, view: View) -> dict[str, Any]:
    compiled = offered.compiled
    tool: dict[str, Any] = {
        "name": offered.name,
        "description": _description(offered.description, compiled, min(ceiling, compiled.operation.mode)),
        "inputSchema": input_schema(offered.input_schema),
        "annotations": hints(compiled),
    }
    shown = None if compiled.external else output_schema(offered.telling.promise(promised(compiled, view)))
    if shown is not None:
        tool["outputSchema"] = shown
    return tool


def _description(words: str, compiled: CompiledOperation, mode: Mode) -> str:
    parts = [words, _WAITS]
    if compiled.operation.effect is Effect.irreversible:
        parts.append("What it does cannot be undone.")
    if compiled.external:
        parts.append(f"Once it is allowed, carry it out yourself and report with {REPORT}.")
    if mode in _MODES:
        parts.append(_MODES[mode])
    return "\n".join(parts)


def _own(
    name: str, description: str, properties: dict[str, Any], required: list[str], **changed: bool
) -> dict[str, Any]:
    annotations = {"readOnlyHint": False, "destructiveHint": False, "idempotentHint": True, "openWorldHint": False}
    return {
        "name": name,
        "description": description,
        "inputSchema": {
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": False,
        },
        "outputSchema": STANDING,
        "annotations": {**annotations, **changed},
    }


_STATUS_TOOL = _own(
    STATUS,
    "Look at an action: whether it waits and for what, was refused and why, or is done, with its output.",
    {"action": _ACTION},
    ["action"],
    readOnlyHint=True,
)
_CANCEL_TOOL = _own(CANCEL, "Withdraw an action that waits, so that it will not run.", {"action": _ACTION}, ["action"])
_REPORT_TOOL = _own(
    REPORT,
    "Report the result of an allowed action that you carried out yourself. `unknown` if you cannot tell.",
    {
        "action": _ACTION,
        "status": {"enum": ["succeeded", "failed", "unknown"]},
        "output": {"description": "What the operation returned, if it succeeded."},
        "problem": {
            "type": "object",
            "properties": {
                "code": {"type": "string", "maxLength": 100},
                "detail": {"type": "string", "maxLength": 2000},
            },
            "additionalProperties": False,
        },
    },
    ["action", "status"],
    idempotentHint=False,
)

OWN_INPUTS = {tool["name"]: Contract(tool["inputSchema"]) for tool in (_STATUS_TOOL, _CANCEL_TOOL, _REPORT_TOOL)}
"""The compiled inputs of Interlock's own tools."""
