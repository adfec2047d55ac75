"""What models may cost: budgets in money and tokens, and the ledger that holds to them."""

from __future__ import annotations

from interlock.governance.budgets.budget import (
    MICRO,
    AfterCrash,
    Amount,
    Budget,
    BudgetPlan,
    Charge,
    Period,
    Scope,
    Spender,
    Unpriced,
    Worst,
)
from interlock.governance.budgets.errors import BudgetExceeded, BudgetUnpriced
from interlock.governance.budgets.ledger import Asking, Ledger, Reservation, Settlement
from interlock.governance.budgets.settings import budgets_of, micro, money_text

__all__ = [
    "MICRO",
    "AfterCrash",
    "Amount",
    "Asking",
    "Budget",
    "BudgetExceeded",
    "BudgetPlan",
    "BudgetUnpriced",
    "Charge",
    "Ledger",
    "Period",
    "Reservation",
    "Scope",
    "Settlement",
    "Spender",
    "Unpriced",
    "Worst",
    "budgets_of",
    "micro",
    "money_text",
]
