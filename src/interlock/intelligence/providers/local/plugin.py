"""How a target of the `local` provider is declared and built."""

from __future__ import annotations

from typing import Any

from interlock.intelligence.gateway.provider import ProviderPorts, Target
from interlock.intelligence.providers.local.engine import Engines, Weights
from interlock.intelligence.providers.local.provider import LocalProvider
from interlock.intelligence.providers.openai.provider import OWN


class LocalPlugin:
    """Declares `{provider: local, file, model, context, threads, queue, parameters}`.

    Targets of the same file and settings share one loaded model, also over reloads of the project.
    """

    name = "local"

    def __init__(self) -> None:
        self._engines = Engines()

    @property
    def target_schema(self) -> dict[str, Any]:
        return {
            "type": "object",
            "additionalProperties": False,
            "required": ["file"],
            "properties": {
                "file": {"type": "string", "minLength": 1, "description": "the model's GGUF file, from the project on"},
                "model": {
                    "type": "string",
                    "minLength": 1,
                    "maxLength": 128,
                    "description": "what the model is called; by default the file's name",
                },
                "context": {
                    "type": "integer",
                    "minimum": 256,
                    "maximum": 1048576,
                    "description": "how many tokens a conversation may have with its answer; 4096 by default",
                },
                "threads": {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": 256,
                    "description": "how many processor cores it may use; 1 by default",
                },
                "queue": {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": 1000,
                    "description": "how many calls may run or wait, beyond which it is busy; 8 by default",
                },
                "parameters": {
                    "type": "object",
                    "description": "further members of the request, such as temperature",
                    "not": {"anyOf": [{"required": [word]} for word in OWN]},
                },
            },
        }

    def build(self, target: Target, ports: ProviderPorts) -> LocalProvider:
        data = target.data
        path = ports.root / data["file"]
        weights = Weights(path, data.get("model", path.stem), data.get("context", 4096), data.get("threads", 1))
        return LocalProvider(
            self._engines.of(weights), ports.http, parameters=data.get("parameters", {}), queue=data.get("queue", 8)
        )
