"""Metering one model call: reserved before it, settled with its record, and never silently free."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from interlock.foundation.clock import Clock
from interlock.foundation.telemetry import Metrics
from interlock.governance.budgets import MICRO, Asking, Charge, Ledger, Reservation, Settlement, Spender, money_text
from interlock.governance.journal import Conflict, Entry, Journal
from interlock.intelligence.gateway import FormatInvalid, ModelRequest, Route, RouteExhausted, RouteUnknown, Usage
from interlock.intelligence.gateway.errors import OBJECTED
from interlock.intelligence.usage.prices import UNMETERED, Prices
from interlock.intelligence.usage.store import CallRow, called
from interlock.intelligence.usage.worst import bounds, worst_cases

LOST = frozenset({"model_timed_out", "model_unreadable", "model_cut_off", "left"})
"""Outcomes of a call that a provider may have carried out and charged for, without our knowing what it took."""

UNUSED = frozenset({"declined", "model_changed", "model_held", "unused", *OBJECTED})
"""Outcomes of a call that a provider answered, and whose answer was not used: it is charged for all the same."""

ALARMS = "interlock_model_usage_alarms_total"


@dataclass(frozen=True, slots=True)
class Answer:
    """What one attempt came to: an *outcome* (`ok` or an error's code), who was asked, and the reported tokens."""

    outcome: str
    provider: str
    model: str
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True)
class _Bill:
    """What an answer is settled to; *cost* is None where nobody knows it, *alarm* says what is wrong with the usage."""

    target: str
    usage: Usage
    cost: int | None
    alarm: str = ""
    metered: bool = True


class Metering:
    """Meters every model call of an installation by the project's prices and budgets."""

    def __init__(self, ledger: Ledger, journal: Journal, clock: Clock, metrics: Metrics) -> None:
        self.ledger = ledger
        self.journal = journal
        self.clock = clock
        self.metrics = metrics
        self.prices = Prices()

    def use(self, prices: Prices) -> None:
        """Price calls by *prices* from now on."""
        self.prices = prices

    async def begin(self, route: Route, request: ModelRequest) -> MeteredCall:
        """Reserve what a call on *route* may come to. Raises `BudgetExceeded` and `BudgetUnpriced`."""
        about = request.metadata
        spender = Spender(
            tenant=str(about.get("tenant", "")),
            caller=str(about.get("actor", "")),
            agent=str(about.get("agent", "")),
            route=route.name,
            use_case=str(about.get("use_case", "")),
        )
        plan = self.ledger.plan
        reservation = Reservation()
        if plan.budgets:
            worst = worst_cases(route, request, self.prices, output=plan.output_of(route.name))
            session = str(about.get("session", ""))
            reservation = await self.ledger.reserve(Asking(spender, worst, session, spender.caller))
        return MeteredCall(self, route, request, spender, reservation)


