-- Credit notes; amounts are whole cents.
CREATE TABLE IF NOT EXISTS credit_notes (
    number           INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id         INTEGER NOT NULL,
    customer_id      TEXT NOT NULL,
    amount_cents     INTEGER NOT NULL CHECK (amount_cents > 0),
    currency         TEXT NOT NULL,
    reason           TEXT NOT NULL,
    account          TEXT,
    status           TEXT NOT NULL DEFAULT 'issued' CHECK (status IN ('issued', 'cancelled', 'settled')),
    version          INTEGER NOT NULL DEFAULT 1,
    idempotency_key  TEXT UNIQUE,
    request_digest   TEXT NOT NULL,
    created_at       TEXT NOT NULL,
    updated_at       TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS credit_notes_by_order ON credit_notes (order_id);
CREATE INDEX IF NOT EXISTS credit_notes_by_customer ON credit_notes (customer_id);
-- One row for each change that a POST really made: a repeated request that changes nothing adds none.
CREATE TABLE IF NOT EXISTS effects (
    effect_id  INTEGER PRIMARY KEY AUTOINCREMENT,
    kind       TEXT NOT NULL CHECK (kind IN ('created', 'cancelled', 'settled')),
    number     INTEGER NOT NULL REFERENCES credit_notes,
    at         TEXT NOT NULL
);
