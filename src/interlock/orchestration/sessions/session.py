"""One session as the process holds it: its facts, its history, and the memory of what it has heard and seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from interlock.governance.labels import Declassification, Memory
from interlock.orchestration.sessions.overheard import Overheard
from interlock.orchestration.sessions.plan import OUTSIDE, Plan
from interlock.values.labels import Origin
from interlock.values.operations import Operation
from interlock.values.principals import Kind, Principal


@dataclass(slots=True)
class Session:
    """A session. `document()` is what is stored; history and memory are rebuilt from its actions."""

    id: str
    tenant: str
    opener: str
    agent: str = ""
    channel: str = "api"
    customer: str = field(default="", repr=False)
    verification: str = "none"
    purpose: str = ""
    consent: tuple[str, ...] = ()
    person: dict[str, Any] | None = field(default=None, repr=False)
    plan: Plan | None = None
    requests: list[str] = field(default_factory=list, repr=False)
    opened_at: float = 0.0
    expires_at: float = 0.0
    closed: bool = False
    revision: int = 0
    pending: int = 0
    done: list[str] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    repeats: Counter[str] = field(default_factory=Counter)
    actions: int = 0
    memory: Memory = field(default_factory=Memory, repr=False)
    overheard: list[Overheard] = field(default_factory=list, repr=False)
    declassified: list[Declassification] = field(default_factory=list, repr=False)
    joined: list[str] = field(default_factory=list)
    """Agents beside the one that it names: those that a request was handed over to, or that work in a team."""

    def begin(self, operation: str, arguments_digest: str) -> dict[str, int]:
        """Count one proposed action; return what was counted before it (`context.usage`)."""
        before = self.usage(operation, arguments_digest)
        self.actions += 1
        self.calls[operation] += 1
        self.repeats[operation + arguments_digest] += 1
        return before

    def count(self, calls: Mapping[str, int]) -> None:
        """Take over how many actions there were, by operation, where only the newest were begun again one by one."""
        self.calls = Counter(calls)
        self.actions = sum(calls.values())

    def succeed(
        self,
        operation: Operation,
        arguments: dict[str, Any],
        output: Any,
        origins: Mapping[str, Origin] | None = None,
        *,
        agreed: bool = False,
        steered: bool | None = None,
    ) -> None:
        """Take one succeeded action into history and memory.

        *origins* are its arguments', where still known; *agreed* says that a person agreed to exactly this, *steered*
        that outsiders' text had a hand in it, as it was decided.
        """
        if operation.id in self.done:  # each stands once, where it succeeded last, so that history stays small
            self.done.remove(operation.id)
        self.done.append(operation.id)
        self.memory.remember(operation, output, arguments, origins, agreed=agreed, steered=steered)

    def hear(self, text: str) -> None:
        """Take a turn of the person, which is trusted text."""
        self.requests.append(text)
        self.memory.hear(text)

    def overhear(self, texts: Iterable[Overheard]) -> None:
        """Take texts of outsiders into memory: what the caller's own tools gave to the model."""
        for heard in texts:
            if heard.text:
                self.memory.remember(heard.operation, heard.value)
            else:
                self.memory.lose()

    def view(self, levels: tuple[str, ...], *, place: str | None = None) -> dict[str, Any]:
        """Return what policies and facts may know of the session.

        *place* is that of the use in the session's plan; None where no plan was carried, or needed, when it was asked.
        """
        return {
            "id": self.id,
            "channel": self.channel,
            "customer": self.customer or None,
            "verification": self.verification,
            "verified": levels.index(self.verification) if self.verification in levels else 0,
            "purpose": self.purpose,
            "consent": list(self.consent),
            "done": list(self.done),
            "person": self.person,
            "requested": bool(self.requests),
            "in_plan": place != OUTSIDE,
            "planned": bool(place),
            "tainted": self.memory.tainted,
            "seen": {**self.memory.seen.to_json(), "rank": self.memory.seen.confidentiality.value},
        }

    def usage(self, operation: str, arguments_digest: str) -> dict[str, int]:
        """Return what policies see as `context.usage`."""
        return {
            "session_actions": self.actions,
            "operation_calls": self.calls[operation],
            "repeats": self.repeats[operation + arguments_digest],
        }

    def admits(self, principal: Principal) -> bool:
        """Return whether *principal* may work in the session: its opener, its person, the agent it names, or one that
        has joined it.
        """
        if principal.tenant != self.tenant:
            return False
        if principal.name == self.opener or self.is_person(principal):
            return True
        return principal.kind is Kind.agent and principal.id in (self.agent, *self.joined)

    def over(self, now: float) -> bool:
        """Return whether the session was closed or its time has run out at *now*."""
        return self.closed or now > self.expires_at

    def is_person(self, principal: Principal) -> bool:
        """Return whether *principal* is the person that the session acts for."""
        return principal.kind is Kind.person and self.person is not None and principal.id == self.person["id"]

    def extends(self, principal: Principal) -> bool:
        """Return whether *principal* may add to the session: its opener or its person, never an agent."""
        return principal.kind is not Kind.agent and (principal.name == self.opener or self.is_person(principal))

    def document(self) -> dict[str, Any]:
        """Return what is stored of the session."""
        return {
            "agent": self.agent,
            "channel": self.channel,
            "customer": self.customer,
            "verification": self.verification,
            "purpose": self.purpose,
            "consent": list(self.consent),
            "person": self.person,
            "plan": [step.to_json() for step in self.plan] if self.plan is not None else None,
            "requests": self.requests,
            **({"overheard": [heard.to_json() for heard in self.overheard]} if self.overheard else {}),
            **({"joined": list(self.joined)} if self.joined else {}),
            **({"declassified": [given.to_json() for given in self.declassified]} if self.declassified else {}),
        }

    def to_json(self, *, reasons: bool = False) -> dict[str, Any]:
        """Return the session as its opener sees it; with the *reasons* of declassifications for who may read them."""
        shown = self.document()
        shown.pop("overheard", None)
        if not reasons:
            for given in shown.get("declassified", ()):
                del given["reason"]
        return {
            "id": self.id,
            "state": "closed" if self.closed else "open",
            "opener": self.opener,
            **shown,
            "done": list(self.done),
            "actions": self.actions,
            "opened_at": self.opened_at,
            "expires_at": self.expires_at,
        }
