"""How a target of the `anthropic` provider is declared and built."""

from __future__ import annotations

from typing import Any

from interlock.foundation.settings.quantities import duration
from interlock.intelligence.gateway.provider import ProviderPorts, Target
from interlock.intelligence.providers.anthropic.provider import ADDRESS, AnthropicProvider
from interlock.intelligence.providers.upstream import CONNECT_SCHEMA, KEY_SCHEMA, key_of

OWN = ("messages", "tools", "stream", "model", "system")


class AnthropicPlugin:
    """Declares `{provider: anthropic, model, key, base_url, parameters, connect}`."""

    name = "anthropic"

    @property
    def target_schema(self) -> dict[str, Any]:
        return {
            "type": "object",
            "additionalProperties": False,
            "required": ["model", "key"],
            "properties": {
                "model": {"type": "string", "description": "the model's name, as the server knows it"},
                "key": KEY_SCHEMA,
                "base_url": {
                    "type": "string",
                    "pattern": "^(https?://\\S+)?$",
                    "description": f"the address before /v1/messages; without it, {ADDRESS}",
                },
                "parameters": {
                    "type": "object",
                    "description": "further members of the request, such as max_tokens or thinking",
                    "not": {"anyOf": [{"required": [word]} for word in OWN]},
                },
                "connect": CONNECT_SCHEMA,
            },
        }

    def build(self, target: Target, ports: ProviderPorts) -> AnthropicProvider:
        data = target.data
        return AnthropicProvider(
            ports.http,
            base_url=data.get("base_url") or ADDRESS,
            model=data["model"],
            key=key_of(target, ports),
            parameters=data.get("parameters", {}),
            connect=duration(data["connect"]) if "connect" in data else 0.0,
        )
