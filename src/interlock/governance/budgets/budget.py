"""A budget: which calls count in it, in which pot and period, how much it allows and where it warns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from urllib.parse import quote

MICRO = 1_000_000
"""Money is counted in millionths of the currency, as integers."""


class Scope(StrEnum):
    """What a budget can be for."""

    tenant = "tenant"
    caller = "caller"
    agent = "agent"
    route = "route"
    use_case = "use_case"
    model = "model"


class Period(StrEnum):
    """When a budget begins anew, in UTC."""

    hour = "hour"
    day = "day"
    month = "month"
    total = "total"

    def key(self, now: float) -> str:
        """Return the name of the period that *now* (Unix seconds) is in, such as `2026-05-13`."""
        if self is Period.total:
            return "total"
        return datetime.fromtimestamp(now, UTC).isoformat()[: _LENGTHS[self]]

    def begin(self, now: float) -> float:
        """Return the moment at which the period that *now* is in began; 0 if it always was."""
        hour = datetime.fromtimestamp(now, UTC).replace(minute=0, second=0, microsecond=0)
        day = hour.replace(hour=0)
        began = {Period.hour: hour, Period.day: day, Period.month: day.replace(day=1)}
        return began[self].timestamp() if self in began else 0.0

    def left(self, now: float) -> float | None:
        """Return the seconds until the next period begins; None if none ever does."""
        if self is Period.total:
            return None
        within = {Period.hour: timedelta(hours=1), Period.day: timedelta(days=1), Period.month: timedelta(days=32)}
        following = self.begin(self.begin(now) + within[self].total_seconds())
        return following - now


_SAFE = ":@/ +"  # what names may hold in a pot's name, which "," and "=" divide
_LENGTHS = {Period.hour: 13, Period.day: 10, Period.month: 7}


class Unpriced(StrEnum):
    """What a limit in money does with a model whose price is unknown."""

    refuse = "refuse"
    allow = "allow"


@dataclass(frozen=True, slots=True)
class Amount:
    """Money in micro-units and tokens; as a limit, None stands for no limit."""

    money: int | None = None
    tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Spender:
    """On whose behalf a model is called: *caller* is a principal's name; what is not known is empty."""

    tenant: str = ""
    caller: str = ""
    agent: str = ""
    route: str = ""
    use_case: str = ""

    def of(self, scope: Scope) -> str:
        """Return the member of *scope*; none for the model, which is not the spender's."""
        return str(getattr(self, scope.value))


@dataclass(frozen=True, slots=True)
class Worst:
    """The most that a call may come to if *model* answers it; *money* is None where its price is unknown.

    *adds*: another may answer the same call after it, and both are charged for.
    """

    model: str
    tokens: int
    money: int | None
    adds: bool = False


@dataclass(frozen=True, slots=True)
class Charge:
    """What one attempt took, in micro-units and tokens; None where nobody knows. An empty *model* may be any.

    One that is not *sure* may have taken nothing at all: it counts for as much as the reservation has room for.
    """

    money: int | None = None
    tokens: int | None = None
    model: str = ""
    sure: bool = True


ANYTHING = Charge(sure=False)
"""A call may have taken anything up to its reservation."""


@dataclass(frozen=True, slots=True)
class PotKey:
    """One counter: of a budget, a spender's own or the shared one (empty *pot*), in one period."""

    budget: str
    pot: str
    period: str
    tenant: str = ""


@dataclass(frozen=True, slots=True)
class Hold:
    """What one reservation holds in one pot. *models* are the ones it is held for, empty for any."""

    key: PotKey
    money: int
    tokens: int
    models: tuple[str, ...] = ()
    hard: Amount = Amount()
    priced: bool = True

    def covers(self, model: str) -> bool:
        """Return whether what *model* answered is paid from here; an unknown model (empty) always is."""
        return not self.models or not model or model in self.models

    def spent(self, charges: Sequence[Charge]) -> Amount:
        """Return what *charges* come to in this pot; what nobody knows counts as all that is held."""
        mine = [charge for charge in charges if self.covers(charge.model)]
        money = _come_to([(charge.money, charge.sure) for charge in mine], self.money)
        return Amount(money, _come_to([(charge.tokens, charge.sure) for charge in mine], self.tokens))


