"""One escalation: what is asked of whom, everything known about it, and what a person answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from interlock.values.labels import Label, label_from_json
from interlock.values.principals import Kind, Principal


class Source(StrEnum):
    """What could not go on by itself."""

    job = "job"
    agent = "agent"
    person = "person"  # somebody handed a session over by hand


class EscalationState(StrEnum):
    """How an escalation stands."""

    open = "open"
    taken = "taken"
    answered = "answered"
    closed = "closed"
    expired = "expired"


STANDING = (EscalationState.open, EscalationState.taken)
"""The states in which it can still be answered."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is put before a person.

    *role* is whose queue it goes to. *source* and *name* say what could not go on, such as the job `triage`, and
    *subject* is the id of what goes on with the answer: a job's run, or a session. *reason* is a code, *words* a
    sentence. *story* is all that was asked, seen, tried and proposed; *suggestion* what would have been answered. An
    answer must fit *schema*; without one it is `{"text": ...}`.
    """

    tenant: str
    role: str
    source: Source
    name: str
    subject: str
    reason: str
    words: str
    session: str = ""
    story: Mapping[str, Any] = field(default_factory=dict, repr=False)
    suggestion: Mapping[str, Any] | None = field(default=None, repr=False)
    schema: Mapping[str, Any] | None = field(default=None, repr=False)
    label: Label = Label()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which escalations are looked for; what is empty does not matter."""

    role: str = ""
    source: str = ""
    session: str = ""


@dataclass(slots=True)
class Escalation:
    """A question with its life. *deadline* and *created* are moments; *roles* also has those it was passed on to."""

    id: str
    asked: Question
    state: EscalationState = EscalationState.open
    roles: list[str] = field(default_factory=list)
    taken_by: str = ""
    answered_by: str = ""
    answer: Mapping[str, Any] | None = field(default=None, repr=False)
    comment: str = field(default="", repr=False)
    deadline: float = 0.0
    extension: float = 0.0
    escalate_to: str = ""
    created: float = 0.0
    told: bool = True
    """Whether what waits for it knows how it ended; true while it stands."""
    revision: int = 0

    def admits(self, principal: Principal) -> bool:
        """Return whether *principal* is a person whose role this is put before."""
        return principal.kind is Kind.person and bool(principal.roles.intersection(self.roles))

    def opened_by(self, principal: Principal) -> bool:
        """Return whether *principal* handed a session over with this."""
        return self.asked.source is Source.person and self.asked.name == principal.name

    def document(self) -> dict[str, Any]:
        """Return what is stored beside the columns."""
        asked = self.asked
        return {
            "asked": {
                "source": asked.source.value,
                "name": asked.name,
                "subject": asked.subject,
                "reason": asked.reason,
                "words": asked.words,
                "session": asked.session,
                "story": asked.story,
                "suggestion": asked.suggestion,
                "schema": asked.schema,
                "label": asked.label.to_json(),
            },
            "roles": self.roles,
            "taken_by": self.taken_by,
            "answered_by": self.answered_by,
            "answer": self.answer,
            "comment": self.comment,
            "extension": self.extension,
            "escalate_to": self.escalate_to,
        }

    def to_json(self, *, cleared: bool = True) -> dict[str, Any]:
        """Return the escalation as a person sees it; without what it is about to one who is not *cleared* for that."""
        asked = self.asked
        view: dict[str, Any] = {
            "id": self.id,
            "state": self.state.value,
            "roles": self.roles,
            "source": asked.source.value,
            "name": asked.name,
            "subject": asked.subject,
            "session": asked.session or None,
            "reason": asked.reason,
            "label": asked.label.to_json(),
            "schema": asked.schema,
            "taken_by": self.taken_by or None,
            "answered_by": self.answered_by or None,
            "deadline": self.deadline,
            "created": self.created,
        }
        if not cleared:
            # The words may be an agent's own, and say what the label protects.
            words = f"{asked.source.value} {asked.name}: {asked.reason}"
            return {**view, "words": words, "masked": str(asked.label)}
        told = {"words": asked.words, "story": asked.story, "suggestion": asked.suggestion, "answer": self.answer}
        return {**view, **told, "comment": self.comment or None}


def escalation_from_document(document: Mapping[str, Any], tenant: str, role: str, **columns: Any) -> Escalation:
    """Return the escalation of a stored document and its columns."""
    stored = dict(document)
    asked = dict(stored.pop("asked"))
    asked["source"] = Source(asked["source"])
    asked["label"] = label_from_json(asked["label"])
    return Escalation(asked=Question(tenant=tenant, role=role, **asked), **stored, **columns)
