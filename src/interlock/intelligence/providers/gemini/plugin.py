"""How a target of the `gemini` provider is declared and built."""

from __future__ import annotations

from typing import Any

from interlock.foundation.settings.quantities import duration
from interlock.intelligence.gateway.provider import ProviderPorts, Target
from interlock.intelligence.providers.gemini.provider import ADDRESS, GeminiProvider
from interlock.intelligence.providers.upstream import CONNECT_SCHEMA, KEY_SCHEMA, key_of

OWN = ("contents", "tools", "systemInstruction", "toolConfig")


class GeminiPlugin:
    """Declares `{provider: gemini, model, key, base_url, parameters, connect}`."""

    name = "gemini"

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
                    "description": f"the address before /models; without it, {ADDRESS}",
                },
                "parameters": {
                    "type": "object",
                    "description": "further members of the request, such as max_tokens or safetySettings",
                    "not": {"anyOf": [{"required": [word]} for word in OWN]},
                },
                "connect": CONNECT_SCHEMA,
            },
        }

    def build(self, target: Target, ports: ProviderPorts) -> GeminiProvider:
        data = target.data
        return GeminiProvider(
            ports.http,
            base_url=data.get("base_url") or ADDRESS,
            model=data["model"],
            key=key_of(target, ports),
            parameters=data.get("parameters", {}),
            connect=duration(data["connect"]) if "connect" in data else 0.0,
        )
