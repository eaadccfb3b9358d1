-- The outbox of webhooks and the log of their deliveries, one row for each message. Times are UTC.
CREATE TABLE IF NOT EXISTS webhooks (
    id         VARCHAR(64)   NOT NULL,
    batch_id   VARCHAR(160)  NOT NULL,
    event_type VARCHAR(32)   NOT NULL,
    url        VARCHAR(1024) NOT NULL,
    payload    MEDIUMTEXT    NOT NULL,
    state      VARCHAR(16)   NOT NULL,
    due_since  DATETIME(6)   NOT NULL,
    next_at    DATETIME(6)   NOT NULL,
    claims     INT           NOT NULL,
    attempts   MEDIUMTEXT    NOT NULL,
    created_at DATETIME(6)   NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    PRIMARY KEY (id),
    KEY webhooks_due (state, next_at),
    KEY webhooks_batch (batch_id, created_at, id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin;
