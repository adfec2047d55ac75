"""The answer to an action: what it takes, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any


class Mode(IntEnum):
    """How far an agent, an operation or an installation is let; the strictest that applies wins."""

    off = 0
    shadow = 1
    read_only = 2
    draft = 3
    approval = 4
    automatic = 5

    @classmethod
    def parse(cls, text: str) -> Mode:
        """Return the mode written as in a project file (`read-only`). Raises `KeyError` for any other word."""
        return cls[text.replace("-", "_")]

    @property
    def word(self) -> str:
        """The mode as it is written in files."""
        return _WORDS[self]


_WORDS = tuple(mode.name.replace("_", "-") for mode in Mode)


class Outcome(StrEnum):
    """What a decision lets happen."""

    allow = "allow"
    wait = "wait"
    draft = "draft"
    shadow = "shadow"
    deny = "deny"


@dataclass(frozen=True, slots=True, order=True)
class Requirement:
    """One thing that must be met before an allowed action runs: `confirm`, `step-up:LEVEL`, `approval:ROLE:COUNT`.

    In policies also `person`: the session's own person confirms, where it has one, else the default approvers approve.
    """

    kind: str
    subject: str = ""
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> Requirement:
        """Return the requirement written in `@require`. Raises `ValueError` with the accepted forms."""
        kind, _, rest = text.strip().partition(":")
        subject, _, number = rest.partition(":")
        shapes = {
            "confirm": not rest,
            "person": not rest,
            "draft": not rest,
            "shadow": not rest,
            "step-up": bool(subject) and not number,
            "approval": bool(subject) and (not number or (number.isdigit() and int(number) > 0)),
        }
        if not shapes.get(kind, False):
            forms = "confirm, person, step-up:LEVEL, approval:ROLE, approval:ROLE:COUNT, draft, shadow"
            raise ValueError(f"{text.strip()!r} is no requirement; write one of: {forms}")
        return cls(kind, subject, int(number) if number else 1)

    def __str__(self) -> str:
        if self.kind == "approval" and self.count > 1:
            return f"approval:{self.subject}:{self.count}"
        return f"{self.kind}:{self.subject}" if self.subject else self.kind


def parse_requirements(text: str) -> tuple[Requirement, ...]:
    """Return the requirements of one `@require` annotation, several separated by `;`."""
    return tuple(Requirement.parse(part) for part in text.split(";") if part.strip())


def add_up(requirements: list[Requirement]) -> tuple[Requirement, ...]:
    """Return the union of *requirements*: of two for the same role, the one that asks for more people."""
    strictest: dict[tuple[str, str], Requirement] = {}
    for requirement in requirements:
        key = (requirement.kind, requirement.subject)
        known = strictest.get(key)
        if known is None or requirement.count > known.count:
            strictest[key] = requirement
    return tuple(sorted(strictest.values()))


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a decision is as it is: *rule* is the policy id or the layer's own rule, *text* is for a person."""

    rule: str
    text: str

    def to_json(self) -> dict[str, str]:
        """Return the reason as a JSON object."""
        return {"rule": self.rule, "text": self.text}


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to one snapshot. `requirements` is empty unless *outcome* is `wait`."""

    outcome: Outcome
    reasons: tuple[Reason, ...]
    requirements: tuple[Requirement, ...] = ()
    policies: tuple[str, ...] = ()
    policy_version: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the decision as a JSON object."""
        return {
            "outcome": self.outcome.value,
            "requirements": [str(requirement) for requirement in self.requirements],
            "reasons": [reason.to_json() for reason in self.reasons],
            "policies": list(self.policies),
            "policy_version": self.policy_version,
        }


def decision_from_json(document: dict[str, Any]) -> Decision:
    """Return the decision that `Decision.to_json` wrote."""
    return Decision(
        Outcome(document["outcome"]),
        tuple(Reason(reason["rule"], reason["text"]) for reason in document["reasons"]),
        tuple(Requirement.parse(text) for text in document["requirements"]),
        tuple(document["policies"]),
        document["policy_version"],
    )
