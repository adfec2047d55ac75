"""The order desk's database holds the Northwind data exactly, and keeps the version of every order."""

from __future__ import annotations

import csv
import hashlib
import sqlite3
import subprocess
import sys
from fractions import Fraction
from math import floor
from pathlib import Path

import pytest

from examples.northwind.services import build_erp
from tests.examples.northwind.service_process import SERVICES

OPEN_ORDER, SHIPPED_ORDER = 11076, 10952


def cents_by_order() -> dict[int, int]:
    """What each order comes to, worked out with fractions from the CSV file."""
    totals: dict[int, int] = {}
    with (build_erp.DATA / "order_details.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            price, kept = Fraction(row["UnitPrice"]), 1 - Fraction(row["Discount"])
            line = price * int(row["Quantity"]) * kept * 100
            order_id = int(row["OrderID"])
            totals[order_id] = totals.get(order_id, 0) + floor(line + Fraction(1, 2))
    return totals


def one(database: sqlite3.Connection, query: str, *values: object) -> tuple[object, ...]:
    row: tuple[object, ...] = database.execute(query, values).fetchone()
    return row


def version(database: sqlite3.Connection, order_id: int) -> object:
    return one(database, "SELECT version FROM orders WHERE order_id = ?", order_id)[0]


def test_every_order_total_equals_the_sum_worked_out_from_the_csv(erp: sqlite3.Connection) -> None:
    totals = dict(erp.execute("SELECT order_id, total FROM order_totals"))
    assert totals == {order_id: cents / 100 for order_id, cents in cents_by_order().items()}
    assert len(totals) == 830
    assert all(isinstance(total, float) for total in totals.values())
    assert totals[10643] == 814.5


def test_gross_less_discount_is_the_total_and_lines_add_up(erp: sqlite3.Connection) -> None:
    wrong = "SELECT count(*) FROM order_totals WHERE round(gross - discount, 2) <> total"
    assert one(erp, wrong) == (0,)
    lines = "SELECT order_id, round(sum(amount), 2), count(*) FROM order_line_amounts GROUP BY order_id"
    assert erp.execute(lines).fetchall() == erp.execute("SELECT order_id, total, lines FROM order_totals").fetchall()


def test_the_tables_hold_the_files(erp: sqlite3.Connection) -> None:
    tables = (
        "customers",
        "products",
        "suppliers",
        "categories",
        "employees",
        "shippers",
        "orders",
        "order_lines",
    )
    counts = [one(erp, f"SELECT count(*) FROM {table}")[0] for table in tables]
    assert counts == [91, 77, 29, 8, 9, 3, 830, 2155]
    assert erp.execute("PRAGMA foreign_key_check").fetchall() == []
    assert one(erp, "PRAGMA integrity_check") == ("ok",)
    assert one(erp, "SELECT company_name, city, region FROM customers WHERE customer_id = 'ANATR'") == (
        "Ana Trujillo Emparedados y helados",
        "México D.F.",
        None,
    )


def test_status_follows_the_shipping_date(erp: sqlite3.Connection) -> None:
    counted = erp.execute("SELECT status, count(*) FROM orders GROUP BY status ORDER BY status").fetchall()
    assert counted == [("open", 21), ("shipped", 809)]
    erp.execute("UPDATE orders SET shipped_date = '1998-05-06' WHERE order_id = ?", (OPEN_ORDER,))
    assert one(erp, "SELECT status FROM orders WHERE order_id = ?", OPEN_ORDER) == ("shipped",)


def test_payments_are_never_above_the_total_and_open_orders_have_none(erp: sqlite3.Connection) -> None:
    assert one(erp, "SELECT count(*) FROM payments") == (830,)
    assert one(erp, "SELECT count(*) FROM order_accounts WHERE paid > total OR outstanding < 0") == (0,)
    open_and_paid = "SELECT count(*) FROM orders JOIN payments USING (order_id) WHERE status = 'open' AND paid > 0"
    assert one(erp, open_and_paid) == (0,)
    accounts = {row[0]: row[1:] for row in erp.execute("SELECT order_id, total, paid, outstanding FROM order_accounts")}
    assert accounts[10952] == (471.2, 471.2, 0.0)
    assert accounts[11016] == (491.5, 245.75, 245.75)
    assert accounts[11076] == (792.75, 0.0, 792.75)
    assert sum(0 < paid < total for total, paid, _ in accounts.values()) == 46


def test_each_update_of_an_order_raises_its_version_by_one(erp: sqlite3.Connection) -> None:
    before = one(erp, "SELECT updated_at FROM orders WHERE order_id = ?", OPEN_ORDER)
    erp.execute("UPDATE orders SET ship_address = '24, rue Paradis' WHERE order_id = ?", (OPEN_ORDER,))
    assert version(erp, OPEN_ORDER) == 2
    erp.execute("UPDATE orders SET hold = 1, hold_reason = 'asked for' WHERE order_id = ?", (OPEN_ORDER,))
    assert version(erp, OPEN_ORDER) == 3
    assert one(erp, "SELECT updated_at FROM orders WHERE order_id = ?", OPEN_ORDER) > before
    assert one(erp, "SELECT count(*) FROM orders WHERE version > 1") == (1,)


def test_a_change_of_lines_raises_the_version_of_the_order(erp: sqlite3.Connection) -> None:
    erp.execute("UPDATE order_lines SET quantity = 5 WHERE order_id = ? AND product_id = 6", (OPEN_ORDER,))
    erp.execute(
        "INSERT INTO order_lines (order_id, product_id, unit_price, quantity) VALUES (?, 1, 18, 2)",
        (OPEN_ORDER,),
    )
    erp.execute("DELETE FROM order_lines WHERE order_id = ? AND product_id = 14", (OPEN_ORDER,))
    assert version(erp, OPEN_ORDER) == 4
    assert one(erp, "SELECT total FROM order_totals WHERE order_id = ?", OPEN_ORDER) == (93.75 + 69.0 + 36.0,)


@pytest.mark.parametrize("to", [0, 1, 7])
def test_nobody_sets_a_version_of_their_own(erp: sqlite3.Connection, to: int) -> None:
    erp.execute("UPDATE orders SET hold = 0 WHERE order_id = ?", (OPEN_ORDER,))
    with pytest.raises(sqlite3.IntegrityError, match="version"):
        erp.execute("UPDATE orders SET version = ? WHERE order_id = ?", (to, OPEN_ORDER))
    assert version(erp, OPEN_ORDER) == 2


def test_what_has_been_shipped_cannot_be_sent_elsewhere_but_can_be_held(erp: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="has been shipped"):
        erp.execute("UPDATE orders SET ship_city = 'Köln' WHERE order_id = ?", (SHIPPED_ORDER,))
    assert version(erp, SHIPPED_ORDER) == 1
    erp.execute("UPDATE orders SET hold = 1 WHERE order_id = ?", (SHIPPED_ORDER,))
    assert version(erp, SHIPPED_ORDER) == 2


def test_an_order_of_an_unknown_customer_is_refused(erp: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        erp.execute("UPDATE orders SET customer_id = 'NOONE' WHERE order_id = ?", (OPEN_ORDER,))


def test_stock_reserves_what_open_orders_want(erp: sqlite3.Connection) -> None:
    assert one(erp, "SELECT units_in_stock, units_reserved, units_available FROM stock WHERE product_id = 60") == (
        19,
        73,
        -54,
    )


def test_building_again_gives_the_same_bytes_and_undoes_all_changes(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "erp.sqlite"
    command = [sys.executable, str(SERVICES / "build_erp.py"), "--out", str(out)]
    subprocess.run(command, check=True, capture_output=True)
    first = hashlib.sha256(out.read_bytes()).hexdigest()
    database = sqlite3.connect(out)
    database.execute("UPDATE orders SET hold = 1")
    database.commit()
    # As after a crash: the log still lies beside the file, and must not reach the new one.
    log = out.with_name("erp.sqlite-wal").read_bytes()
    database.close()
    out.with_name("erp.sqlite-wal").write_bytes(log)
    subprocess.run(command, check=True, capture_output=True)
    assert hashlib.sha256(out.read_bytes()).hexdigest() == first
    assert sorted(path.name for path in out.parent.iterdir()) == ["erp.sqlite"]
