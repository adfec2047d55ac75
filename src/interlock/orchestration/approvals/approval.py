"""One request for approval: the role that must agree, what is shown, and what each person decided."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from interlock.values.principals import Kind, Principal


class ApprovalState(StrEnum):
    """Where an approval stands."""

    pending = "pending"
    approved = "approved"
    rejected = "rejected"
    expired = "expired"
    void = "void"


@dataclass(slots=True)
class Approval:
    """A request to a role. *consent* binds it to exact arguments, policy and record; *needed* people must agree.

    *barred* are the people who asked for the action: they never count. *shown* is what an approver sees.
    """

    id: str
    tenant: str
    action: str
    session: str
    role: str
    needed: int
    consent: str
    state: ApprovalState = ApprovalState.pending
    deadline: float = 0.0
    created: float = 0.0
    revision: int = 0
    escalate_to: str = ""
    extension: float = 0.0
    roles: list[str] = field(default_factory=list)
    delegates: list[str] = field(default_factory=list)
    barred: list[str] = field(default_factory=list)
    decisions: list[dict[str, Any]] = field(default_factory=list, repr=False)
    shown: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def requirement(self) -> str:
        """The requirement this meets, as it stands in the decision."""
        return f"approval:{self.role}:{self.needed}" if self.needed > 1 else f"approval:{self.role}"

    def admits(self, principal: Principal) -> bool:
        """Return whether *principal* is a person who has the role (also after escalation) or was delegated to."""
        if principal.kind is not Kind.person:
            return False
        return principal.id in self.delegates or bool(principal.roles.intersection(self.roles))

    def lapses(self) -> float:
        """Return until when an approval that was given counts: as long after it as there was to give it."""
        return max((float(decision["at"]) for decision in self.decisions), default=0.0) + self.extension

    def agreed(self) -> int:
        """Return how many people have agreed so far."""
        return sum(1 for decision in self.decisions if decision["verdict"] == "approve")

    def decided_by(self, person: str) -> bool:
        """Return whether *person* has already decided."""
        return any(decision["by"] == person for decision in self.decisions)

    def document(self) -> dict[str, Any]:
        """Return what is stored beside the columns."""
        return {
            "escalate_to": self.escalate_to,
            "extension": self.extension,
            "roles": self.roles,
            "delegates": self.delegates,
            "barred": self.barred,
            "decisions": self.decisions,
            "shown": self.shown,
        }

    def standing(self) -> dict[str, Any]:
        """Return the approval as whoever asked for the action sees it: neither facts nor comments."""
        view = self.to_json()
        del view["shown"]
        view["decisions"] = [{name: one[name] for name in ("by", "verdict", "at")} for one in self.decisions]
        return view

    def to_json(self) -> dict[str, Any]:
        """Return the approval as an approver sees it."""
        return {
            "id": self.id,
            "action": self.action,
            "session": self.session,
            "role": self.role,
            "roles": self.roles,
            "needed": self.needed,
            "agreed": self.agreed(),
            "state": self.state.value,
            "consent": self.consent,
            "deadline": self.deadline,
            "created": self.created,
            "delegates": self.delegates,
            "decisions": self.decisions,
            "shown": self.shown,
        }
