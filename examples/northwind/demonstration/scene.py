"""Who takes part in the demo, and what they can do: ask, propose, approve, look."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from examples.northwind.demonstration.books import Books
from examples.northwind.demonstration.paper import Page
from examples.northwind.demonstration.processes import Town
from examples.northwind.demonstration.rest import Caller, Json

NAMES = {
    "maria": ("person", "maria.anders", ("act",)),
    "thomas": ("person", "thomas.hardy", ("act",)),
    "laurence": ("person", "laurence.lebihan", ("act",)),
    "laura": ("person", "laura.callahan", ("act",)),
    "margaret": ("person", "margaret.peacock", ("act", "approve")),
    "michael": ("person", "michael.suyama", ("act", "approve")),
    "steven": ("person", "steven.buchanan", ("approve", "read")),
    "andrew": ("person", "andrew.fuller", ("approve", "read")),
    "portal": ("service", "portal", ("act",)),
    "support": ("agent", "support", ("act",)),
    "desk": ("agent", "orders-desk", ("act",)),
}
"""Everybody with a key: kind, id and what the key is for. Anne's own key is made on the command line."""

CUSTOMERS = {"maria": "ALFKI", "thomas": "AROUT", "laurence": "BONAP"}


class Unexpected(RuntimeError):
    """A step did not come to the point that it is about."""


@dataclass
class Scene:
    """The callers, the systems behind, and what earlier steps left for later ones."""

    callers: dict[str, Caller]
    town: Town
    books: Books
    remembered: dict[str, Json] = field(default_factory=dict)
    _seen: dict[str, int] = field(default_factory=dict)

    def who(self, name: str) -> Caller:
        """Return a caller by the short name."""
        return self.callers[name]

    def full_name(self, name: str) -> str:
        """Return a person's name as one writes it, with the account where it is a customer."""
        written = self.who(name).name.replace(".", " ").title()
        return f"{written}, {CUSTOMERS[name]}" if name in CUSTOMERS else written

    def open(self, customer: str, *, agent: str = "support", verification: str = "basic") -> str:
        """Let the portal open a session for a customer who has signed in; return its id."""
        opened = self.who("portal").post(
            "/v1/sessions",
            agent=agent,
            channel="portal",
            person=self.who(customer).name,
            customer=CUSTOMERS[customer],
            verification=verification,
        )
        return str(opened["id"])

    def ask(self, page: Page, session: str, words: str, *, customer: str, agent: str = "support") -> list[Json]:
        """Let a customer's words reach the agent through the portal; show and return the agent's proposals."""
        return self.tell(page, self.who("portal"), session, words, name=self.full_name(customer), agent=agent)

    def tell(self, page: Page, via: Caller, session: str, words: str, *, name: str, agent: str) -> list[Json]:
        """Give an agent somebody's words with the authority of *via*; show and return its proposals."""
        page.said(name, words)
        turn = via.post("/v1/ask", agent=agent, session=session, request=words)
        proposals = self.proposals(session)
        for action in proposals:
            page.proposed(action)
        page.answered(str(turn.get("answer", "")))
        self._name_model(page, turn["model"])
        return proposals

    def _name_model(self, page: Page, model: Json) -> None:
        """Show once who thinks for the agents."""
        if "model" not in self.remembered:
            self.remembered["model"] = model
            page.note("model", f"{model['provider']}: {model['model']}")

    def proposals(self, session: str) -> list[Json]:
        """Return the actions proposed in a session since the last look, oldest first."""
        found = self.who("anne").get(f"/v1/actions?session={session}&limit=200")["items"][::-1]
        fresh = found[self._seen.get(session, 0) :]
        self._seen[session] = len(found)
        return list(fresh)

    def propose(self, page: Page, agent: str, session: str, operation: str, **arguments: Any) -> Json:
        """Let an agent of somebody else's make, which the demo plays, propose an action; show and return it."""
        action = self.who(agent).post("/v1/actions", session=session, operation=operation, input=arguments)
        self._seen[session] = self._seen.get(session, 0) + 1
        page.proposed(action)
        return action

    def action(self, action: Json) -> Json:
        """Return an action as it is now."""
        return self.who("anne").get(f"/v1/actions/{action['id']}")

    def origin(self, action: Json, argument: str) -> Json:
        """Return where an argument's value came from, as the journal has it."""
        traced = self.who("anne").get(f"/v1/actions/{action['id']}/trace")
        return dict(traced["context"]["origins"][argument])

    def approval(self, action: Json, role: str) -> Json:
        """Return what waits for a role about an action. Raises `Unexpected` where nothing does."""
        for approval in self.action(action)["approvals"]:
            if approval["state"] == "pending" and approval["role"] == role:
                return dict(approval)
        raise Unexpected(f"nothing waits for a {role}; the action is {self.action(action)['state']}")

    def until(self, truth: Callable[[], bool], *, seconds: float = 20.0) -> bool:
        """Wait until something is so; return whether it came to be."""
        deadline = time.monotonic() + seconds
        while not truth():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True


def last(actions: list[Json], operation: str) -> Json:
    """Return the last proposal of *operation*. Raises `Unexpected` if there is none."""
    for action in reversed(actions):
        if action["operation"] == operation:
            return action
    proposed = ", ".join(action["operation"] for action in actions) or "nothing"
    raise Unexpected(f"the agent proposed {proposed}, not {operation}")


def set_up(town: Town) -> Scene:
    """Build and start everything, and give everybody a key. Raises `Broken` and `Refused`."""
    town.build()
    # The first key is made on the command line, where there is nobody yet to ask for one.
    words = ("--kind", "person", "--id", "anne.dodsworth", "--scopes", "act,approve,read,admin")
    printed = town.command("keys", "create", "--local", "--json", *words)
    town.start()
    anne = Caller("anne.dodsworth", town.url, json.loads(printed)["text"])
    callers = {"anne": anne}
    for name, (kind, who, scopes) in NAMES.items():
        made = anne.post("/v1/keys", kind=kind, id=who, scopes=list(scopes))
        callers[name] = Caller(who, town.url, made["text"])
    return Scene(callers, town, Books(town.erp, town.billing_file, town.helpdesk_file))
