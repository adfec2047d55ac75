"""What holds use in bounds: rates, breakers, bulkheads, the loop guard and kill switches."""

from __future__ import annotations

from interlock.governance.limits.breaker import Breaker, BreakerLimits, BreakerState
from interlock.governance.limits.bulkhead import Bulkhead
from interlock.governance.limits.loop_guard import LoopGuard
from interlock.governance.limits.rate import Rate
from interlock.governance.limits.switch import Switch, SwitchScope, SwitchTarget
from interlock.governance.limits.switches import Switches

__all__ = [
    "Breaker",
    "BreakerLimits",
    "BreakerState",
    "Bulkhead",
    "LoopGuard",
    "Rate",
    "Switch",
    "SwitchScope",
    "SwitchTarget",
    "Switches",
]
