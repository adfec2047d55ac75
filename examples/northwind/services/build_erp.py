"""Builds the order desk's SQLite database from the Northwind CSV files, the same bytes each time."""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from pathlib import Path

HERE = Path(__file__).resolve().parent
DATA = HERE.parent / "data"
SCHEMA = HERE / "erp_schema.sql"

CENT = Decimal("0.01")
TERMS = dt.timedelta(days=14)  # customers pay two weeks after shipping
LAST_DAY = dt.date(1998, 5, 6)  # the last day of the data; what would be paid later is still unpaid
PART_PAID_EVERY = 17  # orders whose number divides by this were paid by half

Row = Mapping[str, str]
Values = tuple[str | int | float | None, ...]


def rows(data: Path, name: str) -> list[dict[str, str]]:
    """The records of one CSV file, in file order."""
    with (data / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def day(text: str) -> str | None:
    """The date in a `1998-05-06 00:00:00.000` field, or nothing when the field is empty."""
    return text[:10] or None


def money(text: str) -> float:
    """A price with two digits; the source has no more."""
    amount = Decimal(text)
    if amount != amount.quantize(CENT):
        raise ValueError("an amount in the data has more than two digits")
    return float(amount)


def category(row: Row) -> Values:
    return int(row["CategoryID"]), row["CategoryName"], row["Description"]


def supplier(row: Row) -> Values:
    return (
        int(row["SupplierID"]),
        row["CompanyName"],
        row["ContactName"],
        row["City"],
        row["Country"],
        row["Phone"],
    )


def product(row: Row) -> Values:
    return (
        int(row["ProductID"]),
        row["ProductName"],
        int(row["SupplierID"]),
        int(row["CategoryID"]),
        row["QuantityPerUnit"],
        money(row["UnitPrice"]),
        int(row["UnitsInStock"]),
        int(row["UnitsOnOrder"]),
        int(row["ReorderLevel"]),
        int(row["Discontinued"]),
    )


def customer(row: Row) -> Values:
    return (
        row["CustomerID"],
        row["CompanyName"],
        row["ContactName"],
        row["ContactTitle"],
        row["Address"],
        row["City"],
        row["Region"] or None,
        row["PostalCode"] or None,
        row["Country"],
        row["Phone"],
        row["Fax"] or None,
    )


def employee(row: Row) -> Values:
    reports_to = int(row["ReportsTo"]) if row["ReportsTo"] else None
    return (
        int(row["EmployeeID"]),
        row["FirstName"],
        row["LastName"],
        row["Title"],
        reports_to,
        row["Extension"],
    )


def shipper(row: Row) -> Values:
    return int(row["ShipperID"]), row["CompanyName"], row["Phone"]


def order(row: Row) -> Values:
    changed = day(row["ShippedDate"]) or day(row["OrderDate"])
    return (
        int(row["OrderID"]),
        row["CustomerID"],
        int(row["EmployeeID"]),
        day(row["OrderDate"]),
        day(row["RequiredDate"]),
        day(row["ShippedDate"]),
        int(row["ShipVia"]),
        money(row["Freight"]),
        row["ShipName"],
        row["ShipAddress"],
        row["ShipCity"],
        row["ShipRegion"] or None,
        row["ShipPostalCode"] or None,
        row["ShipCountry"],
        f"{changed}T17:00:00.000Z",
    )


ORDER_COLUMNS = (
    "order_id, customer_id, employee_id, order_date, required_date, shipped_date, shipper_id, freight, "
    "ship_name, ship_address, ship_city, ship_region, ship_postal_code, ship_country, updated_at"
)

LINE_COLUMNS = "order_id, product_id, unit_price, quantity, discount_percent"


def discount_percent(row: Row) -> int:
    return int(Decimal(row["Discount"]) * 100)


def order_line(row: Row) -> Values:
    order_id, product_id = int(row["OrderID"]), int(row["ProductID"])
    return order_id, product_id, money(row["UnitPrice"]), int(row["Quantity"]), discount_percent(row)


def totals(lines: list[dict[str, str]]) -> dict[str, Decimal]:
    """What each order comes to: its lines, each rounded half up to the cent."""
    sums: dict[str, Decimal] = {}
    for row in lines:
        amount = Decimal(row["UnitPrice"]) * int(row["Quantity"]) * (100 - discount_percent(row)) / 100
        sums[row["OrderID"]] = sums.get(row["OrderID"], Decimal(0)) + amount.quantize(CENT, ROUND_HALF_UP)
    return sums


def payments(orders: list[dict[str, str]], lines: list[dict[str, str]]) -> Iterator[Values]:
    """What was paid on each order: all of it two weeks after shipping, half of it on every seventeenth order.

    Nothing is paid on an open order, nor where the two weeks end after the last day of the data.
    """
    total = totals(lines)
    for row in orders:
        order_id, shipped = int(row["OrderID"]), day(row["ShippedDate"])
        paid_on = dt.date.fromisoformat(shipped) + TERMS if shipped else None
        if paid_on is None or paid_on > LAST_DAY:
            yield order_id, 0.0, None
            continue
        paid = total[row["OrderID"]]
        if order_id % PART_PAID_EVERY == 0:
            paid = (paid / 2).quantize(CENT, ROUND_DOWN)
        yield order_id, float(paid), f"{paid_on.isoformat()}T12:00:00.000Z"


def load(database: sqlite3.Connection, table: str, values: Iterator[Values], columns: str = "") -> None:
    """Insert the records; `columns` is needed only where the table has more than are given."""
    records = list(values)
    marks = ", ".join("?" * len(records[0]))
    into = f"{table} ({columns})" if columns else table
    database.executemany(f"INSERT INTO {into} VALUES ({marks})", records)


def fill(database: sqlite3.Connection, data: Path) -> None:
    plain: list[tuple[str, str, Callable[[Row], Values]]] = [
        ("categories", "categories", category),
        ("suppliers", "suppliers", supplier),
        ("products", "products", product),
        ("shippers", "shippers", shipper),
    ]
    for table, name, record in plain:
        load(database, table, map(record, rows(data, name)))
    # Two entries of the source are somebody's test, without address, phone or order.
    load(database, "customers", (customer(row) for row in rows(data, "customers") if row["Country"]))
    staff = sorted(rows(data, "employees"), key=lambda row: (row["ReportsTo"] != "", row["EmployeeID"]))
    load(database, "employees", map(employee, staff))
    orders, lines = rows(data, "orders"), rows(data, "order_details")
    load(database, "orders", map(order, orders), ORDER_COLUMNS)
    load(database, "order_lines", map(order_line, lines), LINE_COLUMNS)
    load(database, "payments", payments(orders, lines))


def statements(script: str) -> tuple[str, str]:
    """The schema in two parts: tables and views, then triggers, for loading the data is no change to it."""
    start = script.index("CREATE TRIGGER")
    return script[:start], script[start:]


def build(out: Path, data: Path = DATA) -> None:
    """Write the database to `out`, replacing what is there.

    The file appears whole or not at all. Nobody may have the old one open: what they write would be lost.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    fresh = out.with_name(out.name + ".new")
    fresh.unlink(missing_ok=True)
    tables, triggers = statements(SCHEMA.read_text(encoding="utf-8"))
    database = sqlite3.connect(fresh, isolation_level=None)
    try:
        database.execute("PRAGMA journal_mode = OFF")  # a build that dies is thrown away
        database.execute("PRAGMA foreign_keys = ON")
        database.executescript(tables)
        database.execute("BEGIN")
        fill(database, data)
        database.execute("COMMIT")
        database.executescript(triggers)
        database.execute("ANALYZE")
        database.execute("PRAGMA journal_mode = WAL")
    finally:
        database.close()
    # A log left behind by the old file would be replayed into the new one.
    for suffix in ("-wal", "-shm"):
        out.with_name(out.name + suffix).unlink(missing_ok=True)
    fresh.replace(out)


def main() -> None:
    parser = argparse.ArgumentParser(description="Build the order desk's database from the Northwind CSV files.")
    parser.add_argument("--out", type=Path, required=True, help="the SQLite file to write")
    parser.add_argument("--data", type=Path, default=DATA, help="the folder of CSV files (default: %(default)s)")
    options = parser.parse_args()
    build(options.out, options.data)
    print(f"built {options.out}")


if __name__ == "__main__":
    main()
