"""Accepted definitions: what is seen first is pinned, what changes is held back until somebody accepts it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from interlock.foundation.store import Database
from interlock.governance.journal import Conflict, Entry, Journal
from interlock.integration.contracts import store
from interlock.integration.contracts.definition import Definition
from interlock.integration.contracts.differences import Difference, differences
from interlock.integration.contracts.errors import NotQuarantined
from interlock.values.principals import Principal

FIRST_SIGHT = "service:interlock"


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A definition that changed: what was accepted, what is there now, and how they differ."""

    operation: str
    accepted: str
    found: Definition
    differences: tuple[Difference, ...]

    def to_json(self) -> dict[str, Any]:
        """Return it as whoever has to accept it sees it."""
        return {
            "operation": self.operation,
            "accepted": self.accepted,
            "found": self.found.digest,
            "differences": [difference.to_json() for difference in self.differences],
        }


class Pins:
    """The accepted definition of each operation, across restarts and reloads. *tenant* is whose journal tells."""

    def __init__(self, database: Database, journal: Journal, *, tenant: str) -> None:
        self._database = database
        self._journal = journal
        self._tenant = tenant
        self._held: dict[str, Quarantined] = {}
        self._drifted: dict[str, tuple[Difference, ...]] = {}

    async def open(self) -> None:
        """Make the table where it is missing."""
        await self._database.migrate(store.CAPABILITY, store.STEPS)

    async def apply(self, definitions: Mapping[str, Definition]) -> None:
        """Compare the definitions of a project that becomes active with the accepted ones."""
        accepted = await store.accepted(self._database)
        held: dict[str, Quarantined] = {}
        for operation, definition in definitions.items():
            known = accepted.get(operation)
            if known is None:
                await self._pin(operation, definition)
            elif known[0] != definition.digest:
                changed = tuple(differences(known[1], definition.to_json()))
                held[operation] = Quarantined(operation, known[0], definition, changed)
        for operation, quarantined in held.items():
            before = self._held.get(operation)
            if before is None or before.found.digest != quarantined.found.digest:
                body = {"accepted": quarantined.accepted, "found": quarantined.found.digest}
                await self._journal.record([self._entry("definition.quarantined", operation, FIRST_SIGHT, body)])
        self._held = held

    async def guard(self, operation: str) -> dict[str, str] | None:
        """Return the guard of a snapshot if *operation* is quarantined, also when another process accepted it."""
        drifted = self._drifted.get(operation)
        if drifted is not None:
            text = f"The live system offers {operation} differently than the project has it ({_count(drifted)})"
            return {"rule": "definition-drifted", "text": text, "outcome": "deny"}
        held = self._held.get(operation)
        if held is None:
            return None
        if await store.digest_of(self._database, operation) == held.found.digest:
            self._held.pop(operation, None)
            return None
        text = f"The definition of {operation} changed ({_count(held.differences)}) and was not accepted"
        return {"rule": "definition-quarantined", "text": text, "outcome": "deny"}

    async def observe(self, system: str, found: Mapping[str, Sequence[Difference]]) -> None:
        """Take what was seen of a live *system*: the operations that it offers differently now, with how.

        They are held back until the live system offers again what the project has, or the project is changed.
        """
        prefix = f"{system}."
        for operation, changed in found.items():
            if self._drifted.get(operation) != tuple(changed):
                body = {"differences": [difference.pointer for difference in changed]}
                await self._journal.record([self._entry("definition.drifted", operation, FIRST_SIGHT, body)])
        kept = {name: changed for name, changed in self._drifted.items() if not name.startswith(prefix)}
        self._drifted = {**kept, **{name: tuple(changed) for name, changed in found.items()}}

    def drifted(self) -> Mapping[str, tuple[Difference, ...]]:
        """Return the operations that live systems offer differently than the project has them."""
        return self._drifted

    def quarantined(self) -> list[Quarantined]:
        """Return what waits for acceptance, by operation."""
        return [self._held[operation] for operation in sorted(self._held)]

    async def accept(self, operation: str, *, by: Principal) -> Quarantined:
        """Accept the changed definition of *operation*. Raises `NotQuarantined`."""
        held = self._held.get(operation)
        if held is None:
            raise NotQuarantined(
                "no changed definition of this operation waits to be accepted", fix="list them: interlock systems pins"
            )
        body = {"accepted": held.accepted, "found": held.found.digest}
        entry = self._entry("definition.accepted", operation, by.name, body)
        try:
            guard = store.replaced(operation, held.accepted, held.found, by.name)
            await self._journal.record([entry], guards=[guard])
        except Conflict as error:
            raise NotQuarantined("another definition was accepted meanwhile", fix="reload the project") from error
        self._held.pop(operation, None)
        return held

    async def _pin(self, operation: str, definition: Definition) -> None:
        entry = self._entry("definition.pinned", operation, FIRST_SIGHT, {"found": definition.digest})
        try:
            await self._journal.record([entry], guards=[store.first(operation, definition, FIRST_SIGHT)])
        except Conflict:
            return  # another process pinned it at the same moment

    def _entry(self, kind: str, operation: str, actor: str, body: dict[str, Any]) -> Entry:
        return Entry(kind=kind, tenant=self._tenant, subject=operation, actor=actor, body=body)


def _count(changed: Sequence[Difference]) -> str:
    return "1 difference" if len(changed) == 1 else f"{len(changed)} differences"
