"""How a target of the `openai` provider is declared and built."""

from __future__ import annotations

from typing import Any

from interlock.foundation.settings.quantities import duration
from interlock.intelligence.gateway.provider import ProviderPorts, Target
from interlock.intelligence.providers.openai.provider import OWN, OpenAiProvider
from interlock.intelligence.providers.upstream import CONNECT_SCHEMA, KEY_SCHEMA, key_of


class OpenAiPlugin:
    """Declares `{provider: openai, base_url, model, key, parameters, connect}`."""

    name = "openai"

    @property
    def target_schema(self) -> dict[str, Any]:
        return {
            "type": "object",
            "additionalProperties": False,
            "required": ["base_url", "model"],
            "properties": {
                "base_url": {
                    "type": "string",
                    "pattern": "^(https?://\\S+)?$",
                    "description": "the address before /chat/completions, such as https://host/v1",
                },
                "model": {"type": "string", "description": "the model's name, as the server knows it"},
                "key": KEY_SCHEMA,
                "parameters": {
                    "type": "object",
                    "description": "further members of the request, such as temperature",
                    "not": {"anyOf": [{"required": [word]} for word in OWN]},
                },
                "connect": CONNECT_SCHEMA,
            },
        }

    def build(self, target: Target, ports: ProviderPorts) -> OpenAiProvider:
        return OpenAiProvider(
            ports.http,
            base_url=target.data["base_url"],
            model=target.data["model"],
            key=key_of(target, ports),
            needs_key="key" in target.data,
            parameters=target.data.get("parameters", {}),
            connect=duration(target.data["connect"]) if "connect" in target.data else 0.0,
        )
