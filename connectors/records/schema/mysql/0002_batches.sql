-- One row per batch, a projection of the batch log. Times are UTC.
CREATE TABLE IF NOT EXISTS batches (
    id          VARCHAR(160) NOT NULL,
    project_id  VARCHAR(255) NOT NULL,
    external_id VARCHAR(255) NOT NULL,
    status      VARCHAR(16)  NOT NULL,
    priority    INT          NOT NULL,
    photos      BIGINT       NOT NULL,
    processed   BIGINT       NOT NULL,
    failed      BIGINT       NOT NULL,
    cancelled   BIGINT       NOT NULL,
    run         INT          NOT NULL,
    created_at  DATETIME(6)  NOT NULL,
    started_at  DATETIME(6)  NULL,
    ended_at    DATETIME(6)  NULL,
    updated_at  DATETIME(6)  NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
                             ON UPDATE CURRENT_TIMESTAMP(6),
    PRIMARY KEY (id),
    KEY batches_time (created_at, id),
    KEY batches_status (status, created_at, id),
    KEY batches_project (project_id, created_at, id),
    KEY batches_external_id (external_id, created_at, id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin;
