"""Errors of budgets.

InterlockError
 +-- BudgetExceeded     a call could cost more than a hard limit leaves
 +-- BudgetUnpriced     a limit in money cannot be held, because nobody knows what a model costs
"""

from __future__ import annotations

from interlock.values.errors import InterlockError


class BudgetExceeded(InterlockError):
    """A call could cost more than a hard limit leaves. Nothing was reserved and no model was called.

    `details` name the budget, its period, what it limits (`money` or `tokens`), the limit, what is spent and reserved
    of it, what the call may need, and in `retry_after` the seconds after which it may fit, where that can be said.
    """

    code = "budget_exceeded"
    status = 429
    title = "A budget does not allow the call"
    transient = True


class BudgetUnpriced(InterlockError):
    """A hard limit in money counts this call, and prices.yaml has no price of a model that may answer it."""

    code = "budget_unpriced"
    status = 403
    title = "The cost of the call is unknown"
