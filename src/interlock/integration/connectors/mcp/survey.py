"""What an MCP server offers: its tools, as they are pinned."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from interlock.integration.connectors.surveys import FILES, Offer, Source, Survey

FILE = "tools.json"
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


def survey_of(source: Source, published: Mapping[str, Any]) -> Survey:
    """Return what a server *published*. What a tool says of its own effect is not believed, so nothing is a read."""
    tools: Sequence[Mapping[str, Any]] = published.get("tools", ())
    content = json.dumps(published, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
    offers, taken = [], set()
    for number, tool in enumerate(tools):
        origin = str(tool.get("name", ""))
        name = "_".join(word.lower() for word in _WORD.findall(origin))[:60].strip("_")
        name = name if name[:1].isalpha() else f"tool_{name}".strip("_")
        name = name if name not in taken else f"{name[:55]}_{number}"
        taken.add(name)
        offers.append(Offer(origin, name, " ".join(str(tool.get("description", "")).split())[:500]))
    return Survey("", {"url": source.address, "tools": f"{FILES}{FILE}"}, tuple(offers), files={FILE: content.encode()})
