-- The order desk's database. Amounts are US dollars with two digits; every sum is made in whole cents.
-- Days are ISO dates; instants are ISO date-times in UTC.

CREATE TABLE categories (
    category_id  INTEGER PRIMARY KEY,
    name         TEXT NOT NULL UNIQUE,
    description  TEXT NOT NULL
);

CREATE TABLE suppliers (
    supplier_id   INTEGER PRIMARY KEY,
    company_name  TEXT NOT NULL,
    contact_name  TEXT NOT NULL,
    city          TEXT NOT NULL,
    country       TEXT NOT NULL,
    phone         TEXT NOT NULL
);

CREATE TABLE products (
    product_id         INTEGER PRIMARY KEY,
    name               TEXT NOT NULL UNIQUE,
    supplier_id        INTEGER NOT NULL REFERENCES suppliers,
    category_id        INTEGER NOT NULL REFERENCES categories,
    quantity_per_unit  TEXT NOT NULL,
    unit_price         REAL NOT NULL CHECK (unit_price >= 0 AND unit_price = round(unit_price, 2)),
    units_in_stock     INTEGER NOT NULL CHECK (units_in_stock >= 0),
    units_on_order     INTEGER NOT NULL CHECK (units_on_order >= 0),
    reorder_level      INTEGER NOT NULL CHECK (reorder_level >= 0),
    discontinued       INTEGER NOT NULL CHECK (discontinued IN (0, 1))
);
CREATE INDEX products_by_supplier ON products (supplier_id);
CREATE INDEX products_by_category ON products (category_id);

CREATE TABLE customers (
    customer_id    TEXT PRIMARY KEY CHECK (length(customer_id) = 5 AND customer_id = upper(customer_id)),
    company_name   TEXT NOT NULL,
    contact_name   TEXT NOT NULL,
    contact_title  TEXT NOT NULL,
    address        TEXT NOT NULL,
    city           TEXT NOT NULL,
    region         TEXT,
    postal_code    TEXT,
    country        TEXT NOT NULL,
    phone          TEXT NOT NULL,
    fax            TEXT
) WITHOUT ROWID;
CREATE INDEX customers_by_company_name ON customers (company_name);

CREATE TABLE employees (
    employee_id  INTEGER PRIMARY KEY,
    first_name   TEXT NOT NULL,
    last_name    TEXT NOT NULL,
    title        TEXT NOT NULL,
    reports_to   INTEGER REFERENCES employees,
    extension    TEXT NOT NULL
);

CREATE TABLE shippers (
    shipper_id    INTEGER PRIMARY KEY,
    company_name  TEXT NOT NULL,
    phone         TEXT NOT NULL
);

CREATE TABLE orders (
    order_id          INTEGER PRIMARY KEY,
    customer_id       TEXT NOT NULL REFERENCES customers,
    employee_id       INTEGER NOT NULL REFERENCES employees,
    order_date        TEXT NOT NULL CHECK (order_date IS date(order_date)),
    required_date     TEXT NOT NULL CHECK (required_date IS date(required_date)),
    shipped_date      TEXT CHECK (shipped_date IS NULL OR shipped_date IS date(shipped_date)),
    status            TEXT NOT NULL GENERATED ALWAYS AS
                          (CASE WHEN shipped_date IS NULL THEN 'open' ELSE 'shipped' END) STORED,
    hold              INTEGER NOT NULL DEFAULT 0 CHECK (hold IN (0, 1)),
    hold_reason       TEXT CHECK (hold_reason IS NULL OR hold = 1),
    shipper_id        INTEGER NOT NULL REFERENCES shippers,
    freight           REAL NOT NULL CHECK (freight >= 0 AND freight = round(freight, 2)),
    ship_name         TEXT NOT NULL,
    ship_address      TEXT NOT NULL,
    ship_city         TEXT NOT NULL,
    ship_region       TEXT,
    ship_postal_code  TEXT,
    ship_country      TEXT NOT NULL,
    version           INTEGER NOT NULL DEFAULT 1 CHECK (version >= 1),
    updated_at        TEXT NOT NULL
);
CREATE INDEX orders_by_customer ON orders (customer_id, order_date);
CREATE INDEX orders_by_status ON orders (status, required_date);
CREATE INDEX orders_by_employee ON orders (employee_id);

