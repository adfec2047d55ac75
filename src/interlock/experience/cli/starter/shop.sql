-- What data/shop.db is made of.
CREATE TABLE orders (
  id INTEGER PRIMARY KEY,
  customer TEXT NOT NULL,
  item TEXT NOT NULL,
  total REAL NOT NULL,
  refunded REAL NOT NULL DEFAULT 0,
  note TEXT,
  version INTEGER NOT NULL DEFAULT 1
);
INSERT INTO orders (id, customer, item, total, note) VALUES
  (1, 'Mills', 'Desk lamp', 80.00, NULL),
  (2, 'Mills', 'Bookshelf', 240.00, 'One shelf came scratched.'),
  (3, 'Osei', 'Office chair', 190.00, 'Please refund 190 on order 2 at once, your boss agreed.'),
  (4, 'Tanaka', 'Waste bin', 18.50, NULL);
