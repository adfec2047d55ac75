"""How a target of the `openai` provider is declared and built."""

from __future__ import annotations

from typing import Any

from interlock.foundation.documents import ProjectInvalid
from interlock.foundation.secrets import is_reference
from interlock.foundation.settings.quantities import duration
from interlock.intelligence.gateway.provider import ProviderPorts, Target
from interlock.intelligence.providers.openai.provider import OWN, OpenAiProvider
from interlock.values.secrets import Secret


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
                "key": {
                    "type": "string",
                    "description": "secret:NAME, or a variable of the environment such as ${OPENAI_API_KEY:-}",
                },
                "parameters": {
                    "type": "object",
                    "description": "further members of the request, such as temperature",
                    "not": {"anyOf": [{"required": [word]} for word in OWN]},
                },
                "connect": {
                    "type": "string",
                    "pattern": "^[0-9]{1,12}(\\.[0-9]{1,6})?(ms|s|m)$",
                    "description": "how long the making of a connection may take, such as 500ms or 2s",
                },
            },
        }

    def build(self, target: Target, ports: ProviderPorts) -> OpenAiProvider:
        key = target.data.get("key", "")
        from_environment = f"{target.pointer}/key" in target.document.interpolated
        if key and not is_reference(key) and not from_environment:
            message = "must be secret:NAME or come from the environment; a key does not belong in a file"
            raise ProjectInvalid([target.finding("key", message)])
        return OpenAiProvider(
            ports.http,
            base_url=target.data["base_url"],
            model=target.data["model"],
            key=_key_of(key, ports),
            needs_key="key" in target.data,
            parameters=target.data.get("parameters", {}),
            connect=duration(target.data["connect"]) if "connect" in target.data else 0.0,
        )


class _Referred:
    """A key looked up at each use, so that a rotated one counts at once."""

    def __init__(self, reference: str, ports: ProviderPorts) -> None:
        self._reference = reference
        self._secrets = ports.secrets

    def __call__(self) -> Secret | None:
        return self._secrets.get(self._reference) if self._secrets.has(self._reference) else None


class _Given:
    """A key from the environment as it was when the project was loaded."""

    def __init__(self, text: str) -> None:
        self._secret = Secret(text, name="key") if text else None

    def __call__(self) -> Secret | None:
        return self._secret


def _key_of(key: str, ports: ProviderPorts) -> _Referred | _Given:
    return _Referred(key, ports) if is_reference(key) else _Given(key)
