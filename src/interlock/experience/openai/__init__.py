"""OpenAI's chat completions and list of models: an agent that knows only these works under Interlock as it is."""

from interlock.experience.openai.surface import OpenAi

__all__ = ["OpenAi"]
