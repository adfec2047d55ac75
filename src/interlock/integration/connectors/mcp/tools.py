"""Tool definitions: from the pinned file, or from the live server, in one form so that they can be compared."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import orjson

from interlock.integration.contracts import Definition

MAX_BYTES = 16 << 20
TEXT_OUTPUT: dict[str, Any] = {
    "type": "object",
    "properties": {"text": {"type": "string"}},
    "required": ["text"],
    "additionalProperties": False,
}


class ToolsInvalid(ValueError):
    """The file of pinned tools cannot be used; the text is for a finding."""


def load_tools(file: Path) -> dict[str, Mapping[str, Any]]:
    """Return the tools in *file* (a `tools/list` result, or its list) by name. Raises `ToolsInvalid`."""
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
        data = orjson.loads(content)
    except OSError as error:
        raise ToolsInvalid(f"{file.name} cannot be read: {error.strerror or 'unknown cause'}") from error
    except orjson.JSONDecodeError as error:
        raise ToolsInvalid(f"{file.name}:{error.lineno}: is not valid JSON: {error.msg}") from error
    listed = data.get("tools") if isinstance(data, dict) else data
    if not isinstance(listed, list):
        raise ToolsInvalid(f"{file.name} holds no list of tools")
    tools: dict[str, Mapping[str, Any]]
    tools = {tool["name"]: tool for tool in listed if isinstance(tool, dict) and isinstance(tool.get("name"), str)}
    if len(tools) != len(listed):
        raise ToolsInvalid(f"{file.name} holds a tool without a name, or two of one name")
    return tools


def definition(tool: Mapping[str, Any]) -> Definition:
    """Return the definition of a tool as the protocol writes it. Raises `ToolsInvalid`."""
    schema = tool.get("inputSchema")
    if not isinstance(schema, Mapping) or schema.get("type") != "object":
        raise ToolsInvalid(f"the tool {tool['name']!r} has no input schema of type object")
    output = tool.get("outputSchema")
    return Definition(
        {"additionalProperties": False} | dict(schema),
        dict(output) if isinstance(output, Mapping) else TEXT_OUTPUT,
        {"tool": tool["name"], "structured": isinstance(output, Mapping)},
        str(tool.get("description") or tool.get("title") or ""),
    )


def named(tools: Mapping[str, Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    """Return the tool *name*. Raises `ToolsInvalid` with the nearest name."""
    if name in tools:
        return tools[name]
    near = get_close_matches(name, tools, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    raise ToolsInvalid(f"the pinned tools hold no {name!r}{hint}")
