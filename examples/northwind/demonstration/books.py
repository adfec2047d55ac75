"""The business systems' own databases, read directly: what really happened, whatever anybody says."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

Row = sqlite3.Row


class Books:
    """Reads the three databases. `change_order` plays a colleague who works in the order desk's own program."""

    def __init__(self, erp: Path, billing: Path, helpdesk: Path) -> None:
        self._erp, self._billing, self._helpdesk = erp, billing, helpdesk

    def order(self, order_id: int) -> Row:
        """Return an order with its account."""
        statement = (
            "SELECT o.*, a.total, a.paid FROM orders AS o JOIN order_accounts AS a ON a.order_id = o.order_id"
            " WHERE o.order_id = ?"
        )
        return _rows(self._erp, statement, order_id)[0]

    def changed_orders(self) -> list[int]:
        """Return the orders that were changed since the database was built."""
        return [row["order_id"] for row in _rows(self._erp, "SELECT order_id FROM orders WHERE version > 1")]

    def notes(self, order_id: int) -> list[Row]:
        """Return the credit notes on an order, oldest first."""
        return _rows(self._billing, "SELECT * FROM credit_notes WHERE order_id = ? ORDER BY number", order_id)

    def amounts(self, order_id: int) -> list[float]:
        """Return what the standing credit notes on an order amount to, oldest first."""
        return [note["amount_cents"] / 100 for note in self.notes(order_id) if note["status"] != "cancelled"]

    def accounts(self) -> list[str]:
        """Return the accounts that any credit note names."""
        rows = _rows(self._billing, "SELECT DISTINCT account FROM credit_notes WHERE account IS NOT NULL")
        return [row["account"] for row in rows]

    def made(self, order_id: int) -> int:
        """Return how many credit notes billing has really made on an order, from its list of effects."""
        statement = (
            "SELECT count(*) AS made FROM effects AS e JOIN credit_notes AS c ON c.number = e.number"
            " WHERE e.kind = 'created' AND c.order_id = ?"
        )
        return int(_rows(self._billing, statement, order_id)[0]["made"])

    def effects(self) -> int:
        """Return how many changes billing has really made."""
        return int(_rows(self._billing, "SELECT count(*) AS made FROM effects")[0]["made"])

    def ticket(self, ticket_id: int) -> Row:
        """Return a ticket."""
        return _rows(self._helpdesk, "SELECT * FROM tickets WHERE ticket_id = ?", ticket_id)[0]

    def replies(self, ticket_id: int) -> list[Row]:
        """Return the replies to a ticket that were written by us."""
        statement = "SELECT * FROM replies WHERE ticket_id = ? AND author = 'agent' ORDER BY reply_id"
        return _rows(self._helpdesk, statement, ticket_id)

    def change_order(self, order_id: int, *, product_id: int, quantity: int) -> None:
        """Correct a line of an order, as the order desk does in its own program."""
        with closing(sqlite3.connect(self._erp, timeout=10)) as database, database:
            database.execute(
                "UPDATE order_lines SET quantity = ? WHERE order_id = ? AND product_id = ?",
                (quantity, order_id, product_id),
            )


def _rows(file: Path, statement: str, *values: Any) -> list[Row]:
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=10)) as database:
        database.row_factory = sqlite3.Row
        return database.execute(statement, values).fetchall()
