"""One credit that a client wants to be made exactly once, and what the client does to get it, over any crash."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.journeys.caller import Refused
from tests.journeys.place import Place

SMALL, CONFIRMED, APPROVED = 20.0, 75.0, 250.0
BLIND = "oldbilling.credit_blind"
CREDITS = ("billing.credit", "oldbilling.credit_found", "billing.credit_repeated", BLIND)
CANCEL = "billing.cancel"
NO_EFFECT = frozenset({"effect_absent", "unreachable", "system_unavailable", "system_busy"})
"""Problem codes of a failed credit that nobody resolved by hand: each says that nothing was done."""


@dataclass
class Wish:
    """A credit for the order *order*, of which nobody else makes one. *undo*: it is taken back again.

    `advance` may be repeated at any time, whatever the last attempt came to: it is what a careful client does.
    *told* is what the server ever said: the action's id by the key it was proposed with.
    """

    order: int
    operation: str
    amount: float = SMALL
    undo: bool = False
    session: str = ""
    attempt: int = 1
    told: dict[str, str] = field(default_factory=dict)
    undone_by: str = ""
    state: str = ""

    @property
    def key(self) -> str:
        """The Idempotency-Key of the present attempt."""
        return f"order-{self.order}-{self.attempt}"

    @property
    def arguments(self) -> dict[str, Any]:
        """What is asked for."""
        return {"order_id": self.order, "customer_id": "ALFKI", "amount": self.amount, "reason": "A broken jar"}

    @property
    def done(self) -> bool:
        """Whether nothing is left to do."""
        return self.state == ("compensated" if self.undo else "succeeded")

    def advance(self, place: Place) -> bool:
        """Do the next thing; return whether the wish is fulfilled. Raises `Lost` where no answer came."""
        if not self.session:
            self.session = place.session()
        action = place["helper"].propose(self.session, self.operation, self.arguments, key=self.key)
        assert self.told.setdefault(self.key, action["id"]) == action["id"], "one key became two actions"
        self.state = action["state"]
        if self.state == "waiting":
            self._decide(place, action)
        elif self.state == "in_doubt" and self.operation == BLIND:
            self._resolve(place, action)
        elif self.state == "failed":
            assert self.operation == BLIND or action["problem"]["code"] in NO_EFFECT, action
            assert not place.billing.effects("created")[self.order], f"failed, but it was done: {action}"
            self.attempt += 1
        elif self.state == "succeeded" and self.undo:
            self._take_back(place, action)
        else:
            assert self.state in ("executing", "in_doubt", "succeeded", "compensated"), action
        return self.done

    def _decide(self, place: Place, action: dict[str, Any]) -> None:
        """Let the right person say yes, unless somebody has meanwhile."""
        try:
            if action["waiting_for"] == ["confirm"]:
                place["carla"].post(f"/v1/actions/{action['id']}/confirm", {"consent": action["consent"]})
                return
            for approval in place["lena"].action(action["id"])["approvals"]:
                if approval["state"] == "pending":
                    verdict = {"verdict": "approve", "consent": approval["consent"]}
                    place["lena"].post(f"/v1/approvals/{approval['id']}/decide", verdict)
        except Refused as refused:
            if refused.reply.code not in ("action_state_invalid", "approval_closed"):
                raise

    def _resolve(self, place: Place, action: dict[str, Any]) -> None:
        """Do what is left to a person: look it up in the system itself, and say what was found."""
        waiting = {item["id"] for item in place["lena"].actions(state="in_doubt")}
        assert action["id"] in waiting, "it is nobody's work item"
        found = bool(place.billing.effects("created")[self.order])
        outcome = {"outcome": "succeeded" if found else "failed", "comment": "looked it up in billing"}
        try:
            place["lena"].post(f"/v1/actions/{action['id']}/resolve", outcome)
        except Refused as refused:
            if refused.reply.code != "action_state_invalid":
                raise

    def _take_back(self, place: Place, action: dict[str, Any]) -> None:
        if action.get("output") is None:  # resolved by hand: the layer does not know what to take back
            self.undo = False
            return
        try:
            undoing = place["helper"].post(f"/v1/actions/{action['id']}/undo", {})
        except Refused as refused:  # an earlier try, whose answer was lost, has undone it meanwhile
            if refused.reply.code == "nothing_to_undo" and self._compensated(place, action):
                return
            raise
        if self.undone_by not in ("", undoing["id"]):
            before = place["helper"].action(self.undone_by)
            assert before["state"] == "failed", f"one undo became two actions: {before}"
            assert before["problem"]["code"] in NO_EFFECT, before
        self.undone_by = undoing["id"]
        assert undoing["state"] in ("succeeded", "executing", "in_doubt", "failed"), undoing

    @staticmethod
    def _compensated(place: Place, action: dict[str, Any]) -> bool:
        return bool(place["helper"].action(action["id"])["state"] == "compensated")
