"""How a target of the `rules` provider is declared and built."""

from __future__ import annotations

from typing import Any

from interlock.foundation.documents import ProjectInvalid, read_document
from interlock.intelligence.gateway.provider import ProviderPorts, Target
from interlock.intelligence.providers.rules.provider import RulesProvider
from interlock.intelligence.providers.rules.reading import read_rules


class RulesPlugin:
    """Declares `{provider: rules, file}`."""

    name = "rules"

    @property
    def target_schema(self) -> dict[str, Any]:
        return {
            "type": "object",
            "additionalProperties": False,
            "required": ["file"],
            "properties": {
                "file": {
                    "type": "string",
                    "minLength": 1,
                    "description": "the rules file, relative to the project's folder",
                }
            },
        }

    def build(self, target: Target, ports: ProviderPorts) -> RulesProvider:
        root = ports.root.resolve()
        path = (root / target.data["file"]).resolve()
        if not path.is_relative_to(root):
            raise ProjectInvalid([target.finding("file", "must be inside the project's folder")])
        return RulesProvider(read_rules(read_document(path, "rules", root=root)))
