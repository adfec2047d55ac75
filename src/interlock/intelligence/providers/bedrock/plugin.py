"""How a target of the `bedrock` provider is declared and built."""

from __future__ import annotations

from typing import Any

from interlock.foundation.documents import ProjectInvalid
from interlock.foundation.settings.quantities import duration
from interlock.intelligence.gateway.provider import ProviderPorts, Target
from interlock.intelligence.providers.bedrock.provider import BedrockProvider
from interlock.intelligence.providers.upstream import CONNECT_SCHEMA, KEY_SCHEMA, key_of

OWN = ("messages", "toolConfig", "system", "inferenceConfig")
KEYS = ("key", "access_key", "secret_key", "session_token")


class BedrockPlugin:
    """Declares `{provider: bedrock, aws_region, model, base_url, parameters, connect}` and keys of one of two sorts."""

    name = "bedrock"

    @property
    def target_schema(self) -> dict[str, Any]:
        return {
            "type": "object",
            "additionalProperties": False,
            "required": ["aws_region", "model"],
            "properties": {
                "aws_region": {
                    "type": "string",
                    "pattern": "^[a-z]{2}(-[a-z]+)+-[0-9]$",
                    "description": "the region, such as eu-central-1",
                },
                "model": {"type": "string", "description": "the model's id, or that of an inference profile"},
                **dict.fromkeys(KEYS, KEY_SCHEMA),
                "base_url": {
                    "type": "string",
                    "pattern": "^(https?://\\S+)?$",
                    "description": "the address before /model; without it, that of the region",
                },
                "parameters": {
                    "type": "object",
                    "description": "further members of the request, such as max_tokens or guardrailConfig",
                    "not": {"anyOf": [{"required": [word]} for word in OWN]},
                },
                "connect": CONNECT_SCHEMA,
            },
        }

    def build(self, target: Target, ports: ProviderPorts) -> BedrockProvider:
        data = target.data
        if ("access_key" in data) is not ("secret_key" in data) or ("key" in data) is ("access_key" in data):
            message = "needs either `key`, or `access_key` with `secret_key`"
            raise ProjectInvalid([target.finding("", message)])
        return BedrockProvider(
            ports.http,
            base_url=data.get("base_url") or f"https://bedrock-runtime.{data['aws_region']}.amazonaws.com",
            region=data["aws_region"],
            model=data["model"],
            keys={name: key_of(target, ports, name) for name in KEYS if name in data},
            parameters=data.get("parameters", {}),
            connect=duration(data["connect"]) if "connect" in data else 0.0,
        )
