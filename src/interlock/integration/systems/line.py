"""One system while it is in use: its connector, the way to it, and how it has been doing."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from typing import Any

from interlock.foundation.clock import Clock, rfc3339
from interlock.governance.limits import Breaker, BreakerLimits, BreakerState, Bulkhead
from interlock.integration.connectors.interface import Answer, Connector, SystemDeclaration
from interlock.integration.systems.holding import Hold
from interlock.integration.systems.passage import AWAY, Call, passage

LAST_CALLS = 60.0  # how long a line that is being retired waits for the calls still under way


@dataclass(slots=True)
class Record:
    """How a system has been doing since its line was opened."""

    calls: int = 0
    failures: int = 0
    last_good: float = 0.0
    last_bad: float = 0.0
    last_problem: str = ""


class Line:
    """Calls go in through `call`; `retire` closes the connector when the last one has come out."""

    def __init__(self, system: SystemDeclaration, mark: str, connector: Connector, clock: Clock) -> None:
        self.system = system
        self.mark = mark
        self.connector = connector
        self._clock = clock
        limits = system.limits
        self._breaker = Breaker(clock=clock, limits=BreakerLimits(failures=limits.failures, pause=limits.pause))
        self._bulkhead = Bulkhead(limits.concurrency, queue=limits.queue)
        self._hold = Hold(limits.hold, clock)
        self._way = passage(
            connector, limits, breaker=self._breaker, bulkhead=self._bulkhead, hold=self._hold, clock=clock
        )
        self._record = Record()
        self._under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def call(self, call: Call) -> Answer:
        """Return what came of *call*, and remember how it went."""
        self._under_way += 1
        self._idle.clear()
        try:
            answer = await self._way.run(call)
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._idle.set()
        self._note(answer)
        return answer

    def _note(self, answer: Answer) -> None:
        record = self._record
        record.calls += 1
        code = answer.problem["code"] if answer.problem is not None else ""
        if code in AWAY:
            record.failures += 1
            record.last_bad = self._clock.now()
            record.last_problem = code
        elif answer.sent:
            record.last_good = self._clock.now()

    async def retire(self) -> None:
        """Wait for the calls under way, for a while, and close the connector."""
        try:
            async with asyncio.timeout(LAST_CALLS):
                await self._idle.wait()
        except TimeoutError:
            pass  # whoever still waits gets what closing gives them
        await self.connector.close()

    def health(self) -> dict[str, Any]:
        """Return what an operator wants to know: `ok`, `failing` or `unknown`, and why."""
        record = self._record
        state = self._breaker.state
        well = "unknown" if not record.calls else "ok"
        if state is not BreakerState.closed or record.last_bad > record.last_good:
            well = "failing"
        health: dict[str, Any] = {
            "system": self.system.name,
            "connector": self.system.connector,
            "state": well,
            "breaker": state.value,
            "calls": record.calls,
            "failures": record.failures,
            "under_way": self._bulkhead.inside,
            "waiting": self._bulkhead.waiting,
        }
        if held := self._hold.left:
            health["held"] = math.ceil(held)
        if record.last_good:
            health["last_good"] = rfc3339(record.last_good)
        if record.last_bad:
            health |= {"last_bad": rfc3339(record.last_bad), "last_problem": record.last_problem}
        return health
