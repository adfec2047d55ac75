"""Why a call does not fit into a budget, in words and figures for whoever is refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from interlock.governance.budgets.budget import Budget, Hold, Period
from interlock.governance.budgets.errors import BudgetExceeded
from interlock.governance.budgets.settings import money_text
from interlock.governance.budgets.store import Pot

SOON = 1.0
"""Seconds after which to try again where others only hold what they may not need."""

Hindrance = tuple[Hold, Pot, str]
"""The hold that has no room, its pot as it stands, and what it lacks: `money` or `tokens`."""


def hindering(holds: Sequence[Hold], pots: Sequence[Pot]) -> Hindrance | None:
    """Return the first of *holds* for which its pot has no room; None if all have."""
    for hold, pot in zip(holds, pots, strict=True):
        hard = hold.hard
        if hard.money is not None and pot.spent_money + pot.reserved_money + hold.money > hard.money:
            return hold, pot, "money"
        if hard.tokens is not None and pot.spent_tokens + pot.reserved_tokens + hold.tokens > hard.tokens:
            return hold, pot, "tokens"
    return None


def exceeded(hold: Hold, pot: Pot, what: str, budget: Budget | None, currency: str, now: float) -> BudgetExceeded:
    """Return the refusal: which budget, what it limits, what is left, and what to do."""
    money = what == "money"
    limit = (hold.hard.money if money else hold.hard.tokens) or 0
    spent, reserved = (pot.spent_money, pot.reserved_money) if money else (pot.spent_tokens, pot.reserved_tokens)
    needed = hold.money if money else hold.tokens
    left = budget.period.left(now) if budget is not None else None

    def say(amount: int) -> str:
        return f"{money_text(amount)} {currency}".rstrip() if money else f"{amount} tokens"

    details: dict[str, Any] = {"budget": hold.key.budget, "period": hold.key.period, "limits": what}
    details |= {"limit": say(limit), "spent": say(spent), "reserved": say(reserved), "needed": say(needed)}
    if needed > limit:
        fix = "ask for a shorter answer (max_tokens) or send less; the whole budget is smaller than this call may need"
    elif spent + needed <= limit:
        details["retry_after"] = SOON
        fix = "try again in a moment: calls that run hold what they may not need"
    elif left is not None and budget is not None and budget.period is not Period.total:
        details["retry_after"] = max(1.0, left)
        fix = f"wait for the next {budget.period.value}, or have the limit raised in budgets.yaml"
    else:
        fix = "have the limit raised in budgets.yaml"
    why = f"of {say(limit)}, {say(spent)} are spent and {say(reserved)} reserved; this call may need {say(needed)}"
    return BudgetExceeded(f"the budget {hold.key.budget!r} does not allow this call", why=why, fix=fix, **details)
