"""Everything that one tenant has, and the words by which any of it would be recognised elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.journeys.place import Place

WORDS = "zebra-request-of-acme"
CUSTOMER = "ZEBRA-CUSTOMER"
REASON = "zebra-reason-of-acme"
NOTE = "zebra-note-of-acme"
MARK = "zebra"


@dataclass(frozen=True)
class World:
    """Ids of one tenant's things. *ids* are all of them; whoever has not sent one must never be shown it."""

    session: str
    succeeded: str
    confirming: dict[str, Any]
    approving: dict[str, Any]
    approval: dict[str, Any]
    external: str
    key: str
    run: str
    escalation: str
    turn: str
    team: str

    @classmethod
    def make(cls, town: Place) -> World:
        """Let the first tenant work until it has one of everything."""
        session = town.session(request=WORDS, customer=CUSTOMER)
        helper, ada = town["helper"], town["ada"]

        def credit(amount: float) -> dict[str, Any]:
            arguments = {"order_id": 4711, "customer_id": "ZEBRA", "amount": amount, "reason": f"{MARK} reason"}
            return helper.propose(session, "billing.credit", arguments, key=f"credit-{amount}")

        approving = credit(250.0)
        run = ada.post("/v1/jobs/sort", {"input": {"text": f"{MARK} words"}})
        (escalation,) = town["lena"].get("/v1/escalations")["items"]
        words = {"agent": "helper", "session": session, "request": f"{MARK} hello"}
        turn = town["portal"].post("/v1/ask", words)
        team = town["portal"].post("/v1/teams/line", {"session": session, "request": f"{MARK} hello"})
        switch = {"scope": "operation", "target": "shady.look", "reason": REASON}
        ada.post("/v1/switches", switch)
        return cls(
            session=session,
            succeeded=str(credit(5.0)["id"]),
            confirming=credit(75.0),
            approving=approving,
            approval=town["lena"].action(approving["id"])["approvals"][0],
            external=str(helper.propose(session, "notes.write_note", {"text": f"{MARK} text"})["id"]),
            key=str(ada.post("/v1/keys", {"kind": "agent", "id": "helper", "note": NOTE})["id"]),
            run=str(run["id"]),
            escalation=str(escalation["id"]),
            turn=str(turn["turn"]),
            team=str(team["id"]),
        )

    @property
    def ids(self) -> tuple[str, ...]:
        """Every id."""
        actions = (self.succeeded, self.confirming["id"], self.approving["id"], self.external)
        return (self.session, *actions, self.approval["id"], self.key, self.run, self.escalation, self.turn, self.team)

    def leaked(self, shown: str, sent: str = "") -> list[str]:
        """Return what of this tenant is in *shown* and was not in *sent*."""
        consents = (self.confirming["consent"], self.approval["consent"])
        marks = (*self.ids, *consents, WORDS, CUSTOMER, REASON, NOTE, MARK, MARK.upper())
        return [mark for mark in marks if mark in shown and mark not in sent]
