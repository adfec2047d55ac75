"""A process that is killed between reserving and calling leaves a reservation, which another one settles."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from interlock.foundation.store import open_database
from interlock.governance.budgets import Amount, Budget, BudgetPlan, Ledger, Period
from interlock.governance.journal import Journal, JournalReader
from interlock.testing.clock import FixedClock

CHILD = """
import asyncio, sys
from pathlib import Path
from interlock.foundation.store import open_database
from interlock.governance.budgets import Amount, Asking, Budget, BudgetPlan, Ledger, Period, Spender, Worst
from interlock.governance.journal import Journal
from interlock.testing.clock import FixedClock

async def main(root):
    database = open_database(f"sqlite:///{root}/i.db")
    await database.open()
    journal = Journal(database, root / "state", clock=FixedClock())
    await journal.open()
    ledger = Ledger(database, journal, clock=FixedClock())
    await ledger.open()
    ledger.use(BudgetPlan({"day": Budget("day", Period.day, Amount(1000))}, "EUR"))
    await ledger.reserve(Asking(Spender("acme"), [Worst("m", 7, 300)]))

asyncio.run(main(Path(sys.argv[1])))
"""


async def test_what_a_killed_process_held_counts_as_spent(tmp_path: Path) -> None:
    environment = {**os.environ, "INTERLOCK_FAULT": "budget.after_reservation"}
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", CHILD, str(tmp_path), env=environment)
    assert await child.wait() == -signal.SIGKILL
    database = open_database(f"sqlite:///{tmp_path}/i.db")
    await database.open()
    journal = Journal(database, tmp_path / "state", clock=FixedClock())
    await journal.open()
    ledger = Ledger(database, journal, clock=FixedClock())
    await ledger.open()
    ledger.use(BudgetPlan({"day": Budget("day", Period.day, Amount(1000))}, "EUR"))
    (pot,) = await ledger.pots()
    assert (pot["spent"]["money"], pot["reserved"]["money"]) == ("0.00", "0.0003")
    assert [await ledger.recover(), await ledger.recover()] == [1, 0]
    (pot,) = await ledger.pots()
    assert (pot["spent"]["money"], pot["reserved"]["money"]) == ("0.0003", "0.00")
    assert (await JournalReader(database, tmp_path / "state").verify()).ok
    await journal.close()
    await database.close()
