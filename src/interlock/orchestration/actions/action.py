"""One action as it is stored and shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from interlock.governance.labels import is_masked
from interlock.values.actions import ActionState
from interlock.values.decisions import Decision, Requirement, decision_from_json
from interlock.values.digests import digest
from interlock.values.labels import Label, Origin, label_from_json


@dataclass(slots=True)
class Action:
    """An action. *consent* binds arguments, definition, policy version and record version: what people agree to.

    *vouched* names the arguments that an approver put in. *key* is the idempotency key sent to the system,
    *client_key* the caller's own for the proposal. *owner* is the process that executes it. *shown* is what an
    approver is shown while it waits. *place* is the action's in the session's plan: empty where the plan foresees
    none, None where no plan was carried. *labels* are those of the arguments that have an unusual one, *label* is the
    joined label of arguments and output (None for an action that was stored without). *steered* says whether
    outsiders' text had a hand in the arguments (None where it was stored without). *origins* are known only to the
    process that decided, until it has the result.
    """

    id: str
    tenant: str
    session: str
    operation: str
    state: ActionState
    principal: str
    who: dict[str, Any] = field(repr=False)
    definition: str
    input: dict[str, Any] = field(repr=False)
    decision: Decision = field(repr=False)
    arguments: str = ""
    consent: str = ""
    record: str = ""
    key: str = ""
    client_key: str = ""
    owner: str = ""
    revision: int = 0
    created: float = 0.0
    updated: float = 0.0
    vouched: list[str] = field(default_factory=list)
    met: dict[str, dict[str, Any]] = field(default_factory=dict)
    shown: dict[str, Any] = field(default_factory=dict, repr=False)
    output: Any = field(default=None, repr=False)
    problem: dict[str, Any] | None = field(default=None, repr=False)
    undo_of: str = ""
    undone_by: str = ""
    external: bool = False
    origins: Mapping[str, Origin] | None = None
    place: str | None = None
    labels: dict[str, dict[str, Any]] = field(default_factory=dict)
    label: Label | None = None
    steered: bool | None = None

    def unmet(self) -> tuple[Requirement, ...]:
        """Return the requirements that no valid consent meets yet; steps and approvals alike."""
        return tuple(
            requirement
            for requirement in self.decision.requirements
            if self.met.get(str(requirement), {}).get("consent") != self.consent
        )

    @property
    def outlasts(self) -> bool:
        """Whether it may wait longer than its session is open: where others are asked to approve it, and nobody else.

        How long is then bounded by the deadlines of their approvals. What its own person has to do ends with the
        session.
        """
        asked = any(requirement.kind == "approval" for requirement in self.decision.requirements)
        return asked and all(requirement.kind == "approval" for requirement in self.unmet())

    @property
    def agreed(self) -> bool:
        """Whether a person agreed to the action as it stands: confirmed or approved it."""
        return any(met.get("consent") == self.consent for met in self.met.values())

    @property
    def executable(self) -> bool:
        """Whether the caller is to carry it out now, with all of the arguments, and report."""
        return self.external and self.state is ActionState.executing and not any(map(is_masked, self.input.values()))

    def document(self) -> dict[str, Any]:
        """Return what is stored of the action beside its columns."""
        return {
            "principal": self.principal,
            "who": self.who,
            "definition": self.definition,
            "input": self.input,
            "decision": self.decision.to_json(),
            "arguments": self.arguments,
            "consent": self.consent,
            "record": self.record,
            "key": self.key,
            "vouched": self.vouched,
            "met": self.met,
            "shown": self.shown,
            "output": self.output,
            "problem": self.problem,
            "undo_of": self.undo_of,
            "external": self.external,
            "place": self.place,
            "labels": self.labels,
            "label": self.label.to_json() if self.label is not None else None,
            "steered": self.steered,
        }

    def to_json(self) -> dict[str, Any]:
        """Return the action as its proposer sees it."""
        view: dict[str, Any] = {
            "id": self.id,
            "session": self.session,
            "operation": self.operation,
            "state": self.state.value,
            "principal": self.principal,
            "input": self.input,
            "decision": self.decision.to_json(),
            "created": self.created,
            "updated": self.updated,
        }
        if self.state is ActionState.waiting:
            view["waiting_for"] = [str(requirement) for requirement in self.unmet()]
            view["consent"] = self.consent
            if self.place == "" and "plan" in self.shown:
                view["plan"] = self.shown["plan"]
        if self.output is not None:
            view["output"] = self.output
        if self.problem is not None:
            view["problem"] = self.problem
        if self.undo_of:
            view["undo_of"] = self.undo_of
        if self.undone_by:
            view["undone_by"] = self.undone_by
        if self.label is not None and self.label.unusual:
            view["label"] = self.label.to_json()
        if self.executable:
            view["execute"] = {"operation": self.operation, "input": self.input, "idempotency_key": self.key}
        return view


def consent_digest(arguments: str, definition: str, policy_version: str, record: str) -> str:
    """Return the digest that every consent to an action is bound to."""
    return digest([arguments, definition, policy_version, record])


def action_from_document(columns: Mapping[str, Any], document: dict[str, Any]) -> Action:
    """Return the action stored as *columns* and `Action.document`."""
    decision = decision_from_json(document.pop("decision"))
    label = document.pop("label", None)
    return Action(**columns, decision=decision, label=label_from_json(label) if label is not None else None, **document)
