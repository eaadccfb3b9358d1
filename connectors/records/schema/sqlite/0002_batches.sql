-- One row per batch, a projection of the batch log. Times are UTC text.
CREATE TABLE IF NOT EXISTS batches (
    id          TEXT    NOT NULL PRIMARY KEY,
    project_id  TEXT    NOT NULL,
    external_id TEXT    NOT NULL,
    status      TEXT    NOT NULL,
    priority    INTEGER NOT NULL,
    photos      INTEGER NOT NULL,
    processed   INTEGER NOT NULL,
    failed      INTEGER NOT NULL,
    cancelled   INTEGER NOT NULL,
    run         INTEGER NOT NULL,
    created_at  TEXT    NOT NULL,
    started_at  TEXT,
    ended_at    TEXT,
    updated_at  TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now'))
);
CREATE INDEX IF NOT EXISTS batches_time ON batches (created_at, id);
CREATE INDEX IF NOT EXISTS batches_status ON batches (status, created_at, id);
CREATE INDEX IF NOT EXISTS batches_project ON batches (project_id, created_at, id);
CREATE INDEX IF NOT EXISTS batches_external_id ON batches (external_id, created_at, id);
