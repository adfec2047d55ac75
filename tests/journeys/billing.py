"""The billing service of the Northwind example as a process, and what its own database says was done."""

from __future__ import annotations

import sqlite3
import sys
from collections import Counter
from pathlib import Path

from interlock.testing.servers import free_port
from tests.journeys.process import Program

SERVICE = Path(__file__).parents[2] / "examples" / "northwind" / "services" / "billing.py"


class Billing(Program):
    """Billing knows nothing of Interlock; each of its effects is a row that nobody can argue with."""

    def __init__(self, folder: Path, *, token: str) -> None:
        port = free_port()
        self.file = folder / "billing.sqlite"
        command = [sys.executable, str(SERVICE), "--db", str(self.file), "--port", str(port)]
        super().__init__(command, environment={"BILLING_TOKEN": token}, port=port, log=folder / "billing.log")

    def start(self, *faults: str) -> None:
        """Start it, with its own ways to fail if any are named."""
        self.launch(*faults, ready="/healthz")

    def effects(self, kind: str) -> Counter[int]:
        """Return how often *kind* (`created`, `cancelled`) really happened, by order."""
        with sqlite3.connect(self.file) as ledger:
            rows = ledger.execute(
                "SELECT order_id FROM effects JOIN credit_notes USING (number) WHERE kind = ?", (kind,)
            ).fetchall()
        return Counter(order for (order,) in rows)
