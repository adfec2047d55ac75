"""Kill switches: set by a person, effective at once, journalled, seen by every process."""

from __future__ import annotations

from typing import Any

from interlock.foundation.clock import Clock
from interlock.foundation.store import Database
from interlock.governance.journal import Conflict, Entry, Journal
from interlock.governance.limits import store
from interlock.governance.limits.errors import SwitchInvalid, SwitchNotSet
from interlock.governance.limits.switch import Switch, SwitchTarget
from interlock.values.principals import Principal

REASON_LENGTH = 500
_REMOTE_AGE = 0.25


class Switches:
    """All switches that are set, held in memory.

    What this process sets counts when `set` returns. What another one sets counts here at the next `refresh`,
    which asks the database for one number: each time with SQLite, where that takes microseconds, and at most
    every quarter of a second with PostgreSQL (or every *age* seconds).
    """

    def __init__(self, database: Database, journal: Journal, *, clock: Clock, age: float | None = None) -> None:
        self._database = database
        self._journal = journal
        self._clock = clock
        self._age = (0.0 if database.dialect == "sqlite" else _REMOTE_AGE) if age is None else age
        self._set: dict[tuple[str, str, str], Switch] = {}
        self._revision = 0
        self._checked = float("-inf")

    async def open(self) -> None:
        """Make the tables where they are missing, and read what is set."""
        await self._database.migrate(store.CAPABILITY, store.STEPS)
        await self._load()

    async def refresh(self) -> None:
        """Take over what other processes have changed."""
        now = self._clock.monotonic()
        if self._age and now - self._checked < self._age:
            return
        if await store.revision(self._database) != self._revision:
            await self._load()
        self._checked = now

    def all(self, tenant: str) -> list[Switch]:
        """Return the switches that concern *tenant*, oldest first."""
        return [switch for switch in self._set.values() if switch.what.tenant in {"", tenant}]

    def guard(self, *, tenant: str, operation: str, system: str, agent: str = "") -> dict[str, str] | None:
        """Return the guard of a snapshot (`rule`, `text`, `outcome`) if a switch turns this action off.

        *agent* is the id of the agent that acts, or empty.
        """
        if not self._set:
            return None
        candidates = [
            ("installation", "", ""),
            ("tenant", tenant, tenant),
            ("system", system, ""),
            ("system", system, tenant),
            ("operation", operation, ""),
            ("operation", operation, tenant),
            ("agent", agent, ""),
            ("agent", agent, tenant),
        ]
        for candidate in candidates:
            switch = self._set.get(candidate)
            if switch is not None:
                text = f"Switched off ({switch.what.name}): {switch.reason}"
                return {"rule": f"switch-{switch.what.scope.value}", "text": text, "outcome": "deny"}
        return None

    async def set(self, what: SwitchTarget, *, reason: str, by: Principal) -> Switch:
        """Switch *what* off; durable and effective on return. Setting it again changes the reason.

        The caller has made sure that *by* may. Raises `SwitchInvalid` without a reason.
        """
        reason = reason.strip()
        if not reason or len(reason) > REASON_LENGTH:
            raise SwitchInvalid(
                "a switch needs a reason", fix=f"say in at most {REASON_LENGTH} characters why; others will read it"
            )
        switch = Switch(what, reason, by.name, self._clock.now())
        entry = self._entry("switch.set", what, by, {"reason": reason})
        await self._journal.record([entry], changes=[store.saved(switch), store.CHANGED])
        await self._load()
        return switch

    async def clear(self, what: SwitchTarget, *, by: Principal) -> None:
        """Switch *what* on again. The caller has made sure that *by* may. Raises `SwitchNotSet`."""
        try:
            entry = self._entry("switch.cleared", what, by, {})
            await self._journal.record([entry], guards=[store.removed(what)], changes=[store.CHANGED])
        except Conflict as error:
            await self._load()
            raise SwitchNotSet(
                f"there is no switch set for {what.name}", fix="list the switches; somebody may have cleared it"
            ) from error
        await self._load()

    def _entry(self, kind: str, what: SwitchTarget, by: Principal, fields: dict[str, Any]) -> Entry:
        body = {"scope": what.scope.value, "target": what.target, "tenant": what.tenant}
        tenant = what.tenant or by.tenant
        return Entry(kind, tenant, f"switch:{what.scope.value}:{what.target}", actor=by.name, body=body, fields=fields)

    async def _load(self) -> None:
        # The number is read first: a change in between is then read again rather than missed.
        revision = await store.revision(self._database)
        found = await store.switches(self._database)
        self._set = {
            (what.scope.value, what.target, what.tenant): switch for switch in found for what in (switch.what,)
        }
        self._revision = revision
        self._checked = self._clock.monotonic()
