"""A request with whose it is, and what is known of it while it is answered."""

from __future__ import annotations

from dataclasses import dataclass, field

from interlock.experience.openai.shapes import ChatRequest
from interlock.values.principals import Principal


@dataclass(slots=True)
class Exchange:
    """What is known of a request so far; its headers are sent with an error as well."""

    session: str = ""
    route: str = ""
    target: str = ""
    actions: list[str] = field(default_factory=list)

    def touch(self, action: str) -> None:
        """Take note of an action that was proposed, reported or met again."""
        if action not in self.actions:
            self.actions.append(action)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request with whose it is. *session* and *key* are empty where the client names none."""

    principal: Principal
    request: ChatRequest
    session: str = ""
    key: str = ""
