"""What a call takes from outside: the time, pauses, and chance; so that a test can give it others."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from interlock.foundation.clock import Clock, SystemClock


@dataclass(frozen=True, slots=True)
class Surroundings:
    """*pause* waits so many seconds; *chance* gives a number from 0 to below 1."""

    clock: Clock = field(default_factory=SystemClock)
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    chance: Callable[[], float] = random.random
