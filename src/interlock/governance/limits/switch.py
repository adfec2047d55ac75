"""A kill switch: one agent, operation, system, tenant, or everything, switched off."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from interlock.governance.limits.errors import SwitchInvalid


class SwitchScope(StrEnum):
    """What a switch turns off."""

    agent = "agent"
    operation = "operation"
    system = "system"
    tenant = "tenant"
    installation = "installation"


@dataclass(frozen=True, slots=True)
class SwitchTarget:
    """What exactly: the agent's id, the operation's id, the system's or tenant's name, empty for the
    installation.

    *tenant* limits an agent's, operation's or system's switch to one tenant; empty stands for all. A
    tenant's own switch carries its name there too. Raises `SwitchInvalid` if the parts do not fit.
    """

    scope: SwitchScope
    target: str = ""
    tenant: str = ""

    def __post_init__(self) -> None:
        if (self.scope is SwitchScope.installation) == bool(self.target):
            raise SwitchInvalid(
                f"a switch of scope {self.scope.value} {'takes no target' if self.target else 'needs a target'}",
                fix="name what is switched off, and nothing for the whole installation",
            )
        if self.scope is SwitchScope.tenant:
            if self.tenant not in {"", self.target}:
                raise SwitchInvalid("a tenant's switch belongs to that tenant", fix="leave the tenant out")
            object.__setattr__(self, "tenant", self.target)
        elif self.scope is SwitchScope.installation and self.tenant:
            raise SwitchInvalid("the installation has no tenant", fix="use a switch of scope tenant")

    @property
    def name(self) -> str:
        """Return it in a few words, such as `agent support of tenant north`."""
        words = f"{self.scope.value} {self.target}".strip()
        return f"{words} of tenant {self.tenant}" if self.tenant not in {"", self.target} else words


@dataclass(frozen=True, slots=True)
class Switch:
    """A switch that is set: what, why, by whom (a principal's name), since when (Unix seconds)."""

    what: SwitchTarget
    reason: str
    by: str
    at: float

    def to_json(self) -> dict[str, Any]:
        """Return the switch as a JSON object."""
        return {
            "scope": self.what.scope.value,
            "target": self.what.target,
            "tenant": self.what.tenant,
            "reason": self.reason,
            "by": self.by,
            "at": self.at,
        }