class MeteredCall:
    """One call to a route, with all its attempts. Whoever began it records every attempt, then closes it once."""

    def __init__(
        self, metering: Metering, route: Route, request: ModelRequest, spender: Spender, reservation: Reservation
    ) -> None:
        self._metering = metering
        self._route = route
        self._request = request
        self._spender = spender
        self._reservation = reservation
        self._settled = not reservation.holds
        self._charges: list[Charge] = []
        self.cost: str = ""
        """What the answer cost, as decimal text; `unknown`, or empty while there is no answer."""

    async def record(self, entry: Entry, answer: Answer) -> None:
        """Journal one attempt; with the one that was answered, settle the reservation and count what it took."""
        if answer.outcome in UNUSED:
            await self._answered(entry, answer, last=False)
        elif answer.outcome == "ok":
            await self._answered(entry, answer, last=True)
        else:
            await self._failed(entry, answer)

    async def _answered(self, entry: Entry, answer: Answer, *, last: bool) -> None:
        bill = self._bill(answer)
        self.cost = "unknown" if bill.cost is None else money_text(bill.cost)
        body = {**entry.body, "cost": self.cost, "currency": self._metering.prices.currency}
        if self._reservation.holds:
            body |= {"reservation": self._reservation.id, "reserved": self._reserved()}
        entries = [replace(entry, body=body)]
        if bill.alarm:
            entries.append(self._alarm(entry, bill.alarm, answer))
        self._charges.append(Charge(bill.cost, bill.usage.input_tokens + bill.usage.output_tokens, bill.target))
        settlement = Settlement()
        if last and not self._settled:
            settlement = self._metering.ledger.settlement(self._reservation, self._charges)
        await self._write(entries, settlement, self._row(answer, bill))
        self._count(bill)
        if last:
            self._settled = True
            self._metering.ledger.finished(self._reservation)

    async def close(self, error: BaseException | None) -> None:
        """End the call: what it still holds is given back where no provider can have charged for it, else kept.

        *error* is what the call ended with. Nothing is charged for a route whose providers all refused or failed; what
        its attempts took is charged for one whose answers were lost or not used.
        """
        if self._settled:
            return
        self._settled = True
        ledger = self._metering.ledger
        why = getattr(error, "code", "") or type(error).__name__
        ended = isinstance(error, (RouteExhausted, RouteUnknown, FormatInvalid))
        if self._charges and (ended or error is None):
            await ledger.charge(self._reservation, self._charges, why=why if ended else "declined")
        elif ended:
            await ledger.release(self._reservation, why=why)
        else:
            await ledger.keep(self._reservation, why=why, known=self._charges)

    # --- within -----------------------------------------------------------------------------------------------

    async def _failed(self, entry: Entry, answer: Answer) -> None:
        entries = [entry]
        if answer.outcome in LOST and answer.provider not in UNMETERED:
            price = self._metering.prices.of(answer.provider, answer.model)
            entered, answered = self._most(answer)
            most = price.most(entered, answered) if price is not None else None
            self._charges.append(Charge(most, entered + answered, self._target(answer), sure=False))
            entries.append(self._alarm(entry, "lost", answer))
        await self._metering.journal.record(entries)

    def _bill(self, answer: Answer) -> _Bill:
        prices, usage = self._metering.prices, answer.usage
        target = self._target(answer)
        price = prices.of(answer.provider, answer.model) or prices.of(answer.provider, target)
        if answer.provider in UNMETERED:
            return _Bill(target, usage, 0)
        alarm = _wrong(usage)
        if alarm:  # as much as it can have been
            entered, answered = self._most(answer)
            cost = price.most(entered, answered) if price is not None else None
            return _Bill(target, Usage(entered, answered), cost, alarm, metered=False)
        if price is None:
            return _Bill(target, usage, None, "unpriced")
        cost = price.cost(usage)
        reserved = self._reservation
        over = reserved.holds and (cost > reserved.money or usage.input_tokens + usage.output_tokens > reserved.tokens)
        return _Bill(target, usage, cost, "overrun" if over else "")

    async def _write(self, entries: list[Entry], settlement: Settlement, row: CallRow) -> None:
        journal, changes = self._metering.journal, [called(row)]
        try:
            await journal.record(
                entries, guards=settlement.guards, changes=[*settlement.changes, *changes], shared=settlement.shared
            )
        except Conflict:  # the reservation was closed in our absence; the call itself is still recorded
            await journal.record(entries, changes=changes)

    def _row(self, answer: Answer, bill: _Bill) -> CallRow:
        who, usage = self._spender, bill.usage
        return CallRow(
            at=self._metering.clock.now(),
            tenant=who.tenant,
            caller=who.caller,
            agent=who.agent,
            route=who.route,
            use_case=who.use_case,
            provider=answer.provider,
            model=answer.model,
            session=str(self._request.metadata.get("session", "")),
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cached_tokens=usage.cached_tokens,
            reasoning_tokens=usage.reasoning_tokens,
            cost=bill.cost,
            currency=self._metering.prices.currency,
            metered=int(bill.metered),
        )

    def _alarm(self, entry: Entry, reason: str, answer: Answer) -> Entry:
        self._metering.metrics.count(ALARMS, reason)
        body: dict[str, Any] = {"reason": reason, "route": self._route.name}
        body |= {"provider": answer.provider, "model": answer.model, "reservation": self._reservation.id}
        return replace(entry, kind="usage.alarm", body=body, fields={})

    def _count(self, bill: _Bill) -> None:
        metrics, names = self._metering.metrics, (self._route.name, bill.target or "other")
        usage = bill.usage.to_json()
        for kind, tokens in usage.items():
            if tokens:
                metrics.count("interlock_model_tokens_total", *names, kind.removesuffix("_tokens"), by=tokens)
        if bill.cost:
            currency = self._metering.prices.currency
            metrics.count("interlock_model_cost_total", *names, currency, by=bill.cost / MICRO)

    def _reserved(self) -> Mapping[str, Any]:
        return {"money": money_text(self._reservation.money), "tokens": self._reservation.tokens}

    def _most(self, answer: Answer) -> tuple[int, int]:
        """Return the most that the model which gave *answer* can have read and answered."""
        output = self._metering.ledger.plan.output_of(self._route.name)
        model = self._target(answer)
        asked = [one.provider for target in self._route.targets for one in target.instances]
        alike = [provider for provider in asked if provider.name == answer.provider and model in ("", provider.model)]
        found = [bounds(provider, self._request, output) for provider in alike or asked]
        return max(entered for entered, _ in found), max(answered for _, answered in found)

    def _target(self, answer: Answer) -> str:
        """Return the model of the route's target that gave *answer*, which may call itself something longer."""
        asked = (one.provider for target in self._route.targets for one in target.instances)
        names = [provider.model for provider in asked if provider.name == answer.provider]
        if answer.model in names or len(set(names)) == 1:
            return answer.model if answer.model in names else names[0]
        return max((name for name in names if answer.model.startswith(name)), key=len, default="")


def _wrong(usage: Usage) -> str:
    """Return what is wrong with reported *usage*: `missing`, `contradictory`, or nothing."""
    if not usage.input_tokens and not usage.output_tokens:
        return "missing"
    counts = (usage.input_tokens, usage.output_tokens, usage.cached_tokens, usage.reasoning_tokens)
    contradictory = usage.cached_tokens > usage.input_tokens or usage.reasoning_tokens > usage.output_tokens
    return "contradictory" if contradictory or min(counts) < 0 else ""
