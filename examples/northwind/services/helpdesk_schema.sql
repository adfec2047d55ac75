-- Tickets and their replies.
CREATE TABLE IF NOT EXISTS tickets (
    ticket_id        INTEGER PRIMARY KEY AUTOINCREMENT,
    customer_id      TEXT NOT NULL,
    contact_name     TEXT NOT NULL,
    contact_email    TEXT,
    channel          TEXT NOT NULL,
    order_id         INTEGER,
    subject          TEXT NOT NULL,
    body             TEXT NOT NULL,
    status           TEXT NOT NULL CHECK (status IN ('open', 'pending', 'solved', 'closed')),
    priority         TEXT NOT NULL CHECK (priority IN ('low', 'normal', 'high')),
    version          INTEGER NOT NULL DEFAULT 1,
    idempotency_key  TEXT UNIQUE,
    request_digest   TEXT,
    created_at       TEXT NOT NULL,
    updated_at       TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS tickets_by_customer ON tickets (customer_id);
CREATE INDEX IF NOT EXISTS tickets_by_status ON tickets (status);
CREATE TABLE IF NOT EXISTS replies (
    reply_id         INTEGER PRIMARY KEY AUTOINCREMENT,
    ticket_id        INTEGER NOT NULL REFERENCES tickets,
    author           TEXT NOT NULL CHECK (author IN ('agent', 'customer')),
    body             TEXT NOT NULL,
    public           INTEGER NOT NULL CHECK (public IN (0, 1)),
    idempotency_key  TEXT UNIQUE,
    request_digest   TEXT,
    created_at       TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS replies_by_ticket ON replies (ticket_id);
-- One row for each change that a POST really made: a repeated request that changes nothing adds none.
CREATE TABLE IF NOT EXISTS effects (
    effect_id  INTEGER PRIMARY KEY AUTOINCREMENT,
    kind       TEXT NOT NULL CHECK (kind IN ('ticket created', 'reply added', 'status set')),
    ticket_id  INTEGER NOT NULL REFERENCES tickets,
    at         TEXT NOT NULL
);
