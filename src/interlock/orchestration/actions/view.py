"""What one principal is shown of actions, approvals and journal records: what it is not cleared for is masked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from interlock.context.facts import FactPlan, FactSource
from interlock.governance.journal import Record, cover, label_of
from interlock.governance.labels import Echoes, Mask, mask_arguments, masked, masked_places
from interlock.orchestration.actions.action import Action
from interlock.orchestration.actions.execution import OWN, REPORTED
from interlock.orchestration.approvals import Approval
from interlock.orchestration.project import Project
from interlock.values.clearances import EVERY
from interlock.values.labels import PUBLIC, Confidentiality, Label, label_from_json
from interlock.values.principals import Principal

REPEATING = frozenset({"output", "problem"})
"""Fields of records in which a system or a caller may repeat an argument."""
UNTOLD = Label(Confidentiality.restricted, EVERY)
"""Of values of which nobody can say any more how confidential they are."""


class View:
    """Shows what was stored to one principal. The door that every surface takes; nothing stored is ever changed.

    What comes back is the very object that was given wherever nothing of it is hidden. Labels are those that the
    active project declares; where it no longer knows the operation, those that were recorded.
    """

    __slots__ = ("_principal", "_project", "clearance")

    def __init__(self, project: Project, principal: Principal) -> None:
        self._project = project
        self._principal = principal
        self.clearance = project.clearance_of(principal)

    def mask(self, operation: str) -> Mask | None:
        """Return what hides an operation's outputs here; None for one that the project does not have."""
        return self._project.mask(operation, self.clearance)

    def action(self, action: Action) -> Action:
        """Return the action as it is shown, to be rendered and never stored.

        Who proposed it sees the arguments as they were sent: hiding them would only tell that a guess was right.
        """
        mask = self.mask(action.operation)
        own = action.principal == self._principal.name and not action.undo_of
        given = action.input if own else mask_arguments(action.input, action.labels, self.clearance)
        fits = action.label is None or self.clearance.admits(action.label)
        if given is action.input and mask is not None and mask.open and fits:
            return action
        echoes = _echoes(action.input, given)
        output = echoes.apply(mask.apply(action.output) if mask is not None else self._untold(action))
        problem = echoes.apply(action.problem if own else self._problem(action))
        if given is action.input and output is action.output and problem is action.problem and fits:
            return action
        label = mask.label if mask is not None and output is not None else PUBLIC
        for document in action.labels.values():
            argument = label_from_json(document)
            if self.clearance.admits(argument):
                label = label.join(argument)
        return replace(action, input=given, output=output, problem=problem, label=label)

    def approval(self, approval: Approval) -> Approval:
        """Return the approval as it is shown, to be rendered and never stored."""
        shown = self._shown(approval.shown)
        return approval if shown is approval.shown else replace(approval, shown=shown)

    def records(self, records: Sequence[Record]) -> list[Record]:
        """Return journal records as they are shown: their values by their fields' labels, or by the record's own.

        What an action's arguments hide is hidden as well where another of the records repeats it.
        """
        echoes = Echoes()
        for record in records:
            snapshot = record.fields.get("snapshot")
            if isinstance(snapshot, dict):
                echoes.learn(snapshot["input"], self._given(snapshot))
        return [self._record(record, echoes) for record in records]

    def _record(self, record: Record, echoes: Echoes) -> Record:
        if not record.fields:
            return record
        label, operation = label_of(record.body), str(record.body.get("operation", ""))
        fields = {name: self._field(name, value, operation, label) for name, value in record.fields.items()}
        fields |= {name: echoes.apply(fields[name]) for name in REPEATING & fields.keys()}
        same = all(fields[name] is value for name, value in record.fields.items())
        return record if same else replace(record, fields=fields)

    def snapshot(self, snapshot: dict[str, Any], label: Label | None = None) -> dict[str, Any]:
        """Return a decision's snapshot as it is shown; *label* is the one recorded with it."""
        given = self._given(snapshot)
        echoes = _echoes(snapshot["input"], given)
        operation = snapshot["operation"]
        facts = self._facts(operation, snapshot["facts"], label, echoes)
        flow = echoes.apply(snapshot.get("flow", {}))
        if given is snapshot["input"] and facts is snapshot["facts"]:
            return snapshot
        return {**snapshot, "input": given, "facts": facts, "flow": flow}

    def _shown(self, shown: dict[str, Any]) -> dict[str, Any]:
        if not shown:
            return shown
        label = label_from_json(shown["label"]) if "label" in shown else None
        given = self._given(shown)
        echoes = _echoes(shown["input"], given)
        facts = self._facts(shown["operation"], shown["facts"], label, echoes)
        plan = self._project.facts.get(shown["operation"])
        record = shown["record"]
        if record:
            source = plan.record if plan is not None else FactSource(label or UNTOLD)
            record = self._computed(source, record, echoes)
        if given is shown["input"] and facts is shown["facts"] and record is shown["record"]:
            return shown
        seen = {**shown, "input": given, "facts": facts, "record": record}
        places = list(masked_places({"input": given, "facts": facts, "record": record}))
        return {**seen, "masked": {"fields": places, "cleared": self.clearance.to_json()}}

    def _facts(self, operation: str, facts: dict[str, Any], label: Label | None, echoes: Echoes) -> dict[str, Any]:
        if not facts:
            return facts
        plan = self._project.facts.get(operation)
        seen = {name: self._fact(plan, name, value, label, echoes) for name, value in facts.items()}
        return seen if any(seen[name] is not value for name, value in facts.items()) else facts

    def _fact(self, plan: FactPlan | None, name: str, value: Any, label: Label | None, echoes: Echoes) -> Any:
        source = plan.sources.get(name) if plan is not None else None
        if source is None or source.operation is None:
            return self._computed(source or FactSource(label or UNTOLD), value, echoes)
        mask = self.mask(source.operation.id)
        assert mask is not None  # the plan and the catalog are of one project
        return echoes.apply(mask.each(value) if source.each else mask.apply(value))

    def _computed(self, source: FactSource, value: Any, echoes: Echoes) -> Any:
        """Return what was computed, hidden as a whole where anything that went into it is."""
        if not self.clearance.admits(source.label):
            return masked(source.label)
        return echoes.words if source.asks and echoes.words else echoes.apply(value)

    def _untold(self, action: Action) -> Any:
        label = action.label or UNTOLD
        return action.output if action.output is None or self.clearance.admits(label) else masked(label)

    def _problem(self, action: Action) -> dict[str, Any] | None:
        """Return the problem; one that a caller reported is in its own words, which may repeat any value."""
        label = action.label or UNTOLD
        if action.problem is None or not action.external or self.clearance.admits(label):
            return action.problem
        code = action.problem.get("code")
        return {"code": code if code in OWN else REPORTED, "detail": masked(label)}

    def _field(self, name: str, value: Any, operation: str, label: Label | None) -> Any:
        if name == "snapshot" and isinstance(value, dict):
            return self.snapshot(value, label)
        mask = self.mask(operation) if name == "output" else None
        if mask is not None:
            return mask.apply(value)
        return cover(name, value, UNTOLD if label is None and name == "output" else label, self.clearance)

    def _given(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Return the input of a snapshot, or of what an approver is shown, by the labels of its origins."""
        labels = {name: origin["label"] for name, origin in document.get("origins", {}).items() if "label" in origin}
        return mask_arguments(document["input"], labels, self.clearance)


def _echoes(arguments: dict[str, Any], given: dict[str, Any]) -> Echoes:
    echoes = Echoes()
    if given is not arguments:
        echoes.learn(arguments, given)
    return echoes
