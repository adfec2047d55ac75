"""The `rules` provider: declared intents, slots, steps and answers; deterministic, without key or network.

It is naive on purpose: where its rules say that a ticket's text names what to do, it does what the text says.
What keeps such an agent from harm is the layer that decides about its actions, not the agent.
"""

from __future__ import annotations

from interlock.intelligence.providers.rules.plugin import RulesPlugin

plugin = RulesPlugin()

__all__ = ["plugin"]