-- A line's amount is rounded half up to the cent, as on the invoice; an order's total is the sum of its lines.
CREATE TABLE order_lines (
    order_id          INTEGER NOT NULL REFERENCES orders,
    product_id        INTEGER NOT NULL REFERENCES products,
    unit_price        REAL NOT NULL CHECK (unit_price >= 0 AND unit_price = round(unit_price, 2)),
    quantity          INTEGER NOT NULL CHECK (quantity > 0),
    discount_percent  INTEGER NOT NULL DEFAULT 0 CHECK (discount_percent BETWEEN 0 AND 100),
    gross_cents       INTEGER NOT NULL GENERATED ALWAYS AS
                          (CAST(round(unit_price * 100) AS INTEGER) * quantity) STORED,
    amount_cents      INTEGER NOT NULL GENERATED ALWAYS AS
                          ((CAST(round(unit_price * 100) AS INTEGER) * quantity * (100 - discount_percent) + 50) / 100)
                          STORED,
    PRIMARY KEY (order_id, product_id)
) WITHOUT ROWID;
CREATE INDEX order_lines_by_product ON order_lines (product_id);

-- What the customer has paid on an order so far: one row an order, 0.00 and no date while nothing came in.
CREATE TABLE payments (
    order_id  INTEGER PRIMARY KEY REFERENCES orders,
    paid      REAL NOT NULL DEFAULT 0 CHECK (paid >= 0 AND paid = round(paid, 2)),
    paid_at   TEXT CHECK ((paid_at IS NULL) = (paid = 0))
);

CREATE VIEW order_line_amounts AS
SELECT l.order_id, l.product_id, p.name AS product_name, l.unit_price, l.quantity, l.discount_percent,
       l.amount_cents / 100.0 AS amount
FROM order_lines AS l JOIN products AS p USING (product_id);

-- Freight is the carrier's charge to us and is not invoiced, so it is no part of the total.
CREATE VIEW order_totals AS
SELECT o.order_id, o.customer_id, count(l.product_id) AS lines,
       coalesce(sum(l.gross_cents), 0) / 100.0 AS gross,
       coalesce(sum(l.gross_cents - l.amount_cents), 0) / 100.0 AS discount,
       coalesce(sum(l.amount_cents), 0) / 100.0 AS total
FROM orders AS o LEFT JOIN order_lines AS l USING (order_id)
GROUP BY o.order_id, o.customer_id;

CREATE VIEW order_accounts AS
SELECT t.order_id, t.customer_id, t.total, coalesce(p.paid, 0.0) AS paid, p.paid_at,
       round(t.total - coalesce(p.paid, 0.0), 2) AS outstanding
FROM order_totals AS t LEFT JOIN payments AS p USING (order_id);

CREATE VIEW stock AS
SELECT p.product_id, p.name, p.units_in_stock, p.units_on_order, p.reorder_level, p.discontinued,
       coalesce(r.reserved, 0) AS units_reserved,
       p.units_in_stock - coalesce(r.reserved, 0) AS units_available
FROM products AS p
LEFT JOIN (SELECT l.product_id, sum(l.quantity) AS reserved
           FROM order_lines AS l JOIN orders AS o USING (order_id)
           WHERE o.status = 'open' GROUP BY l.product_id) AS r USING (product_id);

-- Whoever changes an order, its version goes up by one; nobody else may set it.
CREATE TRIGGER orders_version_is_kept BEFORE UPDATE OF version ON orders
WHEN new.version NOT IN (old.version, old.version + 1)
BEGIN
    SELECT RAISE(ABORT, 'the version of an order is kept by the database');
END;

CREATE TRIGGER orders_version AFTER UPDATE ON orders WHEN new.version = old.version
BEGIN
    UPDATE orders SET version = old.version + 1, updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
    WHERE order_id = new.order_id;
END;

CREATE TRIGGER order_lines_added AFTER INSERT ON order_lines
BEGIN
    UPDATE orders SET hold = hold WHERE order_id = new.order_id;
END;

CREATE TRIGGER order_lines_changed AFTER UPDATE ON order_lines
BEGIN
    UPDATE orders SET hold = hold WHERE order_id = new.order_id;
END;

CREATE TRIGGER order_lines_removed AFTER DELETE ON order_lines
BEGIN
    UPDATE orders SET hold = hold WHERE order_id = old.order_id;
END;

-- What has left the house cannot be sent elsewhere.
CREATE TRIGGER orders_shipped_stay BEFORE UPDATE OF ship_name, ship_address, ship_city, ship_region,
    ship_postal_code, ship_country, required_date, shipper_id ON orders
WHEN old.status = 'shipped'
BEGIN
    SELECT RAISE(ABORT, 'the order has been shipped: its delivery can no longer be changed');
END;
