"""The ledger of reservations: the worst case is reserved before a call, and settled to the real figure after it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from interlock.foundation.clock import Clock
from interlock.foundation.faults import fault
from interlock.foundation.store import Append, Database, Statement
from interlock.governance.budgets import store
from interlock.governance.budgets.budget import (
    ANYTHING,
    AfterCrash,
    BudgetPlan,
    Charge,
    Hold,
    Period,
    PotKey,
    Spender,
    Unpriced,
    Worst,
)
from interlock.governance.budgets.errors import BudgetExceeded, BudgetUnpriced
from interlock.governance.budgets.refusal import exceeded, hindering
from interlock.governance.budgets.settings import money_text
from interlock.governance.journal import Conflict, Entry, Journal
from interlock.values.errors import InterlockError
from interlock.values.identifiers import new_id

log = logging.getLogger("interlock.budgets")

TRIES = 5
"""How often room that others took and gave back at the same moment is tried for anew."""

SERVICE = "service:interlock"


@dataclass(frozen=True, slots=True)
class Reservation:
    """What one call holds until it is settled or released; without holds, no budget counts the call."""

    id: str = ""
    tenant: str = ""
    session: str = ""
    holds: tuple[Hold, ...] = ()

    @property
    def money(self) -> int:
        """The most that it holds in one pot, in micro-units."""
        return max((hold.money for hold in self.holds), default=0)

    @property
    def tokens(self) -> int:
        """The most tokens that it holds in one pot."""
        return max((hold.tokens for hold in self.holds), default=0)


@dataclass(frozen=True, slots=True)
class Asking:
    """A call that wants to spend: on whose behalf, in which session, and the most it may come to by model."""

    spender: Spender
    worst: Sequence[Worst]
    session: str = ""
    actor: str = ""


class Ledger:
    """Reserves, settles and releases, by statements in the journal's own transactions; holds none across a call.

    A hard limit is never exceeded by what is spent and reserved together, however calls of however many processes
    overlap, as long as no call comes to more than its worst case. One that does is settled to what it came to.
    """

    def __init__(
        self, database: Database, journal: Journal, *, clock: Clock, count: Callable[..., None] | None = None
    ) -> None:
        self._database = database
        self._journal = journal
        self._clock = clock
        self._count = count or _count_nothing
        self._plan = BudgetPlan()
        self._open: dict[str, Reservation] = {}
        self._unsent: set[str] = set()
        self._moved: dict[PotKey, None] = {}

    async def open(self) -> None:
        """Make the tables where they are missing."""
        await self._database.migrate(store.CAPABILITY, store.STEPS)

    @property
    def plan(self) -> BudgetPlan:
        """The budgets that hold now."""
        return self._plan

    def use(self, plan: BudgetPlan) -> None:
        """Hold to the budgets of *plan* from now on. What was spent of a budget of the same name stays spent."""
        self._plan = plan

    async def reserve(self, asking: Asking) -> Reservation:
        """Reserve the worst case of a call in every pot it counts in, or in none; durable on return.

        Raises `BudgetExceeded` and `BudgetUnpriced`, both of which are journalled.
        """
        holds = self._plan.holds(asking.spender, asking.worst, self._clock.now())
        if not holds:
            return Reservation()
        reservation = Reservation(new_id("rsv"), asking.spender.tenant, asking.session, tuple(holds))
        await self._check_priced(reservation, asking)
        self._open[reservation.id] = reservation
        try:
            await self._reserve(reservation, asking)
        except BaseException as error:
            self._open.pop(reservation.id, None)
            if not isinstance(error, BudgetExceeded):
                self._unsent.add(reservation.id)  # it may have become durable; nothing was called with it
            raise
        fault("budget.after_reservation")
        return reservation

    def settlement(self, reservation: Reservation, charges: Sequence[Charge]) -> Settlement:
        """Return the changes that settle *reservation* to what its attempts took, for the record of the call.

        Each pot is charged for the models that it counts. A sure charge without money is counted as a call whose cost
        nobody knows.
        """
        changes: list[Statement | Append] = []
        for hold in reservation.holds:
            spent = hold.spent(charges)
            unpriced = any(one.sure and one.money is None and hold.covers(one.model) for one in charges)
            changes.append(store.settled(hold, spent, unpriced=unpriced))
            if spent.money or spent.tokens:
                self._moved[hold.key] = None
        guards = [store.closed(reservation.id)] if reservation.holds else []
        return Settlement(guards, changes, [store.taken(hold.key) for hold in reservation.holds])

    def finished(self, reservation: Reservation) -> None:
        """Say that nothing will be done about *reservation* here any more; what is left open is recovered."""
        self._open.pop(reservation.id, None)

    async def release(self, reservation: Reservation, *, why: str) -> None:
        """Give everything back: the call certainly cost nothing."""
        await self._close(reservation, "budget.released", (), {"why": why})

    async def keep(self, reservation: Reservation, *, why: str, known: Sequence[Charge] = ()) -> None:
        """Settle at the reservation, or at what is *known* where that is more: it may have cost anything up to it."""
        await self._close(reservation, "budget.kept", [*known, ANYTHING], {"why": why})

    async def charge(self, reservation: Reservation, charges: Sequence[Charge], *, why: str) -> None:
        """Settle a call that gave nobody an answer at what its attempts took."""
        kind = "budget.charged" if all(charge.sure for charge in charges) else "budget.kept"
        await self._close(reservation, kind, charges, {"why": why})

    async def run(self, *, every: float = 1.0) -> None:
        """Recover and warn until cancelled. A round that fails is logged and tried again."""
        while True:
            try:
                await self.recover()
                await self.warn()
            except InterlockError as error:
                log.warning("round of budgets failed: %s", error.code)
            await asyncio.sleep(every)

    async def recover(self) -> int:
        """Close reservations that nobody takes care of any more, as the plan declares; return how many.

        Those are what dead processes held, and what this one could not close when the database was away.
        """
        closed = 0
        for owner in await store.owners(self._database):
            if owner == self._journal.writer:
                closed += await self._recover(owner)
            elif await self._database.claim(owner):
                try:
                    closed += await self._recover(owner)
                finally:
                    await self._database.release(owner)
        return closed

    async def warn(self) -> int:
        """Journal each soft limit that was passed since the last look, once in each period; return how many."""
        moved, self._moved = self._moved, {}
        watched = [
            key for key in moved if (b := self._plan.budgets.get(key.budget)) and (b.soft_money or b.soft_tokens)
        ]
        told = 0
        try:
            for pot in await store.pots(self._database, watched):
                told += await self._warn(pot)
        except InterlockError:
            self._moved = {**moved, **self._moved}
            raise
        return told

    async def pots(self, *, tenant: str = "") -> list[dict[str, Any]]:
        """Return what every pot of the current periods stands at; of one *tenant*, or of all."""
        now = self._clock.now()
        periods = {budget.period.key(now) for budget in self._plan.budgets.values()}
        found = await store.every_pot(self._database, sorted(periods))
        return [
            pot_json(pot, self._plan)
            for pot in found
            if pot.key.budget in self._plan.budgets and tenant in ("", pot.key.tenant)
        ]

    async def older(self, before: float) -> int:
        """Return how many pots are of periods that were over by *before* (Unix seconds), and hold nothing."""
        return await store.over(self._database, _periods(before))

    def pruned(self, before: float) -> list[Statement]:
        """Return the changes that let go of them, and of the warnings in those periods."""
        return store.pruned(_periods(before))

    # --- within -----------------------------------------------------------------------------------------------

    async def _reserve(self, reservation: Reservation, asking: Asking) -> None:
        holds = reservation.holds
        stored = store.Reserved(
            reservation.id, self._journal.writer, reservation.tenant, asking.session, self._clock.now(), holds
        )
        entry = self._entry("model.reserved", reservation, self._figures(reservation), actor=asking.actor)
        hindrance = None
        for _ in range(TRIES):
            try:
                await self._journal.record(
                    [entry],
                    guards=[store.held(hold) for hold in holds],
                    changes=[store.reserved(stored)],
                    shared=[store.taken(hold.key) for hold in holds],
                )
                return
            except Conflict:
                pots = await store.pots(self._database, [hold.key for hold in holds])
                hindrance = hindering(holds, pots) or hindrance
                if hindering(holds, pots) is not None:
                    break
        if hindrance is None:  # room was there at each look and gone at each try
            hindrance = (holds[0], store.Pot(holds[0].key), "tokens" if holds[0].hard.money is None else "money")
        budget = self._plan.budgets.get(hindrance[0].key.budget)
        error = exceeded(*hindrance, budget, self._plan.currency, self._clock.now())
        body = {name: error.details[name] for name in ("budget", "period", "limits", "limit", "needed")}
        await self._refuse(error, reservation, asking, body)

    async def _check_priced(self, reservation: Reservation, asking: Asking) -> None:
        for hold in reservation.holds:
            budget = self._plan.budgets[hold.key.budget]
            if hold.priced or hold.hard.money is None or budget.unpriced is Unpriced.allow:
                continue
            unknown = sorted({one.model for one in asking.worst if one.money is None and hold.covers(one.model)})
            error = BudgetUnpriced(
                f"the budget {budget.name!r} limits money, and a model of this route has no known price",
                why=f"prices.yaml has no price of {', '.join(unknown)}",
                fix="add the model to prices.yaml, or set `unpriced: allow` in the budget to let it pass",
                budget=budget.name,
            )
            await self._refuse(error, reservation, asking, {"budget": budget.name, "unpriced": unknown})

    async def _refuse(
        self, error: InterlockError, reservation: Reservation, asking: Asking, body: dict[str, Any]
    ) -> NoReturn:
        refused = {"route": asking.spender.route, "code": error.code, **body}
        await self._journal.record([self._entry("model.refused", reservation, refused, actor=asking.actor)])
        self._count("interlock_budget_refusals_total", str(body["budget"]))
        raise error

    async def _recover(self, owner: str) -> int:
        closed = 0
        for one in await store.owned(self._database, owner):
            if one.id in self._open:
                continue
            reservation = Reservation(one.id, one.tenant, one.session, one.holds)
            if one.id in self._unsent or self._plan.after_crash is AfterCrash.release:
                await self.release(reservation, why="not called" if one.id in self._unsent else "process ended")
            else:
                await self.keep(reservation, why="process ended")
            self._unsent.discard(one.id)
            closed += 1
        return closed

    async def _close(
        self, reservation: Reservation, kind: str, charges: Sequence[Charge], body: dict[str, Any]
    ) -> None:
        if not reservation.holds:
            return
        settlement = self.settlement(reservation, charges)
        if ANYTHING in charges:
            self._count("interlock_model_usage_alarms_total", "lost")
        entry = self._entry(kind, reservation, {**self._figures(reservation), **body})
        try:
            await self._journal.record(
                [entry], guards=settlement.guards, changes=settlement.changes, shared=settlement.shared
            )
        except Conflict:
            log.info("the reservation %s was closed already", reservation.id)
        finally:
            self.finished(reservation)

    async def _warn(self, pot: store.Pot) -> int:
        budget = self._plan.budgets[pot.key.budget]
        passed = [("money", at) for at in budget.soft_money if pot.spent_money >= at]
        passed += [("tokens", at) for at in budget.soft_tokens if pot.spent_tokens >= at]
        told = 0
        for what, at in passed:
            limit = money_text(at) if what == "money" else str(at)
            body = {"budget": budget.name, "pot": pot.key.pot, "period": pot.key.period, "limits": what, "soft": limit}
            body["spent"] = money_text(pot.spent_money) if what == "money" else str(pot.spent_tokens)
            entry = Entry("budget.warned", pot.key.tenant, f"budget:{budget.name}", actor=SERVICE, body=body)
            try:
                await self._journal.record([entry], guards=[store.warned(pot.key, f"{what}:{at}")])
            except Conflict:
                continue  # it was told already, here or by another process
            log.warning("budget %s (%s): %s of %s passed", budget.name, pot.key.period, limit, what)
            self._count("interlock_budget_warnings_total", budget.name)
            told += 1
        return told

    def _figures(self, reservation: Reservation) -> dict[str, Any]:
        budgets = list(dict.fromkeys(hold.key.budget for hold in reservation.holds))
        reserved = {"money": money_text(reservation.money), "tokens": reservation.tokens}
        return {"reservation": reservation.id, "budgets": budgets, "reserved": reserved}

    def _entry(self, kind: str, of: Reservation, body: dict[str, Any], *, actor: str = SERVICE) -> Entry:
        return Entry(kind, of.tenant, of.session or of.id, session=of.session, actor=actor or SERVICE, body=body)


@dataclass(frozen=True, slots=True)
class Settlement:
    """What goes with the record of a call: guards, changes and rows shared with other processes."""

    guards: Sequence[Statement] = ()
    changes: Sequence[Statement | Append] = ()
    shared: Sequence[Statement] = ()


def pot_json(pot: store.Pot, plan: BudgetPlan) -> dict[str, Any]:
    """Return a pot as a JSON object, money as decimal text."""
    budget = plan.budgets[pot.key.budget]
    return {
        "budget": budget.name,
        "pot": pot.key.pot,
        "period": pot.key.period,
        "spent": {"money": money_text(pot.spent_money), "tokens": pot.spent_tokens},
        "reserved": {"money": money_text(pot.reserved_money), "tokens": pot.reserved_tokens},
        "hard": {
            "money": None if budget.hard.money is None else money_text(budget.hard.money),
            "tokens": budget.hard.tokens,
        },
        "unpriced_calls": pot.unpriced,
        "currency": plan.currency,
    }


def _periods(moment: float) -> list[str]:
    return [period.key(moment) for period in Period if period is not Period.total]


def _count_nothing(name: str, *labels: str) -> None:
    """Nobody counts."""