@dataclass(frozen=True, slots=True)
class Budget:
    """One budget of the project. *soft* lists money and tokens at which it warns, smallest first."""

    name: str
    period: Period
    hard: Amount = Amount()
    soft_money: tuple[int, ...] = ()
    soft_tokens: tuple[int, ...] = ()
    counts: Mapping[Scope, tuple[str, ...]] = field(default_factory=dict)
    each: tuple[Scope, ...] = ()
    unpriced: Unpriced = Unpriced.refuse
    description: str = ""

    def holds(self, spender: Spender, worst: Sequence[Worst], now: float) -> list[Hold]:
        """Return what a call must hold in this budget's pots, for any of *worst* to answer; empty if none counts."""
        if not all(_fits(patterns, spender.of(scope)) for scope, patterns in self._of_spender):
            return []
        by_model = Scope.model in self.counts or Scope.model in self.each
        patterns = self.counts.get(Scope.model, ("*",))
        counted = [one for one in worst if _fits(patterns, one.model)]
        if not counted:
            return []
        if Scope.model not in self.each:
            return [self._hold(spender, counted, now, by_model=by_model)]
        models = dict.fromkeys(one.model for one in counted)
        alike = ([one for one in counted if one.model == model] for model in models)
        return [self._hold(spender, group, now, by_model=True) for group in alike]

    @property
    def _of_spender(self) -> list[tuple[Scope, tuple[str, ...]]]:
        return [(scope, patterns) for scope, patterns in self.counts.items() if scope is not Scope.model]

    def _hold(self, spender: Spender, worst: Sequence[Worst], now: float, *, by_model: bool) -> Hold:
        values = [worst[0].model if scope is Scope.model else spender.of(scope) for scope in self.each]
        names = [f"{scope}={quote(value, safe=_SAFE)}" for scope, value in zip(self.each, values, strict=True)]
        together = sum if any(one.adds for one in worst) else max
        own = Scope.tenant in self.each or self.counts.get(Scope.tenant, ()) == (spender.tenant,)
        tenant = spender.tenant if own else ""
        return Hold(
            PotKey(self.name, ",".join(names), self.period.key(now), tenant),
            together([one.money for one in worst if one.money is not None] or [0]),
            together([one.tokens for one in worst]),
            tuple(dict.fromkeys(one.model for one in worst)) if by_model else (),
            self.hard,
            all(one.money is not None for one in worst),
        )


def _come_to(amounts: Sequence[tuple[int | None, bool]], held: int) -> int:
    known = sum(amount or 0 for amount, sure in amounts if sure)
    if any(amount is None for amount, sure in amounts if sure):
        known = max(known, held)
    perhaps = sum(held if amount is None else amount for amount, sure in amounts if not sure)
    return max(known, min(known + perhaps, held))


def _fits(patterns: Sequence[str], name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


class AfterCrash(StrEnum):
    """What becomes of the reservations of a process that died."""

    settle = "settle"
    release = "release"


@dataclass(frozen=True, slots=True)
class BudgetPlan:
    """All budgets of a project, and what is reserved for a call that does not say how long its answer may be."""

    budgets: Mapping[str, Budget] = field(default_factory=dict)
    currency: str = ""
    output_tokens: int = 4096
    route_output: Mapping[str, int] = field(default_factory=dict)
    after_crash: AfterCrash = AfterCrash.settle

    def holds(self, spender: Spender, worst: Sequence[Worst], now: float) -> list[Hold]:
        """Return what a call must hold in all pots it counts in, in the one order in which pots are ever touched."""
        found = [hold for budget in self.budgets.values() for hold in budget.holds(spender, worst, now)]
        return sorted(found, key=lambda hold: (hold.key.budget, hold.key.pot, hold.key.period))

    def output_of(self, route: str) -> int:
        """Return the tokens that are reserved for an answer on *route*."""
        return self.route_output.get(route, self.output_tokens)
