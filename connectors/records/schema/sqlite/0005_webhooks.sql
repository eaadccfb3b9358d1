-- The outbox of webhooks and the log of their deliveries, one row for each message. Times are UTC text.
CREATE TABLE IF NOT EXISTS webhooks (
    id         TEXT    NOT NULL PRIMARY KEY,
    batch_id   TEXT    NOT NULL,
    event_type TEXT    NOT NULL,
    url        TEXT    NOT NULL,
    payload    TEXT    NOT NULL,
    state      TEXT    NOT NULL,
    due_since  TEXT    NOT NULL,
    next_at    TEXT    NOT NULL,
    claims     INTEGER NOT NULL,
    attempts   TEXT    NOT NULL,
    created_at TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now'))
);
CREATE INDEX IF NOT EXISTS webhooks_due ON webhooks (state, next_at);
CREATE INDEX IF NOT EXISTS webhooks_batch ON webhooks (batch_id, created_at, id);
